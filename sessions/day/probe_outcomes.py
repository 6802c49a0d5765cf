"""What came out of a probe, as a gate's results; and what these say about a failing test. Pure."""

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

# The build is a check of its own, and comes before each gate: where it fails, no gate can tell anything. No gate can
# have its name in here, as gates' names have no brackets; what others read calls it "build".
BUILD = Gate(name="[build]", run="", format="exit")
BUILD_TEST = TestId(file="", name=BUILD.name)
# The steps of a probe.
BUILD_STEP, GATE_STEP = "build", "gate"


def results_of(gate: Gate, outcome: Outcome, source: str) -> Results:
    """What the steps of a probe told, whose files lay in ``source``.

    Raises :class:`InfrastructureError` where our own side broke, so that the probe says nothing of the candidate: by
    the engine's own evidence, never by words that a ticket's code may print.
    """
    results = _read(gate, outcome, source)
    if ours := outcome.trouble or results.broken:
        raise InfrastructureError(
            f"The machine failed a probe of {called(gate.name)} ({ours}): mend that, then type the same command; what "
            "is known is kept, and no ticket is to blame."
        )
    return results


def answers(probe_result: ProbeResult, failures: Iterable[Failure]) -> dict[TestId, Answer]:
    """Which of ``failures`` a reading shows as well.

    A test that is gone fails where a whole run does not report it, one that is newly skipped where it is skipped.
    """
    return {failure.test: _answer(probe_result, failure) for failure in failures}


def called(name: str) -> str:
    """The name of a gate, or of the build, as people and the record call it."""
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
    """Whether a test is gone. It was not seen to run where a run broke off before it, either."""
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
    """Count a container's paths from the source, as the local engine does: failures read the same in either."""
    place = source.rstrip("/")
    return re.sub(rf"(?<![\w./-]){re.escape(place)}/", "", log) if place else log


def _bytes_within_source(content: bytes | None, source: str) -> bytes | None:
    return None if content is None else _strip(content, source)


def _strip(content: bytes, source: str) -> bytes:
    """The same for a report, in whatever encoding it may be: the path's letters are the same in most."""
    place = source.rstrip("/").encode()
    return re.sub(rb"(?<![\w./-])" + re.escape(place) + rb"/", b"", content) if place else content
