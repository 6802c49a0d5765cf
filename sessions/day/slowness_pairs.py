"""Run test files of a gate in pairs, with and without some tickets, until it is known which became slower."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

from sessions.culprits.slowness import MOST_PAIRS, Pace, judge_pace
from sessions.day.probe_runner import ProbeRunner
from sessions.day.probe_share import probes_left, seconds_left
from sessions.day.question import Question
from sessions.gates.results import Results, TestId
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate

# Attempts from 3001 on are reserved for pairs. Each two trees have attempts of their own: a run is compared only with
# the run beside it, and never with one that was made for another pair of trees, at another time.
_FIRST_ATTEMPT = 3001
# Of the digest of two trees: enough that two pairs of trees hardly ever share attempts.
_HEX_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class Paced:
    """What pairs showed of a file: the logarithm of each ratio, and what follows from them."""

    logs: tuple[float, ...] = ()
    pace: Pace = Pace.UNCLEAR


@dataclass(frozen=True, kw_only=True)
class SlownessPairs:
    """Runs files of a gate one after the other, so that no probe of ours disturbs another one."""

    runner: ProbeRunner
    gate: Gate

    @property
    def seconds_left(self) -> float:
        """What is left of the share of the day."""
        return seconds_left(self.runner, self.gate, Purpose.SLOWNESS)

    def judge(self, files: Sequence[str], with_: Candidate, without: Candidate, why: str) -> dict[str, Paced]:
        """Return what pairs show of each file, as the report names it; unclear if the share of the day is used up.

        Raises the errors of :meth:`ProbeRunner.results`.
        """
        if with_.tree == without.tree:
            return dict.fromkeys(files, Paced(pace=Pace.SAME))
        seen = dict.fromkeys(files, Paced())
        left = list(files)
        digest = hashlib.sha256(f"{without.tree} {with_.tree}".encode()).hexdigest()[:_HEX_DIGITS]
        first = _FIRST_ATTEMPT + MOST_PAIRS * int(digest, 16)
        for place in range(MOST_PAIRS):
            if not left or probes_left(self.runner, self.gate, Purpose.SLOWNESS, 2) < 2:
                break
            question = self._question(left, with_, first + place, f"{why}, pair {place + 1}")
            logs = self._pair(question, without, is_reversed=place % 2 == 1)
            for file in [each for each in left if each in logs]:
                paced = (*seen[file].logs, logs[file])
                pace = judge_pace(paced, self.gate.slower)
                seen[file] = Paced(logs=paced, pace=pace or Pace.UNCLEAR)
                if pace:
                    left.remove(file)
        return seen

    def _question(self, files: Sequence[str], candidate: Candidate, attempt: int, why: str) -> Question:
        tests = [TestId(file) for file in files]
        can_select = "{files}" in self.gate.run
        return Question(
            gate=self.gate,
            candidate=candidate,
            files=self.runner.cache.files.files_with(self.gate, tests, candidate.tree) if can_select else None,
            attempt=attempt,
            why=why,
            purpose=Purpose.SLOWNESS,
            keep=True,
        )

    def _pair(self, question: Question, without: Candidate, *, is_reversed: bool) -> dict[str, float]:
        """Run a pair, and return the logarithm of the ratio for each file that both runs measured."""
        questions = [replace(question, candidate=without), question]
        ordered = questions[::-1] if is_reversed else questions
        results = {each.candidate.tree: self._measured(each) for each in ordered}
        before, after = (results[each.candidate.tree].times for each in questions)
        return {file: log(after[file] / before[file]) for file in before.keys() & after if before[file] and after[file]}

    def _measured(self, question: Question) -> Results:
        """Return the results of a run; nothing of one that did not come to its end."""
        found = self.runner.result(question)
        return found.results if found.built and found.results.is_measured else Results()
