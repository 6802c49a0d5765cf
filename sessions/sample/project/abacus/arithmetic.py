"""Small arithmetic: what one does in the margin of a page.

>>> from abacus.arithmetic import digit_sum
>>> digit_sum(1984)
22
"""


def digit_sum(number):
    """Add up the decimal digits of a number.

    >>> digit_sum(90)
    9
    >>> digit_sum(-12)
    3
    """
    return sum(int(digit) for digit in str(abs(number)))


def mean(numbers):
    """Return the mean of whole numbers, in whole numbers.

    >>> mean([2, 4, 6])
    4
    >>> mean([1, 2])
    1
    """
    return sum(numbers) // len(numbers)


def clamp(number, low, high):
    """Return the number, or the bound that it oversteps.

    >>> clamp(12, 1, 6)
    6
    >>> clamp(-3, 1, 6)
    1
    """
    return max(low, min(number, high))
