"""Phrases for numbers and lists in messages."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "ticket"), counted(3, "test")
    ('1 ticket', '3 tests')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def are(number: int) -> str:
    """Return a number with its verb.

    >>> are(1), are(0)
    ('1 is', '0 are')
    """
    return f"{number} {'is' if number == 1 else 'are'}"


def name_first(names: Sequence[object], most: int = 3) -> str:
    """Return the first names, and how many more there are.

    >>> name_first(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def suggest(typed: object, names: list[str]) -> str:
    """Return a clause with the name that is nearest to what was typed, or with all names.

    >>> suggest("DOCTER", ["doctest", "lint"]), suggest("x", ["a", "b"])
    ("; did you mean 'doctest'?", '; known are a, b')
    """
    spelled = {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(typed).lower(), spelled, n=1, cutoff=0.5)
    return f"; did you mean {spelled[near[0]]!r}?" if near else f"; known are {', '.join(names)}"
