"""Tickets in a TOML file: ``[[ticket]]`` tables whose keys are the fields of :class:`Ticket`.

``depends`` is text there, in any notation that :func:`read_dependencies` reads.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Collection
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from sessions.settings.ticket_settings import Tracker
from sessions.settings.toml_text import parse_toml, read_edited_text
from sessions.terminal.errors import TrackerError
from sessions.tickets.dependencies import read_dependencies
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, WriteResult
from sessions.tickets.trackers.kind import Surroundings, TrackerKind
from sessions.tickets.trackers.verdict_folder import VerdictFolder


@dataclass(frozen=True)
class FileTracker:
    """A tracker that is a file. Verdicts are written into the folder ``<name>.told`` beside it."""

    config: Tracker

    @property
    def url(self) -> str:
        """The path of the file."""
        return self.config.url

    def read(self) -> tuple[Ticket, ...]:
        """Return the tickets of the file, each number once.

        Raises :class:`TrackerError` if the file cannot be read or a ticket in it is not valid.
        """
        try:
            raw = parse_toml(read_edited_text(Path(self.url)))
        except (OSError, ValueError) as error:
            raise TrackerError(f"The tracker file {self.url} cannot be read: {error}.") from None
        tables = raw.get("ticket", [])
        if raw.keys() - {"ticket"} or not isinstance(tables, list):
            raise TrackerError(f"The tracker file {self.url} may hold [[ticket]] tables only, not {sorted(raw)}.")
        tickets = tuple(self._ticket(table, place) for place, table in enumerate(tables, start=1))
        numbers = [ticket.number for ticket in tickets]
        if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
            raise TrackerError(f"{self.url}: ticket {twice[0]} is there twice.")
        return tickets

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002  no forge
        """Write the account to ``<name>.told/<number>.md``, unless it says that already."""
        return VerdictFolder(self.url).tell(str(account.number), account)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002
        """Write ``<name>.told/<number>.closed`` with the reason. The file itself stays; its owner changes it."""
        return VerdictFolder(self.url).close(str(ticket.number), ticket, release)

    def _ticket(self, table: Any, place: int) -> Ticket:
        hints = {**typing.get_type_hints(Ticket), "depends": str}
        if not isinstance(table, dict):
            raise TrackerError(f"{self.url}: ticket in place {place} is not a [[ticket]] table.")
        name = f"{self.url}: ticket {table.get('number', f'in place {place}')}"
        if strange := table.keys() - hints.keys():
            raise TrackerError(f"{name}: unknown key {min(strange)!r}; known are {', '.join(hints)}.")
        for each in fields(Ticket):
            if each.name not in table and each.default is MISSING:
                raise TrackerError(f"{name}: {each.name!r} is missing.")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        for key, value in values.items():
            if not _fits(value, hints[key]):
                raise TrackerError(f"{name}: {key} cannot be {value!r}.")
        if table.get("commit") and not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", table["commit"]):
            raise TrackerError(f"{name}: commit must be a full commit id in hex, not {table['commit']!r}.")
        # Among several trackers, an address is a ticket of another one.
        urls = (self.url,) if self.config.prefix else ()
        needed = read_dependencies(values.pop("depends", ""), number=values["number"], urls=urls)
        return Ticket(**{"links": needed.links, **values}, depends=needed.hard)


def _fits(value: Any, hint: Any) -> bool:
    if hint is int:
        return type(value) is int and value > 0
    if hint is str:
        return isinstance(value, str)
    kind = int if hint == tuple[int, ...] else str
    return isinstance(value, tuple) and all(type(each) is kind for each in value)


def _connect(settings: Tracker, _surroundings: Surroundings) -> FileTracker:
    return FileTracker(settings)


def _recognise(typed: str) -> str:
    return typed if typed.endswith(".toml") else ""


FILE = TrackerKind(
    name="file",
    title="The file",
    noun="a file of tickets (*.toml)",
    connect=_connect,
    dialect=MARKDOWN,
    recognise=_recognise,
    is_file=True,
    prefix="f#",
)
