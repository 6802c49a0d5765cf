from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from sessions.source.line import Line, Queue, merge_line
from sessions.tickets.model import Decision, Verdict
from tests.repositories import Builder, Content, Scene, lines

if TYPE_CHECKING:
    from collections.abc import Mapping

HALF, OTHER_HALF = range(1, 12), range(19, 30)
Needs = dict[int, set[int]]


def rewritten(*ranges: range, word: str = "rewritten") -> str:
    return lines(*((number, f"{word} {number * number}") for each in ranges for number in each))


# What each ticket changes on the release; 30 is built on 10.
BRANCHES: dict[int, dict[str, Content]] = {
    10: {"a": lines((5, "ten"))},
    11: {"a": lines((5, "eleven"))},
    12: {"a": lines((25, "twelve"))},
    13: {"a": lines((5, "ten and a half"), (25, "thirteen"))},
    14: {"b": lines((5, "fourteen"))},
    15: {"a": lines((5, "fifteen")), "b": lines((5, "fifteen"))},
    16: {"VERSION": "too old\n"},
    20: {"c": None, "moved": rewritten(HALF)},
    21: {"c": rewritten(OTHER_HALF)},
    22: {"c": lines((15, "twenty-two"))},
}


@dataclass(frozen=True)
class Stage:
    scene: Scene

    def line(
        self,
        *numbers: int,
        needs: Needs | None = None,
        carried: Needs | None = None,
        out: Mapping[int, Decision] | None = None,
        later_out: Mapping[int, Decision] | None = None,
        met: tuple[int, ...] = (),
        hinted: tuple[int, ...] = (),
        together: tuple[int, ...] = (),
    ) -> Line:
        """The line of these tickets, in this order."""
        tickets = self.scene.tickets(**{f"t{number}": number for number in numbers})
        for each in set(together) & set(numbers):
            tickets[each] = replace(tickets[each], together=tuple(n for n in together if n != each))
        carries = {number: frozenset(wanted) for number, wanted in (carried or {}).items()}
        wanted = {n: frozenset((needs or {}).get(n, ())) | carries.get(n, frozenset()) for n in numbers}
        queue = Queue(
            tickets=tuple(tickets[n] for n in numbers),
            needs=wanted,
            carried=carries,
            out=out or {},
            met=dict.fromkeys(met, "abc (Trac #9: Nine)"),
            hints=dict.fromkeys(hinted, "a hint: abc names it"),
        )
        return merge_line(queue, self.scene.merger, later_out or {})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("line")
    builder = Builder(folder / "project.git")
    first = builder.commit({"VERSION": "0.9\n", "a": lines(), "b": lines(), "c": lines()})
    for number, changes in BRANCHES.items():
        builder.commit(changes, first, branch=f"t{number}")
    builder.commit({"d": "1\n"}, "t10", branch="t30")
    builder.commit({"VERSION": "1.0\n"})
    builder.tag("1.0")
    return Stage(Scene.of(builder, folder / "state"))


def merged(line: Line) -> list[int]:
    assert tuple(ticket.number for ticket in line.tickets) == line.head.tickets
    integrated = {n for n, decision in line.decisions.items() if decision.verdict is Verdict.INTEGRATED}
    assert integrated == set(line.head.tickets)
    return list(line.head.tickets)


def clashes(decision: Decision) -> set[tuple[tuple[int, ...], str, str]]:
    assert decision.verdict is Verdict.CONFLICT
    return {(each.with_, each.path, each.lines) for each in decision.conflicts}


def test_an_empty_queue_is_the_release(stage: Stage) -> None:
    line = stage.line()
    assert (line.head, line.tickets, line.decisions) == (stage.scene.merger.base, (), {})


def test_merges_in_the_given_order(stage: Stage) -> None:
    line = stage.line(14, 12, 10)
    assert merged(line) == [14, 12, 10]
    files = stage.scene.files(line.head)
    assert files["a"] + "\n" == lines((5, "ten"), (25, "twelve"))
    assert files["b"] + "\n" == lines((5, "fourteen"))


def test_a_clash_with_the_release_names_the_release(stage: Stage) -> None:
    line = stage.line(10, 16)
    assert merged(line) == [10]
    assert clashes(line.decisions[16]) == {((), "VERSION", "1-1")}
    assert line.decisions[16].reason == "it conflicts with the release in VERSION"


def test_a_clash_names_the_ticket_it_is_with_and_not_the_others_on_the_file(stage: Stage) -> None:
    line = stage.line(12, 14, 10, 11)
    assert merged(line) == [12, 14, 10]
    assert clashes(line.decisions[11]) == {((10,), "a", "5-5")}
    assert line.decisions[11].reason == "it conflicts with #10 in a"
    hunk = line.decisions[11].conflicts[0].hunk.split("\n")
    assert [row for row in hunk if not row.startswith(("<<<", ">>>"))] == ["ten", "=======", "eleven"]


def test_clashes_in_two_files_name_the_ticket_of_each(stage: Stage) -> None:
    line = stage.line(10, 14, 15)
    assert clashes(line.decisions[15]) == {((10,), "a", "5-5"), ((14,), "b", "5-5")}
    assert all(word in line.decisions[15].reason for word in ("#10", "#14"))


def test_tickets_that_belong_together_are_all_in_or_all_out(stage: Stage) -> None:
    assert merged(stage.line(10, 12, 14, together=(10, 14))) == [10, 12, 14]
    # 13 conflicts with 12, so that 14 leaves with it.
    line = stage.line(14, 12, 13, 11, together=(13, 14))
    assert merged(line) == [12, 11]
    assert (line.decisions[14].verdict, line.decisions[14].blocked_by) == (Verdict.BLOCKED, (13,))
    assert line.decisions[14].reason == "it is merged only together with #13, which is out: conflict"
    culprit = {10: Decision(verdict=Verdict.CULPRIT, reason="it breaks x")}
    line = stage.line(14, 12, 10, needs={12: {14}}, together=(10, 14), later_out=culprit)
    assert merged(line) == []
    assert (line.decisions[12].verdict, line.decisions[12].blocked_by) == (Verdict.BLOCKED, (14,))
    # One that the tracker does not list keeps nobody out: it is closed.
    assert merged(stage.line(14, together=(14, 99))) == [14]


def test_a_third_fits_because_the_loser_is_out(stage: Stage) -> None:
    line = stage.line(12, 13, 11)
    assert merged(line) == [12, 11]
    assert clashes(line.decisions[13]) == {((12,), "a", "25-25")}
    assert merged(stage.line(13, 11)) == [13]


def test_a_clash_that_no_pair_has_names_the_ticket_at_which_it_starts(stage: Stage) -> None:
    """20 moves and rewrites half of a file, 21 rewrites the other half: only both make the move unrecognisable."""
    assert merged(stage.line(20, 21)) == [20, 21]
    assert merged(stage.line(20, 22)) == [20, 22]
    assert merged(stage.line(21, 22)) == [21, 22]
    line = stage.line(10, 20, 14, 21, 12, 22)
    assert merged(line) == [10, 20, 14, 21, 12]
    assert {with_ for with_, *_ in clashes(line.decisions[22])} == {(21,)}
    assert {kind.kind for kind in line.decisions[22].conflicts} == {"modify/delete"}


def test_every_link_of_a_chain_says_why_it_is_blocked(stage: Stage) -> None:
    line = stage.line(10, 11, 12, 14, needs={12: {11}, 14: {12}})
    assert merged(line) == [10]
    blocked = [line.decisions[number] for number in (12, 14)]
    assert [(each.verdict, each.blocked_by) for each in blocked] == [(Verdict.BLOCKED, (11,)), (Verdict.BLOCKED, (12,))]
    assert "depends on #11, which is out: conflict, it conflicts with #10 in a" in blocked[0].reason
    assert "depends on #12, which is out: blocked" in blocked[1].reason


def test_all_that_blocks_is_named(stage: Stage) -> None:
    ineligible = Decision(verdict=Verdict.INELIGIBLE, reason="it is disputed")
    line = stage.line(10, 11, 14, needs={14: {9, 10, 11, 99}}, out={9: ineligible})
    assert line.decisions[14].blocked_by == (9, 11, 99)
    assert "#9, which is out: ineligible, it is disputed" in line.decisions[14].reason
    assert "#99, which is neither among the open tickets nor in the release" in line.decisions[14].reason
    assert line.decisions[9] == ineligible


@pytest.mark.parametrize(
    ("out", "met", "reason"),
    [
        ({9: Decision(verdict=Verdict.ALREADY_MERGED)}, (), ""),
        ({}, (9,), "it depends on #9, which is in the release as of abc (Trac #9: Nine)"),
    ],
    ids=["its branch is in the release", "the release merged it"],
)
def test_a_dependency_in_the_release_blocks_nobody(
    stage: Stage, out: dict[int, Decision], met: tuple[int, ...], reason: str
) -> None:
    line = stage.line(10, needs={10: {9}}, out=out, met=met)
    assert merged(line) == [10]
    assert line.decisions[10].reason == reason


def test_what_is_found_at_fault_takes_those_out_that_need_it_and_lets_others_in(stage: Stage) -> None:
    culprit = Decision(verdict=Verdict.CULPRIT, reason="it breaks a test")
    before = stage.line(10, 11, 14, needs={14: {10}})
    assert merged(before) == [10, 14]
    after = stage.line(10, 11, 14, needs={14: {10}}, later_out={10: culprit})
    assert merged(after) == [11]
    assert after.decisions[10] == culprit
    assert after.decisions[14].blocked_by == (10,)
    assert "culprit, it breaks a test" in after.decisions[14].reason


def test_what_a_branch_carries_is_told_and_blocks_when_it_is_out(stage: Stage) -> None:
    line = stage.line(10, 30, carried={30: {10}})
    assert merged(line) == [10, 30]
    assert line.decisions[30].reason == "its branch carries #10 without saying so"
    disputed = Decision(verdict=Verdict.INELIGIBLE, reason="it is disputed")
    line = stage.line(30, carried={30: {10}}, out={10: disputed})
    assert merged(line) == []
    assert line.decisions[30].reason == "its branch carries #10, which is out: ineligible, it is disputed"
    assert line.decisions[30].blocked_by == (10,)


def test_a_number_in_a_subject_is_told_and_decides_nothing(stage: Stage) -> None:
    line = stage.line(10, 11, 12, needs={12: {11}}, hinted=(11,))
    assert clashes(line.decisions[11]) == {((10,), "a", "5-5")}
    assert line.decisions[11].reason == "it conflicts with #10 in a (a hint: abc names it)"
    assert line.decisions[12].verdict is Verdict.BLOCKED
    assert merged(line) == [10]
