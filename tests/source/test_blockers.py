from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.source.blockers import Blocker, find_blockers, suspects
from sessions.source.line import Queue, merge_line
from sessions.tickets.model import Conflict, Decision, Verdict
from tests.repositories import Builder, Content, Scene, lines

if TYPE_CHECKING:
    from collections.abc import Mapping

# 10 keeps 11, 12, 13 and 14 out of line 5; 12 and 13 exclude each other too; 14 clashes with 20 as well.
BRANCHES: dict[int, dict[str, Content]] = {
    10: {"a": lines((5, "ten"))},
    20: {"b": lines((5, "twenty"))},
    11: {"a": lines((4, "eleven"))},
    12: {"a": lines((6, "twelve"))},
    13: {"a": lines((6, "thirteen"))},
    14: {"a": lines((5, "fourteen")), "b": lines((5, "fourteen"))},
    21: {"b": lines((5, "twenty-one"))},
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("blockers")
    builder = Builder(folder / "project.git")
    first = builder.commit({"a": lines(), "b": lines()})
    builder.tag("1.0")
    for number, changes in BRANCHES.items():
        builder.commit(changes, first, branch=f"t{number}")
    builder.commit({"c": "1\n"}, "t10", branch="t30")
    return Scene.of(builder, folder / "state")


def find(scene: Scene, *numbers: int, needs: Mapping[int, set[int]] | None = None) -> tuple[Blocker, ...]:
    tickets = scene.tickets(**{f"t{number}": number for number in numbers})
    wanted = {number: frozenset((needs or {}).get(number, ())) for number in numbers}
    queue = Queue(tickets=tuple(tickets[number] for number in numbers), needs=wanted)
    return find_blockers(queue, merge_line(queue, scene.merger, {}), scene.merger)


def test_who_keeps_several_out_is_told_with_those_that_would_fit(scene: Scene) -> None:
    (blocker,) = find(scene, 10, 20, 11, 12, 13, 14)
    # 14 would still clash with 20; of 12 and 13, both fit by themselves, and the first of them together with 11.
    assert blocker == Blocker(ticket=10, would_fit=(11, 12, 13), together=(11, 12))
    assert str(blocker) == (
        "without #10, each of 3 tickets that do not merge would: #11, #12 and #13; together #11 and #12"
    )


def test_a_long_list_is_cut_where_it_is_said() -> None:
    blocker = Blocker(ticket=1, would_fit=tuple(range(2, 12)), together=(2, 3, 4, 5, 6))
    assert "10 tickets that do not merge would: #2, #3, #4, #5, #6 and 5 more; together #2, #3, #4, #5 and #6" in str(
        blocker
    )


def test_one_that_keeps_out_only_one_is_not_told(scene: Scene) -> None:
    assert find(scene, 10, 20, 11, 21) == ()


def test_who_needs_the_blocker_would_have_to_leave_with_it(scene: Scene) -> None:
    (blocker,) = find(scene, 10, 30, 11, 12, needs={30: {10}})
    assert blocker == Blocker(ticket=10, would_fit=(11, 12), together=(11, 12), needed_by=(30,))
    assert "without #10 (and #30, which need it)" in str(blocker)


def test_who_needs_it_is_not_said_to_fit_without_it(scene: Scene) -> None:
    assert find(scene, 10, 11, 12, needs={11: {10}, 12: {10}}) == ()


def test_where_another_brings_the_same_nothing_is_told(scene: Scene) -> None:
    """30 is built on 10 and brings its lines, said or not: without 10, 11 and 12 clash with 30."""
    assert find(scene, 10, 30, 11, 12) == ()


def test_only_who_is_named_in_every_conflict_is_suspected() -> None:
    def out(*groups: tuple[int, ...]) -> Decision:
        conflicts = tuple(Conflict(with_=group, path="a", lines="", kind="", hunk="") for group in groups)
        return Decision(verdict=Verdict.CONFLICT, conflicts=conflicts)

    decisions = {
        1: out((9,), (9,)),
        2: out((9,)),
        3: out((8,)),
        4: out((8,), (7,)),
        5: out(()),
        6: out((6,)),
        7: out((6,)),
        8: out((6,)),
        9: Decision(verdict=Verdict.INTEGRATED),
    }
    assert suspects(decisions) == (6, 9)
