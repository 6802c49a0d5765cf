"""Colours, as the web writes them.

>>> from abacus.colours import web_colour
>>> web_colour(0, 128, 0)
'#008000'
"""

from abacus.bases import from_base, to_base


def web_colour(red, green, blue):
    """Write a colour, given as three numbers from 0 to 255.

    >>> web_colour(255, 127, 80)
    '#ff7f50'
    """
    return "#" + "".join(to_base(part, 16).rjust(2, "0") for part in (red, green, blue))


def parts(colour):
    """Read red, green and blue from a colour.

    >>> parts("#ff7f50")
    (255, 127, 80)
    """
    return tuple(from_base(colour[start : start + 2], 16) for start in (1, 3, 5))
