"""How each test of a JUnit report ended: passed, failed or skipped, and what its failures say."""

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
_BAD = {"fail", "failed", "failure", "error", "errored", "broken"}
_IDLE = {"disabled", "notrun", "skipped", "suppressed", "pending", "ignored"}
# What CTest writes as `<skipped>` and counts so; all else that it writes there is a test that could not run.
_CTEST_SKIPS = re.compile(r"SKIP_RETURN_CODE=|SKIP_REGULAR_EXPRESSION_MATCHED|Disabled")
# How pytest shows a failing doctest: numbered lines up to the example's first, then what was expected.
_DOCTEST = re.compile(
    r"^(?P<line>\d{3,9})\ +>>>\ (?P<source>.*)\n"
    r"(?:Expected(?:\ nothing)?(?::|$)|Got|UNEXPECTED\ EXCEPTION|Differences\ \()",
    re.MULTILINE | re.VERBOSE,
)
_SUMMARY = re.compile(r"contains \d+ failed subtests?")


def read_cases(
    root: Element, form: Form, doubtful: frozenset[Element] = frozenset(), *, gate: str, place: str, path: str = ""
) -> list[Case]:
    """All tests of a document. ``place`` tells it from all others of the run, ``path`` is the file that holds it.

    Of tests that are ``doubtful``, for the report is damaged there, only failures are known.
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
    """How the test ended.

    A test that failed at first and passed in the end (``flakyFailure``, ``rerunFailure`` alone) has passed. One that
    was skipped has not, nor one that failed as it should (pytest's xfail). Node writes what is still to do as both a
    failure and skipped.
    """
    tags = {tag_of(each) for each in case}
    skipped = next((each for each in case if tag_of(each) == "skipped"), None)
    states = {case.get(key, "").lower() for key in ("status", "result")}
    if skipped is not None and skipped.get("type") == "todo":
        return "skipped"
    if tags & _KINDS.keys() or states & _BAD:
        return "failed"
    if form is Form.CTEST and skipped is not None and not _CTEST_SKIPS.match(skipped.get("message", "")):
        return "failed"
    return "skipped" if skipped is not None or states & _IDLE else "passed"


def _says_so(case: Element) -> bool:
    """Whether a test that failed says so itself, and not by what is missing in it."""
    return any(tag_of(each) in _KINDS for each in case) or case.get("status", "").lower() in _BAD


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
    """The test's line; pytest counts from 0."""
    line = case.get("line", "")
    return int(line) + 1 if re.fullmatch(r"[0-9]{1,9}", line) else 0


def _seconds(case: Element) -> float:
    """How long the test took; some write thousands with a comma, some nothing."""
    time = case.get("time", "").replace(",", "")
    return float(time) if re.fullmatch(r"\d{1,7}(\.\d{1,9})?", time) else 0.0
