"""`nox -s figures`: what it measures in a small package, and that docs/architecture.md has its table."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tools.figures import BEGIN, END, ROOT, Figure, format_table, measure, replace_table

PYPROJECT = """
[tool.vulture]
paths = ["sessions"]
exclude = ["sessions/sample/project"]
ignore_decorators = ["@kept"]
ignore_names = ["allowed"]
"""
MODULES = {
    "__init__.py": "",
    "main.py": "from sessions.integrate import integrate\nintegrate()\n",
    "integrate.py": "def integrate():\n    from sessions.day.queue import draw\n    return draw()\n",
    "misplaced.py": "import sessions.day.queue\nfrom sessions.gates import results, shards\nTOP = 1\n",
    "day/__init__.py": "",
    "day/queue.py": "from sessions.gates.results import Results as R\n\ndef draw():\n    return R().one(), R().two()\n",
    "gates/__init__.py": "",
    "gates/results.py": (
        "class Results:\n    def one(self):\n        ...\n\n    async def two(self):\n        ...\n"
        "\nclass Format(Protocol[T]):\n    def a(self): ...\n    def b(self): ...\n    def c(self): ...\n"
    ),
    "gates/shards.py": "draw = 2\n_private = 3\nUPPER = draw\n\ndef unused():\n    " + "pass\n    " * 41 + "pass\n",
    "gates/other.py": "_private = 3\nUPPER = _private\nallowed = UPPER\n\n@kept\ndef decorated(): ...\n",
    "sample/project/module.py": "def never_measured(): ...\n" * 99,
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "sessions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def test_each_figure_is_measured(package: Path) -> None:
    found = {figure.title: (figure.value, figure.names) for figure in measure(package)}
    unused = found["unused names that vulture finds"][1]
    lines = sum(text.count("\n") for name, text in MODULES.items() if "project" not in name)
    assert found == {
        "modules": (10, ()),
        "lines": (lines, ()),
        "lines of the longest function": (43, ("gates.shards.unused",)),
        "methods of the largest class, protocols aside": (2, ("gates.results.Results",)),
        "modules of ours that a module imports, stories aside": (1, ("day.queue",)),
        "public names defined in two modules": (1, ("draw",)),
        "modules beside the stories and `main`": (1, ("sessions.misplaced",)),
        "unused names that vulture finds": (9, unused),
    }
    assert {"shards.unused", "misplaced.TOP", "results.a"} <= set(unused)
    assert not {"other.allowed", "other.decorated", "module.never_measured"} & set(unused)


@functools.cache
def figures() -> list[Figure]:
    return measure(ROOT)


def test_the_table_replaces_the_one_before() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replace_table(page, "| new |") == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    with pytest.raises(ValueError, match="needs the lines"):
        replace_table("no markers", "| new |")


def test_the_documentation_has_all_figures() -> None:
    """Values change with each commit, so only titles and bounds are compared. `nox -s figures` writes the table."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    written = page.partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0]
    assert titles_and_bounds(written) == titles_and_bounds(format_table(figures()))


def titles_and_bounds(table: str) -> list[tuple[str, str]]:
    return [(cells[1], cells[3]) for cells in (row.split("|") for row in table.split("\n"))]


def test_no_figure_exceeds_its_bound() -> None:
    assert [each.title for each in figures() if each.bound is not None and each.value > each.bound] == []
