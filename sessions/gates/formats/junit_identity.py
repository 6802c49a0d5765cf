"""Find the id of a test in a JUnit report: its file, or a substitute, and its name in that file.

pytest (with ``junit_family=xunit1``), PHPUnit, GoogleTest and others write the file (attribute ``file``). Otherwise the
class name is used instead, or, if that is empty or useless, the name of the suite or the gate.
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

# How Python's unittest and nose2 name a subtest: the test, then message and parameters.
SUBTEST = re.compile(r"(?P<test>\w+) (?P<subtest>\(.*\)|\[.*\].*)", re.DOTALL)
# The class of a test with subtests, in Meson: `project.test`, or `project.project:suite / test`.
_MESON = re.compile(r"^(?P<project>.+)\.(?P=project)(?::.*)? / ")


def identify(case: Element, form: Form, gate: str) -> tuple[str, str]:
    """Return the test's file and its name in that file.

    The class name usually repeats the file (``tests.test_a.TestB`` in ``tests/test_a.py``); that part is left out. For
    a file that the runner could not read at all, the name is empty.
    """
    name, group, file = case.get("name", ""), case.get("classname", ""), same_path(case.get("file", ""))
    suites = suite_names(case)
    if form is Form.NODE:
        return file or gate, " > ".join([*suites, name])
    if form is Form.PYTEST and not group and not file:
        return name, ""  # the runner could not read the file
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
    """Split a test's name from its project and suites.

    Meson writes these before each name (``project:suite / test``) if any test of the project has a suite.
    """
    before, _, rest = name.rpartition(" / ")
    return rest, before


def suite_names(case: Element) -> list[str]:
    """Return the names of the suites around the test, the outermost first."""
    suites = [each for each in case.iterancestors() if tag_of(each) == "testsuite"]
    return [name for each in reversed(suites) if (name := each.get("name", ""))]


def properties(case: Element) -> str:
    """Return the test's properties, or else its suite's, as a text that may distinguish it from other tests."""
    own = _properties(case)
    parent = case.getparent()
    return own if own or parent is None else _properties(parent)


def _properties(element: Element) -> str:
    # Properties come first in a suite, which may have many thousand tests after them.
    found = [each for holder in islice(element, 8) if tag_of(holder) == "properties" for each in holder]
    return ", ".join(f"{each.get('name', '')}={each.get('value', '')}" for each in found)[:200]


def _host(case: Element) -> str:
    suite = next((each for each in case.iterancestors() if tag_of(each) == "testsuite"), None)
    return "" if suite is None else suite.get("hostname", "")


def _without(module: str, group: str) -> str:
    """Remove the module, or as much of its end as matches, from the beginning of the class name."""
    parts = module.split(".")
    for start in range(len(parts)):
        known = ".".join(parts[start:])
        if group == known or group.startswith(f"{known}."):
            return group[len(known) + 1 :]
    return group
