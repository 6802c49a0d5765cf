"""What a session found, as the run record that others read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sessions import __version__
from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress
from sessions.day.recorded_gates import record_gate, record_probe
from sessions.day.recorded_tickets import record_ticket
from sessions.day.setup import describe_setup
from sessions.day.trunk_breaks import TrunkBreak, trunk_record
from sessions.ledger.record import RECORD_VERSION, Record, save_record
from sessions.settings.options import Options
from sessions.source.blockers import Blocker
from sessions.tickets.model import Ticket

State = Literal["green", "red", "paused", "empty", "broken"]


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """All that goes into a record beside the day itself."""

    state: State
    message: str = ""
    complete: bool = True
    tickets: Sequence[Ticket] = ()
    progress: Progress | None = None
    runner: ProbeRunner | None = None
    queue: Sequence[Ticket] = ()
    blockers: Sequence[Blocker] = ()
    trunk_breaks: Sequence[TrunkBreak] = ()


def make_record(day: Day, day_result: DayResult) -> Record:
    """The record, in the order of its schema."""
    progress, runner = day_result.progress, day_result.runner
    head = progress.line.head if progress else day.base
    probes = list(runner.consulted.values()) if runner else []
    return {
        "version": RECORD_VERSION,
        "integrand": __version__,
        "project": day.config.project.name,
        "release": day.release.tag,
        "base": day.release.commit,
        "trunk": trunk_record(day.merger.trunk, day_result.trunk_breaks),
        "date": day.options.date.isoformat(),
        "branch": day.branch,
        "head": head.commit,
        "tree": head.tree,
        "state": day_result.state,
        "message": day_result.message,
        "complete": day_result.complete,
        "asked": [gate.name for gate in day.asked_gates()],
        "options": _options(day.options),
        "queue": [each.number for each in day_result.queue],
        "order": list(head.tickets),
        "blockers": [_blocker(each) for each in day_result.blockers],
        "tickets": [record_ticket(each, progress, day) for each in day_result.tickets] if progress else [],
        "gates": {gate.name: record_gate(gate.name, progress, probes) for gate in day.config.gates},
        "probes": [record_probe(each) for each in probes],
        "engine": runner.engine.name if runner else "",
        "image": runner.builder.image.name if runner else "",
        "images": [],
        "published": {},
        "setup": describe_setup(day.config, day.state),
        "timings": {
            "seconds": round(time.monotonic() - day.started, 3),
            "probes_run": sum(each.fresh for each in probes),
            "probe_seconds": round(sum(each.probe_result.seconds for each in probes), 3),
        },
    }


def is_success(record: Record, fail_on: str | None) -> bool:
    """Whether a session with this record ends with status 0: what was asked of the head holds.

    A head on which other gates have still to run is no failure: splitting a day over several calls is normal.
    """
    if fail_on == "ejected" and any(each["verdict"] in ("conflict", "culprit") for each in record["tickets"]):
        return False
    if record["state"] == "paused":
        return bool(record["complete"])
    return record["state"] in ("green", "empty")


def write_record(day: Day, day_result: DayResult) -> Record:
    """Make the record and save it as the newest."""
    record = make_record(day, day_result)
    save_record(record, day.folder)
    return record


def _options(options: Options) -> dict[str, Any]:
    """What was asked for in other words than the configuration's, and bears on what is integrated."""
    words = {
        "release": options.release,
        "only": list(options.only),
        "without": list(options.without),
        "limit": options.limit,
        "gates": list(options.gates),
        "files": list(options.files),
        "plan": options.plan,
    }
    return {name: value for name, value in words.items() if value}


def _blocker(blocker: Blocker) -> dict[str, Any]:
    return {
        "ticket": blocker.ticket,
        "would_fit": list(blocker.would_fit),
        "together": list(blocker.together),
        "needed_by": list(blocker.needed_by),
    }
