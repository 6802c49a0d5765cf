"""Roman numerals.

>>> from abacus.roman import to_roman
>>> to_roman(2026)
'MMXXVI'
"""

NUMERALS = {
    "M": 1000, "CM": 900, "D": 500, "CD": 400, "C": 100, "XC": 90,
    "L": 50, "XL": 40, "X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1,
}


def to_roman(number):
    """Write a number in Roman numerals.

    >>> to_roman(4)
    'IV'
    >>> to_roman(1999)
    'MCMXCIX'
    """
    written = ""
    for numeral, value in NUMERALS.items():
        count, number = divmod(number, value)
        written += numeral * count
    return written


def from_roman(written):
    """Read a number in Roman numerals.

    >>> from_roman("MCMXCIX")
    1999
    """
    values = [NUMERALS[numeral] for numeral in written]
    return sum(-value if value < after else value for value, after in zip(values, values[1:] + [0]))
