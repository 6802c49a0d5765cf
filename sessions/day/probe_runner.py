"""Where results are asked for: the ledger has them, or a probe makes them."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sessions.day.forecast import GateHistory
from sessions.day.probe_outcomes import BUILD, BUILD_STEP, GATE_STEP, called, results_of
from sessions.engines import Engine
from sessions.engines.collecting import write_files
from sessions.engines.pool import Pool
from sessions.engines.probe import Image, Outcome, Probe, Step
from sessions.gates.locating import Locator
from sessions.gates.results import Results, TestId
from sessions.gates.shard_results import complete, put_together
from sessions.gates.shards import balance
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Config, Gate
from sessions.source.globs import matching
from sessions.source.merging import Candidate
from sessions.source.overlays import files_of, overlay_between
from sessions.source.repository import Repository
from sessions.terminal.console import Console
from sessions.terminal.durations import parse_duration
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError, IntegrandError, UsageError


@dataclass(frozen=True, kw_only=True)
class Question:
    """One result that is needed: a gate on a candidate, all of it or some ``files``.

    ``purpose`` says what it is for, to the record and the report; ``why`` says it to people. ``keep`` says that more
    will be asked of this candidate: an engine that can keeps its build. ``shard`` says which one of how many parts of
    the whole gate ``files`` are.
    """

    gate: Gate
    candidate: Candidate
    files: tuple[str, ...] | None = None
    attempt: int = 1
    why: str
    purpose: Purpose
    keep: bool = False
    shard: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Consulted:
    """A probe that the day rests on, whether it ran now or was known."""

    question: Question
    key: Key
    probe_result: ProbeResult
    fresh: bool


@dataclass(kw_only=True)
class ProbeRunner:
    """Answers questions about candidates of one release on one image.

    ``asked`` are the gates that may be run now: of all others, only what is known is told. ``deadline`` is a
    moment of the monotonic clock. ``shards`` is among how many machines a whole gate is parted.
    """

    config: Config
    engine: Engine
    pool: Pool
    image: Image
    repository: Repository
    release_tree: str
    ledger: Ledger
    state: Path
    console: Console
    asked: frozenset[str]
    globs: tuple[str, ...] = ()
    jobs: int | None = None
    deadline: float | None = None
    shards: int = 1
    consulted: dict[Key, Consulted] = field(default_factory=dict)
    _locators: dict[tuple[str, str], Locator] = field(default_factory=dict, repr=False)

    def ask(self, question: Question) -> ProbeResult:
        """The answer to one question; raises what :meth:`ask_all` raises."""
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[ProbeResult]:
        """The answers, in order: from the ledger, or from probes that run as many at once as the pool takes.

        What is known afterwards, and in which order the record tells it, does not depend on how many run at once.

        Raises :class:`GatePendingError` where one is not known and its gate may not run now,
        :class:`BudgetEndedError` where no time is left, and :class:`InfrastructureError` where running one failed for
        reasons that are ours; the answers to all others are kept.
        """
        keys = [self._key(question) for question in questions]
        unknown: dict[Key, Question] = {}
        told: dict[Key, ProbeResult] = {}
        for key, question in zip(keys, questions, strict=True):
            if known := self.ledger.find(key) or self._put_together(key, question):
                told[key] = known
            elif question.gate.files and not self._files(question.gate, question.files, question.candidate.tree):
                told[key] = self._without_files(question)
            elif question.gate.name not in self.asked | {BUILD.name}:
                raise GatePendingError(f"{question.gate.name} has not run on this head yet")
            else:
                unknown[key] = question
        self._run(self._divided(unknown))
        for key, question in zip(keys, questions, strict=True):
            if key not in told:
                told[key] = self._written(key, question)
            if told[key].log and key not in self.consulted:
                self.consulted[key] = Consulted(
                    question=question, key=key, probe_result=told[key], fresh=key in unknown
                )
        return [told[key] for key in keys]

    def recall(self, question: Question) -> ProbeResult | None:
        """What is known about a question, without a probe."""
        return self.ledger.find(self._key(question))

    def history(self, gate: Gate, candidates: Sequence[Candidate]) -> GateHistory:
        """What earlier runs of a gate took, and on how many of ``candidates`` it has still to run."""
        questions = [Question(gate=gate, candidate=each, why="", purpose=Purpose.HEAD) for each in candidates]
        name = self._key(questions[0]).gate
        return GateHistory(
            whole=self.ledger.usual_seconds(name, whole=True),
            part=self.ledger.usual_seconds(name, whole=False),
            to_run=sum(self.recall(question) is None for question in questions),
        )

    def shards_of(self, question: Question, count: int) -> tuple[Question, ...]:
        """A question about a whole gate as several about parts of it that take about as long, some of them empty."""
        gate = question.gate
        files = self._files(gate, None, question.candidate.tree)
        parts = balance(self.ledger.times(self._key(question).gate), files, count)
        return tuple(
            replace(question, files=part, shard=(place, count), why=f"{question.why}, shard {place}/{count}")
            for place, part in enumerate(parts, start=1)
        )

    def command(
        self, gate: Gate, files: tuple[str, ...] | None, tree: str, attempt: int = 1, jobs: int | None = None
    ) -> str:
        """The gate's shell command with its places filled in."""
        chosen = self._files(gate, files, tree)
        places = {
            # Where a name begins with a dash, a program would take it for an option.
            "files": " ".join(shlex.quote(f"./{path}" if path.startswith("-") else path) for path in chosen),
            "results": '"$INTEGRAND_RESULTS"',
            "jobs": str(jobs or self._jobs),
            "seed": str(_seed(tree, attempt)),
        }
        return re.sub(r"\{(files|results|jobs|seed)\}", lambda found: places[found[1]], gate.run)

    def candidate(self, tree: str, left: float | None = None, *, built: bool = True) -> Probe:
        """The probe that only builds a candidate, in the ``left`` seconds; or not even that."""
        build = self.config.build
        command = (build.run if built else "") or ":"
        return Probe(
            image=self.image,
            overlay=overlay_between(
                self.repository, self.release_tree, tree, submodules=self.config.project.submodules
            ),
            steps=(Step(name=BUILD_STEP, command=command, timeout=_within(build.timeout, left)),),
        )

    def artifacts(self, tree: str, gate: Gate) -> Path:
        """The folder of what a gate left on a tree."""
        return self.state / "artifacts" / tree[:12] / gate.name

    def files_with(self, gate: Gate, tests: Iterable[TestId], tree: str) -> tuple[str, ...] | None:
        """The files of a gate that hold ``tests``; ``None`` where only the whole gate is sure to run them all."""
        if not gate.files:
            return None
        locator = self.locator(gate, tree)
        found = {test: None if test.is_whole_gate else locator.locate(test.file) for test in tests}
        files = {file for file in found.values() if file}
        return tuple(sorted(files)) if all(found.values()) else None

    def locator(self, gate: Gate, tree: str) -> Locator:
        """Finds a test's file in a tree: among those of the gate, or all where it names none."""
        if (gate.name, tree) not in self._locators:
            paths = self._files(gate, None, tree) if gate.files else files_of(self.repository, tree)
            self._locators[gate.name, tree] = Locator(paths)
        return self._locators[gate.name, tree]

    def _divided(self, unknown: Mapping[Key, Question]) -> dict[Key, Question]:
        """The same questions, whole gates as shards for as many machines as there are."""
        divided: dict[Key, Question] = {}
        for key, question in unknown.items():
            if self.shards > 1 and question.files is None and question.gate.files:
                parts = (part for part in self.shards_of(question, self.shards) if part.files)
                divided |= {self._key(part): part for part in parts if not self.ledger.find(self._key(part))}
            else:
                divided[key] = question
        return divided

    def _put_together(self, key: Key, question: Question) -> ProbeResult | None:
        """What shards told of a whole gate, put together where all of them have run, here or elsewhere."""
        gate, tree = question.gate, question.candidate.tree
        if question.files is not None or not gate.files:
            return None
        shards = complete(self.ledger.shards(key), self._files(gate, None, tree))
        if not shards:
            return None
        probe_result = ProbeResult(
            built=all(shard.built for shard in shards),
            results=put_together([shard.results for shard in shards]),
            seconds=sum(shard.seconds for shard in shards),
            log=f"logs/{_log_name(key)}.log",
        )
        logs = [self.state / shard.log for shard in shards]
        text = "".join(log.read_text(encoding="utf-8", errors="surrogateescape") for log in logs if log.is_file())
        (self.state / probe_result.log).write_text(text, encoding="utf-8", errors="surrogateescape")
        self.ledger.write(key, probe_result)
        return probe_result

    def _written(self, key: Key, question: Question) -> ProbeResult:
        probe_result = self.ledger.find(key) or self._put_together(key, question)
        assert probe_result is not None  # noqa: S101  a probe has just told it
        return probe_result

    def _run(self, unknown: Mapping[Key, Question]) -> None:
        """Run probes and write down what they tell; with a deadline no more at once than start at once."""
        waiting = list(unknown.items())
        size = self.pool.size if self.deadline is not None else len(waiting)
        while waiting:
            some, waiting = waiting[:size], waiting[size:]
            self._run_at_once(some)

    def _run_at_once(self, asked: Sequence[tuple[Key, Question]]) -> None:
        left = None if self.deadline is None else self.deadline - time.monotonic()
        usual = [self.ledger.usual_seconds(key.gate, whole=question.files is None) for key, question in asked]
        if left is not None and left < max(each or 0.0 for each in usual):
            raise BudgetEndedError(f"The budget has no room for {asked[0][1].gate.name}, {asked[0][1].why}")
        share = max(1, self._jobs // min(self.pool.size, len(asked)))
        probes = [self._describe(question, left, share) for _, question in asked]
        whats = [f"{called(question.gate.name)} {question.why}" for _, question in asked]
        trouble: IntegrandError | None = None
        with self.console.probes(list(zip(whats, usual, strict=True))) as watch:
            for place, outcome in self.pool.run(list(zip(probes, watch.listeners, strict=True))):
                watch.ended(place)
                try:
                    self._take_in(*asked[place], outcome, left)
                except IntegrandError as error:
                    trouble = trouble or error
        if trouble:
            raise trouble

    def _describe(self, question: Question, left: float | None, jobs: int) -> Probe:
        gate, tree = question.gate, question.candidate.tree
        probe = self.candidate(tree, left)
        if gate is BUILD:
            return probe
        run = self.command(gate, question.files, tree, question.attempt, jobs)
        step = Step(name=GATE_STEP, command=run, timeout=_within(gate.timeout, left))
        keep = question.keep and bool(self.config.build.run)
        steps = (*probe.steps, step)
        return replace(probe, steps=steps, artifacts=gate.artifacts, reports=gate.reports, keep=keep)

    def _take_in(
        self, key: Key, question: Question, outcome: Outcome | InfrastructureError, left: float | None
    ) -> None:
        """Write down what a probe told.

        Raises :class:`BudgetEndedError` or :class:`InfrastructureError` where it told nothing.
        """
        if isinstance(outcome, InfrastructureError):
            raise outcome
        if left is not None and outcome.steps[-1].ending == "timeout" and outcome.seconds > left - 1:
            raise BudgetEndedError(f"The budget ended during {question.gate.name}, {question.why}")
        name = _log_name(key)
        self._keep(name, question, outcome)
        results = results_of(question.gate, outcome, self.config.engine.source)
        probe_result = ProbeResult(
            built=outcome.steps[-1].name != BUILD_STEP or not results.failures,
            results=results,
            seconds=outcome.seconds,
            log=f"logs/{name}.log",
        )
        self.ledger.write(key, probe_result)

    def _keep(self, name: str, question: Question, outcome: Outcome) -> None:
        logs = self.state / "logs"
        logs.mkdir(exist_ok=True)
        text = "".join(f"==> {step.name}: status {step.status}\n{step.log}\n" for step in outcome.steps)
        (logs / f"{name}.log").write_text(text, encoding="utf-8", errors="surrogateescape")
        write_files(self.artifacts(question.candidate.tree, question.gate), outcome.artifacts)

    def _without_files(self, question: Question) -> ProbeResult:
        """A candidate that lacks the asked files runs none of their tests; a gate without any is the user's mistake."""
        if question.files is None:
            raise UsageError(
                f"Gate {question.gate.name!r} has no file to test {question.why}: "
                f"{', '.join(self.globs or question.gate.files)} match none. Mend the globs, then run again."
            )
        return ProbeResult(built=True, results=Results(), seconds=0.0, log="")

    def _files(self, gate: Gate, files: tuple[str, ...] | None, tree: str) -> tuple[str, ...]:
        if not gate.files:
            return ()
        there = matching(gate.files, files_of(self.repository, tree))
        there = matching(self.globs, there) if self.globs else there
        # A test that failed elsewhere may be in a file that this candidate does not have.
        return there if files is None else tuple(path for path in there if path in files)

    def _key(self, question: Question) -> Key:
        gate = question.gate
        recipe = "\0".join((gate.run, gate.format, *gate.reports, *gate.files, self.config.build.run, *self.globs))
        return Key(
            tree=question.candidate.tree,
            image=self.image.id,
            gate=f"{gate.name}@{hashlib.sha256(recipe.encode()).hexdigest()[:12]}",
            tests=_name_tests(question),
            attempt=question.attempt,
        )

    @property
    def _jobs(self) -> int:
        return self.jobs or os.cpu_count() or 1


def _name_tests(question: Question) -> str:
    if question.files is None:
        return "*"
    words = [] if question.shard is None else ["shard {}/{}".format(*question.shard)]
    return "\n".join([*words, *question.files])


def _log_name(key: Key) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:12]


def _seed(tree: str, attempt: int) -> int:
    """All that is random in a probe: the same for the same tree, other for a second attempt."""
    return int(hashlib.sha256(f"{tree} {attempt}".encode()).hexdigest()[:8], 16)


def _within(timeout: str, left: float | None) -> float:
    return min(parse_duration(timeout), left) if left is not None else parse_duration(timeout)
