from __future__ import annotations

from dataclasses import replace

from sessions.culprits.evidence import Repeatable
from sessions.culprits.findings import Answer, Blame, Flaky, Query, Unexplained
from sessions.culprits.hypotheses import Model
from sessions.culprits.plan import Plan
from sessions.culprits.tally import Tally
from sessions.gates.run_history import RunHistory

LINE = (1, 2, 3, 4, 5, 6, 7, 8)
NEEDS = {number: frozenset({4: [2], 6: [4]}.get(number, [])) for number in LINE}


def plan(answers: dict[tuple[int, ...], list[Answer]], suspicion: dict[int, float] | None = None) -> Plan:
    history = RunHistory(runs=100)
    tally = Tally(line=LINE, history=history)
    for tickets, given in answers.items():
        first = 2 if tickets in ((), LINE) else 1
        tally.record({Query(tickets=frozenset(tickets), attempt=at): each for at, each in enumerate(given, first)})
    return Plan(tally=tally, model=Model(line=LINE, needs=NEEDS, suspicion=suspicion or {}, history=history))


def blame(fails: set[int], *passes: set[int], culprit: int, partners: tuple[int, ...] = ()) -> Blame:
    return Blame(
        culprits=(culprit,), partners=partners, fails=frozenset(fails), passes=tuple(frozenset(each) for each in passes)
    )


def test_a_ticket_is_blamed_with_its_dependencies_and_without_what_depends_on_it() -> None:
    assert plan({}).blame_for(frozenset([4])) == blame({2, 4}, {2}, culprit=4)
    assert plan({}).blame_for(frozenset([3, 6])) == blame({2, 3, 4, 6}, {2, 4, 6}, {2, 3, 4}, culprit=6, partners=(3,))
    # A partner's dependants leave the passing subset with it.
    assert plan({}).blame_for(frozenset([2, 5])) == blame({2, 5}, {5}, {2}, culprit=5, partners=(2,))


def test_where_a_subset_does_not_merge_the_ticket_is_shown_at_its_place_in_the_line() -> None:
    assert plan({(5,): ["unclear"]}).blame_for(frozenset([5])) == blame({1, 2, 3, 4, 5}, {1, 2, 3, 4}, culprit=5)
    nowhere = plan({(5,): ["unclear"], (1, 2, 3, 4): ["unclear"]})
    assert nowhere.blame_for(frozenset([5])) is None


def test_the_first_query_splits_the_line_in_halves() -> None:
    begun = plan({})
    half = begun.splitting_subset(begun.ranking())
    assert half is not None
    assert len(half) == 4


def test_a_subset_that_splits_contains_the_dependencies_of_its_tickets() -> None:
    begun = plan({}, suspicion={6: 2.0, 8: 2.0})
    half = begun.splitting_subset(begun.ranking())
    assert half is not None
    assert all(NEEDS[number] <= half for number in half)


def test_nothing_splits_where_one_ticket_is_as_likely_as_all_others_together() -> None:
    suspected = plan({}, suspicion={5: 20.0})
    assert suspected.splitting_subset(suspected.ranking()) is None


def test_each_subset_of_a_blame_runs_twice_and_then_it_is_proven() -> None:
    begun = plan({}, suspicion={5: 20.0})
    found = begun.blame_for(frozenset([5]))
    assert found is not None
    queries = begun.proof.runs_to_prove(found, begun.ranking())
    assert [(set(query.tickets), query.attempt) for query in queries] == [({5}, 1), ({5}, 2)]
    done = plan({(5,): ["fails", "fails"], (1, 2, 3): ["passes"]})
    assert done.proof.runs_to_prove(found, done.ranking()) == ()
    # By the runs of the blame alone, without those of other subsets, it takes more.
    assert not done.proof.is_proven(found)
    assert plan({(5,): ["fails"] * 8, (): ["passes"] * 4}).proof.is_proven(found)


def test_runs_of_one_subset_that_differ_end_the_trust_in_a_failure_that_came_twice() -> None:
    steady, mixed = plan({(5,): ["fails", "fails"]}), plan({(5,): ["fails", "passes"]})
    for each in (steady, mixed):
        each.doubted = RunHistory(runs=3)
        each.model = replace(each.model, repeatable=Repeatable.at(3600.0))
        each.ranking()
    assert steady.model.history == steady.tally.history == RunHistory(runs=100)
    assert mixed.model.history == mixed.tally.history == RunHistory(runs=3)
    assert steady.model.repeatable == Repeatable.at(3600.0)
    assert mixed.model.repeatable is None


def test_runs_that_fit_no_single_ticket_are_evidence_for_chance() -> None:
    pair = plan({(1, 2, 3, 4): ["passes"], (5, 6, 7, 8): ["passes"]})
    pair.doubted = RunHistory()
    pair.model = replace(pair.model, repeatable=Repeatable.at(3600.0))
    pair.ranking()
    assert pair.model.repeatable == Repeatable.at(60.0), "so it takes as many runs as where they cost little"


def test_a_blame_whose_subset_passes_is_never_proven() -> None:
    wrong = plan({(5,): ["passes", "passes", "fails"]})
    found = blame({5}, set(), culprit=5)
    assert not wrong.proof.is_proven(found)
    assert wrong.proof.runs_to_prove_bisected(found) != ()
    tired = plan({(5,): ["passes", "fails"] * 12})
    assert tired.proof.is_exhausted(found)
    assert tired.proof.runs_to_prove_bisected(found) == ()


def test_only_close_calls_against_a_hypothesis_are_repeated() -> None:
    mixed = plan({(1, 5): ["passes"], (3,): ["fails", "fails"], (7,): ["fails"]})
    [best] = [each for each in mixed.ranking().hypotheses if each.group == {5}]
    assert mixed.repeats_against(best) == (
        Query(tickets=frozenset([1, 5]), attempt=2),
        Query(tickets=frozenset([7]), attempt=2),
    )
    assert mixed.repeats_against(None) == ()


def test_a_flaky_finding_counts_all_runs_and_names_a_subset_that_did_both() -> None:
    mixed = plan({(1, 5): ["passes", "fails"], (3,): ["fails"]})
    assert mixed.finding_without_blame() == Flaky(tickets=frozenset([1, 5]), fails=3, runs=5)


def test_a_test_that_always_failed_with_the_same_tickets_is_not_flaky() -> None:
    steady = plan({(1, 5): ["fails", "fails"], (3,): ["passes"]})
    assert steady.finding_without_blame() == Unexplained()
