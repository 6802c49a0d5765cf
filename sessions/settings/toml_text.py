"""Read text, mostly TOML, that people write with any editor."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def read_edited_text(path: Path) -> str:
    """Return the text of a file, without the mark with which some editors begin.

    Raises OSError, and ValueError with a clause if the file is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8: save the file in that encoding") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a text. Raises ValueError with a clause for anything that is no TOML, or no sane one."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
