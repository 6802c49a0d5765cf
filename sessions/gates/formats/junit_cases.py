"""Read how each test of a JUnit report ended (passed, failed or skipped), and the messages of its failures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.gates.formats.cases import Case, CaseStatus, Shown
from sessions.gates.formats.excerpt import plain_lines, shorten
from sessions.gates.formats.junit_forms import Form, cases_of, tag_of
from sessions.gates.formats.junit_identity import SUBTEST, identify, properties, suite_names, without_group

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from sessions.gates.results import Kind

_KINDS: dict[str, Kind] = {"failure": "failed", "error": "error"}
_IDLE = {"disabled", "notrun", "not run", "skip", "skipped", "suppressed", "pending", "ignored", "inconclusive"}
_IDLE |= {"untested", "todo", "xfail", "xfailed", "expected_failure"}
# Any other state means that the test failed: timeout, aborted, killed, undefined and whatever else tools write.
_GOOD = {"", "pass", "passed", "ok", "success", "successful", "succeeded", "run", "ran", "complete", "completed"}
_GOOD |= {"done", "finished", "executed", "fixed", "flaky", "good", "true"}
# Attributes that hold a state; ``success`` is XUnit's and NUnit's.
_STATES = ("status", "result", "outcome", "success")
_OUTPUT = {"system-out", "system-err"}
# Elements with which tools mark a test that did not pass, beside those of ``_KINDS``.
_BAD_TAGS = {"fail", "failed", "timeout", "aborted", "crash", "crashed", "broken", "warning", "incomplete"}
# The messages with which CTest reports a test as skipped. With any other message, `<skipped>` is a test that could not
# run.
_CTEST_SKIPS = re.compile(r"SKIP_RETURN_CODE=|SKIP_REGULAR_EXPRESSION_MATCHED|Disabled")
# How pytest shows a failing doctest: numbered lines up to the first one of the example, then the expected output.
_DOCTEST = re.compile(
    r"^(?P<line>\d{3,9})\ +>>>\ (?P<source>.*)\n"
    r"(?:Expected(?:\ nothing)?(?::|$)|Got|UNEXPECTED\ EXCEPTION|Differences\ \()",
    re.MULTILINE | re.VERBOSE,
)
_SUMMARY = re.compile(r"contains \d+ failed subtests?")


def read_cases(
    root: Element, form: Form, doubtful: frozenset[Element] = frozenset(), *, gate: str, place: str, path: str = ""
) -> list[Case]:
    """Return all tests of a document. ``place`` is unique to the document, ``path`` is its file.

    Tests are ``doubtful`` where the report is damaged: only their failures are reported.
    """
    cases = ((element, _case(element, form, gate=gate, place=place, path=path)) for element in cases_of(root))
    return [
        case for element, case in cases if element not in doubtful or (case.outcome == "failed" and _says_so(element))
    ]


def _case(element: Element, form: Form, *, gate: str, place: str, path: str) -> Case:
    file, name = identify(element, form, gate)
    outcome = _outcome(element, form)
    shown = _shown(element) if outcome == "failed" else ()
    if form is Form.UNITTEST and shown and (found := SUBTEST.fullmatch(name)):
        name, shown = found["test"], tuple(replace(each, example=found["subtest"]) for each in shown)
    name, group = without_group(name) if form is Form.MESON else (name, "")
    suites = suite_names(element)
    return Case(
        file=file,
        name=name,
        outcome=outcome,
        shown=shown,
        labels=(path, group, suites[-1] if suites else "", properties(element)),
        seconds=_seconds(element),
        once=place if form in {Form.PYTEST, Form.UNITTEST} else "",
    )


def _outcome(case: Element, form: Form) -> CaseStatus:
    """Return how the test ended.

    A test that failed first and passed in the end (only ``flakyFailure`` or ``rerunFailure``) has passed. A test that
    failed as expected (pytest's xfail) counts as skipped, and so does a "todo" test of Node, which reports it as both
    failed and skipped.
    """
    tags = {tag_of(each) for child in case if tag_of(child) not in _OUTPUT for each in child.iter()}
    skipped = next((each for each in case if tag_of(each) == "skipped"), None)
    states = {case.get(key, "").lower() for key in _STATES}
    if skipped is not None and skipped.get("type") == "todo":
        return "skipped"
    if tags & (_KINDS.keys() | _BAD_TAGS) or states - _GOOD - _IDLE:
        return "failed"
    if form is Form.CTEST and skipped is not None and not _CTEST_SKIPS.match(skipped.get("message", "")):
        return "failed"
    return "skipped" if skipped is not None or states & _IDLE else "passed"


def _says_so(case: Element) -> bool:
    """Whether a failed test has an element that says so, rather than being marked by its status alone."""
    return any(tag_of(each) in _KINDS for each in case) or case.get("status", "").lower() not in _GOOD | _IDLE


def _shown(case: Element) -> tuple[Shown, ...]:
    line = _line(case)
    found = [_failure(each, _KINDS[tag_of(each)], line) for each in case if tag_of(each) in _KINDS]
    if found:
        return tuple(found)
    reason = next((each.get("message", "") for each in case if tag_of(each) == "skipped"), "")
    said = next((each.text or "" for each in case if tag_of(each) == "system-out"), "")
    message = "\n".join(part for part in (reason, _plain(said)) if part)
    return (Shown(message=shorten(message), kind="error" if reason else "failed", line=line),)


def _failure(element: Element, kind: Kind, line: int) -> Shown:
    says = _plain(element.get("message", ""))
    text = _plain("".join(map(str, element.itertext()))) or says
    example = ""
    if doctest := _DOCTEST.search(text):
        example, line = doctest["source"].strip(), int(doctest["line"])
    is_summary = bool(_SUMMARY.fullmatch(says))
    return Shown(message=shorten(text), says=says, kind=kind, line=line, example=example, is_summary=is_summary)


def _plain(text: str) -> str:
    return "\n".join(plain_lines(text.strip()))


def _line(case: Element) -> int:
    """Return the test's line. pytest counts from 0."""
    line = case.get("line", "")
    return int(line) + 1 if re.fullmatch(r"[0-9]{1,9}", line) else 0


def _seconds(case: Element) -> float:
    """Return how many seconds the test took. Some tools write a comma after thousands, some write nothing."""
    time = case.get("time", "").replace(",", "")
    return float(time) if re.fullmatch(r"\d{1,7}(\.\d{1,9})?", time) else 0.0
