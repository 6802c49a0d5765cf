"""Read the configuration file, and name the line of a mistake."""

from __future__ import annotations

import re
import typing
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from sessions.engines.registry import engine_choices
from sessions.settings.configuration import Config, EngineSettings, Tracker
from sessions.settings.configuration_faults import config_faults
from sessions.settings.ticket_settings import with_prefixes
from sessions.settings.toml_text import parse_toml, read_edited_text
from sessions.terminal.errors import UsageError
from sessions.terminal.phrases import suggest
from sessions.tickets.trackers import TRACKERS

# Whole numbers and texts beyond these are mistakes; commands alone may be longer.
_MOST = 1_000_000_000
_LONGEST = 2000
# So much of a wrong value is shown.
_SHOWN = 200
# How messages call the plain types of TOML.
_PLAIN = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def registered_values(kind: type, key: str) -> tuple[str, ...]:
    """Return the permitted values of a key of the table ``kind``, if a registry lists them; else an empty tuple."""
    if (kind, key) == (EngineSettings, "kind"):
        return engine_choices()
    return tuple(TRACKERS) if (kind, key) == (Tracker, "tracker") else ()


def load_config(path: Path) -> Config:
    """Read and check the configuration in ``path``.

    Raises :class:`UsageError` for any mistake, with the file, line, key, and the nearest valid name.
    """
    try:
        text = read_edited_text(path)
        raw = parse_toml(text)
    except FileNotFoundError:
        raise UsageError(
            f"There is no configuration {path}. Type `nox -s init` to write one, or name yours with --config FILE."
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
    reader = _Reader(path, text)
    config: Config = reader.table(Config, raw, "")
    config = replace(
        config, tickets=with_prefixes(config.tickets, {name: kind.prefix for name, kind in TRACKERS.items()})
    )
    for fault in config_faults(config):
        reader.refuse(*fault)
    return config


@dataclass(frozen=True)
class _Reader:
    """Convert TOML tables into the dataclasses above; a mistake is reported with its line."""

    path: Path
    text: str

    def table(self, kind: type, raw: dict[str, Any], where: str) -> Any:
        known = {each.name: each for each in fields(kind)}
        hints = typing.get_type_hints(kind)
        for key in raw:
            if key not in known:
                self.refuse(where, key, f"unknown key{suggest(key, list(known))}")
        for name, each in known.items():
            if name not in raw and each.default is MISSING:
                self.refuse(where, name, "this key is missing")
        for key, value in raw.items():
            if choices := registered_values(kind, key):
                self.check_choice(value, choices, where, key)
        return kind(**{key: self.value(hints[key], value, where, key) for key, value in raw.items()})

    def value(self, hint: Any, value: Any, where: str, key: str) -> Any:
        inside = f"{where}.{key}" if where else key
        if typing.get_origin(hint) is tuple:
            item = typing.get_args(hint)[0]
            if hint == tuple[Tracker, ...] and isinstance(value, dict):
                return (self.value(item, value, where, key),)
            if not isinstance(value, list):
                self.refuse(where, key, f"must be a list, not {_shown(value)}")
            return tuple(self.value(item, each, where, f"{key}[{n}]") for n, each in enumerate(value))
        if typing.get_origin(hint) is Literal:
            self.check_choice(value, typing.get_args(hint), where, key)
            return value
        if hint in _PLAIN:
            return self.plain(hint, value, where, key)
        if not isinstance(value, dict):
            self.refuse(where, key, f"must be a table, not {_shown(value)}")
        return self.table(hint, value, inside)

    def plain(self, hint: Any, value: Any, where: str, key: str) -> Any:
        if hint is float and type(value) is int:
            return float(value)
        if type(value) is not hint:
            self.refuse(where, key, f"must be {_PLAIN[hint]}, not {_shown(value)}")
        if hint is str and "\0" in value:
            self.refuse(where, key, "holds a NUL character, which no program takes")
        if hint is str and len(value) > _LONGEST and key != "run":
            self.refuse(where, key, f"is longer than {_LONGEST} characters")
        if hint is int and value > _MOST:
            self.refuse(where, key, f"must be at most {_MOST}")
        return value

    def check_choice(self, value: object, choices: tuple[str, ...], where: str, key: str) -> None:
        if value not in choices:
            names = [str(each) for each in choices]
            self.refuse(where, key, f"must be one of {', '.join(names)}, not {_shown(value)}{suggest(value, names)}")

    def refuse(self, where: str, key: str, why: str) -> typing.NoReturn:
        name = f"{where}.{key}" if where else key
        line = _line_of(self.text, where, re.sub(r"\[\d+\]$", "", key))
        raise UsageError(
            f"{self.path}{f', line {line}' if line else ''}: {name}: {why}{'' if why.endswith('?') else '.'}"
        )


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"


def _line_of(text: str, where: str, key: str) -> int:
    """Return the line of ``key`` in the table ``where``, or the line of the table, or 0."""
    table, seen, header = "", {"gates": -1}, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]", line):
            table = found[1]
            if line.strip().startswith("[["):
                seen[table] = seen.get(table, -1) + 1
                table = f"{table}[{seen[table]}]"
            header = number if table == where else header
            if not where and table.partition("[")[0] == key:
                return number
        elif table == where and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return header
