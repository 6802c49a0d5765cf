"""What tells two tests apart belongs to their names; what changes from run to run does not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.comparison import compare
from sessions.gates.formats.junit import read_junit
from sessions.gates.formats.steady_names import steady_names
from sessions.gates.results import GateOutput, Presence, Results, TestId


def read(suites: str, *, status: int = 1, command: str = "") -> Results:
    content = f"<testsuites>{suites}</testsuites>".encode()
    return read_junit(GateOutput(gate="unit", status=status, log="", command=command, results=content))


def case(name: str, *, group: str = "a.B", bad: bool = False, inner: str = "", attributes: str = "") -> str:
    failure = '<failure message="no"/>' if bad else ""
    return f'<testcase classname="{group}" name="{name}" {attributes}>{inner}{failure}</testcase>'


def suite(*cases: str, name: str = "s", attributes: str = "") -> str:
    return f'<testsuite name="{name}" {attributes}>{"".join(cases)}</testsuite>'


def names(tests: Iterable[TestId]) -> list[str]:
    return [str(test) for test in tests]


def test_a_known_failure_hides_no_second_one_of_the_same_name() -> None:
    for order in permutations([case("t", bad=True), case("t"), case("t", bad=True)]):
        results = read(suite(*order))
        assert names(results.failing) == ["a.B::t", "a.B::t (2nd)"]
        assert names(results.passed) == ["a.B::t (3rd)"]
    release, head = read(suite(case("t"), case("t", bad=True))), read(suite(case("t", bad=True), case("t", bad=True)))
    assert names(failure.test for failure in compare(release, head).new) == ["a.B::t (2nd)"]


def test_suites_then_properties_tell_tests_apart() -> None:
    results = read(suite(case("t", bad=True), name="one") + suite(case("t"), name="two"))
    assert (names(results.failing), names(results.passed)) == (["a.B::t (one)"], ["a.B::t (two)"])
    firefox, chrome = (f'<properties><property name="on" value="{on}"/></properties>' for on in ("firefox", "chrome"))
    results = read(suite(case("t", bad=True, inner=firefox), case("t", inner=chrome)))
    assert (names(results.failing), names(results.passed)) == (["a.B::t (on=firefox)"], ["a.B::t (on=chrome)"])


def test_reports_of_several_files_tell_tests_apart() -> None:
    reports = {f"out/py{version}.xml": suite(case("t", bad=version == 310)).encode() for version in (310, 311)}
    results = read_junit(GateOutput(gate="unit", status=1, log="", reports=reports))
    assert names(results.failing) == ["a.B::t (out/py310.xml)"]
    assert names(results.passed) == ["a.B::t (out/py311.xml)"]


def test_a_machine_is_no_part_of_a_name() -> None:
    one, other = (read(suite(case("t"), attributes=f'hostname="{host}"'), status=0) for host in ("red", "blue"))
    assert one == other


@pytest.mark.parametrize(
    ("name", "steady"),
    [
        ("t[<a.B object at 0x7f31aa00>]", "t[<a.B object at 0x…>]"),
        ("t[B@1b6d3586]", "t[B@…]"),
        ("t pid=4711 ends", "t pid=… ends"),
        ("t[/tmp/tmpab12_xyz/a.txt]", "t[/tmp/…/a.txt]"),
        ("t[/tmp/pytest-of-root/pytest-12/t0]", "t[/tmp/…/t0]"),
        ("t at 2026-11-26T14:03:01.5Z", "t at …"),
        ("t[6f2a1c9e-0a51-4c1e-9d6e-9a1b2c3d4e5f]", "t[…]"),
        ("t[http://localhost:49152/a]", "t[http://localhost:…/a]"),
        ("t[0xdeadbeef]", "t[0x…]"),
        ("t[2026-11-26]", "t[2026-11-26]"),
        ("t[/tmp/data]", "t[/tmp/data]"),
        ("t[1.5-12345]", "t[1.5-12345]"),
    ],
)
def test_what_changes_is_no_part_of_a_name(name: str, steady: str) -> None:
    escaped = name.replace("<", "&lt;")
    assert names(read(suite(case(escaped)), status=0).passed) == [f"a.B::{steady}"]


def test_parameters_that_only_look_like_times_keep_two_tests_apart() -> None:
    first, second = "t[2020-01-01T00:00]", "t[2021-01-01T00:00]"
    assert names(read(suite(case(first, bad=True), case(second))).failing) == [f"a.B::{first}"]
    addresses = [case(f"t[at 0x7f0{n}aa]") for n in range(2)]
    assert names(read(suite(*addresses), status=0).passed) == ["a.B::t[at 0x…]", "a.B::t[at 0x…] (2nd)"]


def test_an_empty_name_takes_the_suites() -> None:
    results = read(suite(case("", bad=True, group=""), name="setup of a.bats"))
    assert names(results.failing) == ["setup of a.bats"]
    assert names(read(suite(case("t", group=""), name="s"), status=0).passed) == ["s::t"]
    assert names(read(case("t", group=""), status=0).passed) == ["unit::t"]


def pytest_report(*cases: str, command: str = "pytest") -> Results:
    return read(suite(*cases, name="pytest", attributes='hostname="h"'), command=command)


def subtest_case(*failing: str) -> str:
    failures = "".join(f'<failure message="assert {each} == 0">def test…</failure>' for each in failing)
    summary = f'<failure message="contains {len(failing)} failed subtests"/>' if failing else ""
    return f'<testcase classname="a" name="t">{failures}{summary}</testcase>'


def test_a_second_subtest_that_fails_is_new() -> None:
    release, head = pytest_report(subtest_case("1")), pytest_report(subtest_case("1", "2"))
    assert names(failure.test for failure in compare(release, head).new) == ["a::t [assert 2 == 0]"]
    assert names(compare(head, release).fixed) == ["a::t [assert 2 == 0]"]
    passing = read(suite(subtest_case(), name="pytest", attributes='hostname="h"'), status=0)
    assert compare(head, passing).gone == ()
    assert len(compare(head, passing).fixed) == 3


def test_a_teardown_that_fails_beside_a_known_failure_is_new() -> None:
    teardown = case("t", group="a", inner='<error message="failed on teardown with &quot;E&quot;"/>')
    release, head = (
        pytest_report(case("t", group="a", bad=True)),
        pytest_report(case("t", group="a", bad=True), teardown),
    )
    assert names(failure.test for failure in compare(release, head).new) == ['a::t [failed on teardown with "E"]']


def test_a_rerun_is_no_second_test() -> None:
    rerun = case("t", group="a")
    assert names(pytest_report(rerun, rerun, case("t", group="a", bad=True)).failing) == ["a::t"]
    assert pytest_report(rerun, case("t", group="a", bad=True)).passed == ()


def unittest_report(*cases: str) -> Results:
    return read(suite(*cases, name="a.B-20261126143146"))


def test_subtests_of_unittest_are_parts_of_their_test() -> None:
    release = unittest_report(case("test_t"), case("test_u", bad=True))
    head = unittest_report(case("test_t (i=1)", bad=True), case("test_u", bad=True))
    found = compare(release, head)
    assert names(failure.test for failure in found.new) == ["a.B::test_t [(i=1)]"]
    assert found.gone == ()
    assert head.presence(TestId("a.B", "test_t")) is Presence.HIDDEN


def test_one_test_in_two_projects_of_playwright() -> None:
    def report(*, two: bool) -> Results:
        suites = "".join(
            suite(case("s - t", group="a.spec.js", bad=bad), name="a.spec.js", attributes=f'hostname="{host}"')
            for host, bad in (("one", True), ("two", two))
        )
        content = f'<testsuites id="" name="" tests="2">{suites}</testsuites>'.encode()
        return read_junit(GateOutput(gate="unit", status=1, log="", results=content))

    found = compare(report(two=False), report(two=True))
    assert names(failure.test for failure in found.new) == ["a.spec.js::[two] s - t"]


def test_node_says_where_a_test_is_by_suites_alone() -> None:
    results = read(suite(case("t", group="test"), name="outer") + case("t", group="test", bad=True))
    assert (names(results.failing), names(results.passed)) == (["unit::t"], ["unit::outer > t"])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8), st.randoms())
def test_the_order_does_not_matter(plan: list[tuple[str, bool]], chance: object) -> None:
    cases = [case(name, bad=bad) for name, bad in plan]
    expected = read(suite(*cases))
    chance.shuffle(cases)  # type: ignore[attr-defined]
    assert read(suite(*cases)) == expected


def test_a_name_without_end_is_cut_and_stays_its_own() -> None:
    names = [("a.py", "x" * 100_000 + end) for end in ("1", "2")]
    chosen = steady_names(names)
    assert len(set(chosen.values())) == 2
    for name in chosen.values():
        assert len(name) < 5_000
        assert name.startswith("x" * 4_000)
    assert steady_names(names) == chosen
    assert steady_names([("a.py", "x" * 4_000)]) == {("a.py", "x" * 4_000): "x" * 4_000}
