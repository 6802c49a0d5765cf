"""Check that a run ended normally: what its status means, and whether the report has all tests that it counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions.gates.formats.junit_forms import Form, cases_of, suites_of, tag_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Element

    from sessions.gates.formats.cases import Case
    from sessions.gates.results import GateOutput

_PYTEST_ENDS = {
    2: "it was interrupted, or could not collect all tests",
    3: "an internal error of pytest's",
    4: "pytest did not understand how it was called",
    5: "pytest found no test",
}
# Statuses from here on come from a shell or timeout(1): timed out, not executable, not found, or 128 plus a signal's
# number. A test runner has them only if its status is the number of failures.
_NO_RUNNER = 124
_MAKE = re.compile(r"^g?make(?:\[\d+\])?: \*\*\* \[.*\] Error (?P<status>\d{1,3})$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document of a report, and the tool that wrote it."""

    root: Element
    form: Form


def trouble_with(output: GateOutput, documents: Sequence[Document], cases: Sequence[Case]) -> str:
    """Return a clause on why the run did not end normally; empty if it did."""
    if not cases:
        return f"{output.gate} ran no test"
    for document in documents:
        if missing := _not_shown(document):
            return f"{output.gate}'s report {missing}"
    failing = sum(len(case.shown) for case in cases if case.outcome == "failed")
    return _of_status(output, documents, failing)


def own_status(output: GateOutput) -> int:
    """Return the test command's status. ``make`` hides it behind its own status 2, but prints it."""
    if output.status != 2:
        return output.status
    last = output.log.rstrip().splitlines()[-8:]
    statuses = [int(found["status"]) for line in last if (found := _MAKE.match(line.strip()))]
    return statuses[0] if statuses else output.status


def _of_status(output: GateOutput, documents: Sequence[Document], failing: int) -> str:
    status, forms = own_status(output), {document.form for document in documents}
    if status == 0:
        return ""
    if forms == {Form.PYTEST} and status != 1:
        return f"pytest did not end normally: {_PYTEST_ENDS.get(status, 'it was killed, or crashed')}"
    if forms == {Form.CTEST} and status not in _ctest_ends(output.command):
        return "CTest did not end normally"
    if forms == {Form.MESON} and failing and status > _meson_failures(documents):
        return "Meson counts more failures than its report shows, mostly because a test timed out"
    if not failing:
        return "No test failed, but the run did"
    # Mocha, Catch2 and Robot Framework end with the number of failures.
    killed = status >= _NO_RUNNER and failing < status
    return f"{output.gate} was killed, or could not be run to its end" if killed else ""


def _ctest_ends(command: str) -> set[int]:
    """Return the normal statuses of CTest. CTest itself ends with 8 if tests failed; its caller may end with 1 or 2."""
    return {8} if re.search(r"\bctest\b", command) else {1, 2, 8}


def _meson_failures(documents: Iterable[Document]) -> int:
    """Return how many tests Meson counts as failed: a test with subtests is a suite in the report, and counts once."""
    suites = [suite for document in documents for suite in suites_of(document.root) if tag_of(suite) == "testsuite"]
    count = 0
    for suite in suites:
        bad = sum(_is_bad(case) for case in cases_of(suite))
        has_subtests = " / " in suite.get("name", "") or any(tag_of(each) == "system-out" for each in suite)
        count += min(bad, 1) if has_subtests else bad
    return count


def _is_bad(case: Element) -> bool:
    return any(tag_of(each) in {"failure", "error"} for each in case)


def _not_shown(document: Document) -> str:
    """Return a clause on tests that a suite counts but does not show, or on an error outside all tests; else empty."""
    for suite in suites_of(document.root):
        outside = next((each for each in suite if tag_of(each) in {"failure", "error"}), None)
        if outside is not None:
            article = "an" if tag_of(outside) == "error" else "a"
            return f"has {article} {tag_of(outside)} outside its tests: {outside.get('message', '')}".rstrip(": ")
        declared = _count(suite, "errors") + _count(suite, "failures")
        shown = sum(tag_of(each) in {"failure", "error"} for each in suite.iter())
        if declared > shown:
            return f"counts {_counted(declared, 'failure')} and shows {shown}"
        # Some tools count skipped tests but do not list them; mocha-junit-reporter counts them at the root only.
        hidden = max(_count(suite, "skipped"), _count(document.root, "skipped"))
        tests, cases = _count(suite, "tests") - hidden, len(cases_of(suite))
        if tests > cases and document.form not in {Form.PYTEST, Form.ASSERTIONS}:
            return f"counts {_counted(tests, 'test')} and shows {cases}"
    return ""


def _count(suite: Element, key: str) -> int:
    count = suite.get(key, "").replace(",", "")
    return int(float(count)) if re.fullmatch(r"\d{1,9}(\.0{1,9})?", count) else 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
