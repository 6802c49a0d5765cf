from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import projects
from benchmarks.projects import BEGIN, END, main
from tests.repositories import Builder

LIST = """
[[project]]
name = "you/thing"
kind = "shell"
command = "make check"
trial = true

[[project]]
name = "you/thing"
folder = "sub"
kind = "a subfolder"
command = "cd sub && make test"
"""


def test_the_table_has_what_came_of_each_project(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = builder.commit({"Makefile": "check:\n\ttrue\n", "sub/Makefile": "check:\n\ttrue\n"})
    builder.tag("1.0")
    builder.commit({"a": "1"}, base, branch="refs/pull/1/head")
    builder.commit({"a": "2"}, base, branch="refs/pull/2/head")
    builder.commit({}, base, branch="main")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "you+thing").symlink_to(builder.url)
    (tmp_path / "list.toml").write_text(LIST)
    monkeypatch.setattr(projects, "LIST", tmp_path / "list.toml")
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text(f"{BEGIN}\n{END}\n")
    words = [str(tmp_path / "all"), "--trial", "--page", str(page), "--json", str(figures)]
    assert main(words) == 1, "the second command is not the one that the list names"
    found = json.loads(figures.read_text())
    assert [(each["run"], each["is_correct"], each["error"]) for each in found.values()] == [
        ("make check", True, ""),
        ("cd sub && make check", False, ""),
    ]
    assert "| `make check` | 1 of 2 would be merged, 1 conflict | tests: 1 passed" in page.read_text()
    assert "| you/thing, in sub/ | a subfolder | 1.0 | `cd sub && make check` **wrong** |" in page.read_text()
    capsys.readouterr()
    assert main([str(tmp_path), "--only", "you/thing"]) == 1
    assert "has no folder you+thing" in capsys.readouterr().err
    assert main([str(tmp_path), "--only", "your/thing"]) == 1
    assert "your/thing is not in" in capsys.readouterr().err
