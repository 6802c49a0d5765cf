"""Several release lines in one call: shared results, backports, and a page of tickets by line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import lines, ticket_table
from tests.stories.desk import Desk
from tests.stories.test_own_project import GATE, Project

LINES = """
[[lines]]
name = "2.x"
tags = "2.*"

[[lines]]
name = "1.x"
tags = "1.*"
ready = ["backport 1.x"]
backport = true
"""


class Lines(Project):
    """1.1 left main before it changed a.py twice, with #91 and #92; 2.0 has both."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        commit = self.builder.commit
        commit({"a.py": lines(), "b.py": lines(), "c.py": lines()}, message="The beginning")
        commit({"stable": "1"}, self.builder.tips["main"], branch="stable", message="Stable")
        self.builder.tag("1.1", "stable")
        commit({"a.py": lines((5, "five"))}, message="Five (#91)")
        commit({"a.py": lines((5, "five"), (6, "six"))}, message="Six (#92)")
        commit({"new.py": lines()}, message="A new file")
        self.builder.tag("2.0")
        self.main = self.builder.tips["main"]

    def configure(self, gate: str = GATE) -> None:
        super().configure(gate)
        with (self.folder / "integration.toml").open("a") as file:
            file.write(LINES)

    def add(self, number: int, files: dict[str, str | None], *labels: str) -> None:
        self.builder.commit(files, self.main, branch=f"t{number}")
        self.tickets.append(ticket_table(number, labels=["ready", *labels]))

    def type(self, *words: str, session: str = "integrate") -> subprocess.CompletedProcess[str]:
        (self.folder / "tickets.toml").write_text("\n".join(self.tickets))
        return Desk(self.folder).type(session, *words)

    def record(self, line: str) -> dict[str, Any]:
        path = self.folder / ".integrand" / "lines" / line / "latest" / "run.json"
        record: dict[str, Any] = json.loads(path.read_text())
        return record

    def tickets_of(self, line: str) -> dict[int, dict[str, Any]]:
        return {ticket["number"]: ticket for ticket in self.record(line)["tickets"]}


@pytest.fixture
def project(tmp_path: Path) -> Lines:
    return Lines(tmp_path)


def test_each_line_has_its_day_and_a_backport_brings_its_own_changes_alone(project: Lines) -> None:
    project.add(1, {"b.py": lines((9, "nine"))}, "backport 1.x")
    project.add(2, {"c.py": lines((1, "one"))})
    done = project.type("--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["lines"]) == {"2.x", "1.x"}
    newer, older = project.record("2.x"), project.record("1.x")
    assert [newer["release"], older["release"]] == ["2.0", "1.1"]
    assert [newer["state"], older["state"]] == ["green", "green"]
    assert [newer["order"], older["order"]] == [[1, 2], [1]]
    first = project.tickets_of("1.x")[1]
    assert first["origin"] == project.builder.tips["t1"] != first["commit"]
    assert project.tickets_of("1.x")[2]["verdict"] == "ineligible"
    mirror = next((project.folder / ".integrand" / "mirrors").iterdir())
    changed = subprocess.check_output(["git", "diff", "--name-only", "1.1", older["head"]], cwd=mirror, text=True)
    assert changed.split() == ["b.py"]  # nothing of main's
    assert not (project.folder / ".integrand" / "days").exists()
    page = (project.folder / ".integrand" / "lines" / "index.html").read_text()
    assert 'href="1.x/days/2026-11-23/report.html#t1"' in page


def test_what_a_backport_lacks_is_named(project: Lines) -> None:
    project.add(3, {"a.py": lines((5, "five"), (6, "six!"))}, "backport 1.x")
    done = project.type()
    assert done.returncode == 0, done.stderr
    ticket = project.tickets_of("1.x")[3]
    assert ticket["verdict"] == "conflict"
    assert ticket["reason"] == ("it needs #91 and #92, which 1.x lacks: without them, it does not apply to 1.1 in a.py")
    assert [each["with"] for each in ticket["conflicts"]] == [[91, 92]]
    assert "#3: 2.x ✓ integrated, 1.x" in done.stdout + done.stderr


def test_a_listed_ticket_that_another_needs_is_backported_first(project: Lines) -> None:
    project.builder.git("update-ref", "refs/heads/t92", f"{project.main}~1")
    project.builder.git("update-ref", "refs/heads/t91", f"{project.main}~2")
    project.tickets += [ticket_table(number, labels=["backport 1.x"]) for number in (92, 91)]
    project.add(3, {"a.py": lines((5, "five"), (6, "six!"))}, "backport 1.x")
    assert project.type("--line", "1.x").returncode == 0
    assert project.record("1.x")["order"] == [91, 92, 3]


def test_a_change_that_no_other_mends_is_to_be_backported_by_hand(project: Lines) -> None:
    project.add(3, {"stable": "2"}, "backport 1.x")
    assert project.type("--line", "1.x").returncode == 0
    reason = project.tickets_of("1.x")[3]["reason"]
    assert (
        reason
        == "it does not apply to 1.1 in stable, also after earlier changes to the same files: backport it by hand"
    )


def test_the_same_call_again_measures_nothing(project: Lines) -> None:
    project.add(1, {"b.py": lines((9, "nine"))}, "backport 1.x")
    project.type()
    before = project.record("1.x")["head"]
    project.type()
    assert [project.record(line)["timings"]["probes_run"] for line in ("1.x", "2.x")] == [0, 0]
    assert project.record("1.x")["head"] == before


def test_an_error_ends_its_own_line_alone(project: Lines) -> None:
    project.add(1, {"b.py": lines((9, "nine"))})
    path = project.folder / "integration.toml"
    path.write_text(path.read_text().replace('tags = "2.*"', 'release = "branch:gone"'))
    done = project.type()
    assert done.returncode == 1
    assert "2.x: The repository has no branch 'gone'" in done.stderr
    assert project.record("1.x")["state"] == "empty"


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (("--line", "3.x"), "There is no line '3.x' in the configuration; did you mean '2.x'?"),
        (("--shell",), "--shell needs a release line: add --line 2.x, for example."),
    ],
)
def test_a_line_that_is_unknown_or_missing_is_told(project: Lines, words: tuple[str, ...], trouble: str) -> None:
    project.add(1, {"b.py": lines((9, "nine"))})
    assert trouble in project.type(*words).stderr
