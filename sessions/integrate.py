"""``nox -s integrate``: the release plus every ticket that is ready, without those that break something new."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

from sessions.baseline import measure_baseline
from sessions.conclusion import conclude
from sessions.day import Day, open_day
from sessions.drawing_up import choose, draw_up, todays_rules
from sessions.errors import BudgetEndedError, GatePendingError, InfrastructureError, SourceError
from sessions.forecast import foresee, say_forecast
from sessions.green_head import GreenHead, Progress
from sessions.laboratory import Laboratory
from sessions.ledger.record import Record
from sessions.look_inside import look_inside
from sessions.matrix import gather, run_shard
from sessions.narrator import Narrator
from sessions.options import Options
from sessions.outcomes import called
from sessions.recording import Gathered, State
from sessions.source.blockers import Blocker, find_blockers
from sessions.source.line import Line, Queue, merge_line, start_line
from sessions.tickets.model import Ruling, Ticket, Verdict, name_tickets
from sessions.tickets.trackers import TRACKERS
from sessions.trunk_breaks import TrunkBreak, find_trunk_breaks
from sessions.yardstick import Yardsticks, mending_tickets


def integrate(options: Options, narrator: Narrator) -> Record:
    """Pick, order, merge; find a head on which nothing new fails; publish it if asked; record and report."""
    if options.shell is not None:
        return look_inside(options, narrator)
    with open_day(options, narrator) as day:
        tickets = _read_tickets(day)
        gather(day)
        queue = _draw_up(day, tickets)
        progress = Progress(line=_merge(day, queue))
        if options.plan or not queue.tickets:
            record = conclude(day, _with_queue(day, queue, _plan(day, tickets, progress)))
        else:
            with day.laboratory() as laboratory:
                if options.shard:
                    gathered = _work_on_shard(day, options.shard, tickets, progress, laboratory)
                else:
                    gathered = _work(day, queue, tickets, progress, laboratory)
                record = conclude(day, _with_queue(day, queue, gathered), laboratory)
        narrator.detail(f"the report is in {day.folder / 'report.html'}; `nox -s report` shows it here")
        return record


def _read_tickets(day: Day) -> tuple[Ticket, ...]:
    asked = day.config.tickets
    tickets = choose(TRACKERS[asked.tracker](asked).read(), day.options)
    day.narrator.step(f"Tickets: {len(tickets)} from the {asked.tracker} tracker")
    return tickets


def _draw_up(day: Day, tickets: tuple[Ticket, ...]) -> Queue:
    rules = todays_rules(day.config, day.release, tickets, day.mirror.default_branch)
    drawn = draw_up(tickets, rules, day.mirror, day.release, day.config, day.options)
    milestone = f" for milestone {rules.milestone}" if rules.milestone else ""
    day.narrator.detail(f"{len(drawn.tickets)} are ready{milestone}, {len(drawn.out)} are not")
    queue = start_line(drawn, day.merger)
    if drawn.trunk:
        told = "first come" if queue.trunk else "not merged, as they clash with the release:"
        trunk, carriers = drawn.trunk, name_tickets(sorted(drawn.carriers)[:5])
        more = f" and {len(drawn.carriers) - 5} more" if len(drawn.carriers) > 5 else ""
        day.narrator.detail(f"{told} {trunk.extent} of {trunk.name}, which are in the branches of {carriers}{more}")
    return queue


def _merge(day: Day, queue: Queue) -> Line:
    day.narrator.step(f"Merging onto {day.release.tag}")
    line = merge_line(queue, day.merger, {})
    left = len(queue.tickets) - len(line.tickets)
    day.narrator.detail(f"{len(line.tickets)} fit together, {left} do not: head {line.head.commit[:10]}")
    return line


def _with_queue(day: Day, queue: Queue, gathered: Gathered) -> Gathered:
    """What was ready, and who of it keeps several others out of the line as it is at the end."""
    blockers: tuple[Blocker, ...] = ()
    with suppress(SourceError):  # where git fails, the day has said so; this is advice
        if gathered.progress:
            blockers = find_blockers(queue, gathered.progress.line, day.merger)
    for blocker in blockers:
        day.narrator.detail(str(blocker))
    return replace(gathered, queue=queue.tickets, blockers=blockers)


def _plan(day: Day, tickets: tuple[Ticket, ...], progress: Progress) -> Gathered:
    message = "a plan: no gate has run" if day.options.plan else "no ticket is ready"
    return Gathered(state="empty", message=message, tickets=tickets, progress=progress)


def _work(day: Day, queue: Queue, tickets: tuple[Ticket, ...], progress: Progress, laboratory: Laboratory) -> Gathered:
    """Measure the baseline, find the green head. Whatever stops that, what was found is gathered."""
    complete = False
    broke: tuple[TrunkBreak, ...] = ()
    _foretell(day, progress, laboratory)
    try:
        yardsticks = Yardsticks(day=day, laboratory=laboratory, mending=mending_tickets(day, progress.line.tickets))
        measure_baseline(day, yardsticks)
        broke = find_trunk_breaks(day, laboratory)
        yardsticks.check(day.asked_gates())
        GreenHead(day=day, queue=queue, laboratory=laboratory, yardsticks=yardsticks, progress=progress).find()
        state, message = _outcome(day, progress)
        complete = _is_complete(day, progress)
        _keep_artifacts(day, progress, laboratory)
    except (BudgetEndedError, GatePendingError) as error:
        state, message = "paused", f"{error}; the same command with all gates goes on from here"
        progress.line = _unreached(progress.line, message)
    except (InfrastructureError, SourceError) as error:
        state, message = "broken", str(error).rstrip(".")
        progress.line = _unreached(progress.line, "our own machinery broke before its result was known")
    return Gathered(
        state=state,
        message=message,
        complete=complete,
        tickets=tickets,
        progress=progress,
        laboratory=laboratory,
        trunk_breaks=broke,
    )


def _work_on_shard(
    day: Day, shard: tuple[int, int], tickets: tuple[Ticket, ...], progress: Progress, laboratory: Laboratory
) -> Gathered:
    """Run one part of the gates; the call that gathers all parts judges."""
    name = "{}/{}".format(*shard)
    state: State = "paused"
    complete = False
    try:
        run_shard(day, laboratory, progress.line.head, shard)
        message = f"shard {name} has run: `nox -s integrate -- --gather DIR` goes on with all of them"
        complete = True
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
    except (InfrastructureError, SourceError) as error:
        state, message = "broken", str(error).rstrip(".")
    progress.line = _unreached(progress.line, f"only shard {name} of the gates has run")
    return Gathered(
        state=state, message=message, complete=complete, tickets=tickets, progress=progress, laboratory=laboratory
    )


def _outcome(day: Day, progress: Progress) -> tuple[State, str]:
    if not progress.line.tickets:
        return "empty", "every ticket that was ready had to be left out"
    if progress.failing:
        failing = ", ".join(map(called, progress.failing))
        return "red", f"{failing} fails on the head, and no ticket could be shown to be the cause"
    # Not what is known to be pending, but whatever was not seen to pass.
    if unseen := [gate.name for gate in day.config.gates if gate.name not in progress.measured]:
        return "paused", f"{', '.join(sorted(unseen))} has not run on this head: type `nox -s integrate`"
    return "green", f"{len(progress.line.tickets)} tickets together pass every gate"


def _foretell(day: Day, progress: Progress, laboratory: Laboratory) -> None:
    """Say what the day will cost, before it does."""
    head, culprits = progress.line.head, day.earlier_culprits()
    gates = [laboratory.history(gate, (day.base, head)) for gate in day.asked_gates()]
    forecast = foresee(len(head.tickets), gates, culprits)
    told = say_forecast(forecast, laboratory.pool.size, len(culprits), day.options.budget)
    day.narrator.detail(f"forecast: {told}")


def _is_complete(day: Day, progress: Progress) -> bool:
    """Whether every gate that this call could run passes on the head; others may still have to."""
    asked = {gate.name for gate in day.asked_gates()}
    return not progress.failing and not asked & progress.pending


def _unreached(line: Line, why: str) -> Line:
    """What was only merged so far is neither integrated nor at fault."""
    untold = Ruling(verdict=Verdict.NOT_REACHED, reason=why)
    rulings = {n: untold if each.verdict is Verdict.INTEGRATED else each for n, each in line.rulings.items()}
    return replace(line, rulings=rulings)


def _keep_artifacts(day: Day, progress: Progress, laboratory: Laboratory) -> None:
    shutil.rmtree(day.folder / "artifacts", ignore_errors=True)
    for gate in day.config.gates:
        made = laboratory.artifacts(progress.line.head.tree, gate)
        if made.is_dir():
            shutil.copytree(made, day.folder / "artifacts" / gate.name)
            day.narrator.detail(f"{gate.name}: artifacts in {day.folder / 'artifacts' / gate.name}")
