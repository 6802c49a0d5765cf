"""Which ticket makes one test fail, alone or with others. Pure: it yields queries and is sent their answers.

The signature rounds come first: they are the same for all tests of a day and can all run at once. From then on, all
runs so far are weighed (:mod:`~sessions.culprits.hypotheses`), and the likeliest group of tickets is tested by itself:
the test must fail with just this group and pass without any of its members, until the odds against everything else are
great enough. Where several groups are about as likely, a subset that splits them in halves is asked first
(:mod:`~sessions.culprits.plan`). Where no group fits, the line is bisected.

If a failure came in the same way each time and its runs take long (a build), the search has no rounds: each query is
chosen by the answers so far, and few runs confirm a blame. If runs of one subset differ after all, this is given up,
and the search goes on with what was known of the test before.

A search depends on its own answers only, so it asks the same however many of its queries run at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from math import log

from sessions.culprits.bisection import Bisection, bisect_line
from sessions.culprits.evidence import Repeatable
from sessions.culprits.findings import Answer, Blame, Finding, Query, SearchAnswer
from sessions.culprits.hypotheses import Model
from sessions.culprits.plan import Plan
from sessions.culprits.signatures import signature_rounds
from sessions.culprits.tally import Batch, Tally
from sessions.gates.run_history import RunHistory
from sessions.tickets.order import Needs, closure

Search = Generator[Batch, Mapping[Query, Answer], Finding]

# The test is flaky if that is so much likelier than everything else, and it did different things on one subset.
_LOG_FLAKY_ODDS = log(50)
# The whole line runs so often before the test counts as flaky: what tickets break fails there most of the time.
_LOOKS = 8
# A search that asked so many queries without a finding goes over to bisection, which may ask as many again.
_MOST_QUERIES = 150


def search(
    line: Sequence[int],
    needs: Needs,
    *,
    rounds: Sequence[frozenset[int]] | None = None,
    suspicion: Mapping[int, float] | None = None,
    history: RunHistory | None = None,
    repeatable: Repeatable | None = None,
) -> Search:
    """Find who makes a test fail on the whole ``line`` (merge order) that passes on the release.

    It yields the queries that can run at once and is sent all answers. ``rounds`` are the day's; ``suspicion`` decides
    which ticket is tried first, ``history`` how many runs are needed, and so does ``repeatable``: see :func:`_plan`.
    """
    plan = _plan(line, needs, rounds, suspicion or {}, history or RunHistory(), repeatable)
    tally = plan.tally
    yield from _ask(tally, (Query(tickets=tickets) for tickets in plan.rounds))
    while len(tally.answers) < _MOST_QUERIES:
        ranking = plan.ranking()
        is_flaky = _is_flaky(plan, ranking.flaky_odds)
        if (ranking.is_flaky_likelier or is_flaky) and tally.runs(tally.whole) < _LOOKS:
            yield from _ask(tally, tally.next_runs(tally.whole, 2))
        elif is_flaky:
            return plan.finding_without_blame()
        # An error does not repeat itself: run again what contradicts the likeliest group before giving it up.
        elif ranking.best is None or (ranking.is_other_likelier and not _fails_alone(plan, ranking.best.group)):
            if not (queries := plan.repeats_against(ranking.best)):
                break
            yield from _ask(tally, queries)
        elif (half := plan.splitting_subset(ranking)) is not None:
            yield from _ask(tally, (Query(tickets=half),))
        elif (blame := plan.blame_for(ranking.best.group)) is None or plan.proof.is_exhausted(blame):
            if blame and ranking.best.made_flaky > ranking.best.cause:
                return plan.finding_without_blame()
            plan.excluded.add(ranking.best.group)
        elif queries := plan.proof.runs_to_prove(blame, ranking):
            yield from _ask(tally, queries)
        else:
            return blame
    return (yield from _bisect(plan))


def _plan(
    line: Sequence[int],
    needs: Needs,
    rounds: Sequence[frozenset[int]] | None,
    suspicion: Mapping[int, float],
    history: RunHistory,
    repeatable: Repeatable | None,
) -> Plan:
    """Return the plan of a search.

    ``suspicion`` is 0 and above. ``repeatable`` takes the place of ``history`` for a failure that comes the same way
    each time, until runs of one subset differ; no rounds are asked then.
    """
    inside = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    counted = repeatable.history if repeatable else history
    return Plan(
        tally=Tally(line=line, history=counted),
        model=Model(line=line, needs=inside, suspicion=suspicion, history=counted, repeatable=repeatable),
        doubted=history if repeatable else None,
        rounds=() if repeatable else tuple(signature_rounds(line, needs) if rounds is None else rounds),
    )


def _ask(tally: Tally, queries: Iterable[Query]) -> Generator[Batch, Mapping[Query, Answer], None]:
    """Ask the queries that have no answer yet, and keep their answers."""
    if batch := tally.unanswered(queries):
        answers = yield batch
        tally.record({query: answers[query] for query in batch})


def _is_flaky(plan: Plan, odds: float) -> bool:
    return plan.tally.is_mixed and odds >= _LOG_FLAKY_ODDS


def _fails_alone(plan: Plan, group: frozenset[int]) -> bool:
    return plan.tally.majority(closure(group, plan.model.needs)) == "fails"


def _bisect(plan: Plan) -> Search:
    """Bisect the line; the second time without concluding from one subset to another."""
    limit = len(plan.tally.answers) + _MOST_QUERIES
    for known in (plan.tally.implied, plan.tally.settled):
        blame = yield from _run_bisection(plan.tally, bisect_line(plan.model.line, plan.model.needs, known), limit)
        while blame and (queries := plan.proof.runs_to_prove_bisected(blame)):
            yield from _ask(plan.tally, queries)
        if blame and plan.proof.is_proven(blame):
            return blame
    return plan.finding_without_blame()


def _run_bisection(
    tally: Tally, steps: Bisection, limit: int
) -> Generator[Batch, Mapping[Query, Answer], Blame | None]:
    """Answer a bisection's queries until each is settled; return ``None`` after ``limit`` answers."""
    answer: SearchAnswer | None = None
    while True:
        try:
            query = next(steps) if answer is None else steps.send(answer)
        except StopIteration as end:
            found: Blame = end.value
            return found
        while (answer := tally.settled(query.tickets)) is None:
            if len(tally.answers) > limit:
                return None
            yield from _ask(tally, tally.next_runs(query.tickets, 1))
