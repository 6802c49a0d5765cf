"""A gate's results on the head as JUnit XML, in the form that GitHub's actions, GitLab and Jenkins all read.

There is no standard; what is written keeps to the schema of Jenkins' xunit plugin (junit-10.xsd) and to its older form
(jenkins-junit.xsd), in which `skipped` has no attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from sessions.ledger.record import Record
from sessions.reporting.record_view import Entry
from sessions.terminal.harmless_text import harmless

# What XML 1.0 cannot hold, beside what `harmless` takes away.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(record: Record, name: str) -> str:
    """The suite of one gate: what is new fails, what is known is skipped, what is flaky passes and says so.

    Tests that simply pass are known by file alone; where not even the files are known, the gate itself is the test.
    """
    gate = record["gates"][name]
    cases = list(_cases(name, gate))
    told = [case[0].tag if len(case) else "" for case in cases]
    counts = {
        "tests": str(len(cases)),
        "failures": str(told.count("failure")),
        "errors": str(told.count("error")),
    }
    time = f"{_seconds(record, name):.3f}"
    suites = ET.Element(
        "testsuites", {"name": _clean(f"{record['project']} {record['branch']}"), **counts, "time": time}
    )
    suite = ET.SubElement(
        suites, "testsuite", {"name": _clean(name), **counts, "skipped": str(told.count("skipped")), "time": time}
    )
    properties = ET.SubElement(suite, "properties")
    for key in ("release", "head", "tree", "state"):
        ET.SubElement(properties, "property", {"name": key, "value": _clean(record[key])})
    suite.extend(cases)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _cases(name: str, gate: Entry) -> Iterator[ET.Element]:
    failures = {each["test"]: each for each in gate.get("failures", ())}
    failing = dict.fromkeys([*failures, *gate["new"]])
    for test in failing:
        failure = failures.get(test, {"kind": "failed", "message": ""})
        words = _clean(failure["message"])
        broken = ET.SubElement(
            case := _case(name, test),
            "failure" if failure["kind"] == "failed" else "error",
            {"type": failure["kind"], "message": f"new: {_first(words) or failure['kind']}"},
        )
        broken.text = words
        yield case
    yield from (_case(name, test, skipped="known: it fails on the release too") for test in gate["known"])
    quiet = [(test, "flaky: it failed and passed on the same tree") for test in gate["flaky"]]
    quiet += [(test, "fixed: it fails on the release, and passes here") for test in gate["fixed"]]
    told = {*failing, *gate["known"]}
    yield from (_case(name, test, **{"system-out": words}) for test, words in quiet if test not in told)
    told |= {test for test, _ in quiet}
    eventful = {test.partition("::")[0] for test in told}
    yield from (_case(name, file) for file in gate.get("files", ()) if file not in eventful)
    if not told and not gate.get("files"):
        yield _case(name, name)


def _case(gate: str, test: str, **parts: str) -> ET.Element:
    """A test under a class name made of its file, as pytest makes it, so that viewers group by folder and file."""
    file, _, rest = _clean(test).partition("::")
    path = PurePosixPath(file)
    is_path = path.name and (rest or path.suffix or len(path.parts) > 1)
    package = ".".join(part.strip(".") or "_" for part in path.with_suffix("").parts if part != "/") if is_path else ""
    case = ET.Element("testcase", {"classname": package or gate, "name": rest or file})
    for tag, text in parts.items():
        ET.SubElement(case, tag).text = text
    return case


def _seconds(record: Record, name: str) -> float:
    """How long the last whole run of a gate on the head took."""
    runs = [
        probe["seconds"]
        for probe in record["probes"]
        if probe["gate"] == name and probe["tree"] == record["tree"] and probe["files"] is None
    ]
    return float(runs[-1]) if runs else 0.0


def _first(words: str) -> str:
    return next(iter(words.strip().splitlines()), "")[:200]


def _clean(text: str) -> str:
    return _NO_XML.sub("�", harmless(text))
