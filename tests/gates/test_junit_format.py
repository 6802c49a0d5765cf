from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import Failure, GateOutput, Results, TestId

FIXTURES = Path(__file__).parent / "fixtures"
GATE = TestId(file="", name="unit")


def read(content: bytes | str | None, *, status: int = 1, log: str = "") -> Results:
    results = content.encode() if isinstance(content, str) else content
    return FORMATS["junit"](GateOutput(gate="unit", status=status, log=log, results=results))


def fixture(name: str, *, status: int = 1) -> Results:
    return read((FIXTURES / f"junit-{name}.xml").read_bytes(), status=status)


def by_test(results: Results) -> dict[TestId, Failure]:
    assert [f.test for f in results.failures] == sorted({f.test for f in results.failures})
    return {failure.test: failure for failure in results.failures}


def test_pytest_with_files_and_lines() -> None:
    results = fixture("xunit1")
    small = "tests/test_small.py"
    assert {(str(test), failure.kind, failure.line) for test, failure in by_test(results).items()} == {
        ("mod.py::mod.f [f(2)]", "failed", 13),
        ("mod.py::mod.g [for i in range(2):]", "failed", 22),
        ("mod.py::mod.h [h().nope]", "failed", 31),
        (f"{small}::TestGroup.test_method", "failed", 42),
        (f"{small}::test_both", "failed", 26),
        (f'{small}::test_both [failed on teardown with "RuntimeError: cannot tear down"]', "error", 26),
        (f"{small}::test_error", "error", 20),
        (f"{small}::test_even[one]", "failed", 16),
        (f"{small}::test_strict", "failed", 37),
        (f"{small}::test_teardown", "error", 23),
        ("tests/test_unreadable.py", "error", 0),
    }
    assert results.files == ("mod.py", small, "tests/test_unreadable.py")
    assert results.tests == 15


def test_pytest_without_files() -> None:
    results = fixture("xunit2")
    assert {str(test) for test in by_test(results)} >= {
        "mod::mod.f [f(2)]",
        "tests.test_small::test_even[one]",
        "tests.test_small.TestGroup::test_method",
        "tests.test_unreadable",
    }
    assert len(results.failures) == 11
    assert results.tests == 15


def test_messages_show_the_text_and_not_pytests_flattened_attribute() -> None:
    failures = by_test(fixture("xunit1"))
    message = failures[TestId("mod.py", "mod.f", "f(2)")].message
    assert message.endswith("\nExpected:\n    4\nGot:\n    3\n\nmod.py:13: DocTestFailure")


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_failures_stand_whatever_the_status_says(family: str) -> None:
    assert fixture(family, status=0) == replace(fixture(family, status=1), status=0)


def test_no_tests_collected() -> None:
    (failure,) = fixture("empty", status=5).failures
    assert (failure.test, failure.kind) == (GATE, "error")
    assert failure.message == "unit ran no test; the command ended with status 5."
    assert fixture("empty", status=0).failures


SURE_FIRE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- nested suites, as Jenkins joins them -->
<testsuites><testsuite name="all">
  <testsuite name="org.a.AppTest" tests="4">
    <properties><property name="java.version" value="21"/></properties>
    <testcase name="passes" classname="org.a.AppTest" time="0.1"><system-out>failure</system-out></testcase>
    <testcase name="fails" classname="org.a.AppTest"><failure message="expected 1" type="AssertionError"/></testcase>
    <testcase name="flaky" classname="org.a.AppTest"><flakyFailure message="once"/></testcase>
    <testcase name="skips" classname="org.a.AppTest"><skipped/></testcase>
  </testsuite>
  <testsuite name="unit">
    <testcase name="Sum.adds" file="./test/./sum.cc" line="4"><error>segfault</error></testcase>
  </testsuite>
</testsuite></testsuites>"""


@pytest.mark.parametrize("namespace", ["", ' xmlns="urn:junit"'])
def test_nested_suites_of_other_tools(namespace: str) -> None:
    results = read(SURE_FIRE.replace("<testsuites>", f"<testsuites{namespace}>"))
    assert results == Results(
        gate="unit",
        failures=(
            Failure(test=TestId("org.a.AppTest", "fails"), message="expected 1"),
            Failure(test=TestId("test/sum.cc", "Sum.adds"), kind="error", line=5, message="segfault"),
        ),
        passed=(TestId("org.a.AppTest", "flaky"), TestId("org.a.AppTest", "passes")),
        skipped=(TestId("org.a.AppTest", "skips"),),
        status=1,
        files=("org.a.AppTest", "test/sum.cc"),
        tests=5,
    )


def test_all_passed() -> None:
    passed = '<testsuite><testcase classname="a" name="b"/></testsuite>'
    assert read(passed, status=0) == Results(gate="unit", passed=(TestId("a", "b"),), files=("a",), tests=1)
    (failure,) = read(passed, status=3, log="INTERNALERROR> boom").failures
    assert (failure.test, failure.kind) == (GATE, "error")
    assert failure.message == (
        "No test failed, but the run did; the command ended with status 3. The log ends:\nINTERNALERROR> boom"
    )


def test_class_name_repeats_the_file_from_another_folder() -> None:
    case = '<testsuite><testcase file="sub/tests/test_a.py" classname="{}" name="t"><failure/></testcase></testsuite>'
    names = {
        "sub.tests.test_a": "t",
        "tests.test_a.TestB": "TestB.t",
        "test_a.TestB.TestC": "TestB.TestC.t",
        "test_ab": "test_ab.t",
        "": "t",
    }
    for group, name in names.items():
        assert [f.test for f in read(case.format(group)).failures] == [TestId("sub/tests/test_a.py", name)]


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>'
ELSEWHERE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&b;"/></testsuite>'


@pytest.mark.parametrize(
    "content",
    [None, "", "<testsuite>", SURE_FIRE[:400], "no xml", "<html/>", "\x00", b"\xff\xfe", BOMB, ELSEWHERE],
)
@pytest.mark.parametrize("status", [0, 1])
def test_no_report_or_half_of_one(content: bytes | str | None, status: int) -> None:
    (failure,) = read(content, status=status).failures
    assert (failure.test, failure.kind) == (GATE, "crash")


@given(st.binary())
def test_never_raises(content: bytes) -> None:
    assert read(content).failures


@given(st.integers(0, 6000))
def test_never_raises_on_half_a_report(cut: int) -> None:
    content = (FIXTURES / "junit-xunit1.xml").read_bytes().rstrip()
    assert read(content[: min(cut, len(content) - 1)]).failing[GATE].kind == "crash"


def test_absurd_line_numbers() -> None:
    digits = "9" * 5000
    text = f'<testsuite><testcase name="a" classname="b" line="{digits}"><failure>{digits}     &gt;&gt;&gt; a\nGot'
    (failure,) = read(f"{text}</failure></testcase></testsuite>").failures
    assert failure.line == 0


@pytest.mark.parametrize(
    "inside",
    [
        "<timeout/>",
        "<warning message='no tests'/>",
        "<aborted/>",
        "<Failure/>",
        "<result><failure/></result>",
        "<system-out>x</system-out><properties/><error/>",
    ],
)
def test_elements_that_say_that_a_test_did_not_pass(inside: str) -> None:
    results = read(f"<testsuite><testcase name='a'>{inside}</testcase><testcase name='b'/></testsuite>".encode())
    assert [failure.test.name for failure in results.failures] == ["a"]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("passed", "passed"),
        ("Completed", "passed"),
        ("run", "passed"),
        ("untested", "skipped"),
        ("timeout", "failed"),
        ("killed", "failed"),
        ("undefined", "failed"),
    ],
)
def test_only_states_that_mean_passed_are_passed(state: str, outcome: str) -> None:
    xml = f"<testsuite><testcase name='a' status='{state}'/><testcase name='b' time='1'/></testsuite>"
    results = read(xml.encode(), status=int(outcome == "failed"))
    found = {
        "passed": results.passed,
        "skipped": results.skipped,
        "failed": tuple(failure.test for failure in results.failures),
    }
    assert [test.name for test in found[outcome] if test.name != "b"] == ["a"]


def test_an_error_outside_all_tests_is_trouble_beside_a_known_failure() -> None:
    xml = (
        b"<testsuite tests='1' errors='1' failures='0'><error message='set-up failed'/>"
        b"<testcase name='a'><failure/></testcase></testsuite>"
    )
    assert read(xml, status=1).trouble == "unit's report has an error outside its tests: set-up failed"


def test_subtests_that_fail_alike_are_as_many_as_failed() -> None:
    case = b"<testcase classname='test_a.T' name='test_s'><failure message='no'>no</failure></testcase>"
    one, three = (
        read(b"<testsuite name='pytest' hostname='h'>" + case * count + b"</testsuite>", status=1) for count in (1, 3)
    )
    assert len(one.failures) == 1
    assert [str(failure.test) for failure in three.failures] == [
        "test_a.T::test_s",
        "test_a.T::test_s [no]",
        "test_a.T::test_s [no (2nd)]",
    ]


@pytest.mark.parametrize("attribute", ["success='False'", "outcome='Failed'", "result='NOK'"])
def test_other_attributes_that_say_that_a_test_failed(attribute: str) -> None:
    results = read(f"<testsuite><testcase name='a' {attribute}/><testcase name='b'/></testsuite>")
    assert [failure.test.name for failure in results.failures] == ["a"]


@pytest.mark.parametrize("count", ["1,002", "1002.0", "1002"])
def test_counts_as_tools_write_them(count: str) -> None:
    results = read(f"<testsuite failures='{count}'><testcase name='a'><failure/></testcase></testsuite>")
    assert results.trouble == "unit's report counts 1002 failures and shows 1"


def test_what_a_test_printed_is_no_failure() -> None:
    results = read("<testsuite><testcase name='a'><system-out><failure/></system-out></testcase></testsuite>", status=0)
    assert (results.fails, results.passes) == (0, 1)
