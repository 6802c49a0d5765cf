from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.culprits.findings import Answer
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, answers, called, results_of
from sessions.engines.probe import Ending, Outcome, StepOutcome
from sessions.gates.results import Failure, Kind, Results, TestId
from sessions.ledger.ledger import ProbeResult
from sessions.settings.configuration import Gate
from sessions.terminal.errors import InfrastructureError

TEST, GATE = TestId("a.py", "f"), TestId("", "unit")
UNIT = Gate(name="unit", run="make check", format="junit")
RUNS = {
    "failed": Results(failures=(Failure(test=TEST),)),
    "passed": Results(passed=(TEST,)),
    "skipped": Results(skipped=(TEST,)),
    "absent": Results(passed=(TestId("a.py", "g"),)),
    "hidden": Results(failures=(Failure(test=GATE),), trouble="interrupted"),
}


def answer(results: Results, failure: Failure, *, built: bool = True) -> Answer:
    return answers(ProbeResult(built=built, results=results, seconds=1.0, log=""), [failure])[failure.test]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            "failed",
            {"failed": "fails", "passed": "passes", "skipped": "not run", "absent": "not run", "hidden": "unclear"},
        ),
        (
            "crash",
            {"failed": "fails", "passed": "passes", "skipped": "not run", "absent": "not run", "hidden": "unclear"},
        ),
        ("gone", {"failed": "passes", "passed": "passes", "skipped": "passes", "absent": "fails", "hidden": "fails"}),
        (
            "skipped",
            {"failed": "passes", "passed": "passes", "skipped": "fails", "absent": "not run", "hidden": "unclear"},
        ),
    ],
)
def test_whether_a_run_shows_a_failure_depends_on_what_the_failure_is(kind: Kind, told: dict[str, Answer]) -> None:
    failure = Failure(test=TEST, kind=kind)
    assert {name: answer(results, failure) for name, results in RUNS.items()} == told
    assert {answer(results, failure, built=False) for results in RUNS.values()} == {"unclear"}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        (Results(counts={"a.py": 4}), "fails"),
        (Results(counts={"a.py": 5}), "passes"),
        (Results(counts={"a.py": 6}), "passes"),
        (Results(counts={"b.py": 5}), "not run"),
        (Results(trouble="interrupted"), "unclear"),
        (Results(failures=(Failure(test=TestId("a.py")),)), "unclear"),
    ],
)
def test_where_fewer_tests_of_a_file_ran_the_number_decides(results: Results, told: Answer) -> None:
    failure = Failure(test=TestId("a.py", "number of tests"), kind="gone", expected=5)
    assert answer(results, failure) == told


def test_a_build_fails_or_passes_and_is_never_unclear() -> None:
    failure = Failure(test=BUILD_TEST)
    assert answer(Results(), failure, built=False) == "fails"
    assert answer(RUNS["hidden"], failure) == "passes"


def test_a_gate_as_a_whole_passes_where_it_came_to_its_end() -> None:
    failure = Failure(test=GATE)
    assert [answer(RUNS[name], failure) for name in ("hidden", "passed", "failed")] == ["fails", "passes", "passes"]


def outcome(
    *,
    name: str = "gate",
    status: int = 0,
    log: str = "",
    ending: Ending = "exited",
    results: bytes | None = None,
    trouble: str = "",
) -> Outcome:
    step = StepOutcome(name=name, status=status, log=log, ending=ending)
    return Outcome(steps=(step,), results=results, artifacts={}, seconds=3.0, trouble=trouble)


REPORT = b'<testsuite><testcase classname="/source/a.py" name="f">%s</testcase></testsuite>'


def test_a_report_counts_paths_from_the_source() -> None:
    results = results_of(UNIT, outcome(results=REPORT % b""), "/source")
    assert results.passed == (TestId("a.py", "f"),)


def test_reports_in_several_files_and_the_command_itself_are_told_to_the_format() -> None:
    failed = REPORT % b"<failure/>"
    shown = replace(outcome(status=2), reports={"out/a.xml": failed})
    results = results_of(UNIT, shown, "/source")
    assert [failure.test for failure in results.failures] == [TestId("a.py", "f")]
    # Of pytest, 2 is an interrupt, also beside a failure: by its command, where the report does not say who wrote it.
    interrupted = results_of(replace(UNIT, run="pytest --junit-xml out/a.xml"), shown, "/source")
    assert interrupted.trouble.startswith("pytest did not end normally")


def test_a_manuals_documents_are_told_to_the_format() -> None:
    latex = Gate(name="pdf", run="make pdf", format="latex", artifacts=("*.pdf",))
    results = results_of(latex, replace(outcome(), artifacts={"a.pdf": b"no PDF"}), "/source")
    assert [failure.test for failure in results.failures] == [TestId("a.pdf")]
    assert results.lists_faults


@pytest.mark.parametrize("ending", ["timeout", "out of memory"])
def test_a_command_that_was_killed_has_failed_as_a_whole_whatever_it_reported(ending: Ending) -> None:
    results = results_of(UNIT, outcome(status=137, ending=ending, results=REPORT % b""), "/source")
    assert [(failure.test, failure.kind) for failure in results.failures] == [
        (GATE, "timeout" if ending == "timeout" else "crash")
    ]
    assert results.trouble == f"gate ended: {ending} after 3 s"
    assert not results.passed


@pytest.mark.parametrize("words", ["No space left on device", "Cannot allocate memory", "Input/output error"])
def test_what_a_test_prints_says_nothing_about_our_machine(words: str) -> None:
    content = REPORT % b"<failure/>"
    results = results_of(UNIT, outcome(status=1, log=f"cp: {words}\n", results=content), "/source")
    assert [failure.test for failure in results.failures] == [TestId("a.py", "f")]


def test_what_the_engine_says_of_the_machine_blames_nobody() -> None:
    with pytest.raises(InfrastructureError, match=r"failed a probe of unit \(the disk of /state is full\): fix that"):
        results_of(UNIT, outcome(status=1, trouble="the disk of /state is full"), "/source")


def test_a_build_that_fails_is_told_as_such_beside_a_gate_of_the_same_name() -> None:
    results = results_of(Gate(name="build", run="", format="junit"), outcome(name="build", status=2), "/source")
    assert [failure.test for failure in results.failures] == [BUILD_TEST]
    assert (called(BUILD.name), called("build"), called("unit")) == ("build", "build", "unit")
    assert TestId("", "build") != BUILD_TEST
