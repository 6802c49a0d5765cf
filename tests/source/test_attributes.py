"""What `.gitattributes` and submodules make of merges: as in a checkout of the tree that is merged onto."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sessions.source.conflicts import Clash
from sessions.source.line import Line, Queue, merge_line
from sessions.source.merge_process import words_before_git
from sessions.source.merging import Candidate
from sessions.tickets.model import Verdict
from tests.repositories import SUBMODULE, Builder, Content, Scene, lines

if TYPE_CHECKING:
    from pathlib import Path

Files = dict[str, Content]
HEAD_OF_LOG = lines((1, "line 1"))


def scene_of(folder: Path, base: Files, **tickets: Files) -> Scene:
    """A release with these files, and a branch `t1`, `t2`… for each ticket."""
    builder = Builder(folder / "project.git")
    builder.commit({"CHANGES": lines(), "deep/CHANGES": lines(), "a.lock": lines(), "a.tbl": lines(), **base})
    builder.tag("1.0")
    for name, files in tickets.items():
        builder.commit(files, "1.0", branch=name)
    return Scene.of(builder, folder / "state")


def line_of(scene: Scene, *numbers: int) -> Line:
    tickets = scene.tickets(**{f"t{number}": number for number in numbers})
    queue = Queue(tickets=tuple(tickets.values()), needs=dict.fromkeys(numbers, frozenset()))
    return merge_line(queue, scene.merger, {})


BOTH_ADD: tuple[Files, Files] = (
    {"CHANGES": lines((1, "one\nline 1"))},
    {"CHANGES": lines((1, "two\nline 1"))},
)


def test_changes_with_merge_union_keep_the_lines_of_both(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, {".gitattributes": "CHANGES merge=union\n"}, t1=BOTH_ADD[0], t2=BOTH_ADD[1])
    line = line_of(scene, 1, 2)
    assert [decision.verdict for decision in line.decisions.values()] == [Verdict.INTEGRATED] * 2
    assert scene.files(line.head)["CHANGES"].splitlines()[:3] == ["one", "two", "line 1"]


def test_a_lock_without_merge_is_not_merged_line_by_line(tmp_path: Path) -> None:
    one: Files = {"a.lock": lines((3, "one"))}
    two: Files = {"a.lock": lines((27, "two"))}
    plain = line_of(scene_of(tmp_path / "plain", {}, t1=one, t2=two), 1, 2)
    assert plain.decisions[2].verdict is Verdict.INTEGRATED
    for rule in ("*.lock -merge", "*.lock merge=binary", "*.lock binary", "[attr]lock -merge\n*.lock lock"):
        scene = scene_of(tmp_path / rule.replace("/", "").replace("\n", ""), {".gitattributes": rule}, t1=one, t2=two)
        decision = line_of(scene, 1, 2).decisions[2]
        assert decision.verdict is Verdict.CONFLICT, rule
        assert [(each.path, each.with_) for each in decision.conflicts] == [("a.lock", (1,))]


def test_attributes_below_and_those_that_a_ticket_brings_count_from_then_on(tmp_path: Path) -> None:
    attributes: Files = {"deep/.gitattributes": "CHANGES merge=union\n"}
    one: Files = {"CHANGES": BOTH_ADD[0]["CHANGES"], "deep/CHANGES": BOTH_ADD[0]["CHANGES"]}
    two: Files = {"CHANGES": BOTH_ADD[1]["CHANGES"], "deep/CHANGES": BOTH_ADD[1]["CHANGES"]}
    scene = scene_of(tmp_path, {}, t1=attributes, t2=one, t3=two)
    clash = scene.merger.combine(scene.tickets(t1=1, t2=2, t3=3).values())
    assert isinstance(clash, Clash)
    assert clash.paths == {"CHANGES"}
    clash = scene.merger.combine(scene.tickets(t2=2, t3=3).values())
    assert isinstance(clash, Clash)
    assert clash.paths == {"CHANGES", "deep/CHANGES"}


def test_a_driver_of_somebodys_configuration_is_named_and_the_merge_is_told_as_uncertain(tmp_path: Path) -> None:
    tables: tuple[Files, Files] = ({"a.tbl": lines((3, "one"))}, {"a.tbl": lines((27, "two"))})
    scene = scene_of(tmp_path, {".gitattributes": "*.tbl merge=tbl\n"}, t1=tables[0], t2=tables[1], t3={"b": "3\n"})
    decisions = line_of(scene, 1, 2, 3).decisions
    assert [decisions[number].reason for number in (1, 3)] == ["", ""]
    assert decisions[2].verdict is Verdict.INTEGRATED
    assert decisions[2].reason == (
        "how it merges is uncertain in a.tbl, which `.gitattributes` wants merged by the driver 'tbl' of a user's "
        "configuration: git merged line by line"
    )


def test_a_conflict_that_such_a_driver_may_resolve_is_told_as_uncertain(tmp_path: Path) -> None:
    tables: tuple[Files, Files] = ({"a.tbl": lines((3, "one"))}, {"a.tbl": lines((3, "two"))})
    scene = scene_of(tmp_path, {".gitattributes": "*.tbl merge=tbl\n"}, t1=tables[0], t2=tables[1])
    decision = line_of(scene, 1, 2).decisions[2]
    assert decision.verdict is Verdict.CONFLICT
    assert decision.reason.startswith("it conflicts with #1 in a.tbl; how it merges is uncertain in a.tbl, ")


def test_where_git_cannot_be_kept_waiting_each_merge_is_a_process_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base: Files = {".gitattributes": "CHANGES merge=union\n*.lock -merge\n", "lib": (SUBMODULE, "1" * 40)}
    one: Files = {**BOTH_ADD[0], "a.lock": lines((3, "one")), "lib": (SUBMODULE, "2" * 40)}
    two: Files = {**BOTH_ADD[1], "a.lock": lines((27, "two")), "lib": (SUBMODULE, "3" * 40)}
    scene = scene_of(tmp_path, base, t1=one, t2=two, t3=BOTH_ADD[1])
    usual = line_of(scene, 1, 2, 3)
    assert [each.path for each in usual.decisions[2].conflicts] == ["a.lock", "lib"]
    only_git = tmp_path / "bin"
    only_git.mkdir()
    (only_git / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(only_git))
    words_before_git.cache_clear()
    if words_before_git() is not None:
        pytest.skip("this git keeps no answers in a buffer")
    again = Scene.of(scene.builder, tmp_path / "again")
    assert line_of(again, 1, 2, 3) == usual
    words_before_git.cache_clear()


def test_longer_conflict_markers_are_found(tmp_path: Path) -> None:
    attributes: Files = {".gitattributes": "CHANGES conflict-marker-size=15\n"}
    scene = scene_of(tmp_path, attributes, t1=BOTH_ADD[0], t2=BOTH_ADD[1])
    clash = scene.merger.combine(scene.tickets(t1=1, t2=2).values())
    assert isinstance(clash, Clash)
    (place,) = clash.places
    assert (place.lines, place.hunk.splitlines()[0]) == ("1-1", "<<<<<<< merged so far")


@pytest.mark.parametrize("there", [True, False], ids=["moved by both", "added by both"])
def test_two_tickets_with_one_submodule_conflict_in_it(tmp_path: Path, there: bool) -> None:
    base: Files = {"lib": (SUBMODULE, "1" * 40)} if there else {}
    scene = scene_of(tmp_path, base, t1={"lib": (SUBMODULE, "2" * 40)}, t2={"lib": (SUBMODULE, "3" * 40)})
    decisions = line_of(scene, 1, 2).decisions
    assert [decision.verdict for decision in decisions.values()] == [Verdict.INTEGRATED, Verdict.CONFLICT]
    assert [(each.path, each.with_) for each in decisions[2].conflicts] == [("lib", (1,))]


def test_a_ticket_that_adds_or_moves_a_submodule_is_told_as_such(tmp_path: Path) -> None:
    base: Files = {"old": (SUBMODULE, "1" * 40)}
    added: Files = {"lib": (SUBMODULE, "2" * 40), "old": (SUBMODULE, "3" * 40)}
    scene = scene_of(tmp_path, base, t1=added, t2={"CHANGES": ""}, t3={"old": None})
    line = line_of(scene, 1, 2)
    assert isinstance(line.head, Candidate)
    assert [decision.reason for decision in line.decisions.values()] == [
        "it adds the submodule lib; it moves the submodule old, an empty folder here: `[project] submodules` is off",
        "",
    ]
    assert line_of(scene, 3).decisions[3].reason == "it removes the submodule old"
