"""``format = "junit"``: the XML report that pytest, Maven, Gradle, CTest and many others can write.

There is no standard, only habits: suites may be nested or missing, and the file that a test is in is told by
pytest's ``junit_family=xunit1`` (``file``, ``line``) and by few others; elsewhere the class name stands in for
it. The source of the format is ``_pytest/junitxml.py`` and Maven's ``surefire-test-report.xsd``.

A test's id is its file and name as they are written. A parametrised name that holds something random, such as
an object's address, is another test in each run: give such parameters an ``id``.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree

from sessions.gates.formats.excerpt import plain_lines, shorten
from sessions.gates.formats.findings import account, same_path
from sessions.gates.results import Failure, TestId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from sessions.gates.results import Kind, Output, Results

_KINDS: dict[str, Kind] = {"failure": "failed", "error": "error"}
# How pytest shows a failing doctest: numbered lines up to the example's first, then what was expected.
_DOCTEST = re.compile(
    r"^(?P<line>\d{3,9})\ +>>>\ (?P<source>.*)\n"
    r"(?:Expected(?:\ nothing)?(?::|$)|Got|UNEXPECTED\ EXCEPTION|Differences\ \()",
    re.MULTILINE | re.VERBOSE,
)


def read(output: Output) -> Results:
    """Read a JUnit report from the file of ``{results}``; without it, or in pieces, the gate has crashed."""
    try:
        cases = _test_cases(output.results)
    except (ParseError, ValueError, LookupError):  # ValueError is also defusedxml's; LookupError: the encoding
        return account(output, trouble=_no_report(output), kind="crash")
    failures = [failure for case in cases for failure in _failures_of(case)]
    trouble = ""
    if not cases:
        trouble = f"{output.gate} ran no test"
    elif output.status and not failures:
        trouble = "No test failed, but the run did"
    tests = {_identify(case) for case in cases}
    skipped = {_identify(case) for case in cases if any(_tag(element) == "skipped" for element in case)}
    failing = {_identify(case) for case in cases if any(_failures_of(case))}
    times: dict[str, float] = {}
    for case in cases:
        file = _identify(case).file
        times[file] = times.get(file, 0.0) + _seconds(case)
    return account(
        output,
        failures,
        passed=tests - skipped - failing,
        skipped=skipped,
        files={test.file for test in tests},
        tests=len(tests),
        times=times,
        trouble=trouble,
    )


def _no_report(output: Output) -> str:
    what = "left no report" if output.results is None else "left a report that is no JUnit XML, or only half of it"
    return f"{output.gate} {what}"


def _test_cases(content: bytes | None) -> list[Element]:
    root: Element = ElementTree.fromstring(content or b"")
    if _tag(root) not in {"testsuites", "testsuite"}:
        raise ValueError(root.tag)
    return [element for element in root.iter() if _tag(element) == "testcase"]


def _tag(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _failures_of(case: Element) -> Iterator[Failure]:
    """A test's failures and errors. One that was skipped, or failed as it should, has neither."""
    for element in case:
        if kind := _KINDS.get(_tag(element)):
            yield _failure(_identify(case), kind, _line(case), element)


def _failure(test: TestId, kind: Kind, line: int, element: Element) -> Failure:
    text = "\n".join(plain_lines((element.text or "").strip() or element.get("message", "")))
    if doctest := _DOCTEST.search(text):
        test = TestId(test.file, test.name, doctest["source"].strip())
        line = int(doctest["line"])
    return Failure(test=test, kind=kind, line=line, message=shorten(text))


def _identify(case: Element) -> TestId:
    """The test's file and, below it, its name.

    The class name mostly repeats the file (``tests.test_a.TestB`` in ``tests/test_a.py``), and is left out as
    far as it does. A file that could not be read at all is named as a whole.
    """
    name, group = case.get("name", ""), case.get("classname", "")
    file = same_path(case.get("file", ""))
    if not file:
        return TestId(group, name) if group else TestId(name)
    module = posixpath.splitext(file)[0].replace("/", ".")
    if not group and name == module:
        return TestId(file)
    group = _without(module, group)
    return TestId(file, f"{group}.{name}" if group else name)


def _without(module: str, group: str) -> str:
    """Take the module, or as much of its end as is there, from the class name's beginning."""
    words = module.split(".")
    for start in range(len(words)):
        known = ".".join(words[start:])
        if group == known or group.startswith(f"{known}."):
            return group[len(known) + 1 :]
    return group


def _line(case: Element) -> int:
    """The test's line; pytest counts from 0."""
    line = case.get("line", "")
    return int(line) + 1 if re.fullmatch(r"[0-9]{1,9}", line) else 0


def _seconds(case: Element) -> float:
    """How long the test took; some write thousands with a comma, some nothing."""
    time = case.get("time", "").replace(",", "")
    return float(time) if re.fullmatch(r"\d{1,7}(\.\d{1,9})?", time) else 0.0
