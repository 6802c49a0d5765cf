"""The sample shows what its table promises: told by plain git and by its own test runner, without our code."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sessions.sample.commits import edited
from sessions.sample.history import STORY, expectations, history
from sessions.sample.unpack import Sample, unpack_sample
from sessions.tickets.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Eligible tickets, dependencies first, then by priority and number.
QUEUE = (101, 102, 107, 106, 105, 103, 110, 111, 113, 114, 115, 116, 104, 112, 117, 127, 118)
OUT = {103, 110, 111, 113, 114, 116, 117}
LUCKY = 5  # a seed by which a six turns up in time

AREA = ("abacus/measure.py", "abacus.measure.area", "area(1.1, 1.1)")
LEAP = ("abacus/almanac.py", "abacus.almanac.is_leap", "is_leap(1900)")
LEDGER = ("abacus/ledger.py", "abacus.ledger.usual_day", 'usual_day({"Monday": 12, "Tuesday": 31, "Wednesday": 20})')
LABELS = {("abacus/checks.py", "abacus.checks.parcel_label", f"parcel_label({number})") for number in (1295, 100)}
COLOUR = ("abacus/colours.py", "abacus.colours.web_colour", "web_colour(255, 127, 80)")
ALOUD = ("abacus/egyptian.py", "abacus.egyptian.aloud", "aloud(2, 3)")

Test = tuple[str, str, str]


class Project:
    """The unpacked sample, with merging as git alone does it."""

    def __init__(self, sample: Sample) -> None:
        self.repository = sample.repository
        rows = tomllib.loads(sample.tickets.read_text(encoding="utf-8"))["ticket"]
        self.tickets = {row["number"]: row for row in rows}

    def git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        who = {f"GIT_{role}_{key}": "t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.repository, env={**os.environ, **who}, capture_output=True, check=False)

    def line(self, *arguments: str) -> str:
        done = self.git(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def merge(self, head: str, commit: str) -> str:
        """Return the merge of two commits, or nothing where they conflict."""
        done = self.git("merge-tree", "--write-tree", head, commit)
        assert done.returncode in {0, 1}, done.stderr
        tree = done.stdout.decode().split()[0]
        return "" if done.returncode else self.line("commit-tree", "-m", "m", "-p", head, "-p", commit, tree)

    def day(self, numbers: Iterable[int]) -> tuple[str, set[int]]:
        """Merge tickets one by one onto the release; return the head and what did not fit."""
        head = self.line("rev-parse", "develop")
        conflicts: set[int] = set()
        for number in numbers:
            merged = self.merge(head, self.tickets[number]["commit"])
            head = merged or head
            if not merged:
                conflicts.add(number)
        return head, conflicts

    def checkout(self, commit: str, folder: Path) -> Path:
        with tarfile.open(fileobj=io.BytesIO(self.git("archive", commit).stdout)) as archive:
            archive.extractall(folder, filter="data")
        return folder


def doctests(folder: Path, *files: str, seed: int = LUCKY) -> subprocess.CompletedProcess[str]:
    paths = files or sorted(path.relative_to(folder).as_posix() for path in folder.glob("abacus/**/*.py"))
    command = [sys.executable, "tools/doctests.py", "--seed", str(seed), "--stats-path", "stats.json", *paths]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def manual(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "pdf", "docs", "build/pdf"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def failing(folder: Path) -> set[Test]:
    log = doctests(folder).stdout
    found = re.findall(r'^File "(.+)", line \d+, in (\S+)\nFailed example:\n    (.+)$', log, re.MULTILINE)
    return {(file, name, example) for file, name, example in found}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(unpack_sample(tmp_path_factory.mktemp("sample")))


def refs(sample: Sample) -> str:
    command = ["git", "for-each-ref", "--format=%(objectname) %(refname)"]
    return subprocess.run(command, cwd=sample.repository, capture_output=True, text=True, check=True).stdout


def test_same_on_any_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = unpack_sample(tmp_path / "first")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    second = unpack_sample(tmp_path / "second")
    monkeypatch.undo()
    assert refs(first) == refs(second)
    assert first.tickets.read_bytes() == second.tickets.read_bytes()
    assert (first.repository / "HEAD").read_text().strip() == "ref: refs/heads/develop"


def test_unpacked_once(tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path)
    before = sample.repository.stat().st_ino, sample.tickets.stat().st_mtime_ns
    assert unpack_sample(tmp_path) == sample
    assert (sample.repository.stat().st_ino, sample.tickets.stat().st_mtime_ns) == before


@pytest.mark.parametrize("stamp", [None, "of other data"])
def test_half_made_or_outdated_is_made_anew(tmp_path: Path, stamp: str | None) -> None:
    sample = unpack_sample(tmp_path)
    whole = refs(sample)
    (sample.repository / "HEAD").unlink()
    sample.tickets.write_text("[[ticket]]")
    (tmp_path / "project.new").mkdir()
    (tmp_path / "diary").write_text("mine")
    (tmp_path / "sample.sha256").unlink() if stamp is None else (tmp_path / "sample.sha256").write_text(stamp)
    assert refs(unpack_sample(tmp_path)) == whole
    assert len(tomllib.loads(sample.tickets.read_text(encoding="utf-8"))["ticket"]) == len(expectations())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "diary", "project.git", "sample.lock", "sample.sha256", "tickets.toml",
    ]  # fmt: skip


def test_tickets_are_told_as_they_are(project: Project) -> None:
    for ticket in history().tickets:
        row = project.tickets[ticket.number]
        assert row["title"] == ticket.title
        assert row.get("description", "") == ticket.description
        assert row.get("branch", "") == ticket.branch
    assert "commit" not in project.tickets[122]
    assert project.git("cat-file", "-e", project.tickets[123]["commit"]).returncode
    assert project.line("rev-parse", "u/tove/count-fridays~1") == project.tickets[124]["commit"]
    assert not project.git("merge-base", "--is-ancestor", project.tickets[125]["commit"], "develop").returncode


def test_table_at_the_top_is_true() -> None:
    text = STORY.read_text(encoding="utf-8")
    told = {int(number): word for number, word in re.findall(r"^#   (\d+) .*  (\S+)$", text, re.MULTILINE)}
    assert told == {number: expected.verdict for number, expected in expectations().items()}
    assert {Verdict.NOT_REACHED, Verdict.FLAKY, *told.values()} == set(Verdict)


def test_conflicts_are_the_designed_ones(project: Project) -> None:
    assert project.day(QUEUE)[1] == {103, 110, 112}
    head, conflicts = project.day(number for number in QUEUE if number not in OUT)
    assert not conflicts
    assert {number for number, e in expectations().items() if e.verdict == Verdict.INTEGRATED} == set(QUEUE) - OUT
    for number in OUT - {113}:
        fits = bool(project.merge(head, project.tickets[number]["commit"]))
        assert fits == (number in {114, 116, 117}), number  # 111 and 112 take each other's place


@pytest.mark.slow
def test_no_other_two_tickets_conflict(project: Project) -> None:
    numbers = [number for number in project.tickets if number not in {110, 122, 123}]
    commits = {number: project.tickets[number]["commit"] for number in numbers}
    every = itertools.combinations(numbers, 2)
    pairs = {(one, two) for one, two in every if not project.merge(commits[one], commits[two])}
    # 113 carries 111, and 127 carries 102.
    assert pairs == {(102, 103), (103, 104), (103, 127), (111, 112), (112, 113)}
    assert not project.merge(project.line("rev-parse", "develop"), project.tickets[110]["commit"])


@pytest.mark.parametrize(
    ("tickets", "new", "fixed"),
    [
        ((), set(), set()),
        ((101,), set(), {LEAP}),
        ((111,), {LEDGER}, set()),
        ((111, 113), {LEDGER}, set()),
        ((114,), {*LABELS, COLOUR}, set()),
        ((115,), set(), set()),
        ((116,), set(), set()),
        ((115, 116), {ALOUD}, set()),
        ((117,), set(), set()),
        (QUEUE, {LEDGER, *LABELS, COLOUR, ALOUD}, {LEAP}),
        ([number for number in QUEUE if number not in OUT], set(), {LEAP}),
    ],
)
def test_doctests_fail_as_designed(
    project: Project, tmp_path: Path, tickets: tuple[int, ...], new: set[Test], fixed: set[Test]
) -> None:
    folder = project.checkout(project.day(tickets)[0], tmp_path)
    assert failing(folder) == ({AREA, LEAP} | new) - fixed


@pytest.mark.parametrize("number", [n for n in QUEUE if n not in {101, 110, 111, 113, 114}])
def test_a_ticket_alone_breaks_nothing(project: Project, tmp_path: Path, number: int) -> None:
    folder = project.checkout(project.tickets[number]["commit"], tmp_path)
    assert failing(folder) == {AREA, LEAP}


@pytest.mark.slow
def test_chance_is_about_one_in_four_and_in_one_test_only(project: Project, tmp_path: Path) -> None:
    folder = project.checkout("develop", tmp_path)
    seeds = range(100)
    logs = [doctests(folder, "abacus/dice.py", seed=seed).stdout for seed in seeds]
    shown = Counter(re.findall(r"Failed example:\n    (.+)", "".join(logs)))
    assert set(shown) == {"6 in rolls(7)"}
    assert 15 <= shown.total() <= 42
    assert "Failed" not in logs[LUCKY]


def test_log_and_statistics_are_those_of_sage(project: Project, tmp_path: Path) -> None:
    folder = project.checkout("develop", tmp_path)
    (folder / "abacus/broken.py").write_text("def (")
    done = doctests(folder, "abacus/__init__.py", "abacus/measure.py", "abacus/broken.py")
    assert done.returncode == 1 | 64
    log = re.sub(r"\d+\.\d+(s wall| seconds)", r"0.00\1", done.stdout)
    stars, dashes = "*" * 70, "-" * 70
    assert log.startswith(f"""\
Doctesting 3 files.
sage -t --random-seed={LUCKY} abacus/__init__.py
    [2 tests, 0.00s wall]
sage -t --random-seed={LUCKY} abacus/measure.py
{stars}
File "abacus/measure.py", line 23, in abacus.measure.area
Failed example:
    area(1.1, 1.1)
Expected:
    1.21
Got:
    1.2100000000000002
{stars}
1 item had failures:
   1 of   2 in abacus.measure.area
    [5 tests, 1 failure, 0.00s wall]
sage -t --random-seed={LUCKY} abacus/broken.py
    Error in doctesting framework (bad result returned)
{stars}
""")
    assert log.endswith(f"""
{dashes}
sage -t --random-seed={LUCKY} abacus/measure.py  # 1 doctest failed
sage -t --random-seed={LUCKY} abacus/broken.py  # Testing error: bad result
{dashes}
Total time for all tests: 0.00 seconds
""")
    stats = json.loads((folder / "stats.json").read_text())
    assert {name: sorted(value) for name, value in stats.items()} == {
        "abacus": ["ntests", "walltime"],
        "abacus.measure": ["failed", "ntests", "walltime"],
    }
    assert "All tests passed!" in doctests(folder, "abacus/roman.py").stdout


@pytest.mark.slow
def test_manual_builds_for_all_but_its_culprit(project: Project, tmp_path: Path) -> None:
    head, _ = project.day(number for number in QUEUE if number not in OUT)
    for commit in ("1.0", "develop", head):
        folder = project.checkout(commit, tmp_path / commit)
        done = manual(folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert (folder / "build/pdf/abacus.pdf").read_bytes().startswith(b"%PDF")
    done = manual(project.checkout(project.tickets[117]["commit"], tmp_path / "117"))
    assert done.returncode
    assert "tutorial.rst" in done.stderr
    assert "underline too short" in done.stderr


def test_bad_data_are_refused() -> None:
    with pytest.raises(ValueError, match="found 2 times in a"):
        edited({"a": "bb"}, [{"path": "a", "find": "b", "replace": "c"}])
    with pytest.raises(ValueError, match="neither"):
        edited({"a": "bb"}, [{"path": "a"}])
