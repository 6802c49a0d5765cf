"""Answer the queries of culprit searches by probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.culprits.findings import Answer, Query
from sessions.day.context import Day
from sessions.day.decisions import some_tickets
from sessions.day.progress import Progress
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate


@dataclass(frozen=True, kw_only=True)
class QueryProbes:
    """Runs failing tests on the release with some tickets of the line of ``progress``.

    If it is ``incremental``, the first look at each subset may start from the nearest kept build. All others are builds
    from the release.
    """

    day: Day
    progress: Progress
    retester: Retester
    incremental: bool = False

    def answer(self, gate: Gate, queries: Sequence[tuple[Query, tuple[Failure, ...]]]) -> list[dict[TestId, Answer]]:
        """Answer queries, in order; unclear if tickets do not merge without the others."""
        looks: dict[int, Look] = {}
        for place, (query, failures) in enumerate(queries):
            numbers = {*query.tickets, *self.retester.base(gate).tickets}
            chosen = [ticket for ticket in self.progress.line.tickets if ticket.number in numbers]
            candidate = self.day.merger.combine(chosen)
            if isinstance(candidate, Candidate):
                # The second runs of the head and of the release decided to search, so an independent third run must
                # confirm a blame. Its build is kept for people who want to look into the failure.
                again = query.attempt > 1
                why = f"with {some_tickets(numbers)}{' again' if again else ''}"
                attempt = query.attempt + again
                looks[place] = Look(
                    candidate=candidate,
                    failures=failures,
                    attempt=attempt,
                    why=why,
                    purpose=Purpose.SEARCH,
                    keep=again,
                    incremental=self.incremental and not again,
                )
        shown = self.retester.look_at(gate, list(looks.values()), self.progress.line.head) if looks else []
        answers = dict(zip(looks, shown, strict=True))
        return [
            self.retester.certain(gate, failures, answers.get(place, {})) for place, (_, failures) in enumerate(queries)
        ]
