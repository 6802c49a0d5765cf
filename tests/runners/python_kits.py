"""Kits for Python's runners."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from tests.runners.kit import GOOD, OTHER, Kit, Other, test_id

_FIRST = f"""import os
import pytest


def test_good():
    assert {GOOD}


def test_bad():
    assert False
"""
_SECOND = f"""import os
import pytest

{OTHER}
def test_last():
    pass
"""
_TEST = Other(
    passes="def test_other():\n    pass\n",
    dies="def test_other():\n    os._exit(0)\n",
    skips="@pytest.mark.skip\ndef test_other():\n    pass\n",
)
PYTEST = Kit(
    name="pytest",
    run="{python} -m pytest -q -p no:cacheprovider --junit-xml {results}",
    first="tests/test_a.py",
    first_text=_FIRST,
    second="tests/test_b.py",
    second_text=_SECOND,
    renamed="tests/test_c.py",
    passes="True",
    fails="1 == 2",
    test=_TEST,
    good=test_id("tests.test_a::test_good"),
    bad=test_id("tests.test_a::test_bad"),
    other=test_id("tests.test_b::test_other"),
    last=test_id("tests.test_b::test_last"),
    moved=test_id("tests.test_c::test_other"),
    files={"pytest.ini": "[pytest]\n"},
)
_FILES = {
    "good": test_id("tests/test_a.py::test_good"),
    "bad": test_id("tests/test_a.py::test_bad"),
    "other": test_id("tests/test_b.py::test_other"),
    "last": test_id("tests/test_b.py::test_last"),
    "moved": test_id("tests/test_c.py::test_other"),
}
XUNIT1 = replace(PYTEST, name="pytest-xunit1", run=f"{PYTEST.run} -o junit_family=xunit1", **_FILES)  # type: ignore[arg-type]
# A worker that dies takes its test with it, and the run goes on.
XDIST = replace(PYTEST, name="pytest-xdist", run=f"{PYTEST.run} -n 2", outlives_a_test=True)
RERUNS = replace(
    PYTEST,
    name="pytest-rerunfailures",
    run=f"{PYTEST.run} --reruns 1",
    missing=lambda: "" if importlib.util.find_spec("pytest_rerunfailures") else "pytest-rerunfailures is not installed",
)
# Settings and root folder lie in a folder below the repository's.
SUBFOLDER = replace(
    PYTEST,
    name="pytest-subfolder",
    run="cd python && {python} -m pytest -q -p no:cacheprovider --junit-xml {results} -o junit_family=xunit1",
    first="python/tests/test_a.py",
    second="python/tests/test_b.py",
    renamed="python/tests/test_c.py",
    files={"python/pytest.ini": "[pytest]\n"},
    **_FILES,  # type: ignore[arg-type]
)
SUBTESTS = replace(
    PYTEST,
    name="pytest-subtests",
    first_text=f"""def test_bad(subtests):
    with subtests.test("first"):
        assert {GOOD}
    with subtests.test("second"):
        assert "second" == ""
""",
    good=replace(PYTEST.bad, example="assert 1 == 2"),
    passes="True",
)
_UNIT_FIRST = f"""import unittest


class TestA(unittest.TestCase):
    def test_good(self):
        self.assertTrue({GOOD})

    def test_bad(self):
        self.fail("x")
"""
_UNIT_SECOND = f"""import os
import unittest


class TestB(unittest.TestCase):
{OTHER}
    def test_zlast(self):
        pass
"""
_UNIT_TEST = Other(
    passes="    def test_other(self):\n        pass\n",
    dies="    def test_other(self):\n        os._exit(0)\n",
    skips="    @unittest.skip('no')\n    def test_other(self):\n        pass\n",
)
XMLRUNNER = Kit(
    name="unittest-xml-reporting",
    run="{python} -m xmlrunner discover -s tests -t . --output-file {results}",
    first="tests/test_a.py",
    first_text=_UNIT_FIRST,
    second="tests/test_b.py",
    second_text=_UNIT_SECOND,
    renamed="tests/test_c.py",
    passes="True",
    fails="False",
    test=_UNIT_TEST,
    good=test_id("tests/test_a.py::TestA.test_good"),
    bad=test_id("tests/test_a.py::TestA.test_bad"),
    other=test_id("tests/test_b.py::TestB.test_other"),
    last=test_id("tests/test_b.py::TestB.test_zlast"),
    moved=test_id("tests/test_c.py::TestB.test_other"),
    files={"tests/__init__.py": ""},
    missing=lambda: "" if importlib.util.find_spec("xmlrunner") else "unittest-xml-reporting is not installed",
)
NOSE2 = replace(
    XMLRUNNER,
    name="nose2",
    run="{python} -m nose2 --plugin nose2.plugins.junitxml --junit-xml --junit-xml-path {results}",
    good=test_id("tests.test_a.TestA::test_good"),
    bad=test_id("tests.test_a.TestA::test_bad"),
    other=test_id("tests.test_b.TestB::test_other"),
    last=test_id("tests.test_b.TestB::test_zlast"),
    moved=test_id("tests.test_c.TestB::test_other"),
    missing=lambda: "" if importlib.util.find_spec("nose2") else "nose2 is not installed",
)
ROBOT = Kit(
    name="robot",
    # It adds an ending to a name that has none.
    run=(
        "{python} -m robot --log NONE --report NONE --xunit xunit.xml tests; status=$?; mv xunit.xml {results}; "
        "exit $status"
    ),
    first="tests/a.robot",
    first_text=f"*** Test Cases ***\nGood\n    Should Be True    {GOOD}\nBad\n    Fail    x\n",
    second="tests/b.robot",
    second_text=f"*** Test Cases ***\n{OTHER}Last\n    No Operation\n",
    renamed="tests/c.robot",
    passes="True",
    fails="False",
    test=Other(
        passes="Other\n    No Operation\n",
        dies="Other\n    Evaluate    os._exit(0)    modules=os\n",
        skips="Other\n    Skip    no\n",
    ),
    good=test_id("Tests.A::Good"),
    bad=test_id("Tests.A::Bad"),
    other=test_id("Tests.B::Other"),
    last=test_id("Tests.B::Last"),
    moved=test_id("Tests.C::Other"),
    missing=lambda: "" if importlib.util.find_spec("robot") else "robotframework is not installed",
)
KITS = (PYTEST, XUNIT1, XDIST, RERUNS, SUBFOLDER, SUBTESTS, XMLRUNNER, NOSE2, ROBOT)
