"""Write what is known about the flaky tests as a page, JSON and CSV."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.gates.flake_statistics import runs_to_see
from sessions.ledger.record import Record
from sessions.ledger.record_file import record_of_day, write_whole
from sessions.reporting.flake_origin import FlakeOrigin, OriginSearch
from sessions.reporting.flakes import FlakeFile, find_flakes
from sessions.reporting.html import render_page
from sessions.reporting.tables import csv_table
from sessions.reporting.tree_contents import KnownTrees
from sessions.terminal.ticket_numbers import name_ticket, plain_number

# What differs between two messages of one kind: addresses and numbers.
_DIFFERS = re.compile(r"0x[0-9a-fA-F]+|\d+")


@dataclass(frozen=True, kw_only=True)
class DescribedFlake:
    """A flaky test in words: what brought it, the command that shows it, and the place of its group, from 1 on.

    ``runs_to_see`` show a failure with a probability of 95 %, ``runs_at_most`` if the rate is the lowest that is
    credible.
    """

    flake: FlakeFile
    origin: str
    origins: tuple[dict[str, Any], ...]
    runs_to_see: int
    runs_at_most: int
    command: str
    group: int

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        each = self.flake
        return {
            "gate": each.gate,
            "test": str(each.test),
            "rate": round(each.rate, 6),
            "low": round(each.low, 6),
            "high": round(each.high, 6),
            "fails": each.fails,
            "runs": each.runs,
            "first_failed": each.first_failed,
            "last_failed": each.last_failed,
            "last_run": each.last_run,
            "origin": self.origin,
            "origin_known": each.origin.is_known,
            "runs_to_see": self.runs_to_see,
            "runs_at_most": self.runs_at_most,
            "command": self.command,
            "group": self.group,
        }


def read_records(days: Path) -> list[Record]:
    """Return the records of all days, the oldest first; none where there is no such folder."""
    found = (record_of_day(path) for path in days.glob("*") if path.is_dir())
    return sorted((record for record in found if record), key=lambda record: record.date)


def read_flakes(ledger: Path, records: Sequence[Record], others: Iterable[Record] = ()) -> list[DescribedFlake]:
    """Return the flaky tests by the records of all days, the oldest first. ``others`` are those of other lines.

    Raises :class:`InfrastructureError` if the ledger cannot be read.
    """
    foreign = _trees(others) - _trees(records)
    return describe_flakes(find_flakes(ledger, records, foreign), records)


def _trees(records: Iterable[Record]) -> set[str]:
    return {probe.tree for record in records for probe in record.probes}


def write_flakes(ledger: Path, records: Sequence[Record], folder: Path, others: Iterable[Record] = ()) -> int:
    """Write ``flakes.html``, ``flakes.json`` and ``flakes.csv``, and return the number of flaky tests.

    Takes what :func:`read_flakes` takes. Raises OSError if ``folder`` cannot be written, and
    :class:`InfrastructureError` if the ledger cannot be read.
    """
    described = read_flakes(ledger, records, others)
    rows = [each.row() for each in described]
    data = [
        row | {"origins": each.origins, "seeds": each.flake.seeds, "message": each.flake.message}
        for row, each in zip(rows, described, strict=True)
    ]
    dates = [record.date for record in records]
    summary = {"days": len({*dates}), "since": min(dates, default=""), "until": max(dates, default="")}
    write_whole(folder / "flakes.json", json.dumps({"summary": summary, "flakes": data}, indent=2) + "\n")
    write_whole(folder / "flakes.csv", csv_table(rows))
    page = render_page("flakes.html.jinja", flakes=described, summary=summary, project=_project(records))
    write_whole(folder / "flakes.html", page)
    return len(rows)


def describe_flakes(flakes: Sequence[FlakeFile], records: Sequence[Record]) -> list[DescribedFlake]:
    """Return flaky tests in words. Those of a gate that fail with the same message are a group."""
    releases, commands = KnownTrees.of(records).releases, _commands(records)
    groups: dict[tuple[str, str], int] = {}
    return [
        DescribedFlake(
            flake=each,
            origin=_say_origin(each, releases),
            origins=_origins(each.origin, releases),
            runs_to_see=runs_to_see(each.rate),
            runs_at_most=runs_to_see(each.low),
            command=_command(commands.get(each.gate, ""), each),
            group=groups.setdefault((each.gate, _kind(each)), len(groups) + 1),
        )
        for each in flakes
    ]


def _say_origin(flake: FlakeFile, releases: Sequence[str]) -> str:
    search = flake.origin
    if search.is_known:
        return "flaky since before the first run" if search.best.is_start else _name(search.best, releases)
    names = ", ".join(sorted(_name(each, releases) for each in search.suspects))
    return f"cannot be known: one of {names}" if names else "cannot be known"


def _name(origin: FlakeOrigin, releases: Sequence[str]) -> str:
    return name_ticket(origin.ticket) if origin.ticket else f"release {releases[origin.release]}"


def _origins(search: OriginSearch, releases: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return what brought a test, or what may have, as tickets and releases."""
    origins = search.credible if search.is_known else search.suspects
    return tuple(
        {"ticket": plain_number(origin.ticket)} if origin.ticket else {"release": releases[origin.release]}
        for origin in origins
        if not origin.is_start
    )


def _kind(flake: FlakeFile) -> str:
    """Return the message without what differs between two of a kind; the test's name if it has none."""
    message = flake.message.replace(str(flake.test), "").replace(flake.test.file or "\0", "")
    message = message.replace(flake.test.name or "\0", "")
    return _DIFFERS.sub("#", message).strip() or str(flake.test)


def _commands(records: Sequence[Record]) -> dict[str, str]:
    """Return the newest command of each gate."""
    setups: list[Mapping[str, Any]] = [gate for record in records if record.setup for gate in record.setup.gates]
    return {gate["name"]: gate["run"] for gate in setups if "name" in gate and "run" in gate}


def _command(run: str, flake: FlakeFile) -> str:
    """Return a shell command that runs a test's file until it fails, as often as shows it with 95 %."""
    file = flake.test.file
    if not run or not (file or "{files}" not in run):
        return ""
    places = {
        "files": shlex.quote(f"./{file}" if file.startswith("-") else file),
        "results": "results",
        "jobs": "1",
        "seed": "$run",
    }
    run = re.sub(rf"\{{({'|'.join(places)})\}}", lambda found: places[found[1]], run)
    return f"for run in $(seq {runs_to_see(flake.rate)}); do ({run}) || break; done"


def _project(records: Sequence[Record]) -> str:
    return records[-1].project if records else "Integrand"
