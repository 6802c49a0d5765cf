"""Compares a gate's results on the head with the gate's baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sessions.day.baselines import Baselines
from sessions.day.changed_tests import ChangedTests, TestChanges
from sessions.day.gate_files import GateFiles
from sessions.day.hinted import NO_HINTS, DayHints
from sessions.day.progress import Measured, Progress
from sessions.day.release_doubts import ReleaseDoubts
from sessions.day.release_reasons import ReleaseReasons
from sessions.day.retest import Retester
from sessions.gates.comparison import compare, restrict
from sessions.gates.results import Failure, Presence, Results, TestId
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff


@dataclass(frozen=True, kw_only=True)
class HeadComparison:
    """Compares results on the head of ``progress``, and keeps them there. ``diffs`` are the queue's, by ticket."""

    retester: Retester
    progress: Progress
    diffs: Mapping[int, Diff]
    hints: DayHints = NO_HINTS

    @property
    def baselines(self) -> Baselines:
        """What the head is compared with."""
        return self.retester.baselines

    @property
    def files(self) -> GateFiles:
        """The files of the gates."""
        return self.retester.runner.cache.files

    @cached_property
    def doubts(self) -> ReleaseDoubts:
        """What the release's failures are worth."""
        return ReleaseDoubts(retester=self.retester)

    def compare(self, gate: Gate, results: Results, part: Collection[str] | None = None) -> tuple[Failure, ...]:
        """Return what may be new: failures, and tests that no longer run although no ticket's diff removes them.

        Left out are tests that a hint ignores, noted in ``progress.ignored``, new tests that fail for the release's own
        reason, noted in the ``causes`` of what was measured, and failures of the release that moved to another file.
        The results of a ``part`` of the gate's files are compared with those of the same files, and not kept.
        """
        baseline = self.baselines.of(gate)
        settled = self.doubts.settle(gate, results)
        release = settled.release
        if part is not None:
            locate = self.files.locator(gate, baseline.candidate.tree).locate
            release = restrict(release, lambda file: locate(file) in part)
        compared = compare(release, results)
        changed = self._changed_tests(gate, compared.brought)
        reasons = ReleaseReasons(
            release=release,
            head=results,
            comparison=compared,
            changed=changed,
            changes=changed.by_ticket(compared),
            tracked=self.files.tracked(self.progress.line.head.tree),
        )
        if part is None:
            self._keep(gate, reasons, settled.once)
        unexplained = [failure for failure in (*compared.gone, *compared.skipped) if not changed.explains(failure)]
        excused = reasons.excused.keys() | reasons.moved
        failures = [*(each for each in compared.new if each.test not in excused), *unexplained]
        self.progress.ignored[gate.name] = self.hints.ignored(gate.name, [failure.test for failure in failures])
        return tuple(failure for failure in failures if failure.test not in self.progress.ignored[gate.name])

    def _keep(self, gate: Gate, reasons: ReleaseReasons, once: tuple[TestId, ...]) -> None:
        """Keep what was measured, and say which new tests fail for the release's own reason."""
        changes, excused = reasons.changes, reasons.by_ticket()
        self.progress.measured[gate.name] = Measured(
            release=reasons.release,
            mended_by=self.baselines.of(gate).candidate.tickets,
            head=reasons.head,
            comparison=reasons.comparison,
            changes={
                number: replace(changes.get(number, TestChanges()), as_release=excused.get(number, ()))
                for number in changes.keys() | excused.keys()
            },
            causes=reasons.shared(),
            known_once=once,
        )
        for sentence in reasons.sentences():
            self.baselines.day.console.detail(sentence)

    def _changed_tests(self, gate: Gate, brought: tuple[TestId, ...]) -> ChangedTests:
        """Return what the diffs of the head's tickets do to a gate's tests."""
        return ChangedTests(
            diffs={ticket.number: self.diffs[ticket.number] for ticket in self.progress.line.tickets},
            before=self.files.locator(gate, self.baselines.day.base.tree),
            after=self.files.locator(gate, self.progress.line.head.tree),
            brought=brought,
        )


def hides_tests(measured: Measured) -> bool:
    """Whether the run on the head did not reach a test that passed on the release."""
    head = measured.head
    return (
        not head.is_measured
        or any(head.presence(test) is Presence.HIDDEN for test in measured.release.passed)
        or any(head.hides(file) for file in measured.release.counts)
    )
