from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.culprits.inquiry import Inquiry, settle
from sessions.culprits.search import Answer, Ask, Blame, Flaky, search
from sessions.tickets.order import closure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn

Group = frozenset[int]
BUILD = "build"


@dataclass(frozen=True)
class Day:
    """What is really the matter on a simulated day, which the search may only ask about.

    A test of ``truth`` fails with all tickets of any of its groups. ``carries``: the first ticket does not merge
    without the second, earlier one. ``mended``: with the first ticket but not the second, later one, nothing builds.
    """

    line: tuple[int, ...]
    needs: dict[int, Group]
    truth: dict[str, tuple[Group, ...]]
    carries: tuple[tuple[int, int], ...] = ()
    mended: tuple[tuple[int, int], ...] = ()

    def merges(self, tickets: Group) -> bool:
        return all(first not in tickets or second in tickets for first, second in self.carries)

    def builds(self, tickets: Group) -> bool:
        return all(first not in tickets or second in tickets for first, second in self.mended)

    def answer(self, tickets: Group, test: str) -> Answer:
        if not self.merges(tickets) or (test != BUILD and not self.builds(tickets)):
            return "unclear"
        failing = not self.builds(tickets) if test == BUILD else any(group <= tickets for group in self.truth[test])
        return "fails" if failing else "passes"

    def start(self, length: int) -> Group:
        return frozenset(self.line[:length])

    def merged(self, out: set[int]) -> tuple[int, ...]:
        """The merge line without ``out``, what depends on it, and what then no longer merges."""
        line: list[int] = []
        for number in self.line:
            whole = frozenset([*line, number])
            wanted = self.needs.get(number, frozenset()) & set(self.line)
            if number not in out and wanted <= whole and self.merges(whole):
                line.append(number)
        return tuple(line)


@st.composite
def days(draw: DrawFn, *, groups: int = 3, sizes: tuple[int, int] = (1, 3), clear: bool = True, tests: int = 4) -> Day:
    count = draw(st.integers(sizes[0], 25))
    line = tuple(draw(st.permutations(range(1, count + 1))))
    # 900 and above are in the release: a ticket may still say that it needs them.
    needs = {
        number: draw(st.frozensets(st.sampled_from((*line[:place], 900, 901)), max_size=2))
        for place, number in enumerate(line)
    }
    group = st.frozensets(st.sampled_from(line), min_size=sizes[0], max_size=min(count, sizes[1]))
    truth = {
        test: tuple(draw(st.lists(group, min_size=1, max_size=groups)))
        for test in "abcd"[: draw(st.integers(1, tests))]
    }
    pair = st.lists(st.sampled_from(range(count)), min_size=2, max_size=2, unique=True).map(sorted)
    odd = [] if clear or count < 2 else draw(st.lists(st.tuples(st.booleans(), pair), max_size=4))
    carries = tuple((line[later], line[earlier]) for carried, (earlier, later) in odd if carried)
    mended = tuple((line[earlier], line[later]) for carried, (earlier, later) in odd if not carried)
    return Day(line=line, needs=needs, truth=truth, carries=carries, mended=mended)


@dataclass
class Hearing:
    """Runs an inquiry to its end, and checks every question on the way."""

    day: Day
    answer: Callable[[Ask, str], Answer]
    asked: list[Ask] = field(default_factory=list)

    def hold(self, inquiry: Inquiry[str]) -> dict[str, Blame | Flaky]:
        whole = frozenset(inquiry.line)
        while question := inquiry.question():
            ask, tests = question
            assert ask.tickets
            assert ask.tickets <= whole
            assert closure(ask.tickets, self.day.needs) & whole == ask.tickets, "not closed under dependencies"
            assert ask != Ask(tickets=whole), "that is where the search began"
            assert not set(tests) & inquiry.known.get(ask, {}).keys(), "asked again"
            self.asked.append(ask)
            inquiry.learn(ask, {test: self.answer(ask, test) for test in tests})
        return inquiry.findings()


def examine(day: Day, *tests: str) -> tuple[dict[str, Blame | Flaky], list[Ask]]:
    hearing = Hearing(day, lambda ask, test: day.answer(ask.tickets, test))
    inquiry = Inquiry(line=day.line, needs=day.needs, tests=tests or tuple(day.truth))
    return hearing.hold(inquiry), hearing.asked


def blame_of(day: Day, test: str = "a") -> tuple[Blame, int]:
    findings, asked = examine(day, test)
    found = findings[test]
    assert isinstance(found, Blame)
    return found, len(asked)


def halvings(day: Day) -> int:
    return math.ceil(math.log2(len(day.line)))


@given(days() | days(clear=False))
def test_every_blame_is_shown_by_runs_that_were_each_seen_twice(day: Day) -> None:
    for test in day.truth:
        findings, asked = examine(day, test)
        found = findings[test]
        assert isinstance(found, Blame)
        assert found.passes
        for tickets, answer in ((found.fails, "fails"), *((each, "passes") for each in found.passes)):
            assert day.answer(tickets, test) == answer
            assert not tickets or Ask(tickets=tickets, attempt=2) in asked
            assert not tickets or tickets == frozenset(day.line) or Ask(tickets=tickets) in asked


@given(days(sizes=(1, 1)))
def test_of_tickets_that_break_a_test_alone_the_first_in_line_is_named(day: Day) -> None:
    for test, groups in day.truth.items():
        first = min((number for (number,) in groups), key=day.line.index)
        found, questions = blame_of(day, test)
        assert (found.culprits, found.partners) == ((first,), ())
        assert questions <= halvings(day) + 4


@given(days(groups=1, sizes=(2, 2), tests=1))
def test_a_pair_is_named_as_a_pair_of_which_the_later_leaves(day: Day) -> None:
    earlier, later = sorted(day.truth["a"][0], key=day.line.index)
    found, questions = blame_of(day)
    carried = earlier in closure(frozenset([later]), day.needs)
    assert (found.culprits, found.partners) == ((later,), () if carried else (earlier,))
    assert questions <= 2 * halvings(day) + 7


@given(days())
def test_nobody_innocent_is_named_and_nobody_needless(day: Day) -> None:
    for test, groups in day.truth.items():
        found, questions = blame_of(day, test)
        (culprit,) = found.culprits
        named = {culprit, *found.partners}
        length = next(n for n in range(len(day.line)) if day.answer(day.start(n + 1), test) == "fails")
        assert culprit == day.line[length]
        assert any(named <= group <= found.fails for group in groups)
        assert all(any(member not in subset for subset in found.passes) for member in named)
        assert found.partners == tuple(sorted(found.partners, key=day.line.index))
        assert questions <= 3 * (halvings(day) + 2) + 5


@given(days(clear=False))
def test_what_cannot_be_tested_is_blamed_as_one_with_what_lies_beside_it(day: Day) -> None:
    for test, groups in day.truth.items():
        found, _ = blame_of(day, test)
        first = day.line.index(found.culprits[0])
        assert found.culprits == day.line[first : first + len(found.culprits)]
        assert any(set(found.culprits) & group for group in groups)
        between = range(first + 1, first + len(found.culprits))
        assert all(day.answer(day.start(length), test) == "unclear" for length in between)


def test_a_culprit_hidden_behind_a_broken_build_leaves_with_those_beside_it() -> None:
    hidden = Day(line=(1, 2, 3, 4, 5, 6), needs={}, truth={"a": (frozenset([4]),)}, mended=((3, 5),))
    found, _ = blame_of(hidden)
    assert (found.culprits, found.partners, found.passes) == ((3, 4, 5), (), (frozenset([1, 2]),))


def test_a_culprit_that_does_not_merge_by_itself_is_shown_by_its_neighbours_in_line() -> None:
    found, _ = blame_of(Day(line=(1, 2, 3, 4), needs={}, truth={"a": (frozenset([3]),)}, carries=((3, 1),)))
    assert found == Blame(culprits=(3,), partners=(), fails=frozenset([1, 2, 3]), passes=(frozenset([1, 2]),))


@given(days() | days(clear=False))
def test_taking_culprits_out_again_and_again_ends_with_a_head_that_passes(day: Day) -> None:
    out: set[int] = set()
    known: dict[str, dict[Ask, dict[str, Answer]]] = {BUILD: {}, "doctest": {}}
    hearing = Hearing(day, lambda ask, test: day.answer(ask.tickets, test))
    line = day.merged(out)
    while failing := [test for test in (BUILD, *day.truth) if day.answer(frozenset(line), test) == "fails"]:
        gate, tests = (BUILD, [BUILD]) if BUILD in failing else ("doctest", failing)
        blames = settle(hearing.hold(Inquiry(line=line, needs=day.needs, tests=tests, known=known[gate])))
        leaving = {number for blame in blames.values() for number in blame.culprits}
        assert leaving
        assert leaving <= set(line)
        out |= leaving
        line = day.merged(out)
    assert all(day.answer(frozenset(line), test) == "passes" for test in (BUILD, *day.truth))
    if not day.carries and not day.mended:
        guilty = {number for groups in day.truth.values() for group in groups for number in group}
        assert out <= guilty
        assert all(day.answer(frozenset(line) | closure(frozenset([n]), day.needs), t) for n in out for t in day.truth)


@given(days(sizes=(1, 1), groups=1, tests=1), st.integers(2, 9))
def test_a_ticket_that_breaks_many_tests_costs_no_more_questions_than_one_that_breaks_one(day: Day, many: int) -> None:
    _, alone = examine(day)
    tests = [f"a{number}" for number in range(many)]
    findings, together = examine(Day(line=day.line, needs=day.needs, truth=dict.fromkeys(tests, day.truth["a"])))
    assert together == alone
    assert len(set(findings.values())) == 1


@given(days())
def test_several_searches_never_cost_more_together_than_one_by_one(day: Day) -> None:
    _, together = examine(day)
    apart = [len(examine(day, test)[1]) for test in day.truth]
    assert len(together) <= sum(apart)


@given(days() | days(clear=False), st.data())
def test_a_search_that_was_cut_short_goes_on_from_its_answers(day: Day, data: st.DataObject) -> None:
    hearing = Hearing(day, lambda ask, test: day.answer(ask.tickets, test))
    inquiry = Inquiry(line=day.line, needs=day.needs, tests=tuple(day.truth))
    findings = hearing.hold(inquiry)
    again = Inquiry(line=day.line, needs=day.needs, tests=tuple(day.truth), known=inquiry.known)
    assert again.question() is None
    assert again.findings() == findings
    kept = data.draw(st.integers(0, len(hearing.asked)))
    some = Inquiry(
        line=day.line,
        needs=day.needs,
        tests=tuple(day.truth),
        known={ask: dict(inquiry.known[ask]) for ask in hearing.asked[:kept]},
    )
    rest = Hearing(day, hearing.answer)
    assert rest.hold(some) == findings
    assert rest.asked == hearing.asked[kept:]


@given(days(), st.randoms(use_true_random=False))
def test_answers_without_any_sense_end_too(day: Day, chance: random.Random) -> None:
    words: Sequence[Answer] = ("fails", "passes", "unclear")
    hearing = Hearing(day, lambda _ask, _test: chance.choice(words))
    findings = hearing.hold(Inquiry(line=day.line, needs=day.needs, tests=tuple(day.truth)))
    assert findings.keys() == day.truth.keys()
    assert len(hearing.asked) <= len(day.truth) * (len(day.line) + 2) ** 2


@given(days(), st.randoms(use_true_random=False))
def test_where_one_run_in_five_lies_a_blame_still_rests_on_two_runs_that_agree(day: Day, chance: random.Random) -> None:
    def answer(ask: Ask, test: str) -> Answer:
        lie: Answer = "passes" if day.answer(ask.tickets, test) == "fails" else "fails"
        return lie if chance.random() < 0.2 else day.answer(ask.tickets, test)

    inquiry = Inquiry(line=day.line, needs=day.needs, tests=tuple(day.truth))
    for test, found in Hearing(day, answer).hold(inquiry).items():
        if isinstance(found, Flaky):
            seen = {inquiry.known.get(Ask(tickets=found.tickets, attempt=n), {}).get(test) for n in (1, 2)}
            assert len(seen) == 2
            continue
        for tickets, told in ((found.fails, "fails"), *((each, "passes") for each in found.passes if each)):
            first = inquiry.known.get(Ask(tickets=tickets), {}).get(test, "fails")  # the whole line is not asked
            assert (first, inquiry.known[Ask(tickets=tickets, attempt=2)][test]) == (told, told)


@pytest.mark.parametrize("lying", [frozenset([1, 2]), frozenset([1])], ids=["failing", "passing"])
def test_a_run_that_differs_when_repeated_makes_the_test_flaky(lying: Group) -> None:
    day = Day(line=(1, 2, 3), needs={2: frozenset([1])}, truth={"a": (frozenset([2]),)})

    def answer(ask: Ask, test: str) -> Answer:
        told = day.answer(ask.tickets, test)
        other: Answer = "passes" if told == "fails" else "fails"
        return other if ask == Ask(tickets=lying, attempt=2) else told

    findings = Hearing(day, answer).hold(Inquiry(line=day.line, needs=day.needs, tests=("a",)))
    assert findings == {"a": Flaky(tickets=lying)}


def test_a_line_of_one_ticket_asks_only_for_the_repeat() -> None:
    found, questions = blame_of(Day(line=(7,), needs={}, truth={"a": (frozenset([7]),)}))
    assert found == Blame(culprits=(7,), partners=(), fails=frozenset([7]), passes=(frozenset(),))
    assert questions == 1


@given(days())
def test_a_search_without_an_inquiry_finds_the_same(day: Day) -> None:
    for test in day.truth:
        steps = search(day.line, day.needs)
        ask = next(steps)
        with pytest.raises(StopIteration) as end:  # noqa: PT012
            for _ in range(len(day.line) + 99):
                ask = steps.send(day.answer(ask.tickets, test))
        assert end.value.value == blame_of(day, test)[0]


def test_the_middle_of_the_line_is_asked_about_first() -> None:
    assert next(search(range(1, 9), {})) == Ask(tickets=frozenset([1, 2, 3, 4]))


def test_a_ticket_that_breaks_a_test_with_a_partner_stays_until_that_partner_is_sure_to_stay() -> None:
    alone = Blame(culprits=(2,), partners=(), fails=frozenset([2]), passes=(frozenset(),))
    with_leaving = Blame(culprits=(5,), partners=(2,), fails=frozenset([2, 5]), passes=(frozenset([2]),))
    with_staying = Blame(culprits=(6,), partners=(3,), fails=frozenset([3, 6]), passes=(frozenset([3]),))
    flaky = Flaky(tickets=frozenset([9]))
    findings: dict[str, Blame | Flaky] = {"a": alone, "b": with_leaving, "c": with_staying, "d": flaky}
    assert settle(findings) == {"a": alone, "c": with_staying}
    assert settle({"b": with_leaving, "d": flaky}) == {"b": with_leaving}
