"""A key of a configuration table: a dataclass field that carries its meaning for the schema and the documentation."""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import Any


def key(meaning: str, default: Any = MISSING) -> Any:
    """Return a field of a settings dataclass, with what the key means; required if it has no default."""
    return field(default=default, metadata={"meaning": meaning})
