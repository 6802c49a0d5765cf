"""The numbers of tickets: plain ones, and those of a day with several trackers, which have a prefix. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, NewType

PREFIX = re.compile(r"[a-z]{1,4}[!#]")
# A tracker's own numbers stay below this.
_SPAN = 10**9
_NUMBER = re.compile(rf"(?P<prefix>{PREFIX.pattern})?(?P<own>[1-9]\d{{0,8}})")

if TYPE_CHECKING:
    TicketNumber = int
else:  # cattrs finds no mark on a plain type, as that of Annotated
    TicketNumber = NewType("TicketNumber", int)
"""A ticket's number in a class that is written as JSON: a whole number there, or a text such as ``gl!12``."""
JSON_SCHEMA = {"type": ["integer", "string"], "pattern": f"^{PREFIX.pattern}[1-9][0-9]{{0,8}}$"}
"""The schema of a :data:`TicketNumber`."""


class PrefixedNumber(int):
    """The number of a ticket in a project with several trackers; in text it is ``gl!12``.

    Its value is made of the prefix and the tracker's own number: at most 53 bits, the same on every day and machine.
    """

    def __str__(self) -> str:
        """``gl!12``."""
        code, own = divmod(int(self), _SPAN)
        letters, sign = "", "!#"[code % 2]
        code //= 2
        while code:
            code, letter = divmod(code, 27)
            letters = chr(ord("a") + letter - 1) + letters
        return f"{letters}{sign}{own}"


def add_prefix(prefix: str, number: int) -> int:
    """Return the number with its tracker's prefix; as it is if that is empty.

    Raises ValueError for a number of more than nine digits.

    >>> str(add_prefix("gl!", 12)), add_prefix("", 12)
    ('gl!12', 12)
    """
    if not prefix:
        return number
    if not 0 <= number < _SPAN:
        raise ValueError(f"{number} has more than nine digits")
    code = 0
    for letter in prefix[:-1]:
        code = 27 * code + ord(letter) - ord("a") + 1
    return PrefixedNumber((2 * code + "!#".index(prefix[-1])) * _SPAN + number)


def prefix_of(number: int) -> str:
    """Return the prefix of a number, empty for a plain one."""
    return str(number).rstrip("0123456789") if isinstance(number, PrefixedNumber) else ""


def own_number(number: int) -> int:
    """Return a ticket's number in its own tracker."""
    return int(number) % _SPAN if isinstance(number, PrefixedNumber) else number


def parse_ticket_number(text: str) -> int:
    """Return the number that a user typed: ``12``, ``#12`` or ``gl!12``.

    Raises ValueError for anything else.
    """
    found = _NUMBER.fullmatch(text.removeprefix("#"))
    if found is None:
        raise ValueError(f"{text!r} is not the number of a ticket, such as 12 or gl!12")
    return add_prefix(found["prefix"] or "", int(found["own"]))


def plain_number(number: int) -> int | str:
    """Return a ticket's number as JSON has it: ``12``, or ``"gl!12"``."""
    return str(number) if isinstance(number, PrefixedNumber) else number


def plain_numbers(numbers: Iterable[int]) -> list[int | str]:
    """Return numbers as they are written in JSON."""
    return [plain_number(number) for number in numbers]


def name_ticket(number: int | str) -> str:
    """Return how a ticket is called in a sentence: ``#12``, or ``gl!12``, also from the text in JSON."""
    name = str(number)
    return f"#{name}" if name.isdecimal() else name


def file_name(number: int | str) -> str:
    """Return a ticket's number for names of files, refs and images: ``12``, or ``gl-12``."""
    return str(number).replace("!", "-").replace("#", "-")


def shell_word(*numbers: int) -> str:
    """Return tickets' numbers, separated by commas, as a shell reads them: ``12,15``, or ``'gl!12'``."""
    return shlex.quote(",".join(map(str, numbers)))
