"""The JUnit reports of several tools."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape, quoteattr

from sessions.gates.results import GateOutput, TestId
from tests.gates.writing.plan import ESCAPE, Outcome, Quirk, Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = Literal["one suite", "suite per file", "nested"]
Items = list[tuple[TestId, Outcome]]


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """How a tool writes: ``suite`` is the name of its only suite, ``has_files`` whether it tells files."""

    command: str
    shape: Shape = "one suite"
    suite: str = ""
    has_files: bool = False
    class_is_name: bool = False
    constant_class: str = ""
    project: str = ""
    failing: int = 1
    interrupted: int = 130

    def name(self, test: TestId, gate: str) -> TestId:
        """Under which name the reader must give the test."""
        if self.constant_class:
            return TestId(gate, f"{test.file} > {test.name}")
        if self.class_is_name:
            return TestId(*[f"{test.file}/{test.name}"] * 2)
        return TestId(test.file, f"[{self.project}] {test.name}" if self.project else test.name)

    def attributes(self, test: TestId) -> dict[str, str]:
        """How the test is named in the report."""
        if self.constant_class:
            return {"name": test.name, "classname": self.constant_class}
        if self.class_is_name:
            return dict.fromkeys(("name", "classname"), f"{test.file}/{test.name}")
        if self.has_files:
            group = posixpath.splitext(test.file)[0].replace("/", ".")
            return {"classname": group, "name": test.name, "file": test.file}
        return {"classname": test.file, "name": test.name}


REPORTERS: Mapping[str, Reporter] = {
    "pytest": Reporter(command="pytest --junit-xml report.xml", suite="pytest", interrupted=2),
    "pytest-files": Reporter(command="py.test -o junit_family=xunit1", suite="pytest", has_files=True, interrupted=2),
    "surefire": Reporter(command="mvn test", shape="suite per file"),
    "ctest": Reporter(command="ctest --output-junit r.xml", suite="Linux-c++", class_is_name=True, failing=8),
    "gtest": Reporter(command="./all --gtest_output=xml:r.xml", shape="suite per file"),
    "node": Reporter(command="node --test", shape="nested", constant_class="test"),
    "playwright": Reporter(command="npx playwright test", shape="suite per file", project="chromium"),
}


def write_junit(run: Run) -> GateOutput:
    """Write a report into ``results``, or where there are several into ``reports``."""
    reporter = REPORTERS[run.dialect]
    output = GateOutput(
        gate=run.gate,
        status=run.status(failing=reporter.failing, interrupted=reporter.interrupted),
        log=f"$ {reporter.command}\n",
        command=reporter.command,
    )
    if run.ending in {"killed", "nothing"}:
        return output
    parts = _parts(run.order) if {Quirk.TWO_DOCUMENTS, Quirk.SEVERAL_FILES} & run.quirks else [run.order]
    texts = [_document(reporter, run, part) for part in parts]
    if Quirk.SEVERAL_FILES in run.quirks:
        reports = {f"out/TEST-{n}.xml": run.cut(_encoded(text, run.quirks)) for n, text in enumerate(texts)}
        return _with(output, reports=reports)
    return _with(output, results=run.cut(_encoded("\n".join(texts), run.quirks)))


def _with(
    output: GateOutput, *, results: bytes | None = None, reports: Mapping[str, bytes] | None = None
) -> GateOutput:
    return GateOutput(
        gate=output.gate,
        status=output.status,
        log=output.log,
        command=output.command,
        results=results,
        reports=reports or {},
    )


def _parts(items: Items) -> list[Items]:
    """Two parts, neither of them empty, if there are two tests; each file's tests stay together."""
    files = sorted({test.file for test, _ in items})
    first = set(files[: len(files) // 2])
    parts = [[item for item in items if (item[0].file in first) is told] for told in (True, False)]
    return [part for part in parts if part] or [items]


def _document(reporter: Reporter, run: Run, items: Items) -> str:
    blank = "\n  \n" if Quirk.BLANK_FIRST in run.quirks else ""
    encoding = "UTF-8"
    if Quirk.WRONG_ENCODING in run.quirks:
        encoding = "us-ascii"
    elif Quirk.UNKNOWN_ENCODING in run.quirks:
        encoding = "klingon"
    elif Quirk.UTF_16 in run.quirks:
        encoding = "UTF-16"
    space = ' xmlns="urn:junit"' if Quirk.NAMESPACE in run.quirks else ""
    suites = "\n".join(_suite(reporter, run, name, part) for name, part in _suites(reporter, items))
    root = _attributes({"id": "", "name": ""}) if reporter.project else ""
    return f'{blank}<?xml version="1.0" encoding="{encoding}"?>\n<testsuites{space}{root}>\n{suites}\n</testsuites>'


def _suites(reporter: Reporter, items: Items) -> list[tuple[str, Items]]:
    if reporter.shape == "one suite":
        return [(reporter.suite, items)]
    files = dict.fromkeys(test.file for test, _ in items)
    return [(file, [item for item in items if item[0].file == file]) for file in files]


def _suite(reporter: Reporter, run: Run, name: str, items: Items) -> str:
    counts = {
        "name": name,
        "tests": str(len(items)),
        "failures": str(_count(items, "failed")),
        "errors": str(_count(items, "error")),
        "skipped": str(_count(items, "skipped")),
        "time": "0.25",
        "timestamp": "2026-11-26T12:00:00",
        "hostname": reporter.project or "buildbox-17",
    }
    if run.dialect == "ctest":  # it counts what it could not start among those that it skipped
        counts["skipped"] = str(int(counts["skipped"]) + int(counts.pop("errors")))
        counts["disabled"] = "0"
    cases = "\n".join(_case(reporter, run, test, outcome) for test, outcome in items)
    return f"<testsuite{_attributes(counts)}>\n{cases}\n</testsuite>"


def _count(items: Items, outcome: Outcome) -> int:
    return sum(each == outcome for _, each in items)


def _case(reporter: Reporter, run: Run, test: TestId, outcome: Outcome) -> str:
    attributes = reporter.attributes(test) | {"time": "0.01"}
    inner: Sequence[str] = ()
    if run.dialect == "ctest":
        attributes["status"] = {"passed": "run", "failed": "fail", "error": "notrun", "skipped": "notrun"}[outcome]
    match outcome:
        case "failed":
            inner = [_failure(run, "failure")]
        case "error" if run.dialect == "ctest":
            inner = ['<skipped message="Unable to find executable"/>']
        case "error":
            inner = [_failure(run, "error")]
        case "skipped":
            inner = ['<skipped message="SKIP_RETURN_CODE=77"/>' if run.dialect == "ctest" else "<skipped/>"]
        case "passed" if Quirk.RERUNS in run.quirks:
            inner = [_failure(run, "flakyFailure"), _failure(run, "rerunFailure")]
        case "passed":
            inner = ["<system-out>failure: none, error: none</system-out>"]
    return f"<testcase{_attributes(attributes)}>{''.join(inner)}</testcase>"


def _failure(run: Run, tag: str) -> str:
    message = "expected 1, got 2, naïve"
    text = f"{message}\n  at line 3"
    if Quirk.RAW_CONTROLS in run.quirks:
        message, text = f"{message} {ESCAPE}", f"{text} {ESCAPE}"
    attribute = quoteattr(message)
    if Quirk.ESCAPED_CONTROLS in run.quirks:
        attribute = f"{attribute[:-1]}&#x1B;[1m &#0;{attribute[-1]}"
    if Quirk.BARE_MARKUP in run.quirks:
        attribute = f"{attribute[:-1]} a < b && c <d> &nbsp;{attribute[-1]}"
    body = f"<![CDATA[{text} ]]> more]]>" if Quirk.CDATA_END in run.quirks else escape(text)
    return f"<{tag} message={attribute}>{body}</{tag}>"


def _attributes(values: Mapping[str, str]) -> str:
    quoted = {key: quoteattr(value, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}) for key, value in values.items()}
    return "".join(f" {key}={value}" for key, value in quoted.items())


def _encoded(text: str, quirks: frozenset[Quirk]) -> bytes:
    if Quirk.UTF_16 in quirks:
        return text.encode("utf-16")
    # Two such letters in a row may be one of UTF-8: nobody could tell.
    if Quirk.LATIN_1 in quirks and not re.search("[\x80-\xff]{2}", text):
        return text.encode("latin-1", "xmlcharrefreplace")
    return text.encode("utf-8-sig" if Quirk.BYTE_ORDER_MARK in quirks else "utf-8")
