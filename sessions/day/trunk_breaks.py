"""What a branch broke since the release, and with which of its commits: nobody's fault among the tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.culprits.findings import Answer, weigh
from sessions.culprits.first_bad import FirstBad, Span
from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.probe_runner import ProbeRunner
from sessions.day.retest import Look, Retester
from sessions.gates.comparison import compare
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose, RecordedTrunk, RecordedTrunkBreak
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.source.trunk import Trunk
from sessions.terminal.errors import GatePendingError, SourceError

# Which run a question is about: the bisection's, or another one that must confirm it.
_FIRST, _AGAIN = 1, 2


@dataclass(frozen=True, kw_only=True)
class TrunkBreak:
    """A test that passes on the release and fails with the branch's commits since then.

    ``commit`` is the one with which it begins to fail, empty where that could not be shown; ``subject`` is its.
    """

    gate: str
    test: TestId
    commit: str = ""
    subject: str = ""
    message: str = ""
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A clause such as ``docs::build, with 1a2b3c4d5e (Rename it)``."""
        name = called(self.test.name) if self.test == BUILD_TEST else str(self.test)
        return f"{name}, with {self.commit[:10]} ({self.subject})" if self.commit else name


def trunk_record(trunk: Trunk | None, breaks: Sequence[TrunkBreak]) -> RecordedTrunk | None:
    """Return what the run record says of the branch that the line starts with; ``None`` without one."""
    if trunk is None:
        return None
    broke = tuple(
        RecordedTrunkBreak(
            gate=each.gate,
            test=TestId.parse(called(each.test.name) if each.test == BUILD_TEST else str(each.test)),
            commit=each.commit,
            subject=each.subject,
            message=each.message,
            evidence=each.evidence,
        )
        for each in breaks
    )
    return RecordedTrunk(name=trunk.name, commit=trunk.commit, commits=trunk.commits, broke=broke)


def find_trunk_breaks(day: Day, runner: ProbeRunner) -> tuple[TrunkBreak, ...]:
    """Compare the release with the branch's commits that tickets carry, and find who of these broke what is new.

    Each is verified both ways: the tests fail twice at the commit that is named, and pass twice at the one before.

    Raises :class:`SourceError` where the branch does not build any more, or a gate comes to no end on it, as then no
    ticket can be judged; and what
    :meth:`ProbeRunner.ask_all` raises.
    """
    trunk = day.merger.trunk
    if trunk is None:
        return ()
    found = list[TrunkBreak]()
    release = Baselines.of_release(day, runner)
    search = _Search(
        day=day,
        trunk=trunk,
        release=release,
        branch=Baselines(day=day, runner=runner),
        retester=Retester(runner=runner, baselines=release),
    )
    for gate in day.config.gates:
        try:
            found += search.breaks(gate)
        except GatePendingError:
            continue  # another call runs this gate
    for each in found:
        day.console.detail(f"{trunk.name} broke {each} since {trunk.since}: no ticket answers for it")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The search among a branch's commits, gate by gate."""

    day: Day
    trunk: Trunk
    release: Baselines
    branch: Baselines
    retester: Retester

    def breaks(self, gate: Gate) -> list[TrunkBreak]:
        release, probe_result = self.release.find(gate), self.branch.look(gate)
        if not probe_result.built:
            raise SourceError(self._unusable(BUILD, probe_result.results.failures[0], "does not build any more"))
        if release is None:
            return []  # nothing can be new where nothing was measured
        new = compare(release.probe_result.results, probe_result.results).new
        if not probe_result.results.is_measured:
            whole = next(failure for failure in new if failure.test.is_whole_gate)
            raise SourceError(self._unusable(gate, whole, f"breaks gate {gate.name} as a whole"))
        failures = {failure.test: failure for failure in new}
        return [self._break(gate, failures[test], span) for test, span in self._spans(gate, new).items()]

    def _spans(self, gate: Gate, failures: tuple[Failure, ...]) -> dict[TestId, Span]:
        """Where those tests that fail again on the branch, and pass again on the release, begin to fail."""
        last = len(self.trunk.line) - 1
        again = self._look(gate, {last: failures, -1: failures}, _AGAIN) if failures else {}
        by_test = {failure.test: failure for failure in failures}
        steady = [test for test in by_test if again[last][test] == "fails" and again[-1][test] in ("passes", "not run")]
        search = FirstBad(last + 1, steady)
        while wanted := search.questions():
            asked = {place: tuple(by_test[test] for test in tests) for place, tests in wanted.items()}
            for place, told in self._look(gate, asked, _FIRST).items():
                search.learn(place, {test: weigh(answer) for test, answer in told.items()})
        return search.found()

    def _break(self, gate: Gate, failure: Failure, span: Span) -> TrunkBreak:
        test = failure.test
        seen = self._look(gate, {span.low: (failure,), span.high: (failure,)}, _AGAIN)
        commit = self.trunk.line[span.high]
        shown = span.is_one and (weigh(seen[span.low][test]), seen[span.high][test]) == ("passes", "fails")
        passes = "does not exist" if seen[span.low][test] == "not run" else "passes, twice,"
        return TrunkBreak(
            gate=called(gate.name),
            test=test,
            commit=commit if shown else "",
            subject=self._subject(commit) if shown else "",
            message=failure.message,
            evidence=(f"fails, twice, at {self._name(span.high)}", f"{passes} at {self._name(span.low)}")
            if shown
            else (f"fails at {self._name(span.high)}, passes at {self._name(span.low)}",),
        )

    def _unusable(self, gate: Gate, failure: Failure, what: str) -> str:
        """Why no ticket can be judged that carries the branch's commits."""
        spans = self._spans(gate, (failure,))
        if failure.test not in spans:
            return f"{self.trunk} {what} in one of two runs, so no ticket can be judged: type the same command again"
        broke = self._break(gate, failure, spans[failure.test])
        with_ = f", with {broke.commit[:10]} ({broke.subject})" if broke.commit else ""
        return (
            f"{self.trunk.name} {what} since {self.trunk.since}{with_}, so no ticket that carries it can be judged: "
            "wait for its repair, or leave those tickets out with --without"
        )

    def _look(
        self, gate: Gate, wanted: Mapping[int, tuple[Failure, ...]], attempt: int
    ) -> dict[int, dict[TestId, Answer]]:
        """What tests do at places of the line, all at once; unclear where a commit does not merge with the release."""
        looks: dict[int, Look] = {}
        for place, failures in wanted.items():
            if candidate := self._candidate(place):
                why = f"on {self._name(place)}{' again' if attempt == _AGAIN else ''}"
                looks[place] = Look(
                    candidate=candidate, failures=failures, attempt=attempt, why=why, purpose=Purpose.SEARCH
                )
        told = dict(zip(looks, self.retester.look_at(gate, list(looks.values()), self.branch.start), strict=True))
        return {place: self.retester.certain(gate, failures, told.get(place, {})) for place, failures in wanted.items()}

    def _candidate(self, place: int) -> Candidate | None:
        if place < 0:
            return self.day.merger.bare
        merged = self.day.merger.with_branch(self.trunk.line[place], f"{self.trunk.name} {self.trunk.line[place][:10]}")
        return merged if isinstance(merged, Candidate) else None

    def _name(self, place: int) -> str:
        return self.trunk.line[place][:10] if place >= 0 else self.trunk.since

    def _subject(self, commit: str) -> str:
        words = ("log", "-1", "--no-show-signature", "--format=%s", commit)
        return self.day.mirror.repository.git(*words).out.decode("utf-8", "replace").strip()[:100]
