"""Turn a probe's outcome into a gate's results, and these into answers about failing tests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from sessions.culprits.findings import Answer
from sessions.engines.probe import Outcome
from sessions.gates.formats import read_output
from sessions.gates.formats.findings import account
from sessions.gates.results import Failure, GateOutput, Kind, Presence, Results, TestId
from sessions.ledger.ledger import ProbeResult
from sessions.settings.configuration import Gate
from sessions.terminal.errors import InfrastructureError

# The build is a separate check before each gate: if it fails, the gate does not run. No gate can have this internal
# name, because gates' names have no brackets; in output it is called "build".
BUILD = Gate(name="[build]", run="", format="exit")
BUILD_TEST = TestId(file="", name=BUILD.name)
# The steps of a probe.
BUILD_STEP, GATE_STEP = "build", "gate"


def results_of(gate: Gate, outcome: Outcome, source: str) -> Results:
    """Return the results of a probe whose files were in ``source``.

    Raises :class:`InfrastructureError` if our side failed, so that the probe says nothing about the candidate. Only the
    engine's evidence counts for that, never output that a ticket's code may print.
    """
    results = _read(gate, outcome, source)
    if ours := outcome.trouble or results.broken:
        raise InfrastructureError(
            f"The machine failed a probe of {called(gate.name)} ({ours}): fix that, then type the same command; what "
            "is known is kept, and no ticket is to blame."
        )
    return results


def probe_result_of(gate: Gate, outcome: Outcome, source: str, log: str = "") -> ProbeResult:
    """Return the result of a probe whose log is kept as ``log``. Raises the errors of :func:`results_of`."""
    results = results_of(gate, outcome, source)
    built = outcome.steps[-1].name != BUILD_STEP or not results.failures
    return ProbeResult(built=built, results=results, seconds=outcome.seconds, log=log)


def answers(probe_result: ProbeResult, failures: Iterable[Failure]) -> dict[TestId, Answer]:
    """Return whether each of ``failures`` occurs in a result.

    A test that is gone "fails" if a whole run does not report it, and a newly skipped one if it is skipped.
    """
    return {failure.test: _answer(probe_result, failure) for failure in failures}


def called(name: str) -> str:
    """Return the name of a gate, or of the build, for people and the record."""
    return name.strip("[]")


def _answer(probe_result: ProbeResult, failure: Failure) -> Answer:
    if failure.test == BUILD_TEST:
        return "passes" if probe_result.built else "fails"
    if not probe_result.built:
        return "unclear"
    presence = probe_result.results.presence(failure.test)
    match failure.kind:
        case "gone" if failure.expected:
            return _count_answer(probe_result.results, failure)
        case "gone":
            return _gone_answer(presence)
        case "skipped":
            return _skipped_answer(presence)
        case _:
            return _failed_answer(presence)


def _failed_answer(presence: Presence) -> Answer:
    match presence:
        case Presence.FAILED:
            return "fails"
        case Presence.PASSED:
            return "passes"
        case Presence.HIDDEN:
            return "unclear"
        case Presence.ABSENT | Presence.SKIPPED:
            return "not run"
        case _:
            assert_never(presence)


def _gone_answer(presence: Presence) -> Answer:
    """Return whether a test is gone; unclear if the run broke off before it."""
    match presence:
        case Presence.ABSENT | Presence.HIDDEN:
            return "fails"
        case Presence.PASSED | Presence.FAILED | Presence.SKIPPED:
            return "passes"
        case _:
            assert_never(presence)


def _skipped_answer(presence: Presence) -> Answer:
    match presence:
        case Presence.SKIPPED:
            return "fails"
        case Presence.HIDDEN:
            return "unclear"
        case Presence.ABSENT:
            return "not run"
        case Presence.PASSED | Presence.FAILED:
            return "passes"
        case _:
            assert_never(presence)


def _count_answer(results: Results, failure: Failure) -> Answer:
    """Whether fewer tests ran in a file than on the release."""
    ran = results.counts.get(failure.test.file)
    if ran is not None:
        return "fails" if ran < failure.expected else "passes"
    return "unclear" if results.hides(failure.test.file) else "not run"


def _read(gate: Gate, outcome: Outcome, source: str) -> Results:
    last = outcome.steps[-1]
    is_build = last.name == BUILD_STEP
    output = GateOutput(
        gate=BUILD.name if is_build else gate.name,
        status=last.status,
        log=_within_source(last.log, source),
        command=gate.run,
        results=_bytes_within_source(outcome.results, source),
        reports={path: _strip(content, source) for path, content in outcome.reports.items()},
        artifacts=outcome.artifacts,
    )
    if last.ending != "exited":
        kind: Kind = "timeout" if last.ending == "timeout" else "crash"
        return account(output, trouble=f"{last.name} ended: {last.ending} after {outcome.seconds:.0f} s", kind=kind)
    return read_output("exit" if is_build else gate.format, output)


def _within_source(log: str, source: str) -> str:
    """Make a container's paths relative to the source, as with the local engine, so that failures read the same."""
    place = source.rstrip("/")
    return re.sub(rf"(?<![\w./-]){re.escape(place)}/", "", log) if place else log


def _bytes_within_source(content: bytes | None, source: str) -> bytes | None:
    return None if content is None else _strip(content, source)


def _strip(content: bytes, source: str) -> bytes:
    """Do the same for a report, in whatever encoding: the path's bytes are the same in most encodings."""
    place = source.rstrip("/").encode()
    return re.sub(rb"(?<![\w./-])" + re.escape(place) + rb"/", b"", content) if place else content
