"""Where results are asked for: the ledger has them, or a probe makes them."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from sessions.config import Config, Gate
from sessions.culprits.findings import Answer
from sessions.durations import parse_duration
from sessions.engines import Engine
from sessions.engines.probe import Image, Outcome, Probe, Step, StepOutcome
from sessions.errors import BudgetEndedError, GatePendingError, InfrastructureError, UsageError
from sessions.gates.formats import FORMATS
from sessions.gates.results import Failure, Kind, Output, Results, TestId
from sessions.globs import matching
from sessions.ledger.ledger import Key, Ledger, Reading
from sessions.narrator import Narrator
from sessions.source.merging import Candidate
from sessions.source.overlays import files_of, overlay_between
from sessions.source.repository import Repository

# The build is a gate of its own where it fails: then no other gate can tell anything.
BUILD = Gate(name="build", run="", format="exit")
BUILD_TEST = TestId(file="", name=BUILD.name)

# Words with which a full disk or a broken machine shows in a log. They say nothing about a ticket.
_OUR_FAULT = re.compile(r"No space left on device|Cannot allocate memory|Input/output error", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One result that is asked for: a gate on a candidate, all of it or some ``files``; and what for.

    ``keep`` says that more will be asked of this candidate: an engine that can keeps its build.
    """

    gate: Gate
    candidate: Candidate
    files: tuple[str, ...] | None = None
    attempt: int = 1
    why: str
    keep: bool = False


@dataclass(frozen=True, kw_only=True)
class Consulted:
    """A probe that the day rests on, whether it ran now or was known."""

    question: Question
    key: Key
    reading: Reading
    fresh: bool


@dataclass(kw_only=True)
class Laboratory:
    """Answers questions about candidates of one release on one image.

    ``asked`` are the gates that may be run now: of all others, only what is known is told. ``deadline`` is a
    moment of the monotonic clock.
    """

    config: Config
    engine: Engine
    image: Image
    repository: Repository
    release_tree: str
    ledger: Ledger
    state: Path
    narrator: Narrator
    asked: frozenset[str]
    globs: tuple[str, ...] = ()
    jobs: int | None = None
    deadline: float | None = None
    consulted: dict[Key, Consulted] = field(default_factory=dict)

    def ask(self, question: Question) -> Reading:
        """The answer, from the ledger or from a probe.

        Raises :class:`GatePendingError` where it is not known and the gate may not run now,
        :class:`BudgetEndedError` where no time is left for it, and :class:`InfrastructureError` where running it
        failed for reasons that are ours.
        """
        key = self._key(question)
        reading, fresh = self.ledger.find(key), False
        if reading is None:
            if question.gate.files and not self._files(question.gate, question.files, question.candidate.tree):
                return self._without_files(question)
            if question.gate.name not in self.asked | {BUILD.name}:
                raise GatePendingError(f"{question.gate.name} has not run on this head yet")
            reading, fresh = self._probe(question, key), True
        if key not in self.consulted:
            self.consulted[key] = Consulted(question=question, key=key, reading=reading, fresh=fresh)
        return reading

    def recall(self, question: Question) -> Reading | None:
        """What is known about a question, without a probe."""
        return self.ledger.find(self._key(question))

    def _without_files(self, question: Question) -> Reading:
        """A candidate that lacks the asked files cannot fail in them; a gate without any is a mistake of the user's."""
        if question.files is None:
            raise UsageError(
                f"Gate {question.gate.name!r} has no file to test {question.why}: "
                f"{', '.join(self.globs or question.gate.files)} match none. Mend the globs, then run again."
            )
        return Reading(built=True, results=Results(), seconds=0.0, log="")

    def command(self, gate: Gate, files: tuple[str, ...] | None, tree: str, attempt: int = 1) -> str:
        """The gate's shell command with its places filled in."""
        chosen = self._files(gate, files, tree)
        places = {
            "files": " ".join(shlex.quote(path) for path in chosen),
            "results": '"$INTEGRAND_RESULTS"',
            "jobs": str(self.jobs or os.cpu_count() or 1),
            "seed": str(_seed(tree, attempt)),
        }
        return re.sub(r"\{(files|results|jobs|seed)\}", lambda found: places[found[1]], gate.run)

    def _files(self, gate: Gate, files: tuple[str, ...] | None, tree: str) -> tuple[str, ...]:
        if not gate.files:
            return ()
        there = matching(gate.files, files_of(self.repository, tree))
        there = matching(self.globs, there) if self.globs else there
        # A test that failed elsewhere may be in a file that this candidate does not have.
        return there if files is None else tuple(path for path in there if path in files)

    def _key(self, question: Question) -> Key:
        gate = question.gate
        recipe = "\0".join((gate.run, gate.format, *gate.files, self.config.build.run, *self.globs))
        return Key(
            tree=question.candidate.tree,
            image=self.image.id,
            gate=f"{gate.name}@{hashlib.sha256(recipe.encode()).hexdigest()[:12]}",
            tests="*" if question.files is None else "\n".join(question.files),
            attempt=question.attempt,
        )

    def _probe(self, question: Question, key: Key) -> Reading:
        usual = self.ledger.usual_seconds(key.gate, whole=question.files is None)
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None and left < (usual or 0.0):
            raise BudgetEndedError(f"The budget has no room for {question.gate.name}, {question.why}")
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
        with self.narrator.probe(f"{question.gate.name} {question.why}", usual) as listen:
            outcome = self.engine.run(self._describe(question, left), listen)
        if left is not None and outcome.steps[-1].ending == "timeout" and outcome.seconds > left - 1:
            raise BudgetEndedError(f"The budget ended during {question.gate.name}, {question.why}")
        self._keep(name, question, outcome)
        results = self._read(question.gate, outcome)
        _check_ours(outcome.steps[-1], results)
        reading = Reading(
            built=outcome.steps[-1].name != BUILD.name or not outcome.steps[-1].status,
            results=results,
            seconds=outcome.seconds,
            log=f"logs/{name}.log",
        )
        self.ledger.write(key, reading)
        return reading

    def _describe(self, question: Question, left: float | None) -> Probe:
        gate, tree = question.gate, question.candidate.tree
        probe = self.candidate(tree, left)
        if gate is BUILD:
            return probe
        run = self.command(gate, question.files, tree, question.attempt)
        step = Step(name="gate", command=run, timeout=_within(gate.timeout, left))
        keep = question.keep and bool(self.config.build.run)
        return replace(probe, steps=(*probe.steps, step), artifacts=gate.artifacts, keep=keep)

    def candidate(self, tree: str, left: float | None = None, *, built: bool = True) -> Probe:
        """The probe that only builds a candidate, in the ``left`` seconds; or not even that."""
        build = self.config.build
        command = (build.run if built else "") or ":"
        return Probe(
            image=self.image,
            overlay=overlay_between(self.repository, self.release_tree, tree),
            steps=(Step(name=BUILD.name, command=command, timeout=_within(build.timeout, left)),),
        )

    def _read(self, gate: Gate, outcome: Outcome) -> Results:
        last = outcome.steps[-1]
        if last.ending != "exited":
            kind: Kind = "timeout" if last.ending == "timeout" else "crash"
            message = f"{last.name} ended: {last.ending} after {outcome.seconds:.0f} s\n{last.log[-2000:]}"
            name = BUILD.name if last.name == BUILD.name else gate.name
            return Results(failures=(Failure(test=TestId(file="", name=name), kind=kind, message=message),))
        if last.name == BUILD.name:
            return FORMATS["exit"].read(Output(gate=BUILD.name, status=last.status, log=last.log))
        output = Output(
            gate=gate.name,
            status=last.status,
            log=_within_source(last.log, self.config.engine.source),
            results=outcome.results,
            artifacts=outcome.artifacts,
        )
        return FORMATS[gate.format].read(output)

    def _keep(self, name: str, question: Question, outcome: Outcome) -> None:
        logs = self.state / "logs"
        logs.mkdir(exist_ok=True)
        text = "".join(f"==> {step.name}: status {step.status}\n{step.log}\n" for step in outcome.steps)
        (logs / f"{name}.log").write_text(text, encoding="utf-8", errors="surrogateescape")
        for path, content in outcome.artifacts.items():
            place = self.artifacts(question.candidate.tree, question.gate) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def artifacts(self, tree: str, gate: Gate) -> Path:
        """The folder of what a gate left on a tree."""
        return self.state / "artifacts" / tree[:12] / gate.name


def answers(reading: Reading, tests: Iterable[TestId]) -> dict[TestId, Answer]:
    """Which of ``tests`` fail in a reading.

    A crash of a test's whole file hides the test, and a failed build hides all but the build itself.
    """
    failing = {failure.test for failure in reading.results.failures}
    hidden = {test.file for test in failing if not test.name or not test.file}
    told: dict[TestId, Answer] = {}
    for test in tests:
        if test in failing:
            told[test] = "fails"
        elif test != BUILD_TEST and (not reading.built or hidden & {test.file, ""}):
            told[test] = "unclear"
        else:
            told[test] = "passes"
    return told


def _seed(tree: str, attempt: int) -> int:
    """All that is random in a probe: the same for the same tree, other for a second attempt."""
    return int(hashlib.sha256(f"{tree} {attempt}".encode()).hexdigest()[:8], 16)


def _within_source(log: str, source: str) -> str:
    """Count a container's paths from the source, as the local engine does: failures read the same in either."""
    place = source.rstrip("/")
    return re.sub(rf"(?<![\w./-]){re.escape(place)}/", "", log) if place else log


def _within(timeout: str, left: float | None) -> float:
    return min(parse_duration(timeout), left) if left is not None else parse_duration(timeout)


def _check_ours(last: StepOutcome, results: Results) -> None:
    found = _OUR_FAULT.search(last.log) if last.status else None
    if found or results.broken:
        raise InfrastructureError(
            f"The machine failed a probe ({found[0] if found else results.broken}): mend that, then run again; "
            "what is known is kept, and no ticket is to blame."
        )
