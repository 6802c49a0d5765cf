"""Measures: carpets, rooms and what they are measured with.

>>> from abacus.measure import inches
>>> inches(1)
12
"""


def inches(feet):
    """Turn feet into inches.

    >>> inches(6)
    72
    """
    return 12 * feet


def area(length, width):
    """Return the area of a carpet.

    >>> area(3, 4)
    12
    >>> area(1.1, 1.1)
    1.21
    """
    return length * width
