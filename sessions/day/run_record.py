"""Make the run record of a session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sessions import __version__
from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress
from sessions.day.recorded_gates import recorded_gate, recorded_probe, recorded_trunk
from sessions.day.recorded_tickets import recorded_blocker, recorded_ticket
from sessions.day.setup import describe_setup
from sessions.day.trunk_breaks import TrunkBreak
from sessions.ledger.record import (
    Published,
    Record,
    RecordedBestSet,
    RecordedHint,
    RecordedOptions,
    RecordedTicket,
    State,
    Timings,
)
from sessions.ledger.record_file import save_record
from sessions.settings.options import Options
from sessions.source.blockers import Blocker
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """The results of a session that go into its record, in addition to the day itself."""

    state: State
    message: str = ""
    complete: bool = True
    tickets: Sequence[Ticket] = ()
    progress: Progress | None = None
    runner: ProbeRunner | None = None
    queue: Sequence[Ticket] = ()
    blockers: Sequence[Blocker] = ()
    best_set: RecordedBestSet | None = None
    hints: Sequence[RecordedHint] = ()
    trunk_breaks: Sequence[TrunkBreak] = ()


def make_record(day: Day, day_result: DayResult) -> Record:
    """Return the run record of a session."""
    progress, runner = day_result.progress, day_result.runner
    head = progress.line.head if progress else day.base
    probes = list(runner.consulted.values()) if runner else []
    return Record(
        integrand=__version__,
        project=day.config.project.name,
        release=day.release.tag,
        base=day.release.commit,
        trunk=recorded_trunk(day.merger.trunk, day_result.trunk_breaks),
        date=day.options.date.isoformat(),
        branch=day.branch,
        head=head.commit,
        tree=head.tree,
        state=day_result.state,
        message=day_result.message,
        complete=day_result.complete,
        asked=tuple(gate.name for gate in day.asked_gates()),
        options=_options(day.options),
        queue=tuple(each.number for each in day_result.queue),
        order=tuple(head.tickets),
        hints=tuple(day_result.hints),
        best_set=day_result.best_set,
        blockers=tuple(map(recorded_blocker, day_result.blockers)),
        tickets=_tickets(day, day_result),
        gates={gate.name: recorded_gate(gate.name, progress, probes) for gate in day.config.gates},
        probes=tuple(map(recorded_probe, probes)),
        engine=runner.engine.name if runner else "",
        image=runner.builder.image.name if runner else "",
        published=Published(),
        setup=describe_setup(day.config, day.state),
        timings=Timings(
            seconds=round(time.monotonic() - day.started, 3),
            probes_run=sum(each.fresh for each in probes),
            probe_seconds=round(sum(each.probe_result.seconds for each in probes), 3),
        ),
    )


def is_success(record: Record, fail_on: str | None) -> bool:
    """Whether a session with this record ends with status 0: the requested gates pass on the head.

    It is no failure if other gates must still run: a day may be split over several sessions.
    """
    if fail_on == "ejected" and any(each.verdict.is_at_fault for each in record.tickets):
        return False
    if record.state is State.PAUSED:
        return record.complete
    return record.state in (State.GREEN, State.EMPTY)


def write_record(day: Day, day_result: DayResult) -> Record:
    """Make the record and save it as the newest."""
    record = make_record(day, day_result)
    save_record(record, day.folder)
    return record


def _tickets(day: Day, day_result: DayResult) -> tuple[RecordedTicket, ...]:
    progress = day_result.progress
    if progress is None:
        return ()
    return tuple(recorded_ticket(each, progress, day) for each in day_result.tickets)


def _options(options: Options) -> RecordedOptions:
    return RecordedOptions(
        release=options.release or "",
        only=options.only,
        without=options.without,
        limit=options.limit or None,
        gates=options.gates,
        files=options.files,
        plan=options.plan,
    )
