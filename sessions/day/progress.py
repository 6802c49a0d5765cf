"""How far the search for a green head has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sessions.day.changed_tests import TestChanges
from sessions.day.release_reasons import SharedCause
from sessions.gates.build_log import first_error
from sessions.gates.comparison import Comparison
from sessions.gates.results import Failure, Results, TestId
from sessions.ledger.record import RecordedSlowdown, RecordedSoak
from sessions.source.line import Line
from sessions.source.merging import Candidate
from sessions.terminal.phrases import counted
from sessions.tickets.model import Decision, Verdict


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A gate's results on the release and on the head, and what the tickets' diffs do to its tests.

    ``mended_by`` are the tickets with which ``release`` was measured: the fixes, and those without which the gate
    measures nothing there. ``causes`` are the reasons that several failures of the release have in common,
    ``known_once`` the known failures that only one run on the release has shown.
    """

    release: Results
    mended_by: tuple[int, ...]
    head: Results
    comparison: Comparison
    changes: Mapping[int, TestChanges]
    causes: tuple[SharedCause, ...] = ()
    known_once: tuple[TestId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Tickets that together break a test, and the decision on each if it is the one that leaves."""

    tickets: frozenset[int]
    decisions: Mapping[int, Decision]


@dataclass(kw_only=True)
class Progress:
    """The state of the search for a green head; consistent at any moment, also when an error ends the search.

    ``failing`` are the new failures of the gate at which the head fails, ``flaky`` the tests that no ticket leaves for,
    both by the gate's name; ``chance_errors`` are the first errors of builds that failed by chance; ``pending`` are the
    gates that another call must run, ``out`` the tickets taken out. Of each set in ``apart`` a ticket is out: with
    ``[tickets] select = "best"``, the best set decides which. ``broken_by_fixes`` are the tests, by gate, that fail
    with the tickets of ``[tickets] fixes`` and not without; ``ignored`` those that fail anew and for which no ticket
    leaves, as a hint says so. ``soaks`` are the repeated runs of tickets' tests, by gate and ticket. ``slowdowns`` are
    the files that are slower on the head, and ``pace_unknown`` says why others were not judged, both by gate.
    ``whole_builds`` are the gates of which a build from the release contradicted an incremental one: their searches use
    no incremental builds any more.
    """

    line: Line
    measured: dict[str, Measured] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    failing: dict[str, tuple[Failure, ...]] = field(default_factory=dict)
    flaky: dict[str, set[TestId]] = field(default_factory=dict)
    chance_errors: set[str] = field(default_factory=set)
    out: dict[int, Decision] = field(default_factory=dict)
    apart: list[Apart] = field(default_factory=list)
    broken_by_fixes: dict[str, tuple[TestId, ...]] = field(default_factory=dict)
    ignored: dict[str, frozenset[TestId]] = field(default_factory=dict)
    soaks: dict[str, dict[int, RecordedSoak]] = field(default_factory=dict)
    slowdowns: dict[str, tuple[RecordedSlowdown, ...]] = field(default_factory=dict)
    pace_unknown: dict[str, str] = field(default_factory=dict)
    whole_builds: set[str] = field(default_factory=set)

    def note_chance(self, failures: Iterable[Failure]) -> None:
        """Note the errors of failed builds that turned out flaky."""
        self.chance_errors |= {first_error(failure.message) for failure in failures} - {""}

    def drop_chance_blames(self) -> list[int]:
        """Forget all decisions that rest on errors of builds that come by chance; return whose they were."""
        back = {number for number, decision in self.out.items() if self._is_by_chance(decision)}
        self.out = {number: decision for number, decision in self.out.items() if number not in back}
        apart = [each for each in self.apart if any(map(self._is_by_chance, each.decisions.values()))]
        self.apart = [each for each in self.apart if each not in apart]
        return sorted(back.union(*(each.tickets for each in apart)))

    def _is_by_chance(self, decision: Decision) -> bool:
        broke = decision.broke
        return bool(broke) and all(each.is_build and first_error(each.message) in self.chance_errors for each in broke)


def size_of_head(candidate: Candidate) -> str:
    """Return a phrase for a head."""
    return f"the head with {counted(len(candidate.tickets), 'ticket')}"


def unreached(line: Line, why: str) -> Line:
    """Change the verdict of tickets that were merged but not tested to the end: they are not integrated."""
    unreached = Decision(verdict=Verdict.NOT_REACHED, reason=why)
    decisions = {n: unreached if each.verdict is Verdict.INTEGRATED else each for n, each in line.decisions.items()}
    return replace(line, decisions=decisions)
