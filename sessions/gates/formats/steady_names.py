"""Make names of tests that are the same in each run: they keep what distinguishes tests, and lose what changes."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_T = TypeVar("_T")
# Characters of a name that are kept.
_LONGEST = 4096

_TEMPORARY = r"(?:/private)?(?:/var)?/tmp|/var/folders/\w{2}/\w{1,60}/T"
# Nobody writes these into a test's parameters by hand, so they always change.
_SURE = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\bat 0x[0-9a-fA-F]{4,16}\b", "at 0x…"),
        (r"(?<=[A-Za-z_$\]])@[0-9a-f]{6,8}\b", "@…"),  # Java's Object.toString
        (r"\b([Pp][Ii][Dd])([ =:]{1,2})\d{1,7}\b", r"\1\2…"),
        (rf"({_TEMPORARY})/pytest-of-[^/\s]{{1,60}}/pytest-\d{{1,6}}", r"\1/…"),
        (rf"({_TEMPORARY})/tmp\.?[A-Za-z0-9_]{{6,12}}\b", r"\1/…"),
        (rf"({_TEMPORARY})/[\w.-]{{0,60}}?(?:\d{{6,20}}|[.-][A-Za-z0-9]{{6,12}})(?=[/\s\])'\"]|$)", r"\1/…"),
    )
)
# These may be parameters that somebody chose, so they may matter.
_PERHAPS = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (
            r"\b\d{4}-\d\d-\d\d[ T_]\d\d[:.-]?\d\d(?:[:.-]?\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d)",
            "…",
        ),
        (r"\b20\d{12}\b", "…"),  # as `%Y%m%d%H%M%S` writes a time
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "…"),
        (r"\b0x[0-9a-fA-F]{6,16}\b", "0x…"),
        (r"(\blocalhost|\b127\.0\.0\.1|\b0\.0\.0\.0|\[::1?\]):\d{2,5}\b", r"\1:…"),
        (r"\b([Pp]ort)([ =:]{1,2})\d{2,5}\b", r"\1\2…"),
    )
)
_NUMBER = re.compile(r"\d+\.\d+|\d{5,}")
_LINE = re.compile(r"(?<=\.\w):\d+|(?<=\.\w\w):\d+|(?<=\.\w\w\w):\d+|\bline \d+")


def shorten(name: str) -> str:
    """Replace the end of a very long name by its digest."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}…{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def without_changing(name: str) -> str:
    """Replace the parts of a name that certainly change: addresses, process ids, temporary folders."""
    for pattern, word in _SURE:
        name = pattern.sub(word, name)
    return name


def without_dates(name: str) -> str:
    """Replace the parts of a name that may change: date-times, UUIDs, ports."""
    for pattern, word in _PERHAPS:
        name = pattern.sub(word, name)
    return name


def steady_text(text: str) -> str:
    """Replace addresses, times, line numbers and measured values in a message, so that it identifies a failure."""
    return _NUMBER.sub("…", _LINE.sub(":…", without_dates(without_changing(text))))


def steady_names(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a name for each (file, name) of a report that is the same in each run.

    A part that may be a parameter is kept if two tests of a file would otherwise get the same name. The end of a very
    long name is replaced by its digest: nobody reads it, and reading it would take minutes.
    """
    shared: dict[tuple[str, str], set[str]] = defaultdict(set)
    sure_names = {(file, name): without_changing(shorten(name)) for file, name in names}
    for (file, _), sure in sure_names.items():
        shared[file, without_dates(sure)].add(sure)
    chosen: dict[tuple[str, str], str] = {}
    for (file, name), sure in sure_names.items():
        short = without_dates(sure)
        chosen[file, name] = short if len(shared[file, short]) == 1 else sure
    return chosen


def number(name: str, place: int) -> str:
    """Number items of the same name; ``place`` counts from 0: ``a``, ``a (2nd)``, ``a (3rd)``."""
    if place == 0:
        return name
    count = place + 1
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{name} ({count}{ending})"


def part_by(items: Sequence[_T], label: Callable[[_T], str]) -> list[tuple[str, list[_T]]]:
    """Group the items by their labels if these differ; otherwise return one group with an empty label."""
    parts: dict[str, list[_T]] = defaultdict(list)
    for item in items:
        parts[label(item)].append(item)
    return sorted(parts.items()) if len(parts) > 1 else [("", list(items))]
