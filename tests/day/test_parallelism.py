"""How many probes run at once, on simulated machines."""

from __future__ import annotations

import random

import pytest

from sessions.day.parallelism import Parallelism, best_number


def test_nothing_is_known_of_probes_that_always_ran_in_the_same_company() -> None:
    assert best_number([], 3) == 3
    assert best_number([{3: [10.0, 11.0]}, {1: [5.0]}], 3) == 3


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({1: [20.0], 2: [21.0]}, 4),  # as long: twice as many are tried
        ({1: [20.0], 4: [40.0]}, 2),
        ({2: [20.0], 4: [30.0]}, 3),
        ({1: [20.0], 2: [36.0]}, 1),
        ({1: [20.0], 2: [30.0]}, 2),
        ({1: [20.0, 21.0, 99.0], 4: [20.0, 22.0]}, 8),  # one that something else disturbed
    ],
)
def test_the_capacity_follows_from_two_sizes_of_company(times: dict[int, list[float]], expected: int) -> None:
    assert best_number([times], 3) == expected


def test_what_three_at_once_on_two_processors_did_to_sympy() -> None:
    parallelism = Parallelism(processors=2)
    assert parallelism.at_once == 2
    for company, seconds in ((1, 28.0), (3, 110.0)):
        parallelism.note("polys", company, seconds)
    assert parallelism.at_once == 1


def test_short_probes_say_nothing() -> None:
    parallelism = Parallelism(processors=4)
    for company, seconds in ((1, 0.2), (4, 0.9)):
        parallelism.note("tiny", company, seconds)
    assert parallelism.at_once == 4


@pytest.mark.parametrize(("capacity", "expected"), [(0.7, 1), (1.0, 1), (2.0, 2), (4.0, 4), (100.0, 8)])
@pytest.mark.parametrize("seed", range(5))
def test_a_simulated_day_comes_to_the_number_that_its_machine_can_do(seed: int, capacity: float, expected: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    parallelism = Parallelism(processors=4)
    for kind in range(8):  # rounds, then confirmations, which are fewer
        for wanted in (6, 1, 2, 6):
            company = min(wanted, parallelism.at_once)
            for _ in range(company):
                seconds = 30.0 * max(1.0, company / capacity) * chance.uniform(0.97, 1.03)
                parallelism.note(f"gate {kind}", company, seconds)
    assert parallelism.at_once == expected
