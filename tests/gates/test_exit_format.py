from __future__ import annotations

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import Failure, GateOutput, Results, TestId


def test_status_zero_passes() -> None:
    results = FORMATS["exit"](GateOutput(gate="lint", status=0, log="2 errors\n"))
    assert results == Results(gate="lint", passed=(TestId(file="", name="lint"),), tests=1)
    assert results.is_measured


def test_a_failed_command_does_not_account_for_anything() -> None:
    results = FORMATS["exit"](GateOutput(gate="lint", status=127, log="sh: 1: pytst: not found\n"))
    assert not results.is_measured
    assert not results.has_passed


def test_any_other_status_fails_the_gate_and_shows_the_end_of_its_log() -> None:
    log = "\n".join(f"\x1b[31mline {n}\x1b[0m" for n in range(100)) + "\r\n\n\n"
    (failure,) = FORMATS["exit"](GateOutput(gate="lint", status=2, log=log)).failures
    assert (failure.test, failure.kind) == (TestId(file="", name="lint"), "failed")
    first, *shown = failure.message.splitlines()
    assert first == "lint failed; the command ended with status 2. The log ends:"
    assert shown == [f"line {n}" for n in range(70, 100)]


def test_silent_failure() -> None:
    (failure,) = FORMATS["exit"](GateOutput(gate="lint", status=-9, log="")).failures
    assert failure == Failure(
        test=TestId(file="", name="lint"), message="lint failed; the command ended with status -9."
    )


def test_a_long_line_keeps_its_beginning_and_its_end() -> None:
    (failure,) = FORMATS["exit"](GateOutput(gate="lint", status=1, log="a" * 9000 + "the end")).failures
    assert "aaa\n[…]\naaa" in failure.message
    assert failure.message.endswith("the end")
    assert len(failure.message) < 2200
