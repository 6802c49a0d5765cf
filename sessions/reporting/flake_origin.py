"""Which ticket or release made a test flaky: the explanation of all its runs that is likelier than all others. Pure.

Explanations: the test was flaky in all runs; it is flaky from a release on; it is flaky with a ticket. A ticket that
later days no longer list was merged into a later release or given up: both are tried. Under each, a test

* fails at some rate on the trees that contain its origin. The rate is unknown and integrated out: 30 rates from 0.1 %
  to 80 %, in equal steps of their logarithm, are equally likely;
* errs in one of 10,000 runs on the others, and in as many it is missing where it should exist.

Before any run, the odds are even that the test was always flaky; releases and tickets share the other half (Bayes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, inf, log, log1p

# A failure where the origin is missing, as a probability.
_ERROR = 1e-4
# An explanation is given if it is this much likelier than all others together.
ODDS = 20.0
# More suspects than these are not named: they say nothing.
_SUSPECTS = 5
_RATES = tuple(0.001 * 800 ** (step / 29) for step in range(30))
_LOG_RATES = tuple((log(rate), log1p(-rate)) for rate in _RATES)


class RunEnding(StrEnum):
    """How a test ended in a run: ``MISSING`` if a run of all tests did not have it yet."""

    FAILED = "failed"
    PASSED = "passed"
    MISSING = "missing"


@dataclass(frozen=True)
class Contents:
    """What a tree is made of: the place of its release among all releases, from 0 on, and the merged tickets."""

    release: int
    tickets: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class TestRun:
    """One run of one test. ``tree`` identifies tree and environment; ``contents`` is ``None`` if no record has them."""

    __test__ = False  # not for pytest to collect

    tree: str
    ending: RunEnding
    date: str = ""
    contents: Contents | None = None


@dataclass(frozen=True, order=True)
class FlakeOrigin:
    """A ticket, or else the place of a release; neither if the test was flaky in all runs."""

    ticket: int = 0
    release: int = 0
    # The release from which on the ticket is taken for merged.
    merged_from: float = field(default=inf)

    def is_in(self, contents: Contents) -> bool:
        """Whether a tree contains the origin."""
        if self.ticket:
            return self.ticket in contents.tickets or contents.release >= self.merged_from
        return contents.release >= self.release

    @property
    def is_start(self) -> bool:
        """Whether the test was flaky before the first run."""
        return not self.ticket and not self.release


@dataclass(frozen=True, kw_only=True)
class OriginSearch:
    """``credible`` are the likeliest explanations that together are ``ODDS`` times likelier than the rest, best first.

    An explanation that is so likely by itself is known. Otherwise the origin cannot be known from these runs. There is
    none if no record says what was merged where the test failed.
    """

    credible: tuple[FlakeOrigin, ...]

    @property
    def best(self) -> FlakeOrigin:
        """The likeliest explanation."""
        return self.credible[0] if self.credible else FlakeOrigin()

    @property
    def is_known(self) -> bool:
        """Whether one explanation is as likely by itself."""
        return len(self.credible) == 1

    @property
    def suspects(self) -> tuple[FlakeOrigin, ...]:
        """The tickets and releases one of which is the origin; empty if they are many, or it may have none."""
        has_start = any(each.is_start for each in self.credible)
        return () if has_start or len(self.credible) > _SUSPECTS else self.credible


def find_flake_origin(runs: Sequence[TestRun], merged_from: Mapping[int, int]) -> OriginSearch:
    """Return what made a test flaky. ``merged_from`` has, by ticket, the first release that may contain it.

    Runs without contents are left out, unless they failed: nothing is known then.
    """
    if any(run.ending is RunEnding.FAILED and not run.contents for run in runs):
        return OriginSearch(credible=())
    tallies = _tally(runs)
    releases = sorted({contents.release for contents in tallies})
    tickets = sorted({ticket for contents in tallies for ticket in contents.tickets})
    variants = [[FlakeOrigin(release=release)] for release in releases[1:]]
    variants += [
        [FlakeOrigin(ticket), *([FlakeOrigin(ticket, 0, merged_from[ticket])] if ticket in merged_from else [])]
        for ticket in tickets
    ]
    share = log(0.5 / len(variants)) if variants else 0.0
    logs = {FlakeOrigin(): log(0.5) + _log_likelihood(FlakeOrigin(), tallies)}
    for each in variants:
        logs |= {origin: share - log(len(each)) + _log_likelihood(origin, tallies) for origin in each}
    return _judge(logs)


def _judge(logs: Mapping[FlakeOrigin, float]) -> OriginSearch:
    highest = max(logs.values())
    weights: dict[FlakeOrigin, float] = {}
    best_of: dict[tuple[int, int], FlakeOrigin] = {}
    for origin in sorted(logs, key=lambda each: -logs[each]):
        first = best_of.setdefault((origin.ticket, origin.release), origin)
        weights[first] = weights.get(first, 0.0) + exp(logs[origin] - highest)
    ranked = sorted(weights, key=lambda each: -weights[each])
    enough, sum_so_far = sum(weights.values()) * ODDS / (1 + ODDS), 0.0
    credible: list[FlakeOrigin] = []
    for origin in ranked:
        credible.append(origin)
        sum_so_far += weights[origin]
        if sum_so_far >= enough:
            break
    return OriginSearch(credible=tuple(credible))


def _tally(runs: Iterable[TestRun]) -> dict[Contents, dict[RunEnding, int]]:
    tallies: dict[Contents, dict[RunEnding, int]] = {}
    for run in runs:
        if run.contents:
            tally = tallies.setdefault(run.contents, dict.fromkeys(RunEnding, 0))
            tally[run.ending] += 1
    return tallies


def _log_likelihood(origin: FlakeOrigin, tallies: Mapping[Contents, Mapping[RunEnding, int]]) -> float:
    fails = passes = errors = 0
    for contents, tally in tallies.items():
        if origin.is_in(contents):
            fails, passes = fails + tally[RunEnding.FAILED], passes + tally[RunEnding.PASSED]
            errors += tally[RunEnding.MISSING]
        else:
            errors += tally[RunEnding.FAILED]
    logs = [fails * failed + passes * passed for failed, passed in _LOG_RATES]
    highest = max(logs)
    return highest + log(sum(exp(each - highest) for each in logs) / len(logs)) + errors * log(_ERROR)
