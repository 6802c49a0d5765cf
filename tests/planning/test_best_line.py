"""The best set of real branches, against merging every subset of them with git."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.planning.best_line import BestLine
from sessions.planning.best_set import Choice, Incompatibility
from sessions.source.line import Queue
from sessions.source.merging import Candidate
from tests.repositories import Builder, Scene, lines

if TYPE_CHECKING:
    from pathlib import Path

TICKETS = 7


def random_scene(seed: int, folder: Path, *, carrying: bool) -> tuple[Scene, Queue, Choice]:
    """Seven branches that change one to three places of two files; some start where a squashed ticket was merged."""
    dice = random.Random(seed)  # noqa: S311
    builder = Builder(folder / "project.git")
    trunk = {name: dict[int, str]() for name in "ab"}
    first = builder.commit({"VERSION": "1.0\n", **{name: lines() for name in trunk}})
    builder.tag("1.0")
    starts = [(first, trunk)]
    for number in range(1, TICKETS + 1):
        commit, files = dice.choice(starts) if carrying else starts[0]
        changed = {name: dict(changes) for name, changes in files.items()}
        for _ in range(dice.randint(1, 3)):
            changed[dice.choice("ab")][dice.choice([4, 5, 12, 20, 21])] = f"by {dice.randint(1, 2)}"
        content = {name: lines(*changes.items()) for name, changes in changed.items()}
        builder.commit(content, commit, branch=f"t{number}")
        if carrying and dice.random() < 0.5:
            starts.append((builder.commit(content, starts[-1][0], branch="later"), changed))
    scene = Scene.of(builder, folder / "state")
    numbers = range(1, TICKETS + 1)
    tickets = tuple(scene.tickets(**{f"t{number}": number for number in numbers}).values())
    needs = {n: frozenset([1]) if n > 1 and dice.random() < 0.2 else frozenset[int]() for n in numbers}
    queue = Queue(tickets=tickets, needs=needs)
    order = [ticket.number for ticket in tickets]
    # Half of the days have a ticket that is merged only with another, and some of those the other way round, too.
    one, other = dice.sample(order, 2)
    together = dice.choice([{}, {}, {one: frozenset([other])}, {one: frozenset([other]), other: frozenset([one])}])
    before = frozenset(number for number in order if dice.random() < 0.5)
    rank = {n: dice.randint(0, 1) for n in order}
    return scene, queue, Choice(order=order, rank=rank, needs=needs, before=before, together=together)


def best_by_git(
    scene: Scene, queue: Queue, choice: Choice, apart: list[frozenset[int]], *, with_: int = 0
) -> list[int]:
    """The best subset of all that git merges in the queue's order; empty where there is none."""
    found = list[tuple[object, list[int]]]()
    for chosen in itertools.product([True, False], repeat=TICKETS):
        numbers = {each.number for each, is_in in zip(queue.tickets, chosen, strict=True) if is_in}
        if (with_ and with_ not in numbers) or any(choice.company(n) - numbers for n in numbers):
            continue
        if any(each <= numbers for each in apart):
            continue
        if isinstance(scene.merger.combine(each for each in queue.tickets if each.number in numbers), Candidate):
            levels = [sum(choice.rank[n] == rank for n in numbers) for rank in sorted(set(choice.rank.values()))]
            found.append(((levels, len(numbers & choice.before), chosen), sorted(numbers)))
    return max(found, default=(None, []))[1]


@pytest.mark.parametrize("carrying", [False, True], ids=["apart", "carrying"])
@pytest.mark.parametrize("seed", range(6))
def test_git_merges_no_better_set(seed: int, carrying: bool, tmp_path: Path) -> None:
    scene, queue, choice = random_scene(seed, tmp_path, carrying=carrying)
    broken = [frozenset([2, 5]), frozenset([1, 3, 6])]
    apart = tuple(Incompatibility(tickets=each) for each in broken)
    search = BestLine(choice=choice, queue=queue, merger=scene.merger, apart=apart)
    best = search.find()
    assert list(best.numbers) == best_by_git(scene, queue, choice, broken)
    assert best.is_proven
    near = replace(choice, before=frozenset(best.numbers))
    for number in {*choice.order} - {*best.numbers}:
        part = search.part_of(number)
        chosen = search.with_ticket(number, best)
        expected = best_by_git(scene, queue, near, broken, with_=number)
        assert (list(chosen.numbers) if chosen else []) == [each for each in expected if each in part]


def test_a_third_ticket_lets_two_merge_that_conflict(tmp_path: Path) -> None:
    """2 and 3 carry 1 as a squashed commit: 3 merges onto 1 only after 2 has brought that commit."""
    builder = Builder(tmp_path / "project.git")
    first = builder.commit({"VERSION": "1.0\n", "a": lines()})
    builder.tag("1.0")
    builder.commit({"a": lines((5, "one"))}, first, branch="t1")
    one = builder.commit({"a": lines((5, "one"))}, first)
    builder.commit({"a": lines((5, "one"), (20, "two"))}, one, branch="t2")
    builder.commit({"a": lines((5, "three"))}, one, branch="t3")
    builder.commit({"a": lines((5, "four"))}, first, branch="t4")
    scene = Scene.of(builder, tmp_path / "state")
    tickets = tuple(scene.tickets(t4=4, t1=1, t2=2, t3=3).values())
    queue = Queue(tickets=tickets, needs={})
    choice = Choice(order=[4, 1, 2, 3], rank=dict.fromkeys([1, 2, 3, 4], 0), needs={})
    search = BestLine(choice=choice, queue=queue, merger=scene.merger)
    best = search.find()
    assert best.numbers == (1, 2, 3)
    assert best.is_exact
    assert (chosen := search.with_ticket(4, best))
    assert chosen.numbers == (4,)
