"""JSON Schema of the configuration, for editors, made from the dataclasses that check it."""

from __future__ import annotations

import typing
from dataclasses import MISSING, fields
from typing import Any, Literal

from sessions.config import Config


def config_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of ``integration.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Integrand's integration.toml",
        **_table(Config),
    }


def _table(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    keys = {
        each.name: _value(hints[each.name]) | {"description": each.metadata["meaning"]} | _default(each.default)
        for each in fields(kind)
    }
    needed = [each.name for each in fields(kind) if each.default is MISSING]
    return {"type": "object", "properties": keys, "required": needed, "additionalProperties": False}


def _value(hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _value(typing.get_args(hint)[0])}
    if typing.get_origin(hint) is Literal:
        return {"enum": list(typing.get_args(hint))}
    if hint in (str, int):
        return {"type": "string" if hint is str else "integer"}
    return _table(hint)


def _default(value: object) -> dict[str, Any]:
    match value:
        case str() | int():
            return {"default": value}
        case tuple():
            return {"default": list(value)}
        case _:
            return {}
