"""The one way in which a template becomes text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sessions.reporting.compiled_templates import CompiledTemplates
from sessions.reporting.filters import SHARED_FILTERS

Filters = Mapping[str, Callable[..., object]]


def render(name: str, filters: Filters, **values: object) -> str:
    """Return the text of a template of this room.

    It is not HTML, so nothing is escaped by itself: every value that comes from a ticket or a log passes one of
    ``filters`` in the template. What the filters of all templates write are our own words and numbers.
    """
    return _environment(frozenset(filters.items())).get_template(name).render(**values)


@cache
def _environment(filters: frozenset[tuple[str, Callable[..., object]]]) -> Environment:
    environment = Environment(  # noqa: S701
        loader=PackageLoader("sessions.reporting", "."),
        bytecode_cache=CompiledTemplates("text"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {**SHARED_FILTERS, **dict(filters)}
    return environment
