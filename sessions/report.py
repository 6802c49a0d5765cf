"""``nox -s report``: write and show the report of the newest day; with ``--publish``, comment on its tickets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sessions.day.cooking_rules import cooking_rules
from sessions.day.effective_configuration import read_configuration
from sessions.day.state_folder import hold_state
from sessions.day.state_sync import take_over
from sessions.ledger.record import Record
from sessions.ledger.record_file import load_record, save_record
from sessions.ledger.state_archive import LEDGER
from sessions.publishing.telling import Telling
from sessions.reporting.actions import tell_actions, without_commands
from sessions.reporting.cooking_files import write_cooking
from sessions.reporting.flake_files import write_flakes
from sessions.reporting.report_files import write_reports
from sessions.reporting.text import plain_report
from sessions.reporting.trends import write_trends
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.terminal.phrases import counted


def report(options: Options, console: Console) -> Record:
    """Write and show the report of the newest run; comment on tickets and close those that are merged, if requested."""
    with hold_state(options.state):
        config = read_configuration(options)
        take_over(config, options, console)
        record = load_record(options.state)
        folder = (options.state / "latest").resolve()
        with without_commands(console):
            _show(record, write_reports(record, folder, cooking_rules(config)), options, console)
        console.detail(f"report: {folder / 'report.html'}, and report.md beside it")
        if options.trends:
            _write_trends(options.state, options.trends, console)
        if options.flakes:
            _write_flakes(options.state, options.flakes, console)
        if options.cooking:
            _write_cooking(config, options.state, options.cooking, console)
        tell_actions(record, folder / "report.html", console)
        return tell_trackers(config, options, record, folder, console)


def _show(record: Record, markdown: str, options: Options, console: Console) -> None:
    """Show the report: rendered on a terminal, as plain text elsewhere, or in the format that was requested."""
    match options.format:
        case "markdown":
            console.print_text(markdown)
        case "text":
            console.print_text(plain_report(record))
        case _:
            console.show(markdown, partial(plain_report, record))


@contextmanager
def _writing(folder: Path, option: str) -> Iterator[None]:
    """Say which option to change if a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}): name another folder with {option}.") from None


def _write_trends(state: Path, folder: Path, console: Console) -> None:
    with _writing(folder, "--trends"):
        days = write_trends(state / "days", folder)
    console.detail(f"trends of {counted(days, 'day')}: {folder / 'trends.json'}, and CSV beside it")


def _write_flakes(state: Path, folder: Path, console: Console) -> None:
    with _writing(folder, "--flakes"):
        count = write_flakes(state / LEDGER, state / "days", folder)
    console.detail(f"{counted(count, 'flaky test')}: {folder / 'flakes.html'}, and JSON and CSV beside it")


def _write_cooking(config: Config, state: Path, folder: Path, console: Console) -> None:
    with _writing(folder, "--cooking"):
        paths = write_cooking(state, folder, cooking_rules(config))
    console.detail(f"what's cooking: {', '.join(map(str, paths)) or 'no day is kept'}")


def tell_trackers(config: Config, options: Options, record: Record, folder: Path, console: Console) -> Record:
    """Comment on the tickets and close them; the record says what was done, even if an error stops the rest."""
    telling = Telling(config=config, options=options, record=record, console=console)
    try:
        telling.tell_all()
    finally:
        record = replace(record, published=telling.published())
        save_record(record, folder)
    return record
