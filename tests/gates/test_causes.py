"""The error with which a test fails, and the place in the project that raised it."""

from __future__ import annotations

import pytest

from sessions.gates.causes import Cause, cause_of, commonest_error, has_many_failures, say_failures

FIXTURE = """@pytest.fixture
    def app():
>       raise RuntimeError("no")
E       RuntimeError: no

tests/conftest.py:5: RuntimeError"""
COLLECTED = """ImportError while importing test module '/tmp/x/tests/test_b.py'.
Traceback:
/usr/lib/python3.11/importlib/__init__.py:126: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_b.py:1: in <module>
    import nothing
E   ModuleNotFoundError: No module named 'nothing'"""
SAGE = """Failed example:
    f(2)
Exception raised:
    Traceback (most recent call last):
      File "/sage/local/lib/python3.9/site-packages/sage/doctest/forker.py", line 714, in _run
        self.compile_and_execute(example, compiler, test.globs)
      File "<doctest sage.a.f[0]>", line 1, in <module>
        f(Integer(2))
      File "src/sage/a.py", line 7, in f
        return g(n)
    ValueError: no such thing at 0x7f2342424242"""
COMPARED = "def test_a():\n>       assert 1 == 2\nE       assert 1 == 2\n\ntests/test_a.py:4: AssertionError"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (FIXTURE, Cause(words="RuntimeError: no", file="tests/conftest.py", statement='raise RuntimeError("no")')),
        (COLLECTED, Cause(words="ModuleNotFoundError: No module named 'nothing'", module="nothing")),
        (SAGE, Cause(words="ValueError: no such thing at 0x…", file="src/sage/a.py", statement="return g(n)")),
        (
            "Error: Cannot find module 'chai'\n    at a (b:1)",
            Cause(words="Error: Cannot find module 'chai'", module="chai"),
        ),
        ("Error: Cannot find module './mine'", None),
        (COMPARED, Cause(words="assert 1 == 2", file="tests/test_a.py", statement="assert 1 == 2")),
        ("3 tests ran on the release, and 2 here.", None),
        ("", None),
    ],
)
def test_a_message_says_its_error_and_the_innermost_place_in_the_project(message: str, cause: Cause | None) -> None:
    assert cause_of(message) == cause


def test_a_cause_is_the_same_at_another_line_and_address() -> None:
    moved = FIXTURE.replace("conftest.py:5", "conftest.py:50")
    assert cause_of(moved) == cause_of(FIXTURE)
    assert cause_of(SAGE.replace("0x7f2342424242", "0x7f99999999")) == cause_of(SAGE)
    assert cause_of(SAGE.replace("g(n)", "h(n)")) != cause_of(SAGE)


@pytest.mark.parametrize(("message", "is_assertion"), [(COMPARED, True), (FIXTURE, False), (SAGE, False)])
def test_a_comparison_is_told_from_an_error(message: str, *, is_assertion: bool) -> None:
    cause = cause_of(message)
    assert cause
    assert cause.is_assertion is is_assertion


def test_the_commonest_error_is_counted() -> None:
    assert commonest_error([FIXTURE, COLLECTED, FIXTURE, ""]) == ("RuntimeError: no", 2)
    assert commonest_error([""]) == ("", 0)


@pytest.mark.parametrize(
    ("failed", "tests", "many"), [(0, 0, False), (4, 10, False), (5, 100, True), (5, 101, False), (50, 400_000, True)]
)
def test_many_are_a_share_or_a_number(failed: int, tests: int, *, many: bool) -> None:
    assert has_many_failures(failed, tests) is many


def test_what_fails_is_counted_in_tests_and_faults_of_a_document_by_themselves() -> None:
    assert say_failures(60, 480, "doctest") == "60 of 480 tests of doctest fail"
    assert say_failures(32, 1, "doc-pdf") == "32 faults of doc-pdf are found"
