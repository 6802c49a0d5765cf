"""Which findings rest on runs after the first look at a subset. Pure.

First looks may come from builds that started from the build of another candidate. Such a build can be wrong: an object
that was not compiled again, a file that a ticket's build left behind. So first looks lead a search, and later runs,
whose builds start from the release, decide. A finding that they do not bear out is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from sessions.culprits.findings import Answer, Blame, Finding, Query, SearchAnswer, Subset, search_answer


def is_contradicted(answers: Mapping[Query, Answer]) -> bool:
    """Whether a later run of a subset disagrees with the first look at it."""
    first = {query.tickets: search_answer(answer) for query, answer in answers.items() if query.attempt == 1}
    return any(
        first.get(query.tickets, search_answer(answer)) != search_answer(answer)
        for query, answer in answers.items()
        if query.attempt > 1
    )


def is_borne_out(finding: Finding, whole: Subset, answers: Mapping[Query, Answer]) -> bool:
    """Whether later runs show what a finding says: the test fails with the culprits, and passes without.

    The ``whole`` line and the release without tickets were looked at before the search. A test that failed by chance
    must do so in a search that has no first looks of another kind.
    """
    if not isinstance(finding, Blame) or is_contradicted(answers):
        return False
    required: list[tuple[Subset, SearchAnswer]] = [
        (finding.fails, "fails"),
        *((subset, "passes") for subset in finding.passes),
    ]
    return all(
        any(
            query.tickets == subset and query.attempt > 1 and search_answer(answer) == expected
            for query, answer in answers.items()
        )
        for subset, expected in required
        if subset and subset != whole
    )
