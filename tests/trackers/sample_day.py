"""The sample's day with its tickets in some tracker: the verdicts of the sample, and nothing to write the day after."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sessions.integrate import integrate
from sessions.report import report
from sessions.sample.history import expectations
from sessions.sample.unpack import Sample
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.terminal.console import Console
from sessions.tickets.model import Ticket
from sessions.tickets.trackers.file import FileTracker
from tests.stories.desk import IN_PART

# What merges, a cycle, a conflict with the release, what breaks a test, what is not ready and what needs that,
# what is for another release, what is merged.
_OF_EACH_KIND = (101, 107, 108, 109, 110, 114, 119, 120, 125, 126)
# Two that are at fault only together, what names no branch, and a title that is hostile to reports.
PAIR_AND_TEXTS = (115, 116, 118, 122)
ROOT = Path(__file__).resolve().parents[2]


def day_options(folder: Path, sample: Sample, **keys: str | list[str]) -> Options:
    """Write the sample's configuration, with other ``keys`` in ``[tickets]``; what is typed, with ``--publish``."""
    text = (ROOT / "integration.toml").read_text()
    for key, value in {"repository": str(sample.repository), **keys}.items():
        before, _, after = re.split(rf"(?m)^({key} +=.*)$", text, maxsplit=1)
        text = f"{before}{key} = {json.dumps(value)}{after}"
    (folder / "integration.toml").write_text(text)
    return Options(
        config=folder / "integration.toml",
        state=folder / "state",
        date=dt.date(2026, 11, 23),
        engine="local",
        publish=True,
    )


def days_tickets(sample: Sample, *more: int) -> tuple[Ticket, ...]:
    """The sample's tickets: all at a desk, or with INTEGRAND_DAYS set; one of each kind and ``more`` in CI."""
    tickets = FileTracker(Tracker(url=str(sample.tickets))).read()
    return tuple(each for each in tickets if not IN_PART or each.number in {*_OF_EACH_KIND, *more})


def check_day(
    options: Options,
    writes: Callable[[], int],
    others: dict[int, str] | None = None,
    numbers: Iterable[int] | None = None,
) -> None:
    """Play the day, and report it thrice; ``writes`` counts what the tracker's server changed.

    ``others`` are verdicts that differ from the sample's, for what the tracker cannot express; ``numbers`` are the
    tickets that it has, where these are not all.
    """
    console = Console(to_stderr=True)
    record = integrate(options, console)
    verdicts = {number: str(each.verdict) for number, each in expectations().items()} | (others or {})
    expected = {number: verdicts[number] for number in (verdicts if numbers is None else numbers)}
    assert {each.number: each.verdict for each in record.tickets} == expected
    report(options, console)
    first = writes()
    assert first >= sum(verdict != "ineligible" for verdict in expected.values())
    report(options, console)
    assert writes() == first
    tomorrow = replace(options, date=options.date + dt.timedelta(days=1))
    assert integrate(tomorrow, console).timings.probes_run == 0
    report(tomorrow, console)
    assert writes() == first
