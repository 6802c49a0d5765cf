from __future__ import annotations

import itertools
import os
import random
from typing import TYPE_CHECKING

import pytest

from sessions.auditing.patches import Hunk
from sessions.planning.cheapest_order import cheapest_order
from sessions.planning.footprints import Footprint, pairs_to_merge
from sessions.planning.pair_conflicts import PairConflicts, find_pair_conflicts
from tests.repositories import Builder, Content, Scene, lines, run_git, ticket

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sessions.tickets.model import Ticket

LONG = 200
SEEDS = [1] if os.environ.get("CI") == "true" else [1, 2]


def grow(path: Path, count: int, files: int, seed: int) -> tuple[Scene, list[Ticket]]:
    """Tickets that change, add, remove and move files of a project, some of them built on another."""
    chance = random.Random(seed)  # noqa: S311  the same each time
    builder = Builder(path / "project.git")
    base = builder.commit({f"d{n % 5}/f{n}": lines(count=LONG) for n in range(files)})
    builder.tag("1.0")
    tips, branches = [base], dict[str, tuple[str, dict[str, Content]]]()
    for number in range(1, count + 1):
        name = chance.randrange(files)
        old = f"d{name % 5}/f{name}"
        edits = [(chance.randrange(1, LONG), f"by {number}") for _ in range(chance.randrange(1, 4))]
        text = lines(*edits, count=LONG)
        edited: dict[str, Content] = {old: text}
        new: dict[str, Content] = {f"d{number % 5}/new{number % 3}": f"{number}\n"}
        gone: dict[str, Content] = {old: None}
        choices = (*(edited,) * 6, new, gone, gone | {f"moved/{name}": text}, gone | {f"{old}/inside": f"{number}\n"})
        changes = chance.choice(choices)
        start = chance.choice(tips[-3:]) if chance.random() < 0.1 else base
        branches[f"t{number}"] = (start, changes)
        tips.append(f"refs/heads/t{number}")
    builder.branch_off(branches)
    scene = Scene.of(builder, path / "state")
    tips_by_number = scene.mirror.fetch_branches({number: f"t{number}" for number in range(1, count + 1)}).tips
    return scene, [ticket(number, commit=tip) for number, tip in tips_by_number.items()]


def pairs_of_all(scene: Scene, tickets: Sequence[Ticket]) -> set[tuple[int, int]]:
    """Every pair merged by `git merge` in a work tree."""
    tree = scene.mirror.repository.path.parent / "tree"
    run_git("clone", "--quiet", scene.builder.url, str(tree), cwd=tree.parent)
    found = set[tuple[int, int]]()
    for first, second in itertools.combinations(tickets, 2):
        run_git("checkout", "--quiet", "--force", "--detach", "1.0", cwd=tree)
        run_git("merge", "--quiet", "--no-ff", "-m", "first", first.commit, cwd=tree)
        if "CONFLICT" in run_git("merge", "--no-ff", "-m", "second", second.commit, cwd=tree, ok=(0, 1)):
            found.add((first.number, second.number))
            run_git("merge", "--abort", cwd=tree)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs_are_as_git_merge_in_a_work_tree_says(tmp_path: Path, seed: int) -> None:
    scene, tickets = grow(tmp_path, 20, 8, seed)
    found = find_pair_conflicts(tickets, scene.merger)
    told = pairs_of_all(scene, tickets)
    assert set(found.conflicts) == told
    assert len(told) > 2
    assert found.merged < 190


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> PairConflicts:
    folder = tmp_path_factory.mktemp("radar")
    builder = Builder(folder / "project.git")
    code = "".join(f"def f{n}():\n" + "    pass\n" * 20 for n in range(4))
    old = builder.commit({"code.py": code, "gone": "x\n"})
    base = builder.commit({"gone": None})
    builder.tag("1.0")
    rows = code.split("\n")

    def with_line(number: int, text: str) -> str:
        return "\n".join([*rows[: number - 1], text, *rows[number:]])

    builder.commit({"code.py": with_line(30, "    one")}, base, branch="t1")
    builder.commit({"code.py": with_line(30, "    two")}, base, branch="t2")
    builder.commit({"code.py": with_line(70, "    three")}, base, branch="t3")
    builder.commit({"gone": "y\n"}, old, branch="t4")
    builder.commit({}, base, branch="t5")
    scene = Scene.of(builder, folder / "state")
    return find_pair_conflicts(list(scene.tickets(t1=1, t2=2, t3=3, t4=4, t5=5).values()), scene.merger)


def test_a_conflict_has_its_lines_and_the_function_that_people_know(small: PairConflicts) -> None:
    [(pair, [meeting])] = small.conflicts.items()
    assert pair == (1, 2)
    told = (meeting.place.path, meeting.place.lines, meeting.place.kind, meeting.sections)
    assert told == ("code.py", "30-30", "contents", ("def f1():",))


def test_far_apart_is_not_merged_and_who_does_not_fit_alone_is_told(small: PairConflicts) -> None:
    assert small.merged == 1
    assert {number: [place.path for place in places] for number, places in small.unfit.items()} == {4: ["gone"]}
    assert small.fit == (1, 2, 3)  # 5 brings nothing


def test_files_that_come_and_go_are_merged_with_all_that_is_near() -> None:
    plain = Footprint.of([Hunk(path="a/x", old=5, new=5, removed=("1",), added=("2",))])
    gone = Footprint.of([Hunk(path="a/y", old=1, removed=("1",))])
    new = Footprint.of([Hunk(path="a/z", new=1, added=("1",))])
    inside = Footprint.of([Hunk(path="a/x/deep", new=1, added=("1",))])
    found = pairs_to_merge({1: plain, 2: gone, 3: new, 4: inside})
    assert found == ((1, 4), (2, 3), (2, 4)), "two that only add files do not meet"


def cost(order: Sequence[int], conflicts: Sequence[tuple[int, int]]) -> int:
    place = {number: at for at, number in enumerate(order)}
    return len({max(pair, key=place.__getitem__) for pair in conflicts})


@pytest.mark.parametrize("seed", range(60))
def test_the_order_costs_as_little_as_any_by_brute_force(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  the same each time
    numbers = range(1, chance.randrange(2, 8))
    conflicts = [pair for pair in itertools.combinations(numbers, 2) if chance.random() < 0.4]
    needs = {n: frozenset(m for m in range(1, n) if chance.random() < 0.15 * (seed % 2)) for n in numbers}
    order = cheapest_order(numbers, conflicts, needs)
    assert sorted(order.numbers) == list(numbers)
    assert len(order.mending) == cost(order.numbers, conflicts)
    possible = [
        each
        for each in itertools.permutations(numbers)
        if all(each.index(need) < each.index(n) for n in numbers for need in needs[n])
    ]
    least = min(cost(each, conflicts) for each in possible)
    assert order.is_best <= (len(order.mending) == least)
    if not seed % 2:  # without dependencies it always is
        assert order.is_best


def test_tickets_that_wait_for_each_other_have_a_place_too() -> None:
    needs = {1: frozenset({2}), 2: frozenset({1, 3}), 3: frozenset[int](), 4: frozenset({2})}
    order = cheapest_order((1, 2, 3, 4), [(1, 3)], needs)
    assert sorted(order.numbers) == [1, 2, 3, 4]
    assert order.numbers.index(3) < order.numbers.index(2) < order.numbers.index(4)


@pytest.mark.slow
def test_1000_open_tickets_are_put_in_order(tmp_path: Path) -> None:
    scene, tickets = grow(tmp_path, 1000, 150, 3)
    found = find_pair_conflicts(tickets, scene.merger)
    order = cheapest_order(found.fit, found.conflicts, {})
    assert len(order.numbers) == len(found.fit) > 900
