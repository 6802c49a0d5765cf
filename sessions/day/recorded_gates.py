"""Gates and probes as the run record has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.progress import Measured, Progress
from sessions.day.question import Consulted
from sessions.gates.results import Failure, Presence, Results, TestId


def record_gate(name: str, progress: Progress | None, probes: Sequence[Consulted]) -> dict[str, Any]:
    """Return the entry of a gate: its state, what became of its tests, and what failed on the head."""
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
    return {
        "test": test,
        "check": check_name(is_build=is_build),
        **place,
        "kind": failure.kind,
        "message": failure.message,
    }


def check_name(*, is_build: bool) -> str:
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


def record_probe(consulted: Consulted) -> dict[str, Any]:
    """Return the entry of a probe."""
    question, probe_result = consulted.question, consulted.probe_result
    return {
        "gate": called(question.gate.name),
        "check": check_name(is_build=question.gate is BUILD),
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
