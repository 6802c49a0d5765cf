"""``nox -s integrate``: merge all ready tickets onto the release, and take out those that break something new."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

from sessions.baseline import measure_baseline
from sessions.day.baselines import Baselines
from sessions.day.context import Day, open_day
from sessions.day.finish import conclude
from sessions.day.fixes import broken_by_fixes, fix_tickets
from sessions.day.forecast import foresee, say_forecast
from sessions.day.green_head import GreenHead
from sessions.day.line_selection import LineSelection, describe_best
from sessions.day.narrowing import narrow_gates
from sessions.day.opened_runner import open_runner
from sessions.day.plan import describe_plan, plan_message
from sessions.day.probe_outcomes import called
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress, unreached
from sessions.day.recorded_tickets import recorded_best_set, recorded_hint
from sessions.day.run_record import DayResult
from sessions.day.running_report import RunningReport
from sessions.day.sharding import gather, run_shard
from sessions.day.shell import look_inside
from sessions.day.slowness import Slowness
from sessions.day.todays_queue import TodaysTickets, read_tickets, todays_queue
from sessions.day.trunk_breaks import TrunkBreak, find_trunk_breaks
from sessions.ledger.record import Record, State
from sessions.settings.options import Options
from sessions.source.blockers import Blocker, find_blockers
from sessions.source.line import Line, Queue, start_line
from sessions.terminal.console import Console
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError, SourceError
from sessions.terminal.phrases import are
from sessions.tickets.model import Ticket, name_tickets
from sessions.tickets.trackers.configured import name_trackers


def integrate(options: Options, console: Console) -> Record:
    """Read and merge the tickets, find a head on which nothing new fails, publish it if requested, write the report."""
    if options.shell is not None:
        return look_inside(options, console)
    with open_day(options, console) as day:
        today = _read_tickets(day)
        gather(day)
        queue, tickets = _build_queue(day, today), today.tickets
        lines = LineSelection(day=day, queue=queue, hints=today.hints)
        progress = Progress(line=_merge(day, lines))
        if options.plan or not queue.tickets:
            progress.line = lines.explain(progress.line)
            record = conclude(day, _with_queue(day, lines, _plan(day, tickets, progress)))
        else:
            record = _run_gates(narrow_gates(day), lines, tickets, progress)
        is_latest = (day.home / "latest").resolve() == day.folder.resolve()
        how = "; type `nox -s report` to show it here" if is_latest else ", beside that of the whole day"
        console.detail(f"report: {day.folder / 'report.html'}{how}")
        return record


def _run_gates(day: Day, lines: LineSelection, tickets: tuple[Ticket, ...], progress: Progress) -> Record:
    with open_runner(day) as runner:
        if day.options.shard:
            baselines = _baselines(day, lines, progress, runner)
            day_result = _work_on_shard(day, day.options.shard, tickets, progress, baselines)
        else:
            day_result = _work(day, lines, tickets, progress, runner)
        return conclude(day, _with_queue(day, lines, day_result), runner)


def _read_tickets(day: Day) -> TodaysTickets:
    today = read_tickets(day)
    day.console.step(f"Tickets: {len(today.tickets)} from the {name_trackers(day.config.tickets)}")
    for hint in today.hints.used([ticket.number for ticket in today.tickets], {}):
        day.console.detail(f"hint: {hint}")
    return today


def _build_queue(day: Day, today: TodaysTickets) -> Queue:
    ready = todays_queue(day, today)
    milestone = f" for milestone {today.rules.milestone}" if today.rules.milestone else ""
    day.console.detail(f"{are(len(ready.tickets))} ready{milestone}, {are(len(ready.out))} not")
    queue = start_line(ready, day.merger)
    if ready.trunk:
        action = "merged first:" if queue.trunk else "not merged, because they conflict with the release:"
        carriers = name_tickets(sorted(ready.carriers)[:5])
        more = f" and {len(ready.carriers) - 5} more" if len(ready.carriers) > 5 else ""
        day.console.detail(
            f"{action} {ready.trunk.extent} of {ready.trunk.name}, which are in the branches of {carriers}{more}"
        )
    return queue


def _merge(day: Day, lines: LineSelection) -> Line:
    day.console.step(f"Merging onto {day.release.tag}")
    line = lines.merge({})
    ready = len(lines.queue.tickets)
    left = ready - len(line.tickets)
    if lines.best:
        day.console.detail(describe_best(lines.best, ready, day.config.priorities))
    day.console.detail(f"{len(line.tickets)} merge, {left} do not: head {line.head.commit[:10]}")
    return line


def _with_queue(day: Day, lines: LineSelection, day_result: DayResult) -> DayResult:
    """Add the queue, and the tickets that keep several others out of the final merge line."""
    blockers: tuple[Blocker, ...] = ()
    queue, progress = lines.queue, day_result.progress
    with suppress(SourceError):  # this is only advice, and the day has reported the error already
        if progress:
            blockers = find_blockers(queue, progress.line, day.merger)
            progress.line = progress.line if day.options.plan else lines.explain(progress.line)
    for blocker in blockers:
        day.console.detail(str(blocker))
    numbers = {ticket.number for ticket in day_result.tickets}
    hints = lines.hints.used(numbers, progress.ignored if progress else {})
    best = recorded_best_set(lines.best, day.config.priorities) if lines.best else None
    return replace(
        day_result, queue=queue.tickets, blockers=blockers, best_set=best, hints=tuple(map(recorded_hint, hints))
    )


def _plan(day: Day, tickets: tuple[Ticket, ...], progress: Progress) -> DayResult:
    """Print the plan if one was requested; otherwise no ticket is ready."""
    message = "no ticket is ready"
    if day.options.plan:
        start = day.merger.start if day.merger.trunk else day.release.tag
        message = plan_message(tickets, progress.line)
        for heading, lines in describe_plan(tickets, progress.line, start):
            day.console.step(heading)
            for each in lines:
                day.console.detail(each)
    return DayResult(state=State.EMPTY, message=message, tickets=tickets, progress=progress)


def _work(
    day: Day, lines: LineSelection, tickets: tuple[Ticket, ...], progress: Progress, runner: ProbeRunner
) -> DayResult:
    """Measure the baseline, and find the green head. Return what was found, even if an error stops the search."""
    complete = False
    broke: tuple[TrunkBreak, ...] = ()
    _print_forecast(day, progress, runner)
    try:
        baselines = _baselines(day, lines, progress, runner)
        measure_baseline(day, baselines)
        progress.broken_by_fixes = broken_by_fixes(day, baselines)
        broke = find_trunk_breaks(day, runner)
        baselines.check(day.asked_gates())
        running = RunningReport(day=day, tickets=tickets, progress=progress, runner=runner)
        GreenHead(
            day=day, lines=lines, runner=runner, baselines=baselines, progress=progress, on_stage=running.write
        ).find()
        Slowness(progress=progress, baselines=baselines, needs=lines.queue.needs).judge()
        state, message = _outcome(day, progress)
        complete = _is_complete(day, progress)
        _keep_artifacts(day, progress, runner)
    except (BudgetEndedError, GatePendingError) as error:
        state, message = State.PAUSED, f"{error}; type the same command with all gates to continue"
        progress.line = unreached(progress.line, message)
    except (InfrastructureError, SourceError) as error:
        state, message = State.BROKEN, str(error).rstrip(".")
        progress.line = unreached(progress.line, "our own infrastructure failed before its result was known")
    return DayResult(
        state=state,
        message=message,
        complete=complete,
        tickets=tickets,
        progress=progress,
        runner=runner,
        trunk_breaks=broke,
    )


def _baselines(day: Day, lines: LineSelection, progress: Progress, runner: ProbeRunner) -> Baselines:
    """The baselines of a line: the release with its fixes; with ``--only``, a named ticket may mend a gate."""
    fixes = fix_tickets(progress.line, lines.queue.needs, day.config)
    named = tuple(each for each in progress.line.tickets if each.number in day.options.only and each not in fixes)
    return Baselines(day=day, runner=runner, mending=named, fixes=fixes)


def _work_on_shard(
    day: Day, shard: tuple[int, int], tickets: tuple[Ticket, ...], progress: Progress, baselines: Baselines
) -> DayResult:
    """Run one part of the gates. The call that gathers all parts compares and decides."""
    name = "{}/{}".format(*shard)
    state = State.PAUSED
    complete = False
    try:
        run_shard(day, baselines, progress.line.head, shard)
        message = f"shard {name} has run: `nox -s integrate -- --gather DIR` continues with all shards"
        complete = True
    except BudgetEndedError as error:
        message = f"{error}; type the same command to continue"
    except (InfrastructureError, SourceError) as error:
        state, message = State.BROKEN, str(error).rstrip(".")
    progress.line = unreached(progress.line, f"only shard {name} of the gates has run")
    return DayResult(
        state=state, message=message, complete=complete, tickets=tickets, progress=progress, runner=baselines.runner
    )


def _outcome(day: Day, progress: Progress) -> tuple[State, str]:
    if not progress.line.tickets:
        return State.EMPTY, "every ticket that was ready had to be left out"
    if progress.failing:
        failing = ", ".join(map(called, progress.failing))
        return State.RED, f"{failing} fails on the head, and no ticket could be shown to be the cause"
    # Any gate that was not seen to pass counts, even if nothing says that it is pending.
    if unseen := [gate.name for gate in day.config.gates if gate.name not in progress.measured]:
        return State.PAUSED, f"{', '.join(sorted(unseen))} has not run on this head: type `nox -s integrate`"
    number = len(progress.line.tickets)
    return State.GREEN, "1 ticket passes every gate" if number == 1 else f"{number} tickets together pass every gate"


def _print_forecast(day: Day, progress: Progress, runner: ProbeRunner) -> None:
    """Print how many probes are expected, and how long they will take."""
    head, culprits = progress.line.head, day.earlier_culprits()
    gates = [runner.cache.history(gate, (day.base, head)) for gate in day.asked_gates()]
    forecast = foresee(len(head.tickets), gates, culprits, runner.at_once)
    day.console.detail(f"forecast: {say_forecast(forecast, len(culprits), day.options.budget)}")


def _is_complete(day: Day, progress: Progress) -> bool:
    """Whether every gate that this call could run passes on the head; other gates may still have to run."""
    requested = {gate.name for gate in day.asked_gates()}
    return not progress.failing and not requested & progress.pending


def _keep_artifacts(day: Day, progress: Progress, runner: ProbeRunner) -> None:
    shutil.rmtree(day.folder / "artifacts", ignore_errors=True)
    for gate in day.config.gates:
        source = runner.cache.artifacts(progress.line.head.tree, gate)
        if source.is_dir():
            shutil.copytree(source, day.folder / "artifacts" / gate.name)
            day.console.detail(f"{gate.name}: artifacts in {day.folder / 'artifacts' / gate.name}")
