"""What a run shows of a reported failure."""

from __future__ import annotations

import pytest

from sessions.day.reproduction_run import compare_with_record
from sessions.gates.results import Failure, Kind, Results, TestId
from sessions.ledger.record import RecordedBreakage

TEST = TestId("a.py", "f", "f(1)[0]")
OTHER = TestId("a.py", "g")


def broke(kind: Kind = "failed", test: TestId = TEST, expected: int = 0) -> RecordedBreakage:
    return RecordedBreakage(
        gate="tests",
        test=TestId.parse(str(test)),
        with_=(),
        message="reported",
        evidence=(),
        file="a.py",
        reproduce="",
        kind=kind,
        expected=expected,
    )


@pytest.mark.parametrize(
    ("kind", "results", "again", "message"),
    [
        ("failed", Results(failures=(Failure(test=TEST, message="1\nhere"),)), True, "1\nhere"),
        ("error", Results(failures=(Failure(test=TEST, message="here"),)), True, "here"),
        ("failed", Results(failures=(Failure(test=OTHER),), passed=(TEST,)), False, "it passes"),
        ("failed", Results(passed=(OTHER,)), False, "it does not run"),
        ("failed", Results(skipped=(TEST,)), False, "it is skipped"),
        ("failed", Results(trouble="it was killed"), False, "it is not reached (it was killed)"),
        ("gone", Results(passed=(OTHER,)), True, "reported"),
        ("gone", Results(passed=(TEST,)), False, "it passes"),
        ("gone", Results(skipped=(TEST,)), False, "it is skipped"),
        ("gone", Results(failures=(Failure(test=TEST),)), False, "it fails"),
        ("gone", Results(trouble="cut"), False, "it is not reached (cut)"),
        ("skipped", Results(skipped=(TEST,)), True, "reported"),
        ("skipped", Results(passed=(TEST,)), False, "it passes"),
    ],
)
def test_a_failure_is_reproduced_only_by_the_same_kind(kind: Kind, results: Results, again: bool, message: str) -> None:
    shown = compare_with_record(broke(kind=kind), results)
    assert (shown.again, shown.message) == (again, message)


@pytest.mark.parametrize(("ran", "again"), [(3, True), (5, False)])
def test_too_few_tests_of_a_file_are_counted(ran: int, again: bool) -> None:
    results = Results(counts={"a.py": ran})
    assert (
        compare_with_record(broke(kind="gone", expected=5, test=TestId("a.py", "number of tests")), results).again
        is again
    )
