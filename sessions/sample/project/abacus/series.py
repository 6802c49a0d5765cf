"""Numbers that come one after the other.

>>> from abacus.series import triangular
>>> [triangular(n) for n in range(1, 6)]
[1, 3, 6, 10, 15]
"""


def triangular(number):
    """Count the beads of a triangle with so many rows.

    >>> triangular(100)
    5050
    """
    return number * (number + 1) // 2


def fibonacci(number):
    """Count pairs of rabbits after so many months.

    >>> [fibonacci(n) for n in range(8)]
    [0, 1, 1, 2, 3, 5, 8, 13]
    """
    one, two = 0, 1
    for _ in range(number):
        one, two = two, one + two
    return one
