"""Write a gate's results on the head as JUnit XML, in a form that GitHub's actions, GitLab and Jenkins all read.

There is no standard. The output is valid by the schema of Jenkins' xunit plugin (junit-10.xsd) and by its older form
(jenkins-junit.xsd), in which `skipped` has no attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from sessions.gates.results import TestId
from sessions.ledger.record import Record, RecordedGate
from sessions.terminal.harmless_text import harmless

# Characters that XML 1.0 forbids, and that `harmless` does not remove.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(record: Record, name: str) -> str:
    """Return the suite of a gate: new failures fail, known ones are skipped, flaky tests pass with a note.

    The record has passing tests by file only; if it does not have the files either, the gate itself is the test.
    """
    gate = record.gates[name]
    cases = list(_cases(name, gate))
    kinds = [case[0].tag if len(case) else "" for case in cases]
    counts = {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
    }
    time = f"{_seconds(record, name):.3f}"
    suites = ET.Element("testsuites", {"name": _clean(f"{record.project} {record.branch}"), **counts, "time": time})
    suite = ET.SubElement(
        suites, "testsuite", {"name": _clean(name), **counts, "skipped": str(kinds.count("skipped")), "time": time}
    )
    properties = ET.SubElement(suite, "properties")
    for key in ("release", "head", "tree", "state"):
        ET.SubElement(properties, "property", {"name": key, "value": _clean(getattr(record, key))})
    suite.extend(cases)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _cases(name: str, gate: RecordedGate) -> Iterator[ET.Element]:
    failures = {each.test: each for each in gate.failures}
    failing = dict.fromkeys([*failures, *gate.new])
    for test in failing:
        kind = failures[test].kind if test in failures else "failed"
        message = _clean(failures[test].message) if test in failures else ""
        broken = ET.SubElement(
            case := _case(name, test),
            "failure" if kind == "failed" else "error",
            {"type": kind, "message": f"new: {_first(message) or kind}"},
        )
        broken.text = message
        yield case
    yield from (_case(name, test, skipped="known: it fails on the release too") for test in gate.known)
    why = "it fails for the release's own reason, as known failures do"
    yield from (_case(name, test, skipped=why) for test in gate.as_release)
    passing = [(test, "flaky: it failed and passed on the same tree") for test in gate.flaky]
    passing += [(test, "fixed: it fails on the release, and passes here") for test in gate.fixed]
    written = {*failing, *gate.known, *gate.as_release}
    yield from (_case(name, test, **{"system-out": text}) for test, text in passing if test not in written)
    written |= {test for test, _ in passing}
    files = {test.file for test in written}
    yield from (_case(name, TestId(file)) for file in gate.files if file not in files)
    if not written and not gate.files:
        yield _case(name, TestId(name))


def _case(gate: str, test: TestId, **parts: str) -> ET.Element:
    """Return a test whose class name is made of its file, as by pytest, so that viewers group by folder and file."""
    file, _, rest = _clean(str(test)).partition("::")
    path = PurePosixPath(file)
    is_path = path.name and (rest or path.suffix or len(path.parts) > 1)
    package = ".".join(part.strip(".") or "_" for part in path.with_suffix("").parts if part != "/") if is_path else ""
    case = ET.Element("testcase", {"classname": package or gate, "name": rest or file})
    for tag, text in parts.items():
        ET.SubElement(case, tag).text = text
    return case


def _seconds(record: Record, name: str) -> float:
    """Return how many seconds the last whole run of a gate on the head took."""
    runs = [
        probe.seconds
        for probe in record.probes
        if probe.gate == name and probe.tree == record.tree and probe.files is None
    ]
    return float(runs[-1]) if runs else 0.0


def _first(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")[:200]


def _clean(text: str) -> str:
    return _NO_XML.sub("�", harmless(text))
