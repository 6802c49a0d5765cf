"""A run that stopped at a failure has not seen the tests after it."""

from __future__ import annotations

import pytest

from sessions.gates.formats import read_output
from sessions.gates.results import GateOutput

FAILS = b'<testsuite name="s" tests="1"><testcase classname="a" name="t"><failure message="no"/></testcase></testsuite>'
PASSES = b'<testsuite name="s" tests="1"><testcase classname="a" name="t"/></testsuite>'


def trouble(content: bytes, *, command: str = "check", log: str = "", status: int = 1) -> str:
    output = GateOutput(gate="unit", status=status, log=log, command=command, results=content)
    return read_output("junit", output).trouble


@pytest.mark.parametrize(
    ("command", "log"),
    [
        ("pytest -x", "!!!!!!!!!!!! stopping after 1 failures !!!!!!!!!!!!!\n1 failed in 0.02s\n"),
        ("make check", "!!!!!!! xdist.dsession.Interrupted: stopping after 1 failures !!!!!!\n"),
        ("cargo nextest run", "  Cancelling due to test failure: 3 tests still running\n"),
        ("mvn test", "[INFO] core ........... FAILURE [  1.2 s]\n[INFO] web ............ SKIPPED\n"),
        ("go test -failfast ./...", ""),
        ("rspec --fail-fast", ""),
        ("python -m unittest --failfast", ""),
        ("phpunit --stop-on-failure", ""),
        ("ctest --stop-on-failure", ""),
        ("mocha --bail", ""),
        ("robot --exitonfailure tests", ""),
        ("pytest --junit-xml a.xml a && pytest --junit-xml b.xml b", ""),
        ("cd web && npm test && cd .. && make check", ""),
    ],
)
def test_a_runner_that_stops_at_a_failure_has_trouble(command: str, log: str) -> None:
    assert "stopped at a failure" in trouble(FAILS, command=command, log=log)
    assert trouble(PASSES, command=command, log=log, status=0) == ""


@pytest.mark.parametrize(
    ("command", "log"),
    [
        ("pytest", "a test prints: stopping after 1 failures\n"),
        ("cargo nextest run --no-fail-fast", ""),
        ("jest --bail=20", ""),
        ("mvn test", "[INFO] core ........... SUCCESS [  1.2 s]\n"),
        ("check --fail-faster", ""),
        ("pip install pytest && pytest", ""),
        ("cd a && pytest; cd b; pytest", ""),
        ("make test-data && make test", ""),
    ],
)
def test_other_runs_come_to_their_end(command: str, log: str) -> None:
    assert trouble(FAILS, command=command, log=log) == ""
