"""The questions about a head: a gate as a whole, or first the files that show most of what tickets may break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice

from sessions.culprits.file_order import first_part, order_files
from sessions.day.head_comparison import HeadComparison
from sessions.day.import_graphs import import_graph
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import size_of_head
from sessions.day.question import Question
from sessions.gates.shards import Shard
from sessions.ledger.record import Purpose
from sessions.ledger.record_file import records_before
from sessions.settings.configuration import Gate

# Seconds. A shorter gate runs as a whole: two runs start, and may build, twice.
_WORTH_IT = 120.0
# The share of the gate's seconds that the first part takes.
FIRST_SHARE = 0.25
# How many earlier days say which files failed before.
_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class HeadQuestions:
    """Asks about the head of ``comparison.progress``."""

    runner: ProbeRunner
    comparison: HeadComparison

    def whole(self, gate: Gate, attempt: int = 1) -> Question:
        """Return the question for a whole run of a gate."""
        head = self.comparison.progress.line.head
        again = "again " if attempt > 1 else ""
        why = f"{again}on {size_of_head(head)}"
        return Question(gate=gate, candidate=head, attempt=attempt, why=why, purpose=Purpose.HEAD, keep=True)

    def parts(self, gate: Gate) -> tuple[Question, Question] | None:
        """Return the questions for the first files and for the rest; together they are the result of the gate.

        ``None`` for a gate that is short, that runs on several machines anyway, or whose files are not known one by
        one. The parts depend on the tickets, the run on the release and the records of earlier days, none of which
        changes during the day: they are the same when the day goes on after an interruption.
        """
        if not gate.files or "{files}" not in gate.run or self.runner.shards > 1:
            return None
        if self.comparison.baselines.of(gate).probe_result.seconds < _WORTH_IT:
            return None
        if not (seconds := self._seconds(gate)):
            return None
        head = self.comparison.progress.line.head
        files = self.comparison.files.select(gate, head.tree)
        first = first_part(self._order(files, seconds), seconds, FIRST_SHARE)
        parts = [tuple(file for file in files if (file in first) is is_first) for is_first in (True, False)]
        if not all(parts):
            return None
        whole = self.whole(gate)
        likeliest, others = (replace(whole, files=part, shard=Shard(at, 2)) for at, part in enumerate(parts, start=1))
        return (
            replace(likeliest, why=f"{whole.why}, the likeliest files first"),
            replace(others, why=f"{whole.why}, the other files"),
        )

    def _order(self, files: tuple[str, ...], seconds: Mapping[str, float]) -> tuple[str, ...]:
        day, line = self.comparison.baselines.day, self.comparison.progress.line
        graph = import_graph(self.comparison.files.repository, line.head.tree, day.state)
        changed = frozenset[str]().union(*(self.comparison.diffs[each.number].touched for each in line.tickets))
        return order_files(files, seconds, changed, graph.distances, self._failed_before())

    def _failed_before(self) -> Mapping[str, int]:
        """Return for how many culprits of earlier days each file failed."""
        day = self.comparison.baselines.day
        records = islice(records_before(day.home / "days", day.options.date.isoformat()), _DAYS)
        culprits = (each for record in records for each in record.culprits)
        return Counter(file for each in culprits for file in {broke.file for broke in each.broke})

    def _seconds(self, gate: Gate) -> Mapping[str, float]:
        """Return the seconds of each file on the release; none if one of its tests' files is not known."""
        baseline = self.comparison.baselines.of(gate)
        locator, results = self.comparison.files.locator(gate, baseline.candidate.tree), baseline.probe_result.results
        located = {file: locator.locate(file) for file in results.tested_files}
        seconds: dict[str, float] = {}
        for file, path in located.items():
            if path is None:
                return {}
            seconds[path] = seconds.get(path, 0.0) + results.times.get(file, 0.0)
        return seconds if any(seconds.values()) else {}
