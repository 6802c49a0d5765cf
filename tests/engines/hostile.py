"""The attacks of hostile.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.engines.probe import Ending

TABLE = Path(__file__).with_suffix(".toml")
# What no attack may bring out: it is in files outside, and in tokens of the caller's environment.
SECRET = "c4nary"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """``commands`` are a probe's steps, of which the last must end in one of ``endings``."""

    group: str
    name: str
    commands: tuple[str, ...]
    endings: tuple[Ending, ...] = ("exited",)
    seconds: float = 20

    def steps(self, **places: object) -> list[str]:
        """The commands with the names of places filled in."""
        filled = []
        for command in self.commands:
            for name, place in places.items():
                command = command.replace(f"{{{name}}}", str(place))  # noqa: PLW2901
            filled.append(command)
        return filled


def _attack(group: str, words: dict[str, Any]) -> Attack:
    lists = {key: tuple(value) for key, value in words.items() if isinstance(value, list)}
    return Attack(group=group, **{**words, **lists})


ATTACKS = [
    _attack(group, words)
    for group, table in tomllib.loads(TABLE.read_text(encoding="utf-8")).items()
    for words in table
]
