"""``nox -s reproduce -- N``: run the tests that a ticket breaks again, on any machine, from the day's run record."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

from sessions.day.context import Day, open_day
from sessions.day.debug_images import Evidence, evidence_of
from sessions.day.effective_configuration import read_configuration
from sessions.day.evidence_shell import check_confinement, open_shell
from sessions.day.found_record import find_record
from sessions.day.opened_runner import open_runner
from sessions.day.probe_runner import ProbeRunner
from sessions.day.reproduction_run import last_line, rerun
from sessions.day.setup import write_configuration
from sessions.day.state_folder import hold_state
from sessions.ledger.record import Record, RecordedBreakage
from sessions.reporting.reproduction import rerun_line
from sessions.settings.configuration_file import load_config
from sessions.settings.options import Options
from sessions.settings.reproduce_options import ReproduceOptions
from sessions.source.evidence_bundle import fetch_bundle, fetch_commits, fetch_release
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.terminal.phrases import name_first
from sessions.terminal.ticket_numbers import name_ticket

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def reproduce(options: ReproduceOptions, console: Console) -> str | None:
    """Run what a ticket breaks; return ``None`` if it fails as reported, or else a sentence on the difference.

    Raises :class:`UsageError` if the record has no such failure, :class:`SourceError` if its commit cannot be fetched,
    and :class:`InfrastructureError` if the engine fails.
    """
    with find_record(options.record, options.state) as (record, bundle):
        shown = _evidence(record, options.ticket)
        console.step(f"{name_ticket(options.ticket)} in the record of {record.date}, on {record.release}")
        day_options = _day_options(options, record)
        _fetch(day_options, record, [evidence.commit for evidence in shown], bundle)
        day_options = replace(day_options, engine=options.engine or record.engine or None)
        with open_day(day_options, console) as day, open_runner(day) as runner:
            _say_what_differs(record, runner, console)
            shown = [replace(each, tree=_tree_of(day, each)) for each in shown]
            if options.shell:
                open_shell(day, runner, shown[0])
                return None
            return _run(record, runner, shown, console)


def _evidence(record: Record, number: int) -> list[Evidence]:
    """Return what a ticket breaks, by candidate. Raises :class:`UsageError` if the record has no evidence of it."""
    day = f"the record of {record.date}"
    numbers = sorted({evidence.number for evidence in evidence_of(record)})
    others = (
        f"tickets that do: {', '.join(map(name_ticket, numbers))}" if numbers else "no ticket breaks anything there"
    )
    ticket = next((each for each in record.tickets if each.number == number), None)
    if ticket is None:
        raise UsageError(
            f"Ticket {name_ticket(number)} is not in {day}; {others.replace('that do', 'that break something there')}."
        )
    if not ticket.broke:
        raise UsageError(
            f"Ticket {name_ticket(number)} breaks nothing in {day}: its verdict is {ticket.verdict}; {others}."
        )
    shown = [evidence for evidence in evidence_of(record) if evidence.number == number]
    if not shown:
        raise UsageError(
            f"What {name_ticket(number)} breaks cannot be shown from {day}, which has no commit for it: type "
            f"`{rerun_line(ticket.broke[0], number)}` beside the project's configuration."
        )
    for commit in [record.base, *(evidence.commit for evidence in shown)]:
        if not _COMMIT.fullmatch(commit):
            raise UsageError(f"The run record is damaged ({commit!r} is no commit): copy it again.")
    return shown


def _day_options(options: ReproduceOptions, record: Record) -> Options:
    """Return the options that open the same day: its release, date and engine, with the record's configuration."""
    folder = options.state / "reproduce"
    config = options.config or write_configuration(record, folder)
    recorded = options.config or (record.setup.repository if record.setup else "")
    repository = options.repository or (None if recorded else _local_repository(options, record))
    if not (recorded or repository):
        raise UsageError(
            "The record names no address of the project that another machine could reach: name a clone or an address "
            "with --repository."
        )
    return Options(
        config=config,
        state=options.state,
        release=record.release,
        repository=repository,
        date=date.fromisoformat(record.date),
        engine=options.engine,
        jobs=options.jobs,
    )


def _local_repository(options: ReproduceOptions, record: Record) -> str | None:
    """Return the repository of the project's configuration in the folder where the command was typed, if any."""
    path = options.folder / "integration.toml"
    if not path.is_file():
        return None
    config = load_config(path)
    if config.project.name != record.project:
        return None
    folder = options.folder / config.project.repository
    return str(folder.resolve()) if folder.exists() else config.project.repository


def _fetch(options: Options, record: Record, commits: list[str], bundle: Path) -> None:
    """Fetch the release and the commits that show the failures into the mirror, unless it has them."""
    with hold_state(options.state):
        config = read_configuration(options)
        check_confinement(options, config, record)
        mirror = Mirror.of(config.project.repository, options.state)
        fetch_release(mirror, record.base, record.release)
        if not fetch_commits(mirror, commits):
            fetch_bundle(mirror, commits, bundle)


def _tree_of(day: Day, evidence: Evidence) -> str:
    return day.mirror.repository.git("rev-parse", "--verify", f"{evidence.commit}^{{tree}}").text


def _say_what_differs(record: Record, runner: ProbeRunner, console: Console) -> None:
    """Print how this environment differs from that of the day."""
    if record.engine and record.engine != runner.engine.name:
        console.detail(f"the day ran with the {record.engine} engine, this is {runner.engine.name}")
    python = record.setup.python if record.setup else ""
    if runner.engine.name == "local" and python and python != platform.python_version():
        console.detail(f"the day ran with Python {python}, this is {platform.python_version()}")


def _run(record: Record, runner: ProbeRunner, shown: list[Evidence], console: Console) -> str | None:
    """Run all failing tests, show each excerpt, and return a message on what differs from the record."""
    number, differs, count = shown[0].number, list[str](), 0
    [ticket] = [each for each in record.tickets if each.number == number]
    for evidence in shown:
        reported = [broke for broke in ticket.broke if _is_shown_by(broke, evidence)]
        for broke, result in zip(reported, rerun(runner, evidence, reported), strict=True):
            count += 1
            console.step(f"{result.test} {'fails' if result.again else 'does not fail as reported'}")
            for line in result.message.splitlines():
                console.detail(line)
            before = last_line(broke.message)
            if result.again and result.last_line != before:
                console.detail(f"(the record's last line is another: {before})")
            differs += [] if result.again else [result.test]
    if differs:
        return f"not reproduced: {name_first(differs)} of {count} did not fail as the record says."
    console.good(f"reproduced: {name_ticket(number)} breaks {count} test{'s' * (count != 1)}, as the record says.")
    return None


def _is_shown_by(broke: RecordedBreakage, evidence: Evidence) -> bool:
    same = (broke.gate, broke.commit, broke.is_build)
    return same == (evidence.gate, evidence.commit, evidence.is_build)
