from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sessions.culprits.evidence import Repeatable
from sessions.culprits.finder import CulpritFinder, blames_to_act_on
from sessions.culprits.findings import Answer, Blame, Finding, Flaky, Query
from sessions.culprits.search import search
from sessions.gates.run_history import RunHistory
from sessions.tickets.order import closure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn

Group = frozenset[int]
BUILD = "build"
KNOWN_STEADY = RunHistory(runs=100)

# No shrinking: a day is small, and what goes wrong on it is seen.
EXAMPLES = min(30 if os.environ.get("CI") == "true" else 60, settings().max_examples)  # fewer in CI and `quick`
settings.register_profile("search", deadline=None, max_examples=EXAMPLES, phases=set(Phase) - {Phase.shrink})
settings.load_profile("search")


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
            required = self.needs.get(number, frozenset()) & set(self.line)
            if number not in out and required <= whole and self.merges(whole):
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
class Simulation:
    """Answers a finder's queries until none is left, and checks each of them."""

    day: Day
    answer: Callable[[Query, str], Answer]
    queried: list[Query] = field(default_factory=list)
    waits: int = 0

    def run(self, finder: CulpritFinder[str]) -> dict[str, Finding]:
        whole = frozenset(finder.line)
        while queries := finder.queries():
            assert finder.least_remaining() >= len(queries)
            assert len({query for query, _ in queries}) == len(queries)
            self.waits += 1
            for query, tests in queries:
                assert query.tickets <= whole
                assert closure(query.tickets, self.day.needs) & whole == query.tickets, "not closed under dependencies"
                assert query.attempt > 1 or query.tickets not in (whole, frozenset()), "that is where the search began"
                assert tests
                assert not set(tests) & finder.known.get(query, {}).keys(), "queried twice"
                self.queried.append(query)
                finder.learn(query, {test: self.answer(query, test) for test in tests})
        assert finder.least_remaining() == 0
        return finder.findings()


def examine(day: Day, *tests: str, steady: bool = True) -> tuple[dict[str, Finding], Simulation]:
    simulation = Simulation(day, lambda query, test: day.answer(query.tickets, test))
    histories = dict.fromkeys(day.truth, KNOWN_STEADY) if steady else {}
    finder = CulpritFinder(line=day.line, needs=day.needs, tests=tests or tuple(day.truth), histories=histories)
    return simulation.run(finder), simulation


def blame_of(day: Day, test: str = "a", *, steady: bool = True) -> tuple[Blame, Simulation]:
    findings, simulation = examine(day, test, steady=steady)
    found = findings[test]
    assert isinstance(found, Blame)
    return found, simulation


@given(days() | days(clear=False), st.booleans())
def test_every_blame_is_shown_by_runs_that_were_each_seen_twice(day: Day, steady: bool) -> None:
    for test in day.truth:
        found, simulation = blame_of(day, test, steady=steady)
        assert found.passes
        for tickets, answer in ((found.fails, "fails"), *((each, "passes") for each in found.passes)):
            assert day.answer(tickets, test) == answer
            assert not tickets or Query(tickets=tickets, attempt=2) in simulation.queried


@given(days(sizes=(1, 1), groups=1))
def test_each_test_that_one_ticket_breaks_names_it_alone_with_what_it_needs(day: Day) -> None:
    for test, ((number,),) in ((test, groups) for test, groups in day.truth.items()):
        found, _ = blame_of(day, test)
        inside = closure(frozenset([number]), day.needs) & frozenset(day.line)
        assert found == Blame(culprits=(number,), partners=(), fails=inside, passes=(inside - {number},))


@given(st.integers(2, 60), st.integers(1, 6), st.randoms(use_true_random=False))
def test_however_many_culprits_the_rounds_name_them_all_without_waiting_in_between(
    count: int, many: int, chance: random.Random
) -> None:
    culprits = [chance.randint(1, count) for _ in range(many)]
    day = Day(line=tuple(range(1, count + 1)), needs={}, truth={f"t{n}": (frozenset([n]),) for n in culprits})
    findings, simulation = examine(day)
    assert {found.culprits for found in findings.values() if isinstance(found, Blame)} == {(n,) for n in culprits}
    assert simulation.waits == 2
    assert len(simulation.queried) <= count.bit_length() + 2 * len(set(culprits))


@given(days(groups=1, sizes=(2, 2), tests=1))
def test_a_pair_is_named_as_a_pair_of_which_the_later_leaves(day: Day) -> None:
    earlier, later = sorted(day.truth["a"][0], key=day.line.index)
    found, _ = blame_of(day)
    carried = earlier in closure(frozenset([later]), day.needs)
    assert (found.culprits, found.partners) == ((later,), () if carried else (earlier,))
    if not carried:
        assert day.truth["a"][0] <= found.fails
        assert [{earlier, later} & subset for subset in found.passes] == [{later}, {earlier}]


@given(days(groups=1, sizes=(3, 3), tests=1))
def test_three_that_break_a_test_together_are_named_together(day: Day) -> None:
    group = day.truth["a"][0]
    found, _ = blame_of(day)
    named = {*found.culprits, *found.partners}
    assert named <= group <= closure(frozenset(named), day.needs)
    assert found.culprits == (max(group, key=day.line.index),)


@given(days())
def test_nobody_innocent_is_named_and_nobody_needless(day: Day) -> None:
    for test, groups in day.truth.items():
        found, _ = blame_of(day, test)
        (culprit,) = found.culprits
        named = {culprit, *found.partners}
        assert any(named <= group <= found.fails for group in groups)
        assert all(any(member not in subset for subset in found.passes) for member in named)
        assert found.partners == tuple(sorted(found.partners, key=day.line.index))
        assert all(day.line.index(partner) < day.line.index(culprit) for partner in found.partners)


@given(days(clear=False))
def test_what_cannot_be_tested_is_blamed_as_one_with_what_lies_beside_it(day: Day) -> None:
    for test, groups in day.truth.items():
        found, _ = blame_of(day, test)
        first = day.line.index(found.culprits[0])
        assert found.culprits == day.line[first : first + len(found.culprits)]
        assert any({*found.culprits, *found.partners} & group for group in groups)
        between = range(first + 1, first + len(found.culprits))
        assert all(day.answer(day.start(length), test) == "unclear" for length in between)


def test_a_culprit_hidden_behind_a_broken_build_leaves_with_those_beside_it() -> None:
    hidden = Day(line=(1, 2, 3, 4, 5, 6), needs={}, truth={"a": (frozenset([4]),)}, mended=((3, 5), (4, 5)))
    found, _ = blame_of(hidden)
    assert (found.culprits, found.partners, found.passes) == ((3, 4, 5), (), (frozenset([1, 2]),))


def test_a_culprit_that_does_not_merge_by_itself_is_shown_by_its_neighbours_in_line() -> None:
    found, _ = blame_of(Day(line=(1, 2, 3, 4), needs={}, truth={"a": (frozenset([3]),)}, carries=((3, 1),)))
    assert found == Blame(culprits=(3,), partners=(), fails=frozenset([1, 2, 3]), passes=(frozenset([1, 2]),))


@pytest.mark.slow
@settings(max_examples=50)
@given(days() | days(clear=False))
@example(
    Day(
        line=(6, 2, 4, 5, 1, 3),
        needs={4: frozenset([2]), 5: frozenset([2]), 1: frozenset([2, 6]), 3: frozenset([5])},
        truth={"c": (frozenset([6, 1, 3]),), "d": (frozenset([5, 4, 3]), frozenset([6]), frozenset([2]))},
        carries=((4, 2), (3, 4), (3, 1)),
        mended=((2, 4),),
    )
)
def test_taking_culprits_out_again_and_again_ends_with_a_head_that_passes(day: Day) -> None:
    out: set[int] = set()
    known: dict[str, dict[Query, dict[str, Answer]]] = {BUILD: {}, "doctest": {}}
    simulation = Simulation(day, lambda query, test: day.answer(query.tickets, test))
    line = day.merged(out)
    while failing := [test for test in (BUILD, *day.truth) if day.answer(frozenset(line), test) == "fails"]:
        gate, tests = (BUILD, [BUILD]) if BUILD in failing else ("doctest", failing)
        blames = blames_to_act_on(
            simulation.run(CulpritFinder(line=line, needs=day.needs, tests=tests, known=known[gate]))
        )
        leaving = {number for blame in blames.values() for number in blame.culprits}
        assert leaving
        assert leaving <= set(line)
        out |= leaving
        line = day.merged(out)
    assert all(day.answer(frozenset(line), test) == "passes" for test in (BUILD, *day.truth))
    if not day.carries and not day.mended:
        guilty = {number for groups in day.truth.values() for group in groups for number in group}
        assert out <= guilty


@given(days(sizes=(1, 1), groups=1, tests=1), st.integers(2, 9))
def test_a_ticket_that_breaks_many_tests_costs_no_more_probes_than_one_that_breaks_one(day: Day, many: int) -> None:
    _, alone = examine(day)
    tests = [f"a{number}" for number in range(many)]
    findings, together = examine(Day(line=day.line, needs=day.needs, truth=dict.fromkeys(tests, day.truth["a"])))
    assert together.queried == alone.queried
    assert len(set(findings.values())) == 1


@given(days())
def test_several_searches_never_cost_more_together_than_one_by_one(day: Day) -> None:
    _, together = examine(day)
    assert len(together.queried) <= sum(len(examine(day, test)[1].queried) for test in day.truth)


@given(days(sizes=(1, 2), groups=1) | days(clear=False, groups=1, sizes=(1, 1)), st.data())
def test_suspicion_decides_the_order_and_never_the_verdict(day: Day, data: st.DataObject) -> None:
    weights = st.dictionaries(st.sampled_from(day.line), st.floats(0, 50), max_size=5)
    suspicion = {test: data.draw(weights) for test in day.truth}
    plain = examine(day)[0]
    simulation = Simulation(day, lambda query, test: day.answer(query.tickets, test))
    histories = dict.fromkeys(day.truth, KNOWN_STEADY)
    finder = CulpritFinder(line=day.line, needs=day.needs, tests=[*day.truth], suspicion=suspicion, histories=histories)
    for test, found in simulation.run(finder).items():
        assert isinstance(found, Blame)
        if not day.mended and not day.carries:
            assert found == plain[test]


class AFinderIsReplayed(RuleBasedStateMachine):
    """Answered in any order, cut short anywhere, it goes the way that it goes when nothing disturbs it."""

    @initialize(day=days(tests=3) | days(clear=False, tests=3), lies=st.sampled_from([0.0, 0.0, 0.1]))
    def begin(self, day: Day, lies: float) -> None:
        self.day, self.lies = day, lies
        simulation = Simulation(day, self.look)
        self.undisturbed = simulation.run(self.new())
        self.queried = set(simulation.queried)
        self.finder = self.new()

    def new(self, known: dict[Query, dict[str, Answer]] | None = None) -> CulpritFinder[str]:
        return CulpritFinder(line=self.day.line, needs=self.day.needs, tests=tuple(self.day.truth), known=known or {})

    def look(self, query: Query, test: str) -> Answer:
        true = self.day.answer(query.tickets, test)
        lie: Answer = "passes" if true == "fails" else "fails"
        chance = random.Random(f"{sorted(query.tickets)} {query.attempt} {test}")  # noqa: S311
        return lie if chance.random() < self.lies else true

    @precondition(lambda self: self.finder.queries())
    @rule(data=st.data())
    def one_probe_ends(self, data: st.DataObject) -> None:
        query, tests = data.draw(st.sampled_from(self.finder.queries()))
        self.finder.learn(query, {test: self.look(query, test) for test in tests})

    @precondition(lambda self: self.finder.queries())
    @rule()
    def all_that_can_run_at_once_ends(self) -> None:
        for query, tests in reversed(self.finder.queries()):
            self.finder.learn(query, {test: self.look(query, test) for test in tests})

    @rule()
    def killed_and_begun_again(self) -> None:
        self.finder = self.new({query: dict(answers) for query, answers in self.finder.known.items()})

    @invariant()
    def nothing_is_asked_that_was_not_asked_else(self) -> None:
        assert {query for query, _ in self.finder.queries()} <= self.queried
        found = self.finder.findings()
        assert found.items() <= self.undisturbed.items()
        assert self.finder.queries() or found == self.undisturbed


AFinderIsReplayed.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
test_a_finder_is_replayed = pytest.mark.slow(AFinderIsReplayed.TestCase)


@settings(max_examples=min(30, EXAMPLES))
@given(days(tests=2), st.randoms(use_true_random=False))
def test_answers_without_any_sense_end_too(day: Day, chance: random.Random) -> None:
    choices: Sequence[Answer] = ("fails", "passes", "unclear")
    simulation = Simulation(day, lambda _query, _test: chance.choice(choices))
    findings = simulation.run(CulpritFinder(line=day.line, needs=day.needs, tests=tuple(day.truth)))
    assert findings.keys() == day.truth.keys()
    assert len(simulation.queried) <= len(day.truth) * (2 * 150 + 24 * (len(day.line) + 2))


# All seeds in `nox -s tests`, some in `nox -s quick`.
@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))])
def test_a_test_that_fails_by_chance_is_told_as_flaky_with_how_often(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    rate, count = chance.uniform(0.1, 0.9), chance.randint(1, 30)
    day = Day(line=tuple(range(1, count + 1)), needs={}, truth={"a": ()})
    simulation = Simulation(day, lambda _query, _test: "fails" if chance.random() < rate else "passes")
    found = simulation.run(
        CulpritFinder(line=day.line, needs={}, tests=("a",), histories={"a": RunHistory(runs=200, odd=40)})
    )["a"]
    assert isinstance(found, Flaky)
    assert 0 < found.fails <= found.runs <= len(simulation.queried) + 2


def _with_errors(truth: dict[str, Group], rate: float, chance: random.Random) -> dict[str, Finding]:
    day = Day(line=tuple(range(1, 21)), needs={}, truth={test: (group,) for test, group in truth.items()})

    def answer(query: Query, test: str) -> Answer:
        broken = day.answer(query.tickets, test) == "fails"
        return "fails" if broken != (chance.random() < rate) else "passes"

    histories = dict.fromkeys(truth, RunHistory(runs=40, odd=2))
    return Simulation(day, answer).run(CulpritFinder(line=day.line, needs={}, tests=tuple(truth), histories=histories))


@pytest.mark.slow
def test_one_run_in_twenty_that_errs_hides_no_culprit_and_names_nobody_else() -> None:
    named = 0
    for seed in range(15):
        chance = random.Random(seed)  # noqa: S311
        truth = {f"t{n}": frozenset([n]) for n in chance.sample(range(1, 21), 3)}
        found = _with_errors(truth, 0.05, chance)
        blames = {test: frozenset(each.culprits) for test, each in found.items() if isinstance(each, Blame)}
        assert blames.items() <= truth.items()
        named += len(blames)
    assert named >= 44  # of 45


@pytest.mark.slow
def test_one_run_in_twenty_that_errs_hides_no_pair() -> None:
    named = 0
    for seed in range(30):
        chance = random.Random(seed)  # noqa: S311
        pair = frozenset(chance.sample(range(1, 21), 2))
        found = _with_errors({"pair": pair}, 0.05, chance)["pair"]
        if isinstance(found, Blame):
            assert {*found.culprits, *found.partners} == pair
            assert found.culprits == (max(pair),)
            named += 1
    assert named >= 29


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.2, 0.35, 0.5])
def test_a_ticket_that_brings_a_test_that_fails_by_chance_stays(rate: float) -> None:
    line = tuple(range(1, 21))
    for seed in range(15 if os.environ.get("CI") == "true" else 40):
        chance = random.Random(seed)  # noqa: S311
        bringer = chance.choice(line)

        def answer(query: Query, _test: str, bringer: int = bringer, chance: random.Random = chance) -> Answer:
            return "fails" if bringer in query.tickets and chance.random() < rate else "passes"

        found = Simulation(Day(line=line, needs={}, truth={"new": ()}), answer).run(
            CulpritFinder(line=line, needs={}, tests=("new",))
        )["new"]
        assert isinstance(found, Flaky)
        assert found.fails < found.runs


def test_a_test_that_nothing_is_known_of_needs_more_runs_than_one_that_was_always_steady() -> None:
    day = Day(line=tuple(range(1, 21)), needs={}, truth={"a": (frozenset([9]),)})
    known, unknown = blame_of(day)[1], blame_of(day, steady=False)[1]
    assert len(known.queried) == 7
    assert 7 < len(unknown.queried) <= 15


def test_searches_share_the_runs_that_confirm_their_blames() -> None:
    guilty = {"a": 5, "b": 10, "c": 20, "d": 30, "e": 50}
    day = Day(line=tuple(range(1, 58)), needs={}, truth={test: (frozenset([who]),) for test, who in guilty.items()})
    (found, together), (_, single) = examine(day, steady=False), examine(day, "a", steady=False)
    assert {test: blame.culprits for test, blame in found.items() if isinstance(blame, Blame)} == {
        test: (who,) for test, who in guilty.items()
    }
    # Two runs of each culprit by itself are its own; each other run is of use to all.
    for who in guilty.values():
        assert sum(query.tickets == {who} for query in together.queried) == 2
    assert len(together.queried) <= 2 * len(single.queried)


@pytest.mark.parametrize(
    ("seconds", "suspects", "most"),
    [
        (3600.0, (), 9),
        (3600.0, (30,), 4),
        (3600.0, (30, 31), 5),
        (3600.0, (31,), 11),
        (60.0, (), 12),
        (60.0, (30,), 7),
    ],
)
def test_a_failure_that_comes_the_same_each_time_takes_few_runs_one_at_a_time(
    seconds: float, suspects: tuple[int, ...], most: int
) -> None:
    day = Day(line=tuple(range(1, 59)), needs={}, truth={BUILD: (frozenset([30]),)})
    simulation = Simulation(day, lambda query, _: "fails" if 30 in query.tickets else "passes")
    finder = CulpritFinder(
        line=day.line,
        needs={},
        tests=(BUILD,),
        suspicion={BUILD: dict.fromkeys(suspects, 1000.0)},
        repeatable={BUILD: Repeatable.at(seconds)},
    )
    found = simulation.run(finder)[BUILD]
    assert found == Blame(culprits=(30,), partners=(), fails=frozenset([30]), passes=(frozenset(),))
    assert len(simulation.queried) <= most
    assert simulation.waits == len(simulation.queried)
    assert Query(tickets=frozenset([30]), attempt=2) in simulation.queried
    assert Query(tickets=frozenset(), attempt=2) in simulation.queried, "the release again"
    if seconds < 600:
        assert Query(tickets=frozenset(), attempt=4) in simulation.queried, "more often, as it costs little"


@pytest.mark.parametrize("culprit", range(1, 59))
def test_nine_dear_runs_name_any_of_58_tickets(culprit: int) -> None:
    day = Day(line=tuple(range(1, 59)), needs={}, truth={BUILD: (frozenset([culprit]),)})
    simulation = Simulation(day, lambda query, _: "fails" if culprit in query.tickets else "passes")
    finder = CulpritFinder(line=day.line, needs={}, tests=(BUILD,), repeatable={BUILD: Repeatable.at(3600)})
    found = simulation.run(finder)[BUILD]
    assert isinstance(found, Blame)
    assert found.culprits == (culprit,)
    assert len(simulation.queried) <= 9


def test_a_line_of_one_ticket_asks_only_for_the_repeat() -> None:
    found, simulation = blame_of(Day(line=(7,), needs={}, truth={"a": (frozenset([7]),)}))
    assert found == Blame(culprits=(7,), partners=(), fails=frozenset([7]), passes=(frozenset(),))
    assert simulation.queried == [Query(tickets=frozenset([7]), attempt=2)]


@given(days(tests=2))
def test_a_search_without_a_finder_finds_the_same(day: Day) -> None:
    for test in day.truth:
        steps = search(day.line, day.needs, history=KNOWN_STEADY)
        batch = next(steps)
        with pytest.raises(StopIteration) as end:  # noqa: PT012
            for _ in range(500):
                batch = steps.send({query: day.answer(query.tickets, test) for query in batch})
        assert end.value.value == blame_of(day, test)[0]


def test_a_ticket_that_breaks_a_test_with_a_partner_stays_until_that_partner_is_sure_to_stay() -> None:
    alone = Blame(culprits=(2,), partners=(), fails=frozenset([2]), passes=(frozenset(),))
    with_leaving = Blame(culprits=(5,), partners=(2,), fails=frozenset([2, 5]), passes=(frozenset([2]),))
    with_staying = Blame(culprits=(6,), partners=(3,), fails=frozenset([3, 6]), passes=(frozenset([3]),))
    flaky = Flaky(tickets=frozenset([9]))
    findings: dict[str, Finding] = {"a": alone, "b": with_leaving, "c": with_staying, "d": flaky}
    assert blames_to_act_on(findings) == {"a": alone, "c": with_staying}
    assert blames_to_act_on({"b": with_leaving, "d": flaky}) == {"b": with_leaving}
