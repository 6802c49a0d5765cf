"""The one way in which a template becomes text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sessions.reporting.common_causes import alike, known_apart, number_of_tests, say_cause
from sessions.reporting.compiled_templates import CompiledTemplates
from sessions.reporting.record_view import changes_to_tests, passed, say_best_set, say_hint
from sessions.reporting.soaks import say_brought_flakes, say_soaks
from sessions.reporting.verdicts import verdict_text
from sessions.terminal.ticket_numbers import file_name, name_ticket

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
    environment.filters |= {
        "verdict_text": verdict_text,
        "ticket_name": name_ticket,
        "file_name": file_name,
        "passed": passed,
        "changes_to_tests": changes_to_tests,
        "best_set": say_best_set,
        "hint": say_hint,
        "alike": alike,
        "number_of_tests": number_of_tests,
        "known_apart": known_apart,
        "cause": say_cause,
        "soaks": say_soaks,
        "brought_flakes": say_brought_flakes,
    }
    environment.filters |= dict(filters)
    return environment
