"""Fractions the way scribes in Egypt wrote them: sums of different unit fractions.

>>> from abacus.egyptian import unit_fractions
>>> unit_fractions(3, 4)
[2, 4]
"""


def unit_fractions(above, below):
    """Return the denominators of unit fractions that add up to a fraction below one.

    >>> unit_fractions(2, 3)
    [2, 6]
    >>> unit_fractions(5, 121)
    [25, 757, 763309, 873960180913, 1527612795642093418846225]
    """
    found = []
    while above:
        unit = -(-below // above)
        found.append(unit)
        above, below = above * unit - below, below * unit
    return found


def written(above, below):
    """Write a fraction as its sum of unit fractions.

    >>> written(2, 3)
    '1/2 + 1/6'
    """
    return " + ".join(f"1/{unit}" for unit in unit_fractions(above, below))
