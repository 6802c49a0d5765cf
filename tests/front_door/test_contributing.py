"""The first change that CONTRIBUTING.md walks through: its test fails without it, and passes with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sessions.day import advice

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_first_change_makes_its_own_test_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^ *```python\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
    ((log, words, what),), (sign,) = (ast.literal_eval(block.strip()) for block in blocks)
    assert advice.last_words(log) == words
    assert advice.advice(log, "`run`") == "Correct `run` or its requirements."
    monkeypatch.setattr(advice, "_SIGNS", (*advice._SIGNS, sign))
    assert advice.advice(log, "`run`") == f"Correct `run` or its requirements: {what}"


def test_each_file_and_session_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:sessions|tests|docs|\.ci)/[\w./]+)`|\]\(([\w./]+)\)", GUIDE):
        assert (ROOT / "".join(path)).exists(), path
    sessions = re.findall(r"^def ([a-z_]+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    for typed in re.findall(r"nox -s ([a-z ]+)", GUIDE):
        assert set(typed.split()) <= set(sessions), typed
