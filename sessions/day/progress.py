"""How far the search for a green head has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sessions.day.changed_tests import TestChanges
from sessions.gates.build_log import first_error
from sessions.gates.comparison import Comparison
from sessions.gates.results import Failure, Results, TestId
from sessions.source.line import Line
from sessions.tickets.model import Decision


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A gate's results on the release and on the head, and what the tickets' diffs do to its tests.

    ``mended_by`` are the tickets without which the gate measures nothing on the release.
    """

    release: Results
    mended_by: tuple[int, ...]
    head: Results
    comparison: Comparison
    changes: Mapping[int, TestChanges]


@dataclass(kw_only=True)
class Progress:
    """The state of the search for a green head; consistent at any moment, also when an error ends the search.

    ``failing`` are the new failures of the gate at which the head fails, ``flaky`` the tests that no ticket leaves for,
    both by the gate's name; ``chance_errors`` are the first errors of builds that failed by chance; ``pending`` are the
    gates that another call must run, ``out`` the tickets taken out.
    """

    line: Line
    measured: dict[str, Measured] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    failing: dict[str, tuple[Failure, ...]] = field(default_factory=dict)
    flaky: dict[str, set[TestId]] = field(default_factory=dict)
    chance_errors: set[str] = field(default_factory=set)
    out: dict[int, Decision] = field(default_factory=dict)

    def note_chance(self, failures: Iterable[Failure]) -> None:
        """Note the errors of failed builds that turned out flaky."""
        self.chance_errors |= {first_error(failure.message) for failure in failures} - {""}
