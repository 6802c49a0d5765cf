"""Looks again at the release's failures that the head has too, before they count as known."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions.day.baselines import GateBaseline
from sessions.day.question import Question
from sessions.day.retest import Retester
from sessions.gates.comparison import known_failures
from sessions.gates.results import Results, TestId
from sessions.gates.run_history import RunCounts
from sessions.gates.second_looks import Settled, fails_again, settle
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.terminal.phrases import counted

# The attempts of these looks: at the files of all failures, and, where those passed, at the whole gate.
_PART, _WHOLE = 1701, 1702


@dataclass(frozen=True, kw_only=True)
class ReleaseDoubts:
    """Settles which failures of the release are known; ``counts`` are the runs there of tests that are not, by gate.

    The looks are the same whatever the head, so they are asked once for a release.
    """

    retester: Retester
    counts: dict[str, dict[TestId, RunCounts]] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set, repr=False)

    def settle(self, gate: Gate, head: Results) -> Settled:
        """Return the release's results, settled for the failures that the ``head`` has as well.

        Documents' faults are not looked at again: the same source gives the same faults. Raises the errors of
        :meth:`ProbeRunner.result`.
        """
        baseline = self.retester.baselines.of(gate)
        release = baseline.probe_result.results
        known = known_failures(release, head)
        if not known or release.lists_faults:
            return Settled(release=release)
        settled = settle(release, self._look(gate, baseline, known), known)
        self.counts.setdefault(gate.name, {}).update(settled.counts)
        self._say(gate, settled)
        return settled

    def _look(self, gate: Gate, baseline: GateBaseline, known: tuple[TestId, ...]) -> list[Results]:
        """Run the files of all failures again, then all files if one does not come again: it may need the others."""
        release = baseline.probe_result.results
        files = self._files(gate, baseline)
        looks = self._run(gate, baseline, files, _PART)
        if files is None or (looks and all(fails_again(release, looks[0], test) for test in known)):
            return looks
        return [*looks, *self._run(gate, baseline, None, _WHOLE)]

    def _run(self, gate: Gate, baseline: GateBaseline, files: tuple[str, ...] | None, attempt: int) -> list[Results]:
        question = Question(
            gate=gate,
            candidate=baseline.candidate,
            files=files,
            attempt=attempt,
            why=f"on {self.retester.baselines.name} again, for what fails there",
            purpose=Purpose.FLAKES,
            keep=True,
        )
        probe_result = self.retester.runner.result(question)
        return [probe_result.results] if probe_result.built else []

    def _files(self, gate: Gate, baseline: GateBaseline) -> tuple[str, ...] | None:
        """Return the files of the release's failures; ``None`` for the whole gate, where they are most of its files."""
        if gate.name in self.retester.whole_only:
            return None
        tree, gate_files = baseline.candidate.tree, self.retester.runner.cache.files
        files = gate_files.files_with(gate, baseline.probe_result.results.failing, tree)
        return files if files and 2 * len(files) <= len(gate_files.select(gate, tree)) else None

    def _say(self, gate: Gate, settled: Settled) -> None:
        name = self.retester.baselines.name
        for count, what in (
            (len(settled.counts), f"of {gate.name} failed on {name} once, and passed when run again: not known"),
            (len(settled.once), f"of {gate.name} failed on {name} in the only run that tells"),
        ):
            sentence = f"{counted(count, 'test')} {what}"
            if count and sentence not in self._said:
                self._said.add(sentence)
                self.retester.baselines.day.console.detail(sentence)
