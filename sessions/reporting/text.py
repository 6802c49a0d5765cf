"""The report as plain text, for a pipe, a file and a log: one ticket a line, and every name as it can be copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import indent

from sessions.ledger.record import Record
from sessions.reporting.common_causes import release_warning
from sessions.reporting.provisos import provisos
from sessions.reporting.record_view import by_head, changes_to_tests, passed, state_label
from sessions.reporting.templates import Filters, render
from sessions.reporting.verdicts import verdict_text
from sessions.terminal.harmless_text import break_ci_commands, harmless_line, harmless_lines

_KINDS = ("new", "known", "fixed", "gone", "skipped", "flaky")
# Of an excerpt of a log or a conflict.
_LINES = 30


def plain_report(record: Record) -> str:
    """The report as plain text. What comes from tickets and logs holds no command of a terminal or a CI runner."""
    filters: Filters = {"plain": _plain, "block": _block}
    text = render(
        "report.txt.jinja",
        filters,
        record=record,
        state=state_label(record),
        warning=release_warning(record),
        provisos=provisos(record),
        gates=_gates(record),
        tickets=_tickets(record),
        kinds=_KINDS,
    )
    return break_ci_commands(text)


def _gates(record: Record) -> str:
    counted = ("new", "known", "fixed", "gone", "newly skipped", "flaky")
    rows: list[tuple[str, ...]] = [("gate", "state", "release", "head", *counted)]
    for name, gate in record.gates.items():
        tests = (gate.new, gate.known, gate.fixed, gate.gone, gate.skipped, gate.flaky)
        rows.append((name, gate.state, passed(gate, "release"), passed(gate, "head"), *(str(len(e)) for e in tests)))
    return _table(rows)


def _tickets(record: Record) -> str:
    rows = []
    for each in by_head(record):
        why = "; ".join(filter(None, (each.reason, changes_to_tests(each))))
        rows.append(
            (
                str(each.number),
                verdict_text(each.verdict, is_plan=record.options.plan),
                each.title + (f": {why}" if why else ""),
            )
        )
    return _table(rows)


def _table(rows: Iterable[Sequence[str]]) -> str:
    """Rows whose columns begin at the same place; the last column is as long as it is."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _plain(text: object) -> str:
    return harmless_line(str(text))


def _block(text: str) -> str:
    return indent("\n".join(harmless_lines(text, _LINES)), "    ", lambda _line: True)
