"""What a session found, as the run record that others read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sessions import __version__
from sessions.day.context import Day
from sessions.day.green_head import Measured, Progress
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.probe_runner import Consulted, ProbeRunner
from sessions.day.trunk_breaks import TrunkBreak, trunk_record
from sessions.gates.results import Failure, Presence, Results, TestId
from sessions.ledger.record import RECORD_VERSION, Record, save_record
from sessions.reporting.reproduction import run_line
from sessions.settings.options import Options
from sessions.source.blockers import Blocker
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Breakage, Conflict, Decision, Ticket, Verdict

State = Literal["green", "red", "paused", "empty", "broken"]


# The image that shows what a ticket breaks in a gate, by ticket, gate and tree.
ImageNames = Mapping[tuple[int, str, str], str]


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """All that goes into a record beside the day itself."""

    state: State
    message: str = ""
    complete: bool = True
    tickets: Sequence[Ticket] = ()
    progress: Progress | None = None
    runner: ProbeRunner | None = None
    published: Mapping[str, Any] | None = None
    shown: ImageNames = field(default_factory=dict)
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
        "tickets": [_ticket(each, progress, day, day_result.shown) for each in day_result.tickets] if progress else [],
        "gates": {gate.name: _gate(gate.name, progress, probes) for gate in day.config.gates},
        "probes": [_probe(each) for each in probes],
        "engine": runner.engine.name if runner else "",
        "image": runner.image.name if runner else "",
        "published": dict(day_result.published or {}),
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


def _ticket(ticket: Ticket, progress: Progress, day: Day, shown: ImageNames) -> dict[str, Any]:
    decision = progress.line.decisions.get(ticket.number, Decision(verdict=Verdict.NOT_REACHED))
    priorities = [label for label in day.config.tickets.priorities if plain(label) in map(plain, ticket.labels)]
    pinned = {each.number: each.commit for each in progress.line.tickets}
    return {
        "number": ticket.number,
        "title": ticket.title,
        "url": ticket.url,
        "priority": priorities[0] if priorities else "",
        "commit": pinned.get(ticket.number, ticket.commit),
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "blocked_by": list(decision.blocked_by),
        "conflicts": [_conflict(each) for each in decision.conflicts],
        "broke": [_breakage(each, shown.get((ticket.number, each.gate, each.tree), "")) for each in decision.broke],
        "tests": _test_changes(ticket.number, progress),
    }


def _test_changes(number: int, progress: Progress) -> dict[str, Any]:
    """What a ticket's diff does to the tests of all gates: how many it brings, which it takes away or skips."""
    changes = [each.changes[number] for each in progress.measured.values() if number in each.changes]
    return {
        "brings": sum(each.brings for each in changes),
        "takes": [str(test) for each in changes for test in each.takes],
        "skips": [str(test) for each in changes for test in each.skips],
    }


def _blocker(blocker: Blocker) -> dict[str, Any]:
    return {
        "ticket": blocker.ticket,
        "would_fit": list(blocker.would_fit),
        "together": list(blocker.together),
        "needed_by": list(blocker.needed_by),
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    words = {"path": conflict.path, "lines": conflict.lines, "kind": conflict.kind, "hunk": conflict.hunk}
    return {"with": list(conflict.with_), **words}


def _breakage(broke: Breakage, image: str) -> dict[str, Any]:
    return {
        "gate": broke.gate,
        "check": _check(is_build=broke.is_build),
        "test": broke.test,
        "with": list(broke.with_),
        "message": broke.message,
        "evidence": list(broke.evidence),
        "file": broke.file,
        "commit": broke.commit,
        "tree": broke.tree,
        "command": broke.command,
        "image": image,
        "reproduce": run_line(image) if image else broke.reproduce,
    }


def _gate(name: str, progress: Progress | None, probes: Sequence[Consulted]) -> dict[str, Any]:
    measured = progress.measured.get(name) if progress else None
    failing = {each.test for each in progress.failing.get(name, ())} if progress else set()
    mine = [each for each in probes if each.question.gate.name == name]
    unbuilt = progress.failing.get(BUILD.name, ()) if progress else ()
    return {
        "state": "red" if failing or unbuilt else "green" if measured else "pending",
        "new": sorted(map(str, failing)),
        **_compared(measured, failing),
        "flaky": sorted(map(str, progress.flaky.get(name, ()))) if progress else [],
        "flaky_rates": _rates(progress.flaky.get(name, ()), mine) if progress else {},
        "seconds": round(sum(each.probe_result.seconds for each in mine), 3),
        "tests": measured.head.tests if measured else 0,
        "files": list(measured.head.files) if measured else [],
        "failures": [_failure(each) for each in (*unbuilt, *progress.failing.get(name, ()))] if progress else [],
    }


def _compared(measured: Measured | None, failing: Iterable[TestId]) -> dict[str, Any]:
    """What became of the release's tests; those that are gone or skipped, and nobody's failure, are told apart."""
    if measured is None:
        nothing: list[str] = []
        return {"known": nothing, "fixed": nothing, "gone": nothing, "skipped": nothing, "ran": {}, "notes": nothing}
    compared, blamed = measured.comparison, set(failing)
    return {
        "known": [str(test) for test in compared.known],
        "fixed": [str(test) for test in compared.fixed],
        "gone": [str(each.test) for each in compared.gone if each.test not in blamed],
        "skipped": [str(each.test) for each in compared.skipped if each.test not in blamed],
        "ran": {"release": _ran(measured.release), "head": _ran(measured.head)},
        "notes": list(measured.head.notes),
        **({"mended_by": list(measured.mended_by)} if measured.mended_by else {}),
    }


def _ran(results: Results) -> dict[str, int]:
    """How many tests ran, and how they ended."""
    skipped = len(results.skipped)
    return {"tests": results.tests, "passed": results.passes, "failed": results.fails, "skipped": skipped}


def _failure(failure: Failure) -> dict[str, Any]:
    is_build = failure.test == BUILD_TEST
    test = called(failure.test.name) if is_build else str(failure.test)
    place = {"file": failure.test.file, "line": failure.line}
    return {"test": test, "check": _check(is_build=is_build), **place, "kind": failure.kind, "message": failure.message}


def _check(*, is_build: bool) -> str:
    """Whether the build or a gate is meant: a gate may well have the name ``build``."""
    return "build" if is_build else "gate"


def _rates(flaky: Iterable[TestId], probes: Sequence[Consulted]) -> dict[str, Any]:
    """How often each flaky test failed, in all of the day's runs that tell."""
    rates: dict[str, Any] = {}
    for test in sorted(flaky):
        seen = [each.probe_result.results.presence(test) for each in probes if each.probe_result.built]
        fails, passes = seen.count(Presence.FAILED), seen.count(Presence.PASSED)
        rates[str(test)] = {"fails": fails, "runs": fails + passes}
    return rates


def _probe(consulted: Consulted) -> dict[str, Any]:
    question, probe_result = consulted.question, consulted.probe_result
    return {
        "gate": called(question.gate.name),
        "check": _check(is_build=question.gate is BUILD),
        "built": probe_result.built,
        "why": question.why,
        "purpose": str(question.purpose),
        "tree": question.candidate.tree,
        "tickets": list(question.candidate.tickets),
        "files": list(question.files) if question.files is not None else None,
        "attempt": question.attempt,
        "failures": len(probe_result.results.failures),
        "failed": [_failure(failure)["test"] for failure in probe_result.results.failures],
        "tests": probe_result.results.tests,
        "seconds": round(probe_result.seconds, 3),
        "log": probe_result.log,
    }
