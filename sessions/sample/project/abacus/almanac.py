"""Years and weekdays, in the Gregorian calendar.

>>> from abacus.almanac import weekday
>>> weekday(2000, 1, 1)
'Saturday'
"""

DAYS = ("Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def is_leap(year):
    """Tell whether a year has a 29th of February.

    >>> is_leap(2024)
    True
    >>> is_leap(1900)
    False
    >>> is_leap(2000)
    True
    """
    return year % 4 == 0


def weekday(year, month, day):
    """Return the weekday of a date, by Zeller's congruence.

    >>> weekday(1969, 7, 20)
    'Sunday'
    """
    if month < 3:
        year, month = year - 1, month + 12
    century, rest = divmod(year, 100)
    return DAYS[(day + 13 * (month + 1) // 5 + rest + rest // 4 + century // 4 + 5 * century) % 7]


def fridays_13th(year):
    """List the months of a year with a Friday the 13th.

    >>> fridays_13th(2026)
    [2, 3, 11]
    """
    return [month for month in range(1, 13) if weekday(year, month, 13) == "Friday"]
