"""Numbers in English words.

>>> from abacus.words import ordinal
>>> ordinal(22)
'22nd'
"""

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number):
    """Spell a number below one thousand.

    >>> spell(13)
    'thirteen'
    >>> spell(342)
    'three hundred forty-two'
    """
    if number < 20:
        return SMALL[number]
    size, unit = (10, TENS[number // 10] + "-") if number < 100 else (100, SMALL[number // 100] + " hundred ")
    rest = number % size
    return unit + spell(rest) if rest else unit.rstrip("- ")


def ordinal(number):
    """Write a number as a place in a row.

    >>> ordinal(1)
    '1st'
    >>> ordinal(113)
    '113th'
    """
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}th" if number % 100 in (11, 12, 13) else f"{number}{ends.get(number % 10, 'th')}"
