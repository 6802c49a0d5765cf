"""One entry more in a registry, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

_Entry = TypeVar("_Entry")


@contextmanager
def registered(registry: dict[str, _Entry], name: str, entry: _Entry) -> Iterator[None]:
    """Add an entry. Afterwards the registry is as before, in its order: that is what the options show."""
    before = dict(registry)
    registry[name] = entry
    try:
        yield
    finally:
        registry.clear()
        registry.update(before)
