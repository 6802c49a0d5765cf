"""Money, counted in cents so that none gets lost.

>>> from abacus.currency import price
>>> price(1999)
'19.99'
"""

from abacus import words


def price(cents):
    """Write an amount of cents as a price.

    >>> price(5)
    '0.05'
    >>> price(120)
    '1.20'
    """
    return f"{cents // 100}.{cents % 100:02}"


def split_bill(cents, guests):
    """Share a bill so that nobody pays more than one cent above another.

    >>> split_bill(1000, 3)
    [334, 333, 333]
    """
    share, left = divmod(cents, guests)
    return [share + 1] * left + [share] * (guests - left)


def cheque(cents):
    """Write an amount in words, as a cheque asks for it.

    >>> cheque(4250)
    'forty-two and 50/100'
    """
    return f"{words.spell(cents // 100)} and {cents % 100:02}/100"
