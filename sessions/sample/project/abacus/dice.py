"""Dice. What they show is up to chance.

>>> from abacus.dice import roll
>>> 1 <= roll() <= 6
True
"""

import random


def roll(sides=6):
    """Roll one die.

    >>> roll(1)
    1
    >>> roll(20) in range(1, 21)
    True
    """
    return random.randint(1, sides)


def rolls(count):
    """Roll several dice, one after the other.

    >>> len(rolls(5))
    5

    A six turns up within seven rolls:

    >>> 6 in rolls(7)
    True
    """
    return [roll() for _ in range(count)]


def chance(total):
    """Count in how many of the 36 ways two dice show this total.

    >>> chance(7)
    6
    >>> chance(2)
    1
    """
    return sum(first + second == total for first in range(1, 7) for second in range(1, 7))
