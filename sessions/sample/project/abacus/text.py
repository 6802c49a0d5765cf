"""Numbers and tables as text.

>>> from abacus.text import grouped
>>> grouped(1234567)
'1,234,567'
"""


def grouped(number):
    """Write a number with its digits in groups of three.

    >>> grouped(999)
    '999'
    >>> grouped(-1000)
    '-1,000'
    """
    return f"{number:,}"


def columns(rows):
    """Write rows as a table: what is left is put left, numbers are put right.

    >>> print(columns([("beads", "7"), ("rods", "13")]))
    beads   7
    rods   13
    """
    left = max(len(name) for name, _ in rows)
    right = max(len(value) for _, value in rows)
    return "\n".join(f"{name:<{left}}  {value:>{right}}" for name, value in rows)


def centred(title, width):
    """Put a title in the middle of a line.

    >>> centred("Beads", 11)
    '   Beads'
    """
    return title.center(width).rstrip()


def underlined(title):
    """Put a line under a title.

    >>> print(underlined("Beads"))
    Beads
    -----
    """
    line = "-" * len(title)
    return f"{title}\n{line}"
