from __future__ import annotations

from math import log

import pytest

from sessions.culprits.hypotheses import Model, Ranking, fits_all
from sessions.culprits.tally import SubsetRuns
from sessions.gates.run_history import RunCounts, RunHistory

LINE = tuple(range(1, 9))
STEADY = RunHistory(runs=100)


def runs(*counts: tuple[set[int], int, int]) -> list[SubsetRuns]:
    """The whole line failed and the release passed, as before each search."""
    all_counts = [(set(LINE), 1, 0), (set[int](), 0, 1), *counts]
    return [
        SubsetRuns(subset=frozenset(subset), counts=RunCounts(fails=fails, passes=passes))
        for subset, fails, passes in all_counts
    ]


def rank(*counts: tuple[set[int], int, int], suspicion: dict[int, float] | None = None) -> Ranking:
    model = Model(line=LINE, needs={3: frozenset([2])}, suspicion=suspicion or {}, history=STEADY)
    return model.rank(runs(*counts), excluded=())


def best(ranking: Ranking) -> set[int]:
    assert ranking.best is not None
    return set(ranking.best.group)


def test_the_ticket_that_all_runs_fit_is_the_best() -> None:
    assert best(rank(({1, 2, 5}, 1, 0), ({2, 3, 6}, 0, 1), ({5, 7}, 1, 0))) == {5}
    assert fits_all(frozenset([5]), runs(({5, 7}, 1, 0)))
    assert not fits_all(frozenset([5]), runs(({5, 7}, 0, 1)))
    assert not fits_all(frozenset([5]), runs(({7}, 1, 0)))


def test_pairs_are_considered_only_where_no_ticket_fits() -> None:
    assert all(len(each.group) == 1 for each in rank(({5, 7}, 1, 0)).hypotheses)
    passing = [(set(LINE) - {number}, 0, 1) for number in (5, 7)]
    ranking = rank(({5, 7}, 1, 0), *passing, ({5}, 0, 1), ({7}, 0, 1))
    assert best(ranking) == {5, 7}
    # Ticket 3 needs ticket 2: it is never without it.
    assert frozenset([2, 3]) not in {each.group for each in ranking.hypotheses}


def test_suspicion_changes_the_order_and_no_likelihood_that_proves() -> None:
    plain, suspected = rank(({5, 7}, 1, 0)), rank(({5, 7}, 1, 0), suspicion={7: 20.0})
    assert best(suspected) == {7}
    assert suspected.hypotheses[0].suspected == pytest.approx(suspected.hypotheses[0].cause + log(21))
    causes = [{frozenset(each.group): each.cause for each in ranking.hypotheses} for ranking in (plain, suspected)]
    assert causes[0] == causes[1]


def test_a_test_that_fails_and_passes_everywhere_is_flaky() -> None:
    model = Model(line=LINE, needs={}, suspicion={}, history=RunHistory(runs=20, odd=6))
    ranking = model.rank(runs(*((set(each), 8, 8) for each in ((1,), (2, 3), (4, 5, 6), (7,), ()))), excluded=())
    assert ranking.is_flaky_likelier
    assert ranking.flaky_odds > log(50)
    assert not rank(({5, 7}, 2, 0), ({1, 2}, 0, 2)).is_flaky_likelier


def test_a_failure_on_the_release_speaks_against_every_ticket() -> None:
    clear, doubtful = rank(({5}, 3, 0)), rank(({5}, 3, 0), (set(), 2, 1))
    [before], [after] = ([each for each in r.hypotheses if each.group == {5}] for r in (clear, doubtful))
    assert after.sole < before.sole
    assert after.cause < before.cause
    assert after.made_flaky < before.made_flaky


def test_steady_runs_of_the_past_make_it_unlikely_that_a_ticket_makes_the_test_flaky() -> None:
    histories = (RunHistory(), RunHistory(runs=99))
    models = [Model(line=LINE, needs={}, suspicion={}, history=history) for history in histories]
    new, old = (model.log_group_makes_flaky(1, RunCounts(fails=3, passes=1), RunCounts()) for model in models)
    # The prior falls to 1/100; and 99 steady runs have, under Beta(1, 19), a likelihood of 19/118.
    assert new - old == pytest.approx(log(100) + log(118 / 19))


def test_excluded_groups_are_not_ranked() -> None:
    model = Model(line=LINE, needs={}, suspicion={}, history=STEADY)
    ranking = model.rank(runs(({5}, 1, 0)), excluded={frozenset([5])})
    assert frozenset([5]) not in {each.group for each in ranking.hypotheses}
