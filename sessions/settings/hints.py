"""``hints.toml``, beside the configuration: what the release manager decides against the rules, and until when.

Each hint has an owner, a reason and an end, so that none is forgotten: one past its end is an error.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from sessions.settings.toml_text import parse_toml, read_edited_text
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import name_ticket, parse_ticket_number

HINTS = "hints.toml"
# What a hint can do; each has exactly one of these keys.
_TICKETS = ("keep_out", "let_in", "urgent", "order")
_ACTIONS = (*_TICKETS, "ignore")
_KEYS = (*_ACTIONS, "gate", "owner", "reason", "until", "closed")


@dataclass(frozen=True, kw_only=True)
class Hint:
    """One decision.

    ``keep_out``, ``let_in`` and ``urgent`` are tickets that are left out, taken although a rule is against it, or
    merged before all priorities. Of ``order`` each ticket is merged before the next. ``ignore`` are tests of ``gate``
    (of any gate, if it is empty) for whose failures no ticket leaves. The hint ends after the day ``until``, when the
    ticket ``closed`` is closed, or else when the label that it stands for is removed.
    """

    line: int
    owner: str
    reason: str
    keep_out: tuple[int, ...] = ()
    let_in: tuple[int, ...] = ()
    urgent: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    ignore: tuple[str, ...] = ()
    gate: str = ""
    until: dt.date | None = None
    closed: int = 0

    @property
    def effect(self) -> str:
        """What the hint does to its tickets or tests, as a participle."""
        effects = {
            "kept out": self.keep_out,
            "let in": self.let_in,
            "urgent": self.urgent,
            "merged in this order": self.order,
            "ignored": self.ignore,
        }
        return next(effect for effect, values in effects.items() if values)

    @property
    def tickets(self) -> tuple[int, ...]:
        """The tickets that it is about; none if it is about tests."""
        return self.keep_out or self.let_in or self.urgent or self.order

    @property
    def end(self) -> str:
        """When the hint ends, as a phrase."""
        if self.until:
            return f"until {self.until}"
        return f"until {name_ticket(self.closed)} is closed" if self.closed else "until the label is removed"

    def __str__(self) -> str:
        """A phrase such as ``Jane, until 2026-12-24: the build farm lacks GCC 15``."""
        return f"{self.owner}, {self.end}: {self.reason}"


def load_hints(path: Path) -> tuple[Hint, ...]:
    """Read the hints in ``path``; none where there is no such file.

    Raises :class:`UsageError` for any mistake, with the file, the line and what to do.
    """
    try:
        text = read_edited_text(path)
        raw = parse_toml(text)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
    if unknown := sorted(raw.keys() - {"hint"}):
        raise UsageError(f"{path}: unknown key {unknown[0]!r}: each hint is a table [[hint]].")
    tables = raw.get("hint", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise UsageError(f"{path}: hint must be a list of tables: write [[hint]] above each hint.")
    lines = [number for number, row in enumerate(text.splitlines(), start=1) if re.match(r"\s*\[\[\s*hint\s*\]\]", row)]
    lines += [0] * (len(tables) - len(lines))
    return tuple(_Reader(path, line).hint(table) for table, line in zip(tables, lines, strict=False))


def check_current(hints: Sequence[Hint], path: Path, today: dt.date, still_open: Collection[int]) -> None:
    """Check that no hint is past its end; ``still_open`` are all tickets and issues that are open in the tracker.

    Raises :class:`UsageError` for the first that is.
    """
    for hint in hints:
        over = ""
        if hint.until and hint.until < today:
            over = f"ended on {hint.until}: remove it, or give it a later date"
        elif hint.closed and hint.closed not in still_open:
            over = f"ended, as {name_ticket(hint.closed)} is not open any more: remove it, or give it another end"
        if over:
            raise UsageError(f"{path}, line {hint.line}: this hint of {hint.owner} ({hint.reason}) {over}.")


@dataclass(frozen=True)
class _Reader:
    """Checks one table; a mistake is reported with the line of the table."""

    path: Path
    line: int

    def hint(self, table: Mapping[str, Any]) -> Hint:
        for key in table:
            if key not in _KEYS:
                near = get_close_matches(key, _KEYS, n=1, cutoff=0.5)
                advice = f"did you mean {near[0]!r}" if near else f"known are {', '.join(_KEYS)}"
                self.refuse(f"unknown key {key!r}: {advice}")
        actions = [key for key in _ACTIONS if key in table]
        if len(actions) != 1:
            self.refuse(f"a hint must have one of {', '.join(_ACTIONS)}, not {' and '.join(actions) or 'none'}")
        owner, reason = self.text(table, "owner"), self.text(table, "reason")
        until, closed = self.end(table)
        gate = self.text(table, "gate") if "gate" in table else ""
        if gate and actions != ["ignore"]:
            self.refuse("gate goes with ignore alone: remove it")
        values = {key: self.values(key, table[key]) for key in actions}
        return Hint(line=self.line, owner=owner, reason=reason, gate=gate, until=until, closed=closed, **values)

    def text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip() or "\n" in value:
            self.refuse(f"a hint needs {key}, as one line of text" + (f", not {value!r}" if key in table else ""))
        return value.strip()

    def end(self, table: Mapping[str, Any]) -> tuple[dt.date | None, int]:
        if ("until" in table) == ("closed" in table):
            self.refuse(
                "a hint needs one end: a date (until = 2026-12-24) or a ticket that is to be closed (closed = 456)"
            )
        until, closed = table.get("until"), _number(table.get("closed")) or 0
        if "until" in table and (not isinstance(until, dt.date) or isinstance(until, dt.datetime)):
            self.refuse(f"until must be a date without quotes, such as 2026-12-24, not {until!r}")
        if "closed" in table and not closed:
            self.refuse(f"closed must be the number of a ticket, not {table['closed']!r}")
        return until, closed

    def values(self, key: str, value: object) -> Any:
        """The tickets or tests of a hint: a list, or a single one."""
        values: list[Any] = value if isinstance(value, list) else [value]
        if key == "ignore":
            if not values or not all(isinstance(each, str) and each for each in values):
                self.refuse(f"ignore must be tests as the report names them, not {value!r}")
        else:
            values = [_number(each) for each in values]
            if not values or None in values:
                self.refuse(f"{key} must be numbers of tickets, not {value!r}")
        if key == "order" and (len(values) < 2 or len(set(values)) < len(values)):
            self.refuse("order must have two tickets or more, each once: the first is merged first")
        return tuple(values)

    def refuse(self, why: str) -> NoReturn:
        where = f", line {self.line}" if self.line else ""
        raise UsageError(f"{self.path}{where}: {why}.")


def _number(value: object) -> int | None:
    """Return a ticket's number: ``12``, or with several trackers a text such as ``gl!12``; ``None`` for others."""
    is_number = type(value) is int or (isinstance(value, str) and not value.isdecimal())
    try:
        return parse_ticket_number(str(value)) if is_number else None
    except ValueError:
        return None
