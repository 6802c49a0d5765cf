"""``format = "tap"``: the Test Anything Protocol of bats (``--tap``), Perl's ``prove -v``, node, tape and many others.

It is read from the file ``{results}``, or else from the files of the gate's key ``results``, or else from the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.formats.cases import Case, CaseStatus, Shown, account_of
from sessions.gates.formats.excerpt import shorten
from sessions.gates.formats.findings import same_path
from sessions.gates.formats.tap_reading import Point, Stream, Tap, parse_tap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sessions.gates.results import GateOutput, Results

# Statuses from here on come from a shell, unless a producer's status is the number of failures.
_NO_PRODUCER = 124


def read_tap(output: GateOutput) -> Results:
    """Read the result of each test. Its file is the script that prove names, or else the gate's name.

    A test with subtests is a test, too. A failure marked as ``# TODO`` counts as skipped.
    """
    taps = [parse_tap(text) for text in _texts(output)]
    streams = [stream for tap in taps for stream in tap.streams]
    cases = [case for stream in streams for case in _cases(stream, output.gate)]
    return account_of(output, cases, trouble=_trouble(output, taps, streams, cases))


def _texts(output: GateOutput) -> list[str]:
    """Return the texts of the first place that has any."""
    if output.results is not None:
        return [output.results.decode("utf-8", "replace")]
    if output.reports:
        return [content.decode("utf-8", "replace") for _, content in sorted(output.reports.items())]
    return [output.log]


def _cases(stream: Stream, gate: str) -> Iterator[Case]:
    file = same_path(stream.file) or gate
    # Subtests without a parent lack a part of their names; that the run broke off is reported instead.
    for point in stream.points:
        yield from _point_cases(point, file, "")
    if stream.file and (wrong := _wrong_script(stream)):
        yield Case(file=file, name="", outcome="failed", shown=(Shown(message=wrong, kind="error"),))
    elif stream.file and not stream.points:
        yield Case(file=file, name="", outcome="skipped" if stream.is_skipped else "passed")


def _point_cases(point: Point, file: str, above: str) -> Iterator[Case]:
    name = f"{above} > {point.name}" if above else point.name
    outcome = _outcome(point)
    shown = (Shown(message=shorten("\n".join(point.comments).strip() or f"not ok {point.number} - {name}")),)
    yield Case(file=file, name=name, outcome=outcome, shown=shown if outcome == "failed" else ())
    for child in point.children:
        yield from _point_cases(child, file, name)


def _outcome(point: Point) -> CaseStatus:
    match point.directive, point.is_ok:
        case "skip", _:
            return "skipped"
        case "todo", False:
            return "skipped"
        case _, True:
            return "passed"
        case _:
            return "failed"


def _wrong_script(stream: Stream) -> str:
    """Return a clause on what is wrong with a script that prove ran, other than its failing tests."""
    failing = sum(_outcome(point) == "failed" for point in stream.points)
    if stream.is_skipped or stream.passed:
        return ""
    if wrong := _wrong_plan(stream):
        return f"The script {wrong}"
    # Perl scripts end with the number of failed tests, others with 1.
    if stream.status and stream.status not in {failing, min(1, failing)}:
        return f"The script ended with status {stream.status}"
    return ""


def _wrong_plan(stream: Stream) -> str:
    """Return the end of a clause on how a stream deviates from its plan; empty if it does not."""
    count = len(stream.points)
    if stream.orphans:
        return "broke off in the middle of a test"
    if stream.plan is None:
        return f"did not end: it has no plan after {_tests(count)}"
    if stream.plan != count and not _explains(stream):
        return f"planned {_tests(stream.plan)} and ran {count}"
    return ""


def _explains(stream: Stream) -> bool:
    """Whether bats ended normally, but a file's ``setup_file`` failed, so that none of its tests ran."""
    return stream.is_short and any(not each.is_ok and each.name.endswith("setup_file failed") for each in stream.points)


def _trouble(output: GateOutput, taps: Iterable[Tap], streams: list[Stream], cases: list[Case]) -> str:
    """Return a clause on why the run did not end normally; empty if it did."""
    if not streams:
        return f"{output.gate} wrote no TAP"
    for tap in taps:
        if wrong := _wrong_stream(tap):
            return f"{output.gate} {wrong}"
    if not cases:
        return f"{output.gate} ran no test"
    return _of_status(output, sum(case.outcome == "failed" for case in cases))


def _wrong_stream(tap: Tap) -> str:
    for stream in tap.streams:
        if stream.bailed is not None:
            return f"bailed out: {stream.bailed}".rstrip(": ")
        if not stream.file and (wrong := _wrong_plan(stream)):
            return wrong
    if any(stream.file for stream in tap.streams) and not tap.has_summary:
        return "broke off: prove wrote no result"
    return "" if tap.streams else "left a file without TAP"


def _of_status(output: GateOutput, failing: int) -> str:
    if output.status and not failing:
        return "No test failed, but the run did"
    killed = output.status >= _NO_PRODUCER and failing < output.status
    return f"{output.gate} was killed, or could not be run to its end" if killed else ""


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
