"""What a JUnit report calls a test: the file that it is in, or what stands for it, and a name below that.

The file is told by pytest's ``junit_family=xunit1``, by PHPUnit, GoogleTest and others (``file``); elsewhere the class
name stands in for it, and where that is empty or says nothing the suite's name, or the gate's.
"""

from __future__ import annotations

import posixpath
import re
from itertools import islice
from typing import TYPE_CHECKING

from sessions.gates.formats.findings import same_path
from sessions.gates.formats.junit_forms import Form, tag_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# How Python's unittest and nose2 name a subtest: its test, then message and parameters.
SUBTEST = re.compile(r"(?P<test>\w+) (?P<subtest>\(.*\)|\[.*\].*)", re.DOTALL)
# The class of a test with subtests, in Meson: `project.test`, or `project.project:suite / test`.
_MESON = re.compile(r"^(?P<project>.+)\.(?P=project)(?::.*)? / ")


def identify(case: Element, form: Form, gate: str) -> tuple[str, str]:
    """The test's file and, below it, its name.

    The class name mostly repeats the file (``tests.test_a.TestB`` in ``tests/test_a.py``), and is left out as
    far as it does. A file that could not be read at all is named as a whole: its name is empty.
    """
    name, group, file = case.get("name", ""), case.get("classname", ""), same_path(case.get("file", ""))
    suites = suite_names(case)
    if form is Form.NODE:
        return file or gate, " > ".join([*suites, name])
    if form is Form.PYTEST and not group and not file:
        return name, ""  # a file that could not be read
    if form is Form.MESON:
        group = _MESON.sub(r"\g<project>.", group)
    if form is Form.PLAYWRIGHT and (project := _host(case)):
        name = f"[{project}] {name}"
    return _place(name, group, file, suites[-1] if suites else "", gate)


def _place(name: str, group: str, file: str, suite: str, gate: str) -> tuple[str, str]:
    if group.startswith("./"):
        group = same_path(group)
    name = name or suite
    if not file:
        file = group or suite or gate
        return file, "" if same_path(name) == file != group else name
    module = posixpath.splitext(file)[0].replace("/", ".")
    if not group and name == module:
        return file, ""
    rest = _without(module, group)
    return file, f"{rest}.{name}" if rest else name


def without_group(name: str) -> tuple[str, str]:
    """A test's name without its project and suites, and these.

    Meson writes them before each name (``project:suite / test``) as soon as one test of a project has a suite.
    """
    before, _, rest = name.rpartition(" / ")
    return rest, before


def suite_names(case: Element) -> list[str]:
    """The names of the suites that hold the test, the outermost first."""
    suites = [each for each in case.iterancestors() if tag_of(each) == "testsuite"]
    return [name for each in reversed(suites) if (name := each.get("name", ""))]


def properties(case: Element) -> str:
    """What a test's own properties, or else its suite's, say of it, in words that may tell it from another."""
    own = _properties(case)
    parent = case.getparent()
    return own if own or parent is None else _properties(parent)


def _properties(element: Element) -> str:
    # They come first; a suite may have many thousand tests behind them.
    found = [each for holder in islice(element, 8) if tag_of(holder) == "properties" for each in holder]
    return ", ".join(f"{each.get('name', '')}={each.get('value', '')}" for each in found)[:200]


def _host(case: Element) -> str:
    suite = next((each for each in case.iterancestors() if tag_of(each) == "testsuite"), None)
    return "" if suite is None else suite.get("hostname", "")


def _without(module: str, group: str) -> str:
    """Take the module, or as much of its end as is there, from the class name's beginning."""
    parts = module.split(".")
    for start in range(len(parts)):
        known = ".".join(parts[start:])
        if group == known or group.startswith(f"{known}."):
            return group[len(known) + 1 :]
    return group
