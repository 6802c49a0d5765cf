from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions import main
from sessions.settings.ticket_settings import HIGHS

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """version = 1
project = {{ name = "x", repository = "x" }}
tickets = {{ url = "tickets.toml", select = "{select}" }}
[[gates]]
name = "test"
run = "true"
"""


@pytest.mark.parametrize(
    ("select", "words", "expected"),
    [
        ("best", [], (HIGHS,)),
        ("first", [], ()),
        ("bset", [], ()),
        ("best", ["--help"], ()),
        ("best", ["--no-such-option"], ()),
    ],
)
def test_the_solver_is_needed_for_the_best_set_alone(
    select: str, words: list[str], expected: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "integration.toml").write_text(CONFIG.format(select=select), encoding="utf-8")
    assert main.missing_packages("integrate", words, tmp_path) == (), "it is installed for the tests"
    monkeypatch.setattr(main, "find_spec", lambda _name: None)
    assert main.missing_packages("integrate", words, tmp_path) == expected
