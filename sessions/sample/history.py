"""The sample's past, read from ``sample.toml`` and the tree in ``project``: pure, and the same everywhere."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.sample.commits import Branch, Commit, SampleTable, Writer
from sessions.tickets.model import Ticket, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
STORY = HERE / "sample.toml"
PROJECT = HERE / "project"
TRACKER = "https://example.org/abacus"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a day makes of a ticket; ``reason`` is part of what the day says, in whatever case."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, kw_only=True)
class SampleHistory:
    """Everything that happened: parents come before children, ``releases`` are in the order of time.

    ``branches`` has no entry for a ticket whose branch is not in the repository. ``depends`` holds what the tickets'
    authors wrote about dependencies, in the notations that the tracker file takes.
    """

    commits: tuple[Commit, ...]
    releases: Mapping[str, int]
    branches: Mapping[int, Branch]
    tickets: tuple[Ticket, ...]
    depends: Mapping[int, str]

    @property
    def newest(self) -> int:
        """The newest release's commit, by place."""
        return tuple(self.releases.values())[-1]


def expectations() -> dict[int, Expected]:
    """Return what a full day, with both gates, makes of each ticket, by number."""
    return {
        row["number"]: Expected(verdict=Verdict(row["expect"]), reason=row.get("expect_reason", ""))
        for row in _story()["ticket"]
    }


def history() -> SampleHistory:
    """Read the whole history."""
    writer = Writer(project=_project(), rows={row["number"]: row for row in _story()["ticket"]})
    for row in _story()["release"]:
        writer.release(row)
    for number in writer.rows:
        writer.branch(number)
    return SampleHistory(
        commits=tuple(writer.commits),
        releases=writer.releases,
        branches={number: branch for number, branch in writer.branches.items() if branch.name},
        tickets=tuple(_ticket(row) for row in writer.rows.values()),
        depends={number: row.get("depends", "") for number, row in writer.rows.items()},
    )


def _story() -> SampleTable:
    return tomllib.loads(STORY.read_text(encoding="utf-8"))


def _project() -> dict[str, str]:
    """Return the tree of the first release; caches and builds that lie about in it do not belong to it."""
    paths = (path for path in PROJECT.rglob("*") if path.is_file())
    names = {path.relative_to(PROJECT).as_posix(): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in sorted(names.items())
        if "__pycache__" not in name and not name.startswith(("build/", "stats"))
    }


def _ticket(row: SampleTable) -> Ticket:
    known = {key.name for key in fields(Ticket)} & set(row) - {"depends"}
    values: SampleTable = {key: tuple(row[key]) if isinstance(row[key], list) else row[key] for key in known}
    ticket = replace(Ticket(**values), url=f"{TRACKER}/{row['number']}", description=row["description"].strip())
    if row.get("missing"):  # reviewed once, then deleted: a commit id that nobody has
        return replace(ticket, commit=hashlib.sha256(ticket.branch.encode()).hexdigest()[:40])
    return ticket
