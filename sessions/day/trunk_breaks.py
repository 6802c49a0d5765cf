"""Find what the target branch broke since the release, and with which commits, so that no ticket is blamed for it."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.culprits.findings import search_answer
from sessions.culprits.first_bad import FirstBad, Span
from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.probe_runner import ProbeRunner
from sessions.day.trunk_probes import AGAIN, FIRST, TrunkProbes
from sessions.gates.comparison import compare
from sessions.gates.results import Failure, TestId
from sessions.settings.configuration import Gate
from sessions.source.trunk import Trunk
from sessions.terminal.errors import GatePendingError, SourceError


@dataclass(frozen=True, kw_only=True)
class TrunkBreak:
    """A test that passes on the release and fails with the branch's commits since then.

    ``commit`` is the first at which it fails, empty if that could not be shown; ``subject`` is that commit's subject.
    """

    gate: str
    test: TestId
    commit: str = ""
    subject: str = ""
    message: str = ""
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return a clause such as ``docs::build, with 1a2b3c4d5e (Rename it)``."""
        name = called(self.test.name) if self.test == BUILD_TEST else str(self.test)
        return f"{name}, with {self.commit[:10]} ({self.subject})" if self.commit else name


def find_trunk_breaks(day: Day, runner: ProbeRunner) -> tuple[TrunkBreak, ...]:
    """Compare the release with the branch's commits that tickets contain, and find the commits that broke something.

    Each is verified both ways: the tests fail twice at the named commit, and pass twice at the one before.

    Raises :class:`SourceError` if the branch does not build, or a gate does not end normally on it, because then no
    ticket can be judged; and the errors of :meth:`ProbeRunner.results`.
    """
    trunk = day.merger.trunk
    if trunk is None:
        return ()
    found = list[TrunkBreak]()
    release = Baselines.of_release(day, runner)
    branch = Baselines(day=day, runner=runner)
    probes = TrunkProbes(day=day, trunk=trunk, release=release, start=branch.start, runner=runner)
    search = _Search(day=day, trunk=trunk, release=release, branch=branch, probes=probes)
    for gate in day.config.gates:
        try:
            found += search.breaks(gate)
        except GatePendingError:
            continue  # another call runs this gate
    for each in found:
        day.console.detail(f"{trunk.name} broke {each} since {trunk.since}: no ticket is blamed for it")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The search among a branch's commits, gate by gate."""

    day: Day
    trunk: Trunk
    release: Baselines
    branch: Baselines
    probes: TrunkProbes

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
        """Return where tests begin to fail, of those that fail again on the branch and pass again on the release."""
        last = len(self.trunk.line) - 1
        again = self.probes.run(gate, {last: failures, -1: failures}, AGAIN) if failures else {}
        by_test = {failure.test: failure for failure in failures}
        steady = [test for test in by_test if again[last][test] == "fails" and again[-1][test] in ("passes", "not run")]
        search = FirstBad(last + 1, steady)
        while queries := search.queries():
            looks = {place: tuple(by_test[test] for test in tests) for place, tests in queries.items()}
            for place, answers in self.probes.run(gate, looks, FIRST).items():
                search.learn(place, {test: search_answer(answer) for test, answer in answers.items()})
        return search.found()

    def _break(self, gate: Gate, failure: Failure, span: Span) -> TrunkBreak:
        test = failure.test
        seen = self.probes.run(gate, {span.low: (failure,), span.high: (failure,)}, AGAIN)
        commit = self.trunk.line[span.high]
        shown = span.is_one and (search_answer(seen[span.low][test]), seen[span.high][test]) == ("passes", "fails")
        passes = "does not exist" if seen[span.low][test] == "not run" else "passes, twice,"
        return TrunkBreak(
            gate=called(gate.name),
            test=test,
            commit=commit if shown else "",
            subject=self._subject(commit) if shown else "",
            message=failure.message,
            evidence=(f"fails, twice, at {self.probes.name(span.high)}", f"{passes} at {self.probes.name(span.low)}")
            if shown
            else (f"fails at {self.probes.name(span.high)}, passes at {self.probes.name(span.low)}",),
        )

    def _unusable(self, gate: Gate, failure: Failure, what: str) -> str:
        """Return why no ticket that contains the branch's commits can be judged."""
        spans = self._spans(gate, (failure,))
        if failure.test not in spans:
            return f"{self.trunk} {what} in one of two runs, so no ticket can be judged: type the same command again"
        broke = self._break(gate, failure, spans[failure.test])
        with_ = f", with {broke.commit[:10]} ({broke.subject})" if broke.commit else ""
        return (
            f"{self.trunk.name} {what} since {self.trunk.since}{with_}, so no ticket that carries it can be judged: "
            "wait for its repair, or leave those tickets out with --without"
        )

    def _subject(self, commit: str) -> str:
        arguments = ("log", "-1", "--no-show-signature", "--format=%s", commit)
        return self.day.mirror.repository.git(*arguments).out.decode("utf-8", "replace").strip()[:100]
