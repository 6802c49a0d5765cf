"""Make the run record's entries for gates, probes and failures of the target branch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.progress import Measured, Progress
from sessions.day.question import Consulted
from sessions.day.release_reasons import SharedCause
from sessions.day.trunk_breaks import TrunkBreak
from sessions.gates.results import Failure, Results, TestId
from sessions.gates.run_history import RunCounts
from sessions.ledger.record import (
    CheckKind,
    FlakyRate,
    GateState,
    Ran,
    RecordedCause,
    RecordedFailure,
    RecordedGate,
    RecordedProbe,
    RecordedTrunk,
    RecordedTrunkBreak,
    TestCounts,
)
from sessions.source.trunk import Trunk


def recorded_gate(name: str, progress: Progress | None, probes: Sequence[Consulted]) -> RecordedGate:
    """Return the entry of the gate ``name``, from all ``probes`` of the day."""
    failing = progress.failing.get(name, ()) if progress else ()
    unbuilt = progress.failing.get(BUILD.name, ()) if progress else ()
    flaky = progress.flaky.get(name, set()) if progress else set()
    measured = progress.measured.get(name) if progress else None
    own_probes = [each for each in probes if each.question.gate.name == name]
    blamed = {failure.test for failure in failing}
    compared = _compared(measured, blamed) if measured else {}
    return RecordedGate(
        state=GateState.RED if failing or unbuilt else GateState.GREEN if measured else GateState.PENDING,
        new=_sorted(blamed),
        known=compared.get("known", ()),
        known_once=recorded_tests(measured.known_once) if measured else (),
        fixed=compared.get("fixed", ()),
        gone=compared.get("gone", ()),
        skipped=compared.get("skipped", ()),
        ran=Ran(release=_counts(measured.release), head=_counts(measured.head)) if measured else Ran(),
        notes=measured.head.notes if measured else (),
        mended_by=measured.mended_by if measured else (),
        ignored=_sorted(progress.ignored.get(name, frozenset())) if progress else (),
        broken_by_fixes=recorded_tests(progress.broken_by_fixes.get(name, ())) if progress else (),
        causes=tuple(map(_cause, measured.causes)) if measured else (),
        slower=progress.slowdowns.get(name, ()) if progress else (),
        pace_unknown=progress.pace_unknown.get(name, "") if progress else "",
        flaky=_sorted(flaky),
        flaky_rates=_rates(flaky, own_probes),
        seconds=round(sum(each.probe_result.seconds for each in own_probes), 3),
        tests=measured.head.tests if measured else 0,
        files=measured.head.files if measured else (),
        failures=tuple(map(_failure, (*unbuilt, *failing))),
    )


def recorded_probe(consulted: Consulted) -> RecordedProbe:
    """Return the entry of a probe: what it ran, for which purpose, and what failed."""
    question, probe_result = consulted.question, consulted.probe_result
    return RecordedProbe(
        gate=called(question.gate.name),
        check=CheckKind.BUILD if question.gate is BUILD else CheckKind.GATE,
        built=probe_result.built,
        why=question.why,
        purpose=question.purpose,
        tree=question.candidate.tree,
        tickets=tuple(question.candidate.tickets),
        files=question.files,
        attempt=question.attempt,
        incremental=question.incremental,
        failures=len(probe_result.results.failures),
        failed=tuple(_named(failure.test) for failure in probe_result.results.failures),
        tests=probe_result.results.tests,
        seconds=round(probe_result.seconds, 3),
        log=probe_result.log,
    )


def recorded_tests(tests: Iterable[TestId]) -> tuple[TestId, ...]:
    """Return tests in the form of the record, with the first line of their examples."""
    return tuple(map(_recorded_test, tests))


def _compared(measured: Measured, blamed: Collection[TestId]) -> Mapping[str, tuple[TestId, ...]]:
    """Return the comparison with the release. Tests that are gone or skipped by a ticket's fault count as new."""
    compared = measured.comparison
    return {
        "known": recorded_tests(compared.known),
        "fixed": recorded_tests(compared.fixed),
        "gone": recorded_tests(each.test for each in compared.gone if each.test not in blamed),
        "skipped": recorded_tests(each.test for each in compared.skipped if each.test not in blamed),
    }


def _cause(cause: SharedCause) -> RecordedCause:
    return RecordedCause(
        words=cause.words, file=cause.file, known=recorded_tests(cause.known), new=recorded_tests(cause.new)
    )


def _sorted(tests: Iterable[TestId]) -> tuple[TestId, ...]:
    return tuple(map(_recorded_test, sorted(tests, key=str)))


def _counts(results: Results) -> TestCounts:
    return TestCounts(tests=results.tests, passed=results.passes, failed=results.fails, skipped=len(results.skipped))


def _failure(failure: Failure) -> RecordedFailure:
    is_build = failure.test == BUILD_TEST
    return RecordedFailure(
        test=_named(failure.test),
        check=CheckKind.BUILD if is_build else CheckKind.GATE,
        file=failure.test.file,
        line=failure.line,
        kind=failure.kind,
        message=failure.message,
    )


def _rates(flaky: Iterable[TestId], probes: Sequence[Consulted]) -> dict[TestId, FlakyRate]:
    """Return how often each flaky test failed in the day's runs that reached it."""
    rates = dict[TestId, FlakyRate]()
    for test in sorted(flaky):
        counts = RunCounts.of(each.probe_result.results.presence(test) for each in probes if each.probe_result.built)
        rates[TestId.parse(str(test))] = FlakyRate(fails=counts.fails, runs=counts.total)
    return rates


def recorded_trunk(trunk: Trunk | None, breaks: Sequence[TrunkBreak]) -> RecordedTrunk | None:
    """Return the entry of the target branch that the merge line starts with; ``None`` without one."""
    if trunk is None:
        return None
    broke = tuple(
        RecordedTrunkBreak(
            gate=each.gate,
            test=_named(each.test),
            commit=each.commit,
            subject=each.subject,
            message=each.message,
            evidence=each.evidence,
        )
        for each in breaks
    )
    return RecordedTrunk(name=trunk.name, commit=trunk.commit, commits=trunk.commits, broke=broke)


def _named(test: TestId) -> TestId:
    """Return the test with the record's name for the build."""
    return TestId.parse(called(test.name)) if test == BUILD_TEST else _recorded_test(test)


def _recorded_test(test: TestId) -> TestId:
    """Return the test as a record names it; the same object if that is no other one, as many probes name it."""
    recorded = TestId.parse(str(test))
    return test if recorded == test else recorded
