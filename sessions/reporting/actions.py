"""Write to GitHub Actions: the job's summary, annotations, outputs, and text without accidental commands.

Limits and escapes follow GitHub's documentation of workflow commands.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sessions.ledger.record import Record, RecordedTicket, State
from sessions.reporting.common_causes import release_warning
from sessions.reporting.record_view import at_fault, by_urgency, counts
from sessions.reporting.templates import Filters, render
from sessions.reporting.verdicts import STATES
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError
from sessions.terminal.harmless_text import harmless
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.dialects.markdown import MARKDOWN

# Of a step: bytes of its summary, and annotations of each level.
_SUMMARY, _OF_A_LEVEL = 1024 * 1024, 10


def tell_actions(record: Record, report: Path, console: Console, environ: Mapping[str, str] = os.environ) -> None:
    """Write the day's result to the GitHub Actions job; do nothing elsewhere.

    Raises :class:`InfrastructureError` if GitHub's files cannot be written.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return
    for line in notes(record):
        console.terminal.print(line, markup=False)
    with _telling(report):
        if place := environ.get("GITHUB_STEP_SUMMARY"):
            path = Path(place)
            _append(path, summary(record, _SUMMARY - (path.stat().st_size if path.exists() else 0)))
    set_outputs(record, report, environ)


def set_outputs(record: Record, report: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Write the outputs of a session for later steps and jobs of GitHub Actions; do nothing elsewhere.

    Raises :class:`InfrastructureError` if GitHub's file cannot be written.
    """
    place = environ.get("GITHUB_OUTPUT")
    if environ.get("GITHUB_ACTIONS") == "true" and place:
        with _telling(report):
            _append(Path(place), "".join(_output(name, value) for name, value in outputs(record, report).items()))


@contextmanager
def _telling(report: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InfrastructureError(
            f"GitHub Actions' files cannot be written: {error.strerror or error}; the report itself is in {report}."
        ) from None


@contextmanager
def without_commands(console: Console, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Make GitHub Actions ignore workflow commands in all output of the block."""
    if environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    # The random token ends the block; the author of a log cannot know it.
    token = secrets.token_hex(16)
    console.terminal.print(f"::stop-commands::{token}", markup=False)
    try:
        yield
    finally:
        console.terminal.print(f"::{token}::", markup=False)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def outputs(record: Record, report: Path) -> dict[str, str]:
    """Return the outputs for later steps and jobs. ``image`` is the published image, if there is one."""
    image = record.published.image
    return {
        "state": record.state,
        "release": record.release,
        "date": record.date,
        "head": record.head,
        "branch": record.branch,
        "image": image.name if image else record.image,
        "report": str(report),
    }


def _output(name: str, value: str) -> str:
    """Format an output between delimiters that its value cannot contain."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{' '.join(harmless(value).split())}\n{end}\n"


def notes(record: Record) -> list[str]:
    """Return annotations as workflow commands: new failures, tickets that need action, and flaky tests."""
    is_bad = record.state in (State.RED, State.BROKEN)
    errors = [_say("error", record.state, record.message)] if is_bad else []
    for name, gate in record.gates.items():
        for failure in gate.failures:
            place = {"file": failure.file, **({"line": str(failure.line)} if failure.line else {})}
            text = f"{failure.test}\n{failure.message}"
            errors.append(_say("error", f"new in {name}", text, **(place if failure.file else {})))
    warnings = [_say("warning", f"{name_ticket(each.number)} {each.title}", each.reason) for each in at_fault(record)]
    flaky = [(name, test) for name, gate in record.gates.items() for test in gate.flaky]
    notices = [_say("notice", f"flaky in {name}", str(test)) for name, test in flaky]
    return [*_first("error", errors), *_first("warning", warnings), *_first("notice", notices)]


def _first(level: str, lines: list[str]) -> list[str]:
    """Return as many annotations of a level as GitHub keeps; the last one says how many more there are."""
    if len(lines) <= _OF_A_LEVEL:
        return lines
    more = len(lines) - _OF_A_LEVEL + 1
    return [*lines[: _OF_A_LEVEL - 1], _say(level, f"{more} more", "The report names them all.")]


def _say(level: str, title: str, text: str, **properties: str) -> str:
    values = {**properties, "title": " ".join(harmless(title).split())[:200]}
    formatted = ",".join(
        f"{key}={_escape(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in values.items()
    )
    return f"::{level} {formatted}::{_escape(text[:1000])}"


def _escape(text: str) -> str:
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def summary(record: Record, room: int = _SUMMARY) -> str:
    """Return the day as Markdown of at most ``room`` bytes: the result, tickets that need action, gates, evidence."""
    parts, size = list[str](), 0
    for part in _parts(record):
        size += len(part.encode())
        if size > room - 200:  # leave room for the last sentence
            return "".join(
                [*parts, "\n\nThe rest was left out, because GitHub accepts no more: see the report itself.\n"]
            )
        parts.append(part)
    return "".join(parts)


def _parts(record: Record) -> Iterator[str]:
    """Yield the summary in pieces, the most important first, because it may be cut between any two."""
    yield _render("answer", record=record, counts=counts(record), warning=release_warning(record))
    yield from _table("Needs action", record, at_fault(record))
    yield _render("gates", record=record)
    yield from (_render("evidence", ticket=each) for each in at_fault(record))
    yield from _table("Every ticket", record, by_urgency(record))


def _table(title: str, record: Record, tickets: list[RecordedTicket]) -> Iterator[str]:
    """Yield a table of some tickets of a record, row by row."""
    if tickets:
        yield _render("heading", title=title)
        yield from (_render("row", record=record, ticket=each) for each in tickets)
        yield "\n"


def _render(part: str, **values: object) -> str:
    filters: Filters = {"plain": _cut, "fenced": _cut_fenced}
    return render("summary.md.jinja", filters, part=part, states=STATES, **values)


def _cut(text: object) -> str:
    whole = str(text)
    return MARKDOWN.escape(whole if len(whole) <= 400 else whole[:400] + "…")


def _cut_fenced(text: str) -> str:
    return MARKDOWN.fence("\n".join(line[:300] for line in text.splitlines()), 24)
