"""What a culprit search asks, which answers it gets, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subset = frozenset[int]
# "not run": the run ended normally without the test, for example because the ticket that adds it is not in the subset.
# "unclear": nothing is known, because the subset does not merge or does not build, or because the run broke off.
Answer = Literal["fails", "passes", "not run", "unclear"]
# What a search distinguishes: a test that does not exist on a subset does not fail there.
SearchAnswer = Literal["fails", "passes", "unclear"]


def search_answer(answer: Answer) -> SearchAnswer:
    """Return the answer as a search counts it: "not run" counts as "passes"."""
    return "passes" if answer == "not run" else answer


@dataclass(frozen=True, kw_only=True)
class Query:
    """Does the test fail on the release with these tickets? Each ``attempt`` from 2 on is an independent run."""

    tickets: Subset
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Blame:
    """Which tickets break the test, and the runs that prove it.

    The ``culprits`` are taken out: one ticket, or several where the subsets that would separate them could not be
    tested. The ``partners`` come earlier in the merge line and stay: without any one of them the test passes. ``fails``
    and ``passes`` are the subsets that prove it, each run at least twice. On a subset of ``passes``, a test that the
    release does not have may not have run: then the culprit adds a failing test.
    """

    culprits: tuple[int, ...]
    partners: tuple[int, ...]
    fails: Subset
    passes: tuple[Subset, ...]


@dataclass(frozen=True, kw_only=True)
class Flaky:
    """The test is flaky, so no ticket is blamed: it failed in ``fails`` of the search's ``runs``.

    ``tickets`` is a subset on which it both failed and passed.
    """

    tickets: Subset
    fails: int = 0
    runs: int = 0


@dataclass(frozen=True, kw_only=True)
class Unexplained:
    """No ticket can be shown to be the cause, and the test never did different things on the same tickets.

    It is not flaky, then: the head stays red.
    """


Finding = Blame | Flaky | Unexplained
