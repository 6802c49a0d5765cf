"""Run a story for each release line of the configuration, with one ledger and one mirror, and compare the lines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sessions.day.healing import Story, run_healing
from sessions.day.run_record import is_success
from sessions.ledger.record import Record
from sessions.ledger.record_file import folder_of, record_data
from sessions.reporting.lines import describe_lines, write_lines
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import IntegrandError, UsageError
from sessions.terminal.harmless_text import harmless_line


@dataclass(frozen=True, kw_only=True)
class LineDay:
    """What a story returned for one release line: a record, or the error message with which it ended."""

    options: Options
    record: Record | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """The name of the line."""
        return self.options.line

    @property
    def is_success(self) -> bool:
        """Whether a session that ran this line alone would end with status 0."""
        return self.record is not None and is_success(self.record, self.options.fail_on)

    @property
    def summary(self) -> str:
        """The result in one line: ``24.x: green: 5 tickets together pass every gate``."""
        result = self.fault.rstrip(".") if self.record is None else f"{_outcome(self.record)}: {self.record.message}"
        return harmless_line(f"{self.name}: {result}")


def has_lines(config: Config, options: Options) -> bool:
    """Whether a call is about several release lines: the configuration has some, and the options name none.

    Raises :class:`UsageError` for an option that needs one line.
    """
    if not config.lines or options.line:
        return False
    for name, value in (("--shell", options.shell is not None), ("--release", options.release)):
        if value:
            raise UsageError(f"{name} needs a release line: add --line {config.lines[0].name}, for example.")
    return True


def run_lines(story: Story, config: Config, options: Options, console: Console) -> tuple[LineDay, ...]:
    """Run a story for each line, in the order of the configuration, and write the page that compares them.

    An error ends its own line alone. All lines share the budget.
    """
    started, days = time.monotonic(), list[LineDay]()
    for line in config.lines:
        console.step(f"Line {line.name}")
        left = None if options.budget is None else max(1.0, options.budget - (time.monotonic() - started))
        days.append(_run_line(story, replace(options, line=line.name, budget=left), console))
    records = {day.name: day.record for day in days if day.record}
    for row in describe_lines(records):
        console.detail(row)
    page = write_lines(options.state, records, {day.name: _report(day) for day in days if day.record})
    console.detail(f"all lines: {page}")
    return tuple(days)


def lines_data(days: Sequence[LineDay]) -> Mapping[str, object]:
    """Return the records of all lines as JSON data, ``null`` for a line that ended in an error."""
    return {"lines": {day.name: record_data(day.record) if day.record else None for day in days}}


def _run_line(story: Story, options: Options, console: Console) -> LineDay:
    try:
        return LineDay(options=options, record=run_healing(story, options, console))
    except UsageError:
        raise
    except IntegrandError as error:
        console.bad(str(error))
        return LineDay(options=options, fault=str(error))


def _report(day: LineDay) -> str:
    """Return where the report of a line lies, relative to the folder of all lines."""
    assert day.record is not None  # noqa: S101  only such days are asked for
    folder = folder_of(day.record, day.options.home)
    return (folder / "report.html").relative_to(day.options.state / "lines").as_posix()


def _outcome(record: Record) -> str:
    return "plan" if record.options.plan else str(record.state)
