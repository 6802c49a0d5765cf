"""Find out which tool wrote a JUnit report. There is no standard, so that details mean different things.

Sources: pytest's ``_pytest/junitxml.py`` and ``_pytest/config/__init__.py`` (``ExitCode``), CMake's
``Source/CTest/cmCTestTestHandler.cxx`` (``WriteJUnitXML``), Meson's ``mtest.py`` (``JunitBuilder``), Node's
``lib/internal/test_runner/reporter/junit.js``, Playwright's ``reporters/junit.ts``, unittest-xml-reporting's
``xmlrunner/result.py``, nose2's ``plugins/junitxml.py``, Catch2's ``reporters/catch_reporter_junit.cpp``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto

from lxml.etree import _Element as Element

_PYTEST = re.compile(r"(?<![\w-])(?:pytest|py\.test)(?![\w-]|\.(?:ini|toml|xml))")
_STAMPED = re.compile(r".*-\d{14}")


class Form(Enum):
    """The tools whose reports need special rules."""

    PYTEST = auto()
    UNITTEST = auto()  # unittest-xml-reporting and nose2
    CTEST = auto()
    MESON = auto()
    NODE = auto()
    PLAYWRIGHT = auto()
    ASSERTIONS = auto()  # Catch2 and doctest: `tests` counts assertions
    OTHER = auto()


def tag_of(element: Element) -> str:
    """Return the element's name in small letters, without namespace; empty for comments and processing instructions."""
    tag: object = element.tag  # a function if the element is a comment
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def suites_of(root: Element) -> list[Element]:
    """Return all suites of a document, with the element around them."""
    return [element for element in root.iter() if tag_of(element) in {"testsuite", "testsuites"}]


def cases_of(root: Element) -> list[Element]:
    """Return the elements of all tests in a document, or in a suite."""
    return [element for element in root.iter() if tag_of(element) == "testcase"]


def form_of(root: Element, command: str) -> Form:
    """Return which tool wrote a document, by its form and by the command that ran."""
    suites, cases = suites_of(root), cases_of(root)
    return next((form for form, holds in _TESTS if holds(suites, cases, command)), Form.OTHER)


def _is_pytest(suites: Sequence[Element], _cases: Sequence[Element], _command: str) -> bool:
    return any(suite.get("name") == "pytest" and "hostname" in suite.attrib for suite in suites)


def _is_unittest(suites: Sequence[Element], _cases: Sequence[Element], _command: str) -> bool:
    named = [suite.get("name", "") for suite in suites if tag_of(suite) == "testsuite"]
    return named == ["nose2-junit"] or (bool(named) and all(map(_STAMPED.fullmatch, named)))


def _is_run_by_pytest(_suites: Sequence[Element], _cases: Sequence[Element], command: str) -> bool:
    return bool(_PYTEST.search(command))


def _is_ctest(suites: Sequence[Element], cases: Sequence[Element], _command: str) -> bool:
    states = {"run", "fail", "notrun", "disabled"}
    return (
        bool(cases)
        and all(
            case.get("name") == case.get("classname") and case.get("status") in states and "result" not in case.attrib
            for case in cases
        )
        and all("disabled" in suite.attrib for suite in suites if tag_of(suite) == "testsuite")
    )


def _counts_assertions(_suites: Sequence[Element], cases: Sequence[Element], _command: str) -> bool:
    return bool(cases) and all(case.get("status") == "run" and "result" not in case.attrib for case in cases)


def _is_node(_suites: Sequence[Element], cases: Sequence[Element], _command: str) -> bool:
    return bool(cases) and all(case.get("classname") in {"test", "suite"} for case in cases)


def _is_playwright(suites: Sequence[Element], cases: Sequence[Element], _command: str) -> bool:
    root = suites[0] if suites else None
    if root is None or tag_of(root) != "testsuites" or not {"id", "name"} <= set(root.attrib):
        return False
    return bool(cases) and all(_parent(case).get("name") == case.get("classname") for case in cases)


def _is_meson(suites: Sequence[Element], cases: Sequence[Element], _command: str) -> bool:
    if not suites or set(suites[0].attrib) != {"tests", "errors", "failures"}:
        return False
    return bool(cases) and all(_parent(case).get("name") == case.get("classname") for case in cases)


def _parent(element: Element) -> Element:
    parent = element.getparent()
    return element if parent is None else parent


_TESTS: tuple[tuple[Form, Callable[[Sequence[Element], Sequence[Element], str], bool]], ...] = (
    (Form.PYTEST, _is_pytest),
    (Form.UNITTEST, _is_unittest),
    (Form.CTEST, _is_ctest),
    (Form.PLAYWRIGHT, _is_playwright),
    (Form.MESON, _is_meson),
    (Form.PYTEST, _is_run_by_pytest),
    (Form.ASSERTIONS, _counts_assertions),
    (Form.NODE, _is_node),
)
