"""The run record's JSON Schema, made from its classes: ``python -m sessions.ledger.record_schema`` writes it again.

A test compares the file with the classes.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal

from sessions.gates.results import TestId
from sessions.ledger.record import Record
from sessions.ledger.record_file import OPTIONAL, RENAMED, SCHEMA
from sessions.terminal.ticket_numbers import JSON_SCHEMA, TicketNumber

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``run.json``."""
    definitions = dict[str, dict[str, Any]]()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Integrand's run record, STATE/latest/run.json",
        **_object(Record, definitions),
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _object(kind: type, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    written = {RENAMED.get(each.name, each.name): each for each in fields(kind)}
    return {
        "type": "object",
        "required": [name for name, each in written.items() if not _has_default(each)],
        "properties": {
            name: _value(_as_written(hints[each.name], kind, each.name), definitions) for name, each in written.items()
        },
        "additionalProperties": False,
    }


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _as_written(hint: Any, kind: type, name: str) -> Any:
    """Return the type of a field in JSON: a field that is left out if it is None is never null."""
    marks: tuple[Any, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, *rest = typing.get_args(hint)
        marks = tuple(rest)
    if name in OPTIONAL.get(kind, ()) and typing.get_origin(hint) in (typing.Union, UnionType):
        hint = next(each for each in typing.get_args(hint) if each is not NoneType)
    for mark in marks:
        hint = Annotated[hint, mark]
    return hint


def _value(hint: Any, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is TicketNumber:
        return dict(JSON_SCHEMA)
    if origin is Annotated:
        schema = _value(args[0], definitions)
        for mark in args[1:]:
            schema |= mark if isinstance(mark, dict) else {"description": mark}
        return schema
    if origin is tuple:
        return {"type": "array", "items": _value(args[0], definitions)}
    if origin in (typing.Union, UnionType):
        return {"anyOf": [_value(each, definitions) for each in args]}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value(args[1], definitions)}
    return {"enum": list(args)} if origin is Literal else _named(hint, definitions)


def _named(kind: Any, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if kind is Any:
        return {}
    if kind is NoneType:
        return {"type": "null"}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # no class holds itself, so that nobody sees it empty
        definitions[kind.__name__] = _definition(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _definition(kind: type, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if kind is TestId:
        return {
            "type": "string",
            "description": "FILE::NAME [EXAMPLE]; FILE or GATE where that fails as a whole",
        }
    if issubclass(kind, StrEnum):
        return {"enum": [str(each) for each in kind]}
    assert is_dataclass(kind), kind  # noqa: S101  a new kind of field needs its schema here
    return _object(kind, definitions)


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(record_schema(), indent=2) + "\n", encoding="utf-8")
