"""Results of probes by what they depend on: found in the ledger, joined from shards, or written there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sessions.day.forecast import Durations, ExpectedSeconds, GateHistory
from sessions.day.gate_files import GateFiles
from sessions.day.probe_outcomes import BUILD, probe_result_of
from sessions.day.question import Question
from sessions.engines.collecting import write_files
from sessions.engines.probe import Outcome
from sessions.gates.shard_results import complete, join_results
from sessions.gates.shards import Shard, balance
from sessions.ledger.ledger import INCREMENTAL, Key, Ledger, ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Config, Gate
from sessions.source.merging import Candidate


@dataclass(frozen=True, kw_only=True)
class ResultCache:
    """The results on one release's image. Logs and artifacts lie in the ``state`` folder."""

    config: Config
    files: GateFiles
    image_id: str
    ledger: Ledger
    state: Path

    def key(self, question: Question) -> Key:
        """Return all that a result depends on; a gate's name contains a digest of its commands and globs.

        Results of incremental builds have keys of their own: they are never taken for results of whole builds.
        """
        gate = question.gate
        name = f"{gate.name}{INCREMENTAL}" if question.incremental else gate.name
        recipe = "\0".join(
            (gate.run, gate.format, *gate.reports, *gate.files, self.config.build.run, *self.files.globs)
        )
        return Key(
            tree=question.candidate.tree,
            image=self.image_id,
            gate=f"{name}@{hashlib.sha256(recipe.encode()).hexdigest()[:12]}",
            tests=_tests_of(question),
            attempt=question.attempt,
        )

    def find(self, question: Question) -> ProbeResult | None:
        """Return the stored result of a question, or ``None``."""
        return self.ledger.find(self.key(question))

    def builds(self, candidate: Candidate, attempts: Sequence[int]) -> list[ProbeResult]:
        """Return a candidate's builds that failed before one of the gates, and all builds by themselves."""
        questions = [
            Question(gate=gate, candidate=candidate, attempt=attempt, why="", purpose=Purpose.HEAD)
            for attempt in attempts
            for gate in (*self.config.gates, BUILD)
        ]
        found = [(question, self.find(question)) for question in questions]
        return [result for question, result in found if result and (question.gate is BUILD or not result.built)]

    def find_or_join(self, question: Question) -> ProbeResult | None:
        """Return a stored result, or join those of all shards of a whole gate, which may have run elsewhere.

        A result of a whole build answers an incremental question as well.
        """
        if found := self.find(question) or self._join_shards(question):
            return found
        return self.find_or_join(replace(question, incremental=False)) if question.incremental else None

    def store(self, question: Question, outcome: Outcome) -> None:
        """Write a probe's results, log and artifacts.

        Raises :class:`InfrastructureError` if our own side broke; then only its log and artifacts are kept.
        """
        key = self.key(question)
        log = _log_path(key)
        text = "".join(f"==> {step.name}: status {step.status}\n{step.log}\n" for step in outcome.steps)
        self._write_log(log, text)
        write_files(self.artifacts(question.candidate.tree, question.gate), outcome.artifacts)
        self.ledger.write(key, probe_result_of(question.gate, outcome, self.config.engine.source, log))

    def expected_seconds(self, question: Question) -> ExpectedSeconds:
        """Return what such probes took so far: of the whole gate, of the same files, or of some."""
        key = self.key(question)
        durations = Durations(self.ledger.durations(key.gate))
        return ExpectedSeconds(longest=durations.longest(key.tests), typical=durations.typical(key.tests))

    def history(self, gate: Gate, candidates: Sequence[Candidate]) -> GateHistory:
        """Return how long earlier runs of a gate took, and on how many of ``candidates`` it has still to run."""
        questions = [Question(gate=gate, candidate=each, why="", purpose=Purpose.HEAD) for each in candidates]
        durations = Durations(self.ledger.durations(self.key(questions[0]).gate))
        return GateHistory(
            whole=durations.typical(_tests_of(questions[0])),
            part=durations.typical(""),
            to_run=sum(self.find(question) is None for question in questions),
            runs=durations.wholes,
        )

    def shards_of(self, question: Question, count: int) -> tuple[Question, ...]:
        """Return a question about a whole gate as ``count`` questions that take equally long; some may be empty."""
        files = self.files.select(question.gate, question.candidate.tree)
        parts = balance(self.ledger.times(self.key(question).gate), files, count)
        return tuple(
            replace(question, files=part, shard=Shard(place, count), why=f"{question.why}, shard {place}/{count}")
            for place, part in enumerate(parts, start=1)
        )

    def artifacts(self, tree: str, gate: Gate) -> Path:
        """Return the folder of a gate's artifacts for a tree."""
        return self.state / "artifacts" / tree[:12] / gate.name

    def _join_shards(self, question: Question) -> ProbeResult | None:
        gate, key = question.gate, self.key(question)
        if question.files is not None or not gate.files:
            return None
        parts = complete(self.ledger.shards(key), self.files.select(gate, question.candidate.tree))
        if not parts:
            return None
        joined = ProbeResult(
            built=all(part.built for part in parts),
            results=join_results([part.results for part in parts]),
            seconds=sum(part.seconds for part in parts),
            log=_log_path(key),
        )
        logs = [self.state / part.log for part in parts]
        text = "".join(log.read_text(encoding="utf-8", errors="surrogateescape") for log in logs if log.is_file())
        self._write_log(joined.log, text)
        self.ledger.write(key, joined)
        return joined

    def _write_log(self, path: str, text: str) -> None:
        (self.state / "logs").mkdir(exist_ok=True)
        (self.state / path).write_text(text, encoding="utf-8", errors="surrogateescape")


def _tests_of(question: Question) -> str:
    if question.files is None:
        return "*"
    return "\n".join([*([f"shard {question.shard}"] if question.shard else []), *question.files])


def _log_path(key: Key) -> str:
    return f"logs/{hashlib.sha256(repr(key).encode()).hexdigest()[:12]}.log"
