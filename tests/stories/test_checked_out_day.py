"""Days of projects whose files need more than raw contents, or are called as nobody would; on the local engine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import refuse
from tests.repositories import SUBMODULE
from tests.source.test_checkout import keep
from tests.source.test_trees import commit, tree
from tests.stories.test_own_project import GATE, Project

Record = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def told(record: Record) -> dict[int, tuple[str, str]]:
    return {ticket["number"]: (ticket["verdict"], ticket["reason"]) for ticket in record["tickets"]}


def lay(project: Project, number: int, files: dict[str, Any]) -> None:
    """A ticket with files of any kind."""
    project.ticket(number, {})
    project.builder.commit(files, project.base, branch=f"t{number}")


def test_a_file_called_like_an_option_is_a_file_and_its_failure_its_tickets(project: Project) -> None:
    project.configure(
        GATE.replace("$file", '"$file"').replace('echo "sage -t "$file""', 'printf "sage -t %s\\n" "$file"')
    )
    project.ticket(1, {"-n.txt": "yes\n", "-v -e.txt": "yes\n"})
    project.ticket(2, {"--help.txt": "no\n"})
    project.ticket(3, {"$HOME.txt": "yes\n", "a b`c`.txt": "yes\n"})
    record = project.integrate()
    verdicts = {number: verdict for number, (verdict, _) in told(record).items()}
    assert verdicts == {1: "integrated", 2: "culprit", 3: "integrated"}
    assert [broke["file"] for broke in record["tickets"][1]["broke"]] == ["--help.txt"]


def test_a_ticket_that_adds_a_submodule_or_a_bad_tree_breaks_nobodys_day(project: Project) -> None:
    builder = project.builder
    project.ticket(1, {"a.txt": "yes, too\n"})
    lay(project, 2, {"lib": (SUBMODULE, "1" * 40), "d.txt": "yes\n"})
    for number, name in ((3, ".."), (4, ".git")):
        project.ticket(number, {"b.txt": "yes, too\n"})
        inner = tree(builder.path, ("100644", "config", builder.git("rev-parse", "1.0:a.txt")))
        commit(builder, tree(builder.path, ("40000", name, inner)), f"t{number}", project.base)
    planned = told(project.integrate(plan=True))
    assert planned[2] == (
        "integrated",
        "it adds the submodule lib, an empty folder here: `[project] submodules` is off",
    )
    record = project.integrate()
    assert record["state"] == "green"
    assert told(record) == planned
    assert [told(record)[number] for number in (3, 4)] == [
        ("unfetchable", "not a valid tree: an entry is called '..'"),
        ("unfetchable", "not a valid tree: '.git' is where git keeps its own files"),
    ]
    assert not list(project.folder.rglob("config.*"))


def test_a_gate_sees_files_as_a_checkout_has_them(project: Project) -> None:
    """Line ends, `$Id$`, and contents from Git LFS: raw, each of these tests would fail, and blame its ticket."""
    if not shutil.which("git-lfs"):
        refuse("Debian's git-lfs is not installed")
    script = "".join(
        f"if test ! -e {name} || {check}; then :; else echo no >> a.txt; fi\n"
        for name, check in (
            ("x.bat", r"test $(tr -cd '\r' < x.bat | wc -c) = 2"),
            ("id.py", "grep -q 'Id: [0-9a-f]' id.py"),
            ("new.bin", "test $(wc -c < new.bin) = 3000"),
            ("old.bin", "test $(wc -c < old.bin) = 2000"),
        )
    )
    base = {"old.bin": keep(project.builder, b"o" * 2000), ".gitattributes": "*.bin filter=lfs -text\n"}
    project.base = project.builder.commit({**base})
    project.builder.tag("1.1")
    project.configure(script + GATE)
    lay(project, 1, {".gitattributes": "*.bin filter=lfs -text\n*.bat eol=crlf\n*.py ident\n", "x.bat": "1\n2\n"})
    lay(project, 2, {"id.py": "# $Id$\n"})
    lay(project, 3, {"new.bin": keep(project.builder, b"n" * 3000)})
    lay(project, 4, {"gone.bin": keep(project.builder, b"g", there=False)})
    record = project.integrate()
    assert record["state"] == "green"
    verdicts = {number: verdict for number, (verdict, _) in told(record).items()}
    assert verdicts == {1: "integrated", 2: "integrated", 3: "integrated", 4: "unfetchable"}
    assert told(record)[4][1].startswith("gone.bin is kept in Git LFS, which does not have its content")
