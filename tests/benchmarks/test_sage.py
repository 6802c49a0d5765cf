from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import Edit
from benchmarks.sage import EXAMPLE, FAULTS, SageFault, expectation, main, named_besides, take, told_of, write_day
from sessions.settings.configuration_file import load_config
from sessions.settings.ticket_settings import Tracker
from sessions.tickets.trackers.file import FileTracker
from tests.repositories import Builder, lines, run_git

FAULT = SageFault(
    name="a doctest",
    edits=(Edit(ticket=1, path="src/sage/a.py", old="", new="fault\n"),),
    gate="doctest",
    place="src/sage/a.py",
    culprit=1,
)


@pytest.fixture
def archive(builder: Builder) -> Builder:
    start = builder.commit({"src/sage/a.py": lines(), "src/sage/b.pyx": lines()})
    builder.tag("9.5")
    tickets: dict[str, dict[str, str]] = {
        "1: Fix a": {"src/sage/a.py": lines((3, "three"))},
        "2: Compile b": {"src/sage/b.pyx": lines((9, "nine"))},
        "3: Add c": {"src/sage/c.py": "new\n"},
        "4: Document": {"src/doc/index.py": "new\n"},
    }
    for number, (subject, files) in enumerate(tickets.items(), start=1):
        ticket = builder.commit(files, start, branch=f"t{number}")
        builder.commit(files, "main", ticket, message=f"Trac #{subject}")
    builder.tag("9.6.beta2")
    return builder


def test_tickets_of_the_library_are_taken_and_get_their_faults(archive: Builder, tmp_path: Path) -> None:
    day = tmp_path / "day"
    taken = take(archive.path, day, "9.5", "9.6.beta2", everything=False)
    write_day(day, taken, [FAULT])
    config = load_config(day / "integration.toml")
    tickets = FileTracker(Tracker(url=str(day / config.tickets[0].url))).read()
    assert [(ticket.number, ticket.title) for ticket in tickets] == [(1, "Fix a"), (3, "Add c")]
    faulty, plain = tickets
    assert run_git("show", f"{faulty.branch}:src/sage/a.py", cwd=day / "sage.git").endswith("\nfault")
    assert run_git("rev-parse", faulty.branch, f"{faulty.branch}^", cwd=day / "sage.git").split() == [
        faulty.commit,
        archive.tips["t1"],
    ]
    assert plain.commit == archive.tips["t3"]
    assert sorted(path.name for path in day.iterdir()) == ["Dockerfile", "integration.toml", "sage.git", "tickets.toml"]


def test_a_day_is_taken_by_typing(archive: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["--repository", str(archive.path), "--folder", str(tmp_path / "day"), "--all"]
    assert main(typed) == 0
    assert "4 tickets, 0 faults" in capsys.readouterr().out
    assert main(typed) == 1
    assert "name another --folder" in capsys.readouterr().err
    assert main(["--folder", str(tmp_path / "other")]) == 1
    assert "--repository DIR" in capsys.readouterr().err


def broke(number: int, gate: str, test: str, *partners: int) -> dict[str, Any]:
    return {"number": number, "verdict": "culprit", "broke": [{"gate": gate, "test": test, "with": list(partners)}]}


RECORD = {
    "tickets": [
        broke(33173, "doctest", "src/sage/rings/cfinite_sequence.py::sage.rings [r[0:4]]"),
        broke(33133, "doctest", "src/sage/plot/scatter_plot.py::sage.plot [f('red')]", 32912),
        broke(33192, "build", "build"),
        broke(33101, "doc-pdf", "game_theory.pdf::LaTeX error [Undefined control sequence. \\wide]"),
        broke(33180, "build", "build"),
    ],
    "gates": {"doctest": {"flaky_rates": {"src/sage/quadratic_forms/binary_qf.py::x": {"fails": 1, "runs": 3}}}},
}


def test_a_record_is_compared_with_the_faults() -> None:
    assert [told_of(RECORD, fault) for fault in FAULTS] == [expectation(fault) for fault in FAULTS]
    assert named_besides(RECORD, FAULTS) == ["#33180 culprit: build"]
    empty = {"tickets": [], "gates": {"doctest": {"flaky_rates": {}}}}
    assert {told_of(empty, fault) for fault in FAULTS} == {"not named"}
    wrong = {**RECORD, "tickets": [broke(32970, "doctest", "src/sage/plot/scatter_plot.py::sage.plot [f('red')]")]}
    assert told_of(wrong, FAULTS[1]) == "#32970 leaves"


def build(tmp_path: Path, ours: dict[str, str], theirs: dict[str, str], debian: dict[str, str]) -> tuple[int, str]:
    """Run the example's build step on small folders: the release, a candidate, and Debian's copy."""
    for folder, files in (("release", ours), ("source/src", theirs), ("debian", debian)):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    script = load_config(EXAMPLE / "integration.toml").build.run
    script = script.replace("/opt/release", str(tmp_path / "release"))
    script = script.replace("/usr/lib/python3/dist-packages", str(tmp_path / "debian"))
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path / "source",
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    return done.returncode, done.stdout + done.stderr


def python(*changes: tuple[int, str]) -> str:
    return "".join(f"x{number} = {dict(changes).get(number, '0')}\n" for number in range(1, 10))


def test_the_build_brings_changes_into_debians_copy(tmp_path: Path) -> None:
    ours = {f"sage/{name}.py": python() for name in ("same", "patched", "gone")}
    theirs = {"sage/same.py": python(), "sage/patched.py": python((1, "1")), "sage/new/file.py": python()}
    debian = {**ours, "sage/patched.py": python((9, "9"))}
    assert build(tmp_path, ours, theirs, debian) == (0, "3 files brought into Debian's Sage\n")
    read = {path.name: path.read_text() for path in (tmp_path / "debian").rglob("*.py")}
    assert read == {"same.py": python(), "patched.py": python((1, "1"), (9, "9")), "file.py": python()}


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"sage/a.py": python((5, "5"))}, "src/sage/a.py:1: error: it conflicts with Debian's patch of this file"),
        ({"sage/a.py": python((1, ")"))}, "src/sage/a.py:1: error: unmatched ')'"),
        ({"sage/a.py": python(), "sage/b.pyx": "x"}, "src/sage/b.pyx:1: error: only Python files"),
    ],
)
def test_what_cannot_be_brought_there_fails_the_build(tmp_path: Path, theirs: dict[str, str], told: str) -> None:
    status, log = build(tmp_path, {"sage/a.py": python()}, theirs, {"sage/a.py": python((5, "7"))})
    assert status == 1
    assert log.splitlines()[1].startswith(told)
    assert len(log.splitlines()) == 2
