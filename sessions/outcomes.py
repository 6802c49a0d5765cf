"""What came out of a probe, as a gate's results; and what these say about a test. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sessions.config import Gate
from sessions.culprits.findings import Answer
from sessions.engines.probe import Outcome, StepOutcome
from sessions.errors import InfrastructureError
from sessions.gates.formats import FORMATS
from sessions.gates.results import Failure, Kind, Output, Results, TestId
from sessions.ledger.ledger import Reading

# The build is a gate of its own where it fails: then no other gate can tell anything.
BUILD = Gate(name="build", run="", format="exit")
BUILD_TEST = TestId(file="", name=BUILD.name)

# Words with which a full disk or a broken machine shows in a log. They say nothing about a ticket.
_OUR_FAULT = re.compile(r"No space left on device|Cannot allocate memory|Input/output error", re.IGNORECASE)


def results_of(gate: Gate, outcome: Outcome, source: str) -> Results:
    """What the steps of a probe told, whose files lay in ``source``.

    Raises :class:`InfrastructureError` where they told of a broken machine, and nothing of the candidate.
    """
    results = _read(gate, outcome, source)
    _check_ours(outcome.steps[-1], results)
    return results


def answers(reading: Reading, tests: Iterable[TestId]) -> dict[TestId, Answer]:
    """Which of ``tests`` fail in a reading.

    A crash of a test's whole file hides the test, and a failed build hides all but the build itself.
    """
    failing = {failure.test for failure in reading.results.failures}
    hidden = {test.file for test in failing if not test.name or not test.file}
    told: dict[TestId, Answer] = {}
    for test in tests:
        if test in failing:
            told[test] = "fails"
        elif test != BUILD_TEST and (not reading.built or hidden & {test.file, ""}):
            told[test] = "unclear"
        else:
            told[test] = "passes"
    return told


def _read(gate: Gate, outcome: Outcome, source: str) -> Results:
    last = outcome.steps[-1]
    if last.ending != "exited":
        kind: Kind = "timeout" if last.ending == "timeout" else "crash"
        message = f"{last.name} ended: {last.ending} after {outcome.seconds:.0f} s\n{last.log[-2000:]}"
        name = BUILD.name if last.name == BUILD.name else gate.name
        return Results(failures=(Failure(test=TestId(file="", name=name), kind=kind, message=message),))
    if last.name == BUILD.name:
        return FORMATS["exit"].read(Output(gate=BUILD.name, status=last.status, log=last.log))
    output = Output(
        gate=gate.name,
        status=last.status,
        log=_within_source(last.log, source),
        results=outcome.results,
        artifacts=outcome.artifacts,
    )
    return FORMATS[gate.format].read(output)


def _within_source(log: str, source: str) -> str:
    """Count a container's paths from the source, as the local engine does: failures read the same in either."""
    place = source.rstrip("/")
    return re.sub(rf"(?<![\w./-]){re.escape(place)}/", "", log) if place else log


def _check_ours(last: StepOutcome, results: Results) -> None:
    found = _OUR_FAULT.search(last.log) if last.status else None
    if found or results.broken:
        raise InfrastructureError(
            f"The machine failed a probe ({found[0] if found else results.broken}): mend that, then run again; "
            "what is known is kept, and no ticket is to blame."
        )
