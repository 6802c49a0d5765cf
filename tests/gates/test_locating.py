from __future__ import annotations

import pytest

from sessions.gates.locating import Locator

PATHS = (
    *("tests/test_a.py", "sub/tests/test_b.py", "other/tests/test_b.py", "src/test/java/org/a/AppTest.java"),
    *("tests/Unit/FooTest.php", "tests/a.test.js", "deep/er/a.test.js", "setup.py", "tests/__init__.py"),
)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("tests/test_a.py", "tests/test_a.py"),
        ("/somewhere/else/tests/test_a.py", "tests/test_a.py"),
        ("test_a.py", "tests/test_a.py"),
        ("tests.test_a", "tests/test_a.py"),
        ("tests.test_a.TestGroup", "tests/test_a.py"),
        ("test_a", "tests/test_a.py"),
        ("sub/tests/test_b.py", "sub/tests/test_b.py"),
        ("tests/test_b.py", None),  # two have that end
        ("tests.test_b", None),
        ("sub.tests.test_b.TestB", "sub/tests/test_b.py"),
        ("org.a.AppTest", "src/test/java/org/a/AppTest.java"),
        ("org.a.AppTest$Inner", "src/test/java/org/a/AppTest.java"),
        ("App\\Tests\\Unit\\FooTest", "tests/Unit/FooTest.php"),
        ("Unit\\FooTest::adds", "tests/Unit/FooTest.php"),
        ("deep/er/a.test.js", "deep/er/a.test.js"),
        ("a.test.js", None),
        ("/source/tests/a.test.js", "tests/a.test.js"),
        ("", None),
        ("unit", None),
        ("nowhere/test_z.py", None),
    ],
)
def test_a_place_in_a_report_is_found_in_the_repository_or_not_at_all(place: str, path: str | None) -> None:
    assert Locator(PATHS).locate(place) == path
