"""The configuration for editors (JSON Schema), and keys and options for readers (Markdown).

They are made from the dataclasses and parsers that check them; `python -m sessions.settings.schema` writes them again,
and a test compares.
"""

from __future__ import annotations

import argparse
import json
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal

from sessions.settings.configuration import Build, Config, CookingSettings, EngineSettings, Gate, Project, Tracker
from sessions.settings.configuration_file import registered_values
from sessions.settings.hint_settings import HintLabels
from sessions.settings.init_options import build_init_parser
from sessions.settings.options import build_parser
from sessions.settings.reproduce_options import build_reproduce_parser
from sessions.settings.resolve_options import build_resolve_parser


def config_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of ``integration.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Integrand's integration.toml",
        **_table(Config),
        "$defs": {"tracker": _table(Tracker)},
    }


def config_reference() -> str:
    """Return all keys of ``integration.toml``, table by table, with their meanings and defaults."""
    parts = [
        "# Every key of integration.toml",
        "Made from the code by `python -m sessions.settings.schema`; keys without a default are needed.",
    ]
    for name, kind in (
        ("project", Project),
        ("tickets", Tracker),
        ("engine", EngineSettings),
        ("build", Build),
        ("gates", Gate),
        ("cooking", CookingSettings),
        ("hints", HintLabels),
    ):
        title = {Gate: f"[[{name}]]", Tracker: f"[{name}]` or `[[{name}]]"}.get(kind, f"[{name}]")
        rows = [f"| `{each.name}` | {each.metadata['meaning']} | {_shown(each.default)} |" for each in fields(kind)]
        parts += [f"## `{title}`", "\n".join(["| key | meaning | default |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def options_reference() -> str:
    """Return all options of all sessions, as their parsers know them."""
    parts = [
        "# Every option",
        "Made from the code by `python -m sessions.settings.schema`. Options follow `--`: `nox -s integrate -- --plan`",
        "## `baseline`, `integrate`, `doc-pdf`, `report`, `audit`, `radar`",
        *_options(build_parser("integrate")),
        "## `init`",
        *_options(build_init_parser()),
        "## `reproduce`",
        "The ticket's number comes first: `nox -s reproduce -- 116 --record run.json`",
        *_options(build_reproduce_parser()),
        "## `resolve`",
        "The ticket's number comes first: `nox -s resolve -- 116`, then `nox -s resolve -- --continue`",
        *_options(build_resolve_parser()),
    ]
    return "\n\n".join(parts) + "\n"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    groups = [*parser._action_groups[2:], parser._action_groups[1]]  # noqa: SLF001  argparse tells them in no other way
    for group in groups:
        known = [each for each in group._group_actions if each.dest != "help"]  # noqa: SLF001
        rows = [f"| `{' '.join((each.option_strings[0], _value_of(each))).strip()}` | {each.help} |" for each in known]
        if rows:
            yield f"### {(group.title or 'more').capitalize()}"
            yield "\n".join(["| option | meaning |", "|---|---|", *rows])


def _value_of(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = " or ".join(map(str, action.choices)) if action.choices else str(action.metavar or "")
    return f"[{name}]" if action.nargs == "?" else f"{name} …" if action.nargs == "+" else name


def _shown(value: object) -> str:
    match value:
        case str() | int() | float():
            return f"`{json.dumps(value)}`"
        case tuple():
            return f"`{json.dumps(list(value))}`"
        case _:
            return ""


def _table(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    keys = {
        each.name: _values(kind, each.name, hints[each.name])
        | {"description": each.metadata["meaning"]}
        | _default(each.default)
        for each in fields(kind)
    }
    needed = [each.name for each in fields(kind) if each.default is MISSING]
    return {"type": "object", "properties": keys, "required": needed, "additionalProperties": False}


def _values(kind: type, key: str, hint: Any) -> dict[str, Any]:
    names = registered_values(kind, key)
    return {"enum": list(names)} if names else _value(hint)


def _value(hint: Any) -> dict[str, Any]:
    if hint == tuple[Tracker, ...]:
        table = {"$ref": "#/$defs/tracker"}
        return {"anyOf": [table, {"type": "array", "items": table, "minItems": 1}]}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _value(typing.get_args(hint)[0])}
    if typing.get_origin(hint) is Literal:
        return {"enum": list(typing.get_args(hint))}
    if hint in (str, int, float, bool):
        return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]}
    return _table(hint)


def _default(value: object) -> dict[str, Any]:
    match value:
        case str() | int():
            return {"default": value}
        case tuple():
            return {"default": list(value)}
        case _:
            return {}


if __name__ == "__main__":
    home = Path(__file__).resolve().parents[2]
    (home / "integration.schema.json").write_text(json.dumps(config_schema(), indent=2) + "\n", encoding="utf-8")
    (home / "docs" / "options.md").write_text(options_reference(), encoding="utf-8")
    (home / "docs" / "configuration.md").write_text(config_reference(), encoding="utf-8")
