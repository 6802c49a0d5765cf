"""What Python files import, and how far they are from each other."""

from __future__ import annotations

from sessions.gates.python_imports import ImportGraph, imported_names

SOURCES = {
    "src/pkg/__init__.py": b"from .core import run",
    "src/pkg/core.py": b"import re\nfrom pkg import sub\nfrom .sub.deep import x",
    "src/pkg/sub/__init__.py": b"",
    "src/pkg/sub/deep.py": b"x = 1",
    "src/pkg/re.py": b"",
    "tests/conftest.py": b"import pkg",
    "tests/test_core.py": b"def f():\n    from pkg.core import run",
    "tests/test_other.py": b"import json",
    "broken.py": b"def",
}


def test_a_source_names_what_it_imports_anywhere_in_it() -> None:
    assert imported_names(SOURCES["src/pkg/core.py"]) == (".sub.deep.x", "pkg.sub", "re")
    assert imported_names(SOURCES["tests/test_core.py"]) == ("pkg.core.run",)
    assert imported_names(b"from .. import a, b") == ("..a", "..b")
    assert imported_names(b"def") == imported_names(b"\0") == ()


def test_a_file_is_as_many_imports_away_as_the_shortest_way_has() -> None:
    graph = ImportGraph({path: imported_names(source) for path, source in SOURCES.items()})
    assert graph.distances("src/pkg/core.py") == {
        "src/pkg/core.py": 0,
        "src/pkg/__init__.py": 1,
        "tests/test_core.py": 1,
        "tests/conftest.py": 2,
        "tests/test_other.py": 3,
    }
    assert graph.distances("src/pkg/sub/deep.py")["tests/test_core.py"] == 2
    assert graph.distances("src/pkg/re.py") == {"src/pkg/re.py": 0}
    assert graph.distances("README.md") == {"README.md": 0}
