"""A shopkeeper's ledger: one number a day.

>>> from abacus.ledger import best_day
>>> best_day({"Monday": 12, "Tuesday": 31})
'Tuesday'
"""

from abacus.arithmetic import mean
from abacus.text import columns


def best_day(takings):
    """Name the day that brought most.

    >>> best_day({"Friday": 7, "Saturday": 7})
    'Friday'
    """
    return max(takings, key=takings.get)


def usual_day(takings):
    """Tell what a usual day brings.

    >>> usual_day({"Monday": 12, "Tuesday": 31, "Wednesday": 20})
    '21 coins a day'
    """
    return f"{mean(list(takings.values()))} coins a day"


def page(takings):
    """Return the ledger's page, a line a day.

    >>> print(page({"Monday": 12, "Tuesday": 31}))
    Monday   12
    Tuesday  31
    """
    return columns([(day, str(coins)) for day, coins in takings.items()])
