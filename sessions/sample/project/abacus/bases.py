"""Numbers in other bases than ten.

>>> from abacus.bases import to_base
>>> to_base(42, 2)
'101010'
"""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def to_base(number, base):
    """Write a number that is not negative in a base from 2 to 36.

    >>> to_base(255, 16)
    'ff'
    >>> to_base(0, 7)
    '0'
    """
    digits = ""
    while number:
        number, last = divmod(number, base)
        digits = DIGITS[last] + digits
    return digits or "0"


def from_base(digits, base):
    """Read a number in a base from 2 to 36; capital letters will do as well.

    >>> from_base("ff", 16)
    255
    >>> from_base("FF", 16)
    255
    """
    return int(digits, base)
