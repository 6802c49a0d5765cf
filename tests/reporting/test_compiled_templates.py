"""Compiled templates are kept beside the modules, and compiled anew when they would be out of date."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment, PackageLoader, nodes

from sessions.reporting import compiled_templates, html
from sessions.reporting.compiled_templates import CompiledTemplates


def fill(text: str) -> str:
    """Fill a template in a new environment, as in a new process."""
    environment = Environment(loader=DictLoader({"a": text}), bytecode_cache=CompiledTemplates("x"), autoescape=True)
    return environment.get_template("a").render()


def test_a_template_is_compiled_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_templates, "__file__", str(tmp_path / "module.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compiled = list[str]()
    compile_source = Environment._compile

    def count(self: Environment, source: str, filename: str) -> object:
        compiled.append(source)
        return compile_source(self, source, filename)

    monkeypatch.setattr(Environment, "_compile", count)
    assert [fill("one"), fill("one"), fill("two"), fill("two")] == ["one", "one", "two", "two"]
    assert len(compiled) == 2
    (kept,) = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(b"damaged")
    assert fill("two") == "two"


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_templates, "__file__", str(tmp_path / "module.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert fill("one") == "one"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "__pycache__").write_text("a file")
    monkeypatch.setattr(compiled_templates, "__file__", str(tmp_path / "module.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert fill("one") == "one"


def test_no_template_holds_what_a_filter_made_when_it_was_compiled() -> None:
    """Jinja calls a filter of a constant while it compiles, and would keep the result when the filter changes."""
    environment = html._environment()
    loader = environment.loader
    assert isinstance(loader, PackageLoader)
    folded = []
    for name in loader.list_templates():
        if name.endswith(".jinja"):
            tree = environment.parse(loader.get_source(environment, name)[0])
            folded += [
                (name, each.lineno) for each in tree.find_all(nodes.Filter) if isinstance(each.node, nodes.Const)
            ]
    assert folded == []
