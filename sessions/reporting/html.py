"""Render the report as HTML pages: self-contained, readable without scripts, safe whatever text a ticket has."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sessions.gates.results import TestId
from sessions.ledger.record import Record, RecordedOptions, RecordedProbe
from sessions.reporting.common_causes import release_warning
from sessions.reporting.compiled_templates import CompiledTemplates
from sessions.reporting.filters import SHARED_FILTERS
from sessions.reporting.news import news_of
from sessions.reporting.pictures import draw_line, draw_search, draw_time, spent
from sessions.reporting.provisos import provisos
from sessions.reporting.record_view import (
    at_fault,
    by_urgency,
    counts,
    log_tail,
    probes_that_show,
    queue,
    sides,
)
from sessions.reporting.verdicts import GATE_SYMBOLS, HEAD_FIRST, PURPOSES, STATES, VERDICTS
from sessions.terminal.harmless_text import harmless

_HERE = Path(__file__).parent


def page(record: Record, state: Path) -> str:
    """Return the report of a day. ``state`` is the state folder, which has the probes' logs."""
    return render_page(
        "page.html.jinja",
        record=record,
        warning=release_warning(record),
        provisos=provisos(record),
        news=news_of(record, state / "days"),
        tickets=by_urgency(record),
        titles={each.number: each.title for each in record.tickets},
        counts=counts(record),
        places={number: at + 1 for at, number in enumerate(queue(record))},
        at_fault=at_fault(record),
        blocks=_blocks(record),
        excerpts=_excerpts(record, state),
        line=draw_line(record),
        search=draw_search(record),
        time=draw_time(record),
        spent=spent(record),
    )


def _blocks(record: Record) -> Mapping[int, list[int]]:
    """Return, by ticket, the tickets that it blocks."""
    blocks: dict[int, list[int]] = {}
    for ticket in record.tickets:
        for blocker in ticket.blocked_by:
            blocks.setdefault(blocker, []).append(ticket.number)
    return blocks


def _excerpts(record: Record, state: Path) -> Mapping[int, list[tuple[RecordedProbe, str]]]:
    """Return, by ticket, the probes that show what it breaks, one for each gate, with the end of their logs."""
    return {
        ticket.number: [(probe, log_tail(state, probe.log)) for probe in probes_that_show(record, ticket)]
        for ticket in record.tickets
    }


def render_page(name: str, **values: object) -> str:
    """Render a template with our style and script. Its content security policy forbids to load or run anything else."""
    style, script = _source("page.css"), _source("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(name)
        .render(
            style=Markup(style),  # noqa: S704  our own files
            script=Markup(script),  # noqa: S704
            policy=policy,
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sessions.reporting", "."),
        bytecode_cache=CompiledTemplates("html"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        **SHARED_FILTERS,
        "day": _say_day,
        "sides": sides,
        "many": _many,
        "given": _given,
    }
    environment.globals |= {
        "verdicts": VERDICTS,
        "head_first": HEAD_FIRST,
        "states": STATES,
        "gate_symbols": GATE_SYMBOLS,
        "purposes": PURPOSES,
    }
    environment.tests["address"] = _is_address
    return environment


def _finalize(value: object) -> object:
    """Remove characters that change the writing direction or control a terminal from every value."""
    value = str(value) if isinstance(value, TestId) else value
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_address(url: str) -> bool:
    """Whether an address may be a link's target: a web address, never a script."""
    return bool(re.match(r"https?://[^\s/]", url))


def _say_day(date: str) -> str:
    day = dt.date.fromisoformat(date)
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _many(count: int, noun: str) -> str:
    """``1 probe``, ``2 probes``."""
    return f"{count:,} {noun}{'s' * (count != 1)}".replace(",", "\u202f")


def _given(options: RecordedOptions) -> dict[str, object]:
    """Return the options that were given."""
    return {name: value for name, value in vars(options).items() if value}


@cache
def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
