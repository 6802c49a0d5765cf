"""``nox -s baseline``: the newest release, its image, and what its own tests do there: the yardstick for "new"."""

from __future__ import annotations

from sessions.day.baselines import Baselines
from sessions.day.context import Day, open_day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult, make_record, write_record
from sessions.day.state_sync import hand_over, share_baseline
from sessions.ledger.record import Record, State
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import BudgetEndedError, InfrastructureError


def baseline(options: Options, console: Console) -> Record:
    """Measure the release. Does nothing when that is known already."""
    with open_day(options, console) as day:
        if options.plan:
            return write_record(day, DayResult(state=State.EMPTY, message="a plan runs no gate"))
        with day.runner() as runner:
            day_result = _work(day, runner)
            # A day that has been integrated already has more to tell than its baseline.
            record = make_record(day, day_result) if day.is_begun() else write_record(day, day_result)
            share_baseline(runner, options)
            hand_over(runner, record, options)
            return record


def _work(day: Day, runner: ProbeRunner) -> DayResult:
    """Measure; what a budget did not reach, the next call does."""
    try:
        baselines = Baselines(day=day, runner=runner)
        measure_baseline(day, baselines)
        for name, baseline in baselines.check(day.asked_gates()).items():
            results = baseline.probe_result.results
            known = len(results.failures)
            day.console.detail(f"{name}: {results.tests} tests, {known} known failure{'s' * (known != 1)}")
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
        return DayResult(state=State.PAUSED, runner=runner, message=message)
    except InfrastructureError as error:
        return DayResult(state=State.BROKEN, runner=runner, message=str(error).rstrip("."))
    return DayResult(state=State.EMPTY, runner=runner, message="the release alone")


def measure_baseline(day: Day, baselines: Baselines) -> None:
    """Run each asked gate on the release, if what it says is not known.

    What tickets carry of the branch that they are for is measured as well, as a second baseline.

    Raises what :meth:`ProbeRunner.ask_all` raises.
    """
    also = f", and {day.start}" if day.merger.trunk else ""
    day.console.step(f"Baseline: what {day.release.tag} does by itself{also}")
    baselines.measure(day.asked_gates())
