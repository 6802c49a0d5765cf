"""Answers questions about candidates: from the result cache, or by probes that run on an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.day.budget import Budget
from sessions.day.parallelism import Parallelism
from sessions.day.probe_builder import ProbeBuilder
from sessions.day.probe_outcomes import BUILD, called
from sessions.day.question import Consulted, Question
from sessions.day.result_cache import ResultCache
from sessions.engines import Engine
from sessions.engines.pool import Pool
from sessions.gates.results import Results
from sessions.ledger.ledger import Key, ProbeResult
from sessions.terminal.console import Console
from sessions.terminal.errors import GatePendingError, InfrastructureError, IntegrandError, UsageError


@dataclass(kw_only=True)
class ProbeRunner:
    """Answers questions about candidates of one release on one image.

    Only ``gates`` may run in this call; of all others, known results are returned. A whole gate is split among
    ``shards`` machines. ``parallelism`` decides how many probes run at once; without it, the pool does. ``consulted``
    are the results that the day rests on, in the order of the questions. ``kept`` are the trees whose builds the engine
    was asked to keep, with their candidates.
    """

    engine: Engine
    pool: Pool
    cache: ResultCache
    builder: ProbeBuilder
    budget: Budget
    console: Console
    gates: frozenset[str]
    shards: int = 1
    parallelism: Parallelism | None = None
    consulted: dict[Key, Consulted] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def result(self, question: Question) -> ProbeResult:
        """Return the answer to one question; raises the errors of :meth:`results`."""
        return self.results([question])[0]

    def results(self, questions: Sequence[Question]) -> list[ProbeResult]:
        """Return the answers, in order: from the cache, or from probes, as many at once as the pool takes.

        The answers, and the order in which the record lists them, do not depend on how many run at once.

        Raises :class:`GatePendingError` if an answer is not known and its gate may not run now,
        :class:`BudgetEndedError` if no time is left, and :class:`InfrastructureError` if our own side broke; all
        other answers are kept.
        """
        results: dict[Key, ProbeResult] = {}
        missing: dict[Key, Question] = {}
        for question in questions:
            key = self.cache.key(question)
            if known := self._known(question):
                results[key] = known
            elif question.gate.name in self.gates | {BUILD.name}:
                missing[key] = question
            else:
                raise GatePendingError(f"{question.gate.name} has not run on this head yet")
        self._run(self._split(missing))
        for question in questions:
            key = self.cache.key(question)
            result = results.get(key) or self.cache.find_or_join(question)
            assert result is not None  # noqa: S101  a probe has just stored it
            results[key] = result
            if result.log and key not in self.consulted:
                # A copy: what comparing derives from the results is not kept for the whole day.
                kept = replace(result, results=replace(result.results))
                self.consulted[key] = Consulted(question=question, key=key, probe_result=kept, fresh=key in missing)
        answers = [results[self.cache.key(question)] for question in questions]
        self._note_kept(zip(questions, answers, strict=True))
        return answers

    def _note_kept(self, answers: Iterable[tuple[Question, ProbeResult]]) -> None:
        """Note the builds to start from. Those of the same call are not among them: its probes may run in any order."""
        build = self.builder.config.build
        for question, result in answers:
            tree = question.candidate.tree
            if build.incremental and build.run and question.keep and result.built and tree not in self.kept:
                self.kept[tree] = self.builder.candidate(tree).candidate

    @property
    def at_once(self) -> int:
        """How many probes run at once."""
        return self.parallelism.at_once if self.parallelism else self.pool.size

    def _measure(self, question: Question, company: int, seconds: float, *, is_built_before: bool) -> None:
        """Note how long a probe took. Equal probes have the same tests, and as much to build."""
        if self.parallelism:
            key = self.cache.key(question)
            self.parallelism.note(f"{key.gate} {is_built_before} {key.tests}", company, seconds)

    def _known(self, question: Question) -> ProbeResult | None:
        """Return a known result; also that of a candidate that has none of the files, so none of their tests.

        Raises :class:`UsageError` for a whole gate without files.
        """
        if known := self.cache.find_or_join(question):
            return known
        gate, files = question.gate, self.cache.files
        if not gate.files or files.select(gate, question.candidate.tree, question.files):
            return None
        if question.files is None and gate.name in self.gates:
            raise UsageError(
                f"Gate {gate.name!r} has no file to test {question.why}: "
                f"{', '.join(files.globs or gate.files)} match none. Correct the globs, then run again."
            )
        return ProbeResult(built=True, results=Results(), seconds=0.0, log="")

    def _split(self, missing: Mapping[Key, Question]) -> list[Question]:
        """Return the same questions, those about whole gates as shards that are not known yet."""
        questions: dict[Key, Question] = {}
        for key, question in missing.items():
            if self.shards > 1 and question.files is None and question.gate.files:
                parts = (part for part in self.cache.shards_of(question, self.shards) if part.files)
                questions |= {self.cache.key(part): part for part in parts if not self.cache.find(part)}
            else:
                questions[key] = question
        return list(questions.values())

    def _run(self, questions: Sequence[Question]) -> None:
        """Run probes and store their results; with a deadline no more at once than can start at once.

        A whole gate that starts a job on each processor of this machine runs by itself: beside a shorter probe, it
        would keep its share of the jobs to its end.
        """
        alone = [question for question in questions if self.parallelism and _takes_all_processors(question)]
        for question in alone:
            self._run_at_once([question])
        others = [question for question in questions if question not in alone]
        size = len(others) if self.budget.deadline is None else self.at_once
        for start in range(0, len(others), size or 1):
            self._run_at_once(others[start : start + size])

    def _run_at_once(self, questions: Sequence[Question]) -> None:
        expected = [self.cache.expected_seconds(question) for question in questions]
        left = self.budget.require((each.longest for each in expected), _name(questions[0]))
        usual = [each.typical for each in expected]
        company = min(self.at_once, len(questions))
        jobs = max(1, self.builder.jobs // company)
        probes = [self.builder.probe(question, left, jobs, self.kept) for question in questions]
        labels = [f"{called(question.gate.name)} {question.why}" for question in questions]
        first_error: IntegrandError | None = None
        with self.console.probes(list(zip(labels, usual, strict=True)), company) as watch:
            for place, outcome in self.pool.run(list(zip(probes, watch.listeners, strict=True)), company):
                watch.ended(place)
                try:
                    if isinstance(outcome, InfrastructureError):
                        raise outcome
                    self.budget.check_outcome(outcome, left, _name(questions[place]))
                    self.cache.store(questions[place], outcome)
                    if not outcome.steps[0].is_failure:
                        before = outcome.is_built_before
                        self._measure(questions[place], company, outcome.seconds, is_built_before=before)
                except IntegrandError as error:
                    first_error = first_error or error
        if first_error:
            raise first_error


def _name(question: Question) -> str:
    return f"{question.gate.name}, {question.why}"


def _takes_all_processors(question: Question) -> bool:
    return question.files is None and "{jobs}" in question.gate.run
