"""A ticket whose code writes another test's failure into the report: who leaves, and what the report shows of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.test_green import HARMLESS, Project, changed

pytestmark = pytest.mark.slow

# Writes a failure of a test in a file that the ticket does not touch, if the condition holds.
FORGER = """
import os
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and item.name == "test_half" and {condition}:
        report.outcome, report.longrepr = "failed", "forged"
"""
OTHER = changed("tests/test_b.py", "def test_other", "# Touches the test's own file.\ndef test_other")


def forger(condition: str) -> dict[str, str | None]:
    return {"tests/conftest.py": FORGER.format(condition=condition)}


def test_who_forges_a_failure_always_leaves_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "own")
    project.ticket(1, HARMLESS)
    project.ticket(2, OTHER)
    project.ticket(3, forger("True"))
    day = project.day()
    assert day.verdicts == {1: "integrated", 2: "integrated", 3: "culprit"}
    [broke] = day.ticket(3)["broke"]
    assert (broke["test"], broke["with"]) == ("tests.test_b::test_half", [])
    assert broke["evidence"][0] == "fails, twice, with #3"  # no other suspect's code ran there


@pytest.mark.parametrize("forging", [1, 3], ids=["merged first", "merged last"])
def test_who_forges_a_failure_only_beside_another_is_named_with_it(tmp_path: Path, forging: int) -> None:
    """No run can tell it from two tickets that break a test together: the report names both, and their runs apart."""
    project = Project(tmp_path / "own")
    condition = "'Touches' in open('tests/test_b.py').read()"
    for number in (1, 2, 3):
        files = forger(condition) if number == forging else OTHER if number == 4 - forging else HARMLESS
        project.ticket(number, files)
    day = project.day()
    assert day.verdicts == {1: "integrated", 2: "integrated", 3: "culprit"}
    assert day.ticket(3)["reason"] == "it breaks tests.test_b::test_half together with #1"
    [broke] = day.ticket(3)["broke"]
    assert broke["with"] == [1]
    assert broke["evidence"][0] == "fails, twice, with #1 and #3"
    assert {"passes with #1", "passes with #3"} <= set(broke["evidence"])
