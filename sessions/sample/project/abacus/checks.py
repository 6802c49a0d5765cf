"""Check digits: small sums that notice a slip of the pen.

>>> from abacus.checks import luhn
>>> luhn("79927398713")
True
"""

from abacus.bases import to_base


def luhn(digits):
    """Tell whether the digits of a card's number pass Luhn's test.

    >>> luhn("79927398710")
    False
    """
    beads = [int(digit) for digit in reversed(digits)]
    doubled = sum(sum(divmod(2 * bead, 10)) for bead in beads[1::2])
    return (sum(beads[::2]) + doubled) % 10 == 0


def parcel_label(number):
    """Return the label of a parcel: its number in base 36 and a check digit.

    >>> parcel_label(1295)
    'zz-d'
    >>> parcel_label(100)
    '2s-i'
    """
    digits = to_base(number, 36)
    return f"{digits}-{to_base(7 * number % 31, 36)}"
