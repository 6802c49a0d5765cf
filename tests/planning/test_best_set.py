"""The best set against brute force: all subsets of small random days."""

from __future__ import annotations

import os
import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.planning.best_set import Choice, ChosenSet, Incompatibility, RankCount, choose
from sessions.planning.parts import split_parts
from sessions.planning.solver import BinaryProgram
from sessions.settings.ticket_settings import HIGHS
from sessions.terminal.errors import UsageError

# At a desk: INTEGRAND_BEST_SETS=500 pytest tests/planning/test_best_set.py
DAYS = int(os.environ.get("INTEGRAND_BEST_SETS", "25"))
MOST_TICKETS = 16 if DAYS > 100 else 10


def random_day(seed: int) -> tuple[Choice, list[Incompatibility]]:
    """Up to 16 tickets with priorities, dependencies, a day before, and pairs, triples and fours that conflict."""
    dice = random.Random(seed)  # noqa: S311
    order = dice.sample(range(1, 100), dice.randint(1, MOST_TICKETS))
    choice = Choice(
        order=order,
        rank={number: dice.randint(0, 2) for number in order},
        needs={n: frozenset(each for each in order[:place] if dice.random() < 0.1) for place, n in enumerate(order)},
        before=frozenset(number for number in order if dice.random() < 0.5),
        together={n: frozenset(each for each in order if dice.random() < 0.05) - {n} for n in order},
    )
    incompatible = list[Incompatibility]()
    for _ in range(dice.randint(0, 2 * len(order))):
        tickets = frozenset(dice.sample(order, min(len(order), dice.choice([1, 2, 2, 2, 2, 3, 3, 4]))))
        menders = frozenset(dice.sample(order, min(len(order), dice.choice([0, 0, 0, 1, 2])))) - tickets
        incompatible.append(Incompatibility(tickets=tickets, menders=menders))
    return choice, incompatible


def best_of_all(choice: Choice, incompatible: list[Incompatibility]) -> tuple[list[int], list[int]]:
    """The best of all subsets, and how many tickets of each priority it has."""
    bit = {number: 1 << (len(choice.order) - 1 - place) for place, number in enumerate(choice.order)}
    ranks = sorted(set(choice.rank.values()))
    by_rank = [sum(bit[n] for n in choice.order if choice.rank[n] == rank) for rank in ranks]
    needs = [(bit[n], sum(bit[each] for each in choice.company(n))) for n in choice.order if choice.company(n)]
    sets = [(sum(map(bit.__getitem__, x.tickets)), sum(map(bit.__getitem__, x.menders))) for x in incompatible]
    before = sum(map(bit.__getitem__, choice.before))
    fitting = (
        mask
        for mask in range(1 << len(choice.order))
        if not any(mask & one and needed & ~mask for one, needed in needs)
        and not any(mask & tickets == tickets and not mask & menders for tickets, menders in sets)
    )
    # Of two masks the larger one has the first ticket in which they differ.
    best = max(fitting, key=lambda mask: ([(mask & r).bit_count() for r in by_rank], (mask & before).bit_count(), mask))
    return [n for n in choice.order if best & bit[n]], [(best & each).bit_count() for each in by_rank]


@pytest.mark.parametrize("seed", range(DAYS))
def test_no_subset_is_better_than_the_best_set(seed: int) -> None:
    choice, incompatible = random_day(seed)
    numbers, counts = best_of_all(choice, incompatible)
    chosen = choose(choice, incompatible)
    assert chosen is not None
    assert list(chosen.numbers) == numbers
    assert [(level.count, level.bound) for level in chosen.levels] == [(count, count) for count in counts]


@pytest.mark.parametrize("seed", range(0, DAYS, 5))
def test_no_subset_with_a_ticket_is_better_than_the_best_with_it(seed: int) -> None:
    choice, incompatible = random_day(seed)
    for number in choice.order:
        without = [*incompatible, Incompatibility(tickets=frozenset([number]))]
        chosen = choose(choice, incompatible, with_=number)
        others = choose(choice, without)
        whole = choose(choice, incompatible)
        assert others
        assert whole in (chosen, others), "the best set has the ticket or not"


def test_one_of_high_priority_counts_more_than_many_of_a_lower_one() -> None:
    pairs = [Incompatibility(tickets=frozenset([1, other])) for other in (2, 3, 4)]
    ranks = {1: 0, 2: 1, 3: 1, 4: 1}
    assert choose(Choice(order=[1, 2, 3, 4], rank=ranks, needs={}), pairs) == ChosenSet(
        numbers=(1,), levels=(RankCount(rank=0, count=1, bound=1), RankCount(rank=1, count=0, bound=0))
    )


def test_of_sets_that_are_as_good_that_of_the_day_before_is_taken() -> None:
    pair = [Incompatibility(tickets=frozenset([1, 2]))]
    usual = Choice(order=[1, 2], rank={1: 0, 2: 0}, needs={})
    near = replace(usual, before=frozenset([2]))
    assert [chosen.numbers for each in (usual, near) if (chosen := choose(each, pair))] == [(1,), (2,)]


def test_a_ticket_that_no_set_has() -> None:
    choice = Choice(order=[1, 2], rank={1: 0, 2: 0}, needs={2: frozenset([1])})
    assert choose(choice, [Incompatibility(tickets=frozenset([1]))], with_=2) is None


def test_without_the_solver_one_sentence_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(UsageError, match=re.escape(f'needs the solver HiGHS: type `pip install "{HIGHS}"`')):
        BinaryProgram([1])
    noxfile = Path(__file__).parents[2] / "noxfile.py"
    assert f'"{HIGHS}"' in noxfile.read_text(encoding="utf-8"), "the tests run with the same versions"


def test_the_solver_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    choose(*random_day(1))
    assert capfd.readouterr() == ("", "")


def test_parts_hang_together_by_files_and_groups() -> None:
    keys = {1: frozenset("a"), 2: frozenset("b"), 3: frozenset("ac"), 4: frozenset("c"), 5: frozenset[str]()}
    assert split_parts([5, 4, 3, 2, 1], keys, []) == ((5,), (4, 3, 1), (2,))
    assert split_parts([5, 4, 3, 2, 1], keys, [frozenset([2, 5, 99])]) == ((5, 2), (4, 3, 1))
