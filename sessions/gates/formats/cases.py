"""Turn the test cases of a report into results; shared by several formats."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sessions.gates.formats.findings import account
from sessions.gates.formats.steady_names import number, part_by, steady_names, steady_text
from sessions.gates.results import Failure, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sessions.gates.results import GateOutput, Kind, Results

CaseStatus = Literal["failed", "passed", "skipped"]
_MOST = 200  # characters of a message that are compared to distinguish failures of one test


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One failure of a test: ``message`` is the full text, ``says`` a short one.

    ``example`` is the part that failed, if the report names it: the source of a doctest, the parameters of a subtest.
    """

    message: str
    says: str = ""
    kind: Kind = "failed"
    line: int = 0
    example: str = ""
    is_summary: bool = False  # it only reports that others failed


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test in a report.

    ``labels`` distinguish tests of the same name: the report's path, the suite, properties. ``once`` is the place
    within which a name means one test, even if it is reported several times.
    """

    file: str
    name: str
    outcome: CaseStatus
    shown: tuple[Shown, ...] = ()
    labels: tuple[str, ...] = ()
    seconds: float = 0.0
    once: str = ""

    @property
    def test(self) -> TestId:
        """The test's id."""
        return TestId(self.file, self.name)


def account_of(
    output: GateOutput, cases: Iterable[Case], *, trouble: str = "", kind: Kind = "error", notes: Iterable[str] = ()
) -> Results:
    """Return the results of a run whose report lists each test."""
    distinct = tell_apart(list(cases))
    times: dict[str, float] = defaultdict(float)
    for case in distinct:
        times[case.file] += case.seconds
    return account(
        output,
        [failure for case in distinct for failure in _failures(case)],
        passed=(case.test for case in distinct if case.outcome == "passed"),
        skipped=(case.test for case in distinct if case.outcome == "skipped"),
        files=(case.file for case in distinct),
        tests=len(distinct),
        times=times,
        trouble=trouble,
        kind=kind,
        notes=notes,
    )


def tell_apart(cases: Sequence[Case]) -> list[Case]:
    """Give each test a unique name that is the same in each run and does not depend on the order of the tests."""
    names = steady_names((case.file, case.name) for case in cases)
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in _merge(replace(case, name=names[case.file, case.name]) for case in cases):
        groups[case.file, case.name].append(case)
    return [case for group in groups.values() for case in _labelled(group, 0)]


def _merge(cases: Iterable[Case]) -> list[Case]:
    """Merge the cases of one test that is reported several times: for a rerun, or for a failure in its teardown."""
    merged: dict[object, Case] = {}
    for place, case in enumerate(cases):
        key = (case.once, case.file, case.name) if case.once else place
        merged[key] = _both(merged[key], case) if key in merged else case
    return list(merged.values())


def _both(first: Case, second: Case) -> Case:
    outcome = min(first.outcome, second.outcome)  # "failed" < "passed" < "skipped"
    return replace(first, outcome=outcome, shown=first.shown + second.shown, seconds=first.seconds + second.seconds)


def _labelled(cases: list[Case], depth: int) -> list[Case]:
    """Distinguish tests of one name by their labels, and then by numbers: those that failed come first.

    If one of them failed on the release and two fail now, the second is then new, whichever failed before.
    """
    if len(cases) == 1:
        return cases
    if depth == max(len(case.labels) for case in cases):
        cases = sorted(cases, key=lambda case: case.outcome)
        return [replace(case, name=number(case.name, place)) for place, case in enumerate(cases)]
    done: list[Case] = []
    for label, part in part_by(cases, lambda case: steady_text(case.labels[depth]) if depth < len(case.labels) else ""):
        named = [replace(case, name=f"{case.name} ({label})") for case in part] if label else part
        done += _labelled(named, depth + 1)
    return done


def _failures(case: Case) -> list[Failure]:
    """Name the failures of a test by their messages. The first one, or the summary, gets the test's own name."""
    if case.outcome != "failed":
        return []
    # pytest reports a file that it cannot read twice. Two subtests may fail alike.
    shown = list(case.shown if case.name else dict.fromkeys(case.shown)) or [Shown(message="")]
    first = next((each for each in shown if each.is_summary), shown[0])
    others = [each for each in shown if each is not first]
    failures = [_failure(case, first, first.example)]
    used: dict[str, int] = defaultdict(int)
    for each in others:
        example = each.example or steady_text((each.says or each.message).strip())[:_MOST] or "another failure"
        failures.append(_failure(case, each, number(example, used[example])))
        used[example] += 1
    return failures


def _failure(case: Case, shown: Shown, example: str) -> Failure:
    return Failure(test=TestId(case.file, case.name, example), kind=shown.kind, line=shown.line, message=shown.message)
