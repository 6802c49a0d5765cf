"""What the memory makes of merges, beside git's own rerere and with conflicts of other kinds than lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.resolutions.memory import ResolutionMemory
from sessions.resolutions.model import About, ResolutionKind
from sessions.resolutions.recording import Lesson, learn
from sessions.resolutions.rerere_cache import read_rerere_cache
from sessions.source.conflicts import Clash
from sessions.source.merge_tree import MergeTree
from sessions.source.merging import Candidate, Merger
from tests.repositories import COMMITTER, DATE, EXECUTABLE, SUBMODULE, Builder, Content, Scene, lines, run_git

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = About(author="Jane <jane@example.org>", date="2026-11-20", origin="by hand")


class Pair:
    """Two branches ``t1`` and ``t2`` of one release that conflict, and a merge of them that somebody has finished."""

    def __init__(
        self, folder: Path, base: dict[str, Content], one: dict[str, Content], two: dict[str, Content]
    ) -> None:
        self.builder = Builder(folder / "project.git")
        first = self.builder.commit(base)
        self.builder.tag("1.0")
        tips = [self.builder.commit(files, first, branch=f"t{n}") for n, files in ((1, one), (2, two))]
        self.tips = (tips[0], tips[1])
        self.scene = Scene.of(self.builder, folder / "state")
        self.tickets = self.scene.tickets(t1=1, t2=2)
        self.repository = self.scene.mirror.repository

    def learn(self, finished: dict[str, Content]) -> Lesson:
        """What a finished merge teaches that has these files beside those of the first branch."""
        commit = self.builder.commit(finished, *self.tips, branch="finished")
        self.scene = Scene.of(self.builder, self.repository.path.parent.parent)
        self.scene.mirror.fetch({"refs/integrand/finished": "refs/heads/finished"})
        git = MergeTree(self.repository)
        unmerged = git.unmerged(git.merge(*self.tips), *self.tips, f"{self.tips[0]}^{{tree}}")
        assert unmerged is not None
        return learn(self.repository, unmerged, f"{commit}^{{tree}}", ABOUT)

    def merge(self, lesson: Lesson, *, first: int = 1) -> Candidate | Clash:
        """Merge both tickets with what was learnt."""
        kept = {each.name: each for each in lesson.resolutions}
        memory = ResolutionMemory(repository=self.repository, resolutions=kept)
        merger = Merger(self.repository, self.scene.release, DATE, COMMITTER, memory=memory)
        return merger.combine([self.tickets[first], self.tickets[3 - first]])


CASES: dict[
    str, tuple[dict[str, Content], dict[str, Content], dict[str, Content], dict[str, Content], ResolutionKind]
] = {
    "lines": (
        {"a": lines()},
        {"a": lines((5, "x"))},
        {"a": lines((5, "y"))},
        {"a": lines((5, "xy"))},
        ResolutionKind.HUNK,
    ),
    "two places": (
        {"a": lines()},
        {"a": lines((5, "x"), (20, "x"))},
        {"a": lines((5, "y"), (20, "z"))},
        {"a": lines((5, "xy"), (20, "xz"))},
        ResolutionKind.HUNK,
    ),
    "both add": ({"a": "1\n"}, {"n": "x\n"}, {"n": "y\n"}, {"n": "x\ny\n"}, ResolutionKind.HUNK),
    "renamed": (
        {"a": lines()},
        {"a": None, "b": lines((5, "x"))},
        {"a": lines((5, "y"))},
        {"b": lines((5, "xy"))},
        ResolutionKind.HUNK,
    ),
    "no end of line": ({"a": "1\n2"}, {"a": "1\nx"}, {"a": "1\ny"}, {"a": "1\nxy"}, ResolutionKind.HUNK),
    "CRLF": ({"a": "1\r\n2\r\n"}, {"a": "1\r\nx\r\n"}, {"a": "1\r\ny\r\n"}, {"a": "1\r\nxy\r\n"}, ResolutionKind.HUNK),
    "executable": (
        {"a": (EXECUTABLE, lines())},
        {"a": (EXECUTABLE, lines((5, "x")))},
        {"a": (EXECUTABLE, lines((5, "y")))},
        {"a": (EXECUTABLE, lines((5, "xy")))},
        ResolutionKind.HUNK,
    ),
    "changed elsewhere": (
        {"a": lines()},
        {"a": lines((5, "x"))},
        {"a": lines((5, "y"))},
        {"a": lines((5, "xy"), (9, "more"))},
        ResolutionKind.FILE,
    ),
    "deleted": ({"a": lines()}, {"a": None}, {"a": lines((5, "y"))}, {"a": None}, ResolutionKind.FILE),
    "not deleted": ({"a": lines()}, {"a": None}, {"a": lines((5, "y"))}, {"a": lines((5, "z"))}, ResolutionKind.FILE),
    "binary": ({"a": b"\0"}, {"a": b"\0x"}, {"a": b"\0y"}, {"a": b"\0xy"}, ResolutionKind.FILE),
}


@pytest.mark.parametrize("case", CASES)
def test_a_finished_merge_is_made_again(tmp_path: Path, case: str) -> None:
    base, one, two, finished, kind = CASES[case]
    pair = Pair(tmp_path, base, one, two)
    assert isinstance(pair.scene.merger.combine(pair.tickets.values()), Clash)
    lesson = pair.learn(finished)
    assert {each.kind for each in lesson.resolutions} == {kind}
    expected = pair.builder.git("rev-parse", "finished^{tree}")
    for first in (1, 2):
        merged = pair.merge(lesson, first=first)
        assert isinstance(merged, Candidate)
        assert merged.tree == expected == lesson.tree
        assert {use.author for use in merged.uses} == {ABOUT.author}
    run_git("fsck", "--strict", cwd=pair.repository.path)


def test_what_is_known_in_part_is_a_conflict(tmp_path: Path) -> None:
    base, one, two, finished, _ = CASES["two places"]
    pair = Pair(tmp_path, base, one, two)
    lesson = pair.learn(finished)
    half = Lesson(resolutions=lesson.resolutions[:1], tree=lesson.tree, whole=())
    clash = pair.merge(half)
    assert isinstance(clash, Clash)
    assert clash.kinds == {"a": "contents"}


def test_another_base_is_another_conflict(tmp_path: Path) -> None:
    base, one, two, finished, _ = CASES["lines"]
    lesson = Pair(tmp_path / "first", base, one, two).learn(finished)
    other = Pair(tmp_path / "second", {"a": lines((5, "another base"))}, one, two)
    assert isinstance(other.merge(lesson), Clash)


def test_a_resolution_is_used_in_another_file_and_beside_other_changes(tmp_path: Path) -> None:
    base, one, two, finished, _ = CASES["lines"]
    lesson = Pair(tmp_path / "first", base, one, two).learn(finished)
    more = {"b": lines((25, "else"))}
    other = Pair(tmp_path / "second", {"b": lines()}, {"b": lines((5, "x"), (25, "else"))}, {"b": lines((5, "y"))})
    merged = other.merge(lesson)
    assert isinstance(merged, Candidate)
    assert other.scene.files(merged)["b"] + "\n" == str(more["b"]).replace("line 5\n", "xy\n")
    assert [use.paths for use in merged.uses] == [("b",)]


def test_submodules_in_conflict_are_left_alone(tmp_path: Path) -> None:
    sides = [{"m": (SUBMODULE, digit * 40)} for digit in "123"]
    pair = Pair(tmp_path, dict(sides[0]), dict(sides[1]), dict(sides[2]))
    lesson = pair.learn({"m": (SUBMODULE, "3" * 40)})
    assert lesson.resolutions == ()
    assert isinstance(pair.merge(lesson), Clash)


def test_rerere_gives_the_same_names_and_merges(tmp_path: Path) -> None:
    base, one, two, finished, _ = CASES["two places"]
    pair = Pair(tmp_path, base, one, two)
    clone = tmp_path / "clone"
    run_git("clone", "--quiet", pair.builder.url, str(clone), cwd=tmp_path)
    run_git("config", "rerere.enabled", "true", cwd=clone)
    run_git("checkout", "--quiet", "origin/t2", cwd=clone)
    run_git("merge", "--quiet", "origin/t1", cwd=clone, ok=(1,))
    cache = clone / ".git" / "rr-cache"
    assert read_rerere_cache(cache, ABOUT.author).resolutions == ()  # nobody has resolved it yet
    (clone / "a").write_text(str(finished["a"]))
    run_git("commit", "--quiet", "--all", "--message", "merge", cwd=clone)
    found = read_rerere_cache(cache, ABOUT.author)
    assert [each.key for each in found.resolutions] == [path.name for path in cache.iterdir()]
    merged = pair.merge(Lesson(resolutions=found.resolutions, tree="", whole=()))
    assert isinstance(merged, Candidate)
    assert pair.scene.files(merged)["a"] + "\n" == finished["a"]


def test_a_cache_whose_resolution_changes_other_lines_is_not_taken_over(tmp_path: Path) -> None:
    name = "d" * 40
    folder = tmp_path / name
    folder.mkdir()
    (folder / "preimage").write_text("a\n<<<<<<<\n1\n=======\n2\n>>>>>>>\n")
    (folder / "postimage").write_text("b\n12\n")
    assert read_rerere_cache(tmp_path, "x").unclear == (name,)
