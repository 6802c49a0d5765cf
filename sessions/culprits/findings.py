"""What a search asks, is told, and finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subset = frozenset[int]
# "not run": the run came to its end without the test, as where a ticket that brings it is not in the subset.
# "unclear": nothing is known; the subset does not merge or does not build, or the run did not come to its end.
Answer = Literal["fails", "passes", "not run", "unclear"]
# What a search weighs: to it, a test that nobody in the subset brings has not failed.
Weighed = Literal["fails", "passes", "unclear"]


def weigh(answer: Answer) -> Weighed:
    """An answer as the search weighs it."""
    return "passes" if answer == "not run" else answer


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Does the test fail on the release with these tickets? Each ``attempt`` from 2 on is an independent run."""

    tickets: Subset
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Blame:
    """Who breaks the test, and the runs that show it.

    ``culprits`` leave: one ticket, or several where what lies between them could not be tested. ``partners`` came
    before them in the line and stay: without any of them, the test passes. ``fails`` and ``passes`` are the
    subsets that showed it, each seen at least twice. With a subset of ``passes``, a test that the release does not
    have may be one that did not run: then the culprit brings a failing test.
    """

    culprits: tuple[int, ...]
    partners: tuple[int, ...]
    fails: Subset
    passes: tuple[Subset, ...]


@dataclass(frozen=True, kw_only=True)
class Flaky:
    """Nobody is to blame: what the test does depends on chance. It failed in so many of the search's runs."""

    tickets: Subset
    fails: int = 0
    runs: int = 0
