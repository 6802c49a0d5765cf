"""``nox -s integrate``: the release plus every ticket that is ready, without those that break something new."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

from sessions.baseline import measure_baseline
from sessions.day.baselines import Baselines, mending_tickets
from sessions.day.context import Day, open_day
from sessions.day.finish import conclude
from sessions.day.forecast import foresee, say_forecast
from sessions.day.green_head import GreenHead, Progress
from sessions.day.merge_queue import choose, draw_up, todays_rules
from sessions.day.probe_outcomes import called
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult
from sessions.day.sharding import gather, run_shard
from sessions.day.shell import look_inside
from sessions.day.trunk_breaks import TrunkBreak, find_trunk_breaks
from sessions.ledger.record import Record, State
from sessions.settings.options import Options
from sessions.source.blockers import Blocker, find_blockers
from sessions.source.line import Line, Queue, merge_line, start_line
from sessions.terminal.console import Console
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError, SourceError
from sessions.tickets.model import Decision, Ticket, Verdict, name_tickets
from sessions.tickets.trackers import TRACKERS


def integrate(options: Options, console: Console) -> Record:
    """Pick, order, merge; find a head on which nothing new fails; publish it if asked; record and report."""
    if options.shell is not None:
        return look_inside(options, console)
    with open_day(options, console) as day:
        tickets = _read_tickets(day)
        gather(day)
        queue = _draw_up(day, tickets)
        progress = Progress(line=_merge(day, queue))
        if options.plan or not queue.tickets:
            record = conclude(day, _with_queue(day, queue, _plan(day, tickets, progress)))
        else:
            with day.runner() as runner:
                if options.shard:
                    day_result = _work_on_shard(day, options.shard, tickets, progress, runner)
                else:
                    day_result = _work(day, queue, tickets, progress, runner)
                record = conclude(day, _with_queue(day, queue, day_result), runner)
        console.detail(f"the report is in {day.folder / 'report.html'}; `nox -s report` shows it here")
        return record


def _read_tickets(day: Day) -> tuple[Ticket, ...]:
    asked = day.config.tickets
    tickets = choose(TRACKERS[asked.tracker](asked).read(), day.options)
    day.console.step(f"Tickets: {len(tickets)} from the {asked.tracker} tracker")
    return tickets


def _draw_up(day: Day, tickets: tuple[Ticket, ...]) -> Queue:
    rules = todays_rules(day.config, day.release, tickets, day.mirror.default_branch)
    drawn = draw_up(tickets, rules, day.mirror, day.release, day.config, day.options)
    milestone = f" for milestone {rules.milestone}" if rules.milestone else ""
    day.console.detail(f"{len(drawn.tickets)} are ready{milestone}, {len(drawn.out)} are not")
    queue = start_line(drawn, day.merger)
    if drawn.trunk:
        told = "first come" if queue.trunk else "not merged, as they clash with the release:"
        trunk, carriers = drawn.trunk, name_tickets(sorted(drawn.carriers)[:5])
        more = f" and {len(drawn.carriers) - 5} more" if len(drawn.carriers) > 5 else ""
        day.console.detail(f"{told} {trunk.extent} of {trunk.name}, which are in the branches of {carriers}{more}")
    return queue


def _merge(day: Day, queue: Queue) -> Line:
    day.console.step(f"Merging onto {day.release.tag}")
    line = merge_line(queue, day.merger, {})
    left = len(queue.tickets) - len(line.tickets)
    day.console.detail(f"{len(line.tickets)} fit together, {left} do not: head {line.head.commit[:10]}")
    return line


def _with_queue(day: Day, queue: Queue, day_result: DayResult) -> DayResult:
    """What was ready, and who of it keeps several others out of the line as it is at the end."""
    blockers: tuple[Blocker, ...] = ()
    with suppress(SourceError):  # where git fails, the day has said so; this is advice
        if day_result.progress:
            blockers = find_blockers(queue, day_result.progress.line, day.merger)
    for blocker in blockers:
        day.console.detail(str(blocker))
    return replace(day_result, queue=queue.tickets, blockers=blockers)


def _plan(day: Day, tickets: tuple[Ticket, ...], progress: Progress) -> DayResult:
    message = "a plan: no gate has run" if day.options.plan else "no ticket is ready"
    return DayResult(state=State.EMPTY, message=message, tickets=tickets, progress=progress)


def _work(day: Day, queue: Queue, tickets: tuple[Ticket, ...], progress: Progress, runner: ProbeRunner) -> DayResult:
    """Measure the baseline, find the green head. Whatever stops that, what was found is gathered."""
    complete = False
    broke: tuple[TrunkBreak, ...] = ()
    _foretell(day, progress, runner)
    try:
        baselines = Baselines(day=day, runner=runner, mending=mending_tickets(day, progress.line.tickets))
        measure_baseline(day, baselines)
        broke = find_trunk_breaks(day, runner)
        baselines.check(day.asked_gates())
        GreenHead(day=day, queue=queue, runner=runner, baselines=baselines, progress=progress).find()
        state, message = _outcome(day, progress)
        complete = _is_complete(day, progress)
        _keep_artifacts(day, progress, runner)
    except (BudgetEndedError, GatePendingError) as error:
        state, message = State.PAUSED, f"{error}; the same command with all gates goes on from here"
        progress.line = _unreached(progress.line, message)
    except (InfrastructureError, SourceError) as error:
        state, message = State.BROKEN, str(error).rstrip(".")
        progress.line = _unreached(progress.line, "our own machinery broke before its result was known")
    return DayResult(
        state=state,
        message=message,
        complete=complete,
        tickets=tickets,
        progress=progress,
        runner=runner,
        trunk_breaks=broke,
    )


def _work_on_shard(
    day: Day, shard: tuple[int, int], tickets: tuple[Ticket, ...], progress: Progress, runner: ProbeRunner
) -> DayResult:
    """Run one part of the gates; the call that gathers all parts judges."""
    name = "{}/{}".format(*shard)
    state = State.PAUSED
    complete = False
    try:
        run_shard(day, runner, progress.line.head, shard)
        message = f"shard {name} has run: `nox -s integrate -- --gather DIR` goes on with all of them"
        complete = True
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
    except (InfrastructureError, SourceError) as error:
        state, message = State.BROKEN, str(error).rstrip(".")
    progress.line = _unreached(progress.line, f"only shard {name} of the gates has run")
    return DayResult(state=state, message=message, complete=complete, tickets=tickets, progress=progress, runner=runner)


def _outcome(day: Day, progress: Progress) -> tuple[State, str]:
    if not progress.line.tickets:
        return State.EMPTY, "every ticket that was ready had to be left out"
    if progress.failing:
        failing = ", ".join(map(called, progress.failing))
        return State.RED, f"{failing} fails on the head, and no ticket could be shown to be the cause"
    # Not what is known to be pending, but whatever was not seen to pass.
    if unseen := [gate.name for gate in day.config.gates if gate.name not in progress.measured]:
        return State.PAUSED, f"{', '.join(sorted(unseen))} has not run on this head: type `nox -s integrate`"
    return State.GREEN, f"{len(progress.line.tickets)} tickets together pass every gate"


def _foretell(day: Day, progress: Progress, runner: ProbeRunner) -> None:
    """Say what the day will cost, before it does."""
    head, culprits = progress.line.head, day.earlier_culprits()
    gates = [runner.history(gate, (day.base, head)) for gate in day.asked_gates()]
    forecast = foresee(len(head.tickets), gates, culprits)
    told = say_forecast(forecast, runner.pool.size, len(culprits), day.options.budget)
    day.console.detail(f"forecast: {told}")


def _is_complete(day: Day, progress: Progress) -> bool:
    """Whether every gate that this call could run passes on the head; others may still have to."""
    asked = {gate.name for gate in day.asked_gates()}
    return not progress.failing and not asked & progress.pending


def _unreached(line: Line, why: str) -> Line:
    """What was only merged so far is neither integrated nor at fault."""
    untold = Decision(verdict=Verdict.NOT_REACHED, reason=why)
    decisions = {n: untold if each.verdict is Verdict.INTEGRATED else each for n, each in line.decisions.items()}
    return replace(line, decisions=decisions)


def _keep_artifacts(day: Day, progress: Progress, runner: ProbeRunner) -> None:
    shutil.rmtree(day.folder / "artifacts", ignore_errors=True)
    for gate in day.config.gates:
        made = runner.artifacts(progress.line.head.tree, gate)
        if made.is_dir():
            shutil.copytree(made, day.folder / "artifacts" / gate.name)
            day.console.detail(f"{gate.name}: artifacts in {day.folder / 'artifacts' / gate.name}")
