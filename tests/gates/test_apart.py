"""Large output is read in another process: the same results, and no memory of the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.gates.formats import apart, read_output
from sessions.gates.formats.apart import is_large
from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput
from tests.engines.test_hostile import read_peak, restart_peak

MIB = 2**20


def junit(tests: int, *, failing: int = 0) -> GateOutput:
    cases = [f'<testcase classname="tests.test_a" name="test_{number}"/>' for number in range(tests)]
    for number in range(failing):
        cases[number] = cases[number].replace("/>", '><failure message="no">x</failure></testcase>')
    content = f"<testsuite>{''.join(cases)}</testsuite>".encode()
    return GateOutput(gate="g", status=int(bool(failing)), log="log\n", command="pytest", results=content)


def test_a_large_report_is_read_as_a_small_one_would_be() -> None:
    output = junit(15_000, failing=3)
    assert is_large(output)
    results = read_output("junit", output)
    assert (results.tests, results.fails, len(results.passed)) == (15_000, 3, 14_997)
    assert results == FORMATS["junit"](output)


@pytest.mark.parametrize(("name", "output"), [
    ("tap", GateOutput(gate="g", status=1, log="not ok 1 - a\n" + "# more\n" * 100_000 + "1..1\n")),
    ("exit", GateOutput(gate="g", status=0, log="line\n" * 200_000)),
    ("sage", GateOutput(gate="g", status=1, log="log", results=b"[" * MIB)),
    ("go", GateOutput(gate="g", status=1, log='{"Action":"fail","Package":"p","Test":"T"}\n' * 20_000)),
    ("latex", GateOutput(gate="g", status=1, log="! Undefined control sequence.\n" * 40_000)),
])  # fmt: skip
def test_each_format_is_the_same_in_another_process(name: str, output: GateOutput) -> None:
    assert is_large(output)
    assert read_output(name, output) == FORMATS[name](output)


def test_a_report_that_takes_a_parser_too_much_is_a_failure_of_its_gate_and_costs_the_session_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart, "_MEMORY", 400 * MIB)
    content = b"<testsuite>" + b"<a/>" * (5 * MIB) + b"</testsuite>"
    output = GateOutput(gate="g", status=0, log="log\n", results=content)
    before = restart_peak()
    results = read_output("junit", output)
    assert read_peak() - before < 30 * MIB
    assert results.trouble == "what g reports (20 MiB) cannot be read in reasonable time and memory"
    assert [failure.kind for failure in results.failures] == ["crash"]


def test_more_tests_than_can_be_kept_are_a_failure_of_their_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MOST", 100_000)
    results = read_output("junit", junit(15_000))
    assert results.trouble == "what g reports (1 MiB) names more tests than can be kept"
    assert not results.passed


def test_a_parser_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SECONDS", 1)
    results = read_output("junit", junit(300_000))
    assert "cannot be read in reasonable time" in results.trouble


def test_the_other_process_sees_no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "seen").touch()
    monkeypatch.setenv("GH_TOKEN", "s3cret")
    monkeypatch.setattr(apart, "_PROGRAM", f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(str(os.environ))")
    read_output("junit", junit(15_000))
    seen = (tmp_path / "seen").read_text()
    assert "TMPDIR" in seen
    assert "s3cret" not in seen
