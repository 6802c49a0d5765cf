"""``nox -s baseline``: make the newest release's image and run its gates, to know which failures are not new."""

from __future__ import annotations

from sessions.day.baselines import Baselines
from sessions.day.context import Day, open_day
from sessions.day.known_failures import warn_of_known_failures
from sessions.day.narrowing import narrow_gates
from sessions.day.opened_runner import open_runner
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult, make_record, write_record
from sessions.day.sharing import share
from sessions.ledger.record import Record, State
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import BudgetEndedError, InfrastructureError


def baseline(options: Options, console: Console) -> Record:
    """Measure the release; do nothing if its results are known already."""
    with open_day(options, console) as day:
        if options.plan:
            return write_record(day, DayResult(state=State.EMPTY, message="a plan runs no gate"))
        return _measure(narrow_gates(day))


def _measure(day: Day) -> Record:
    with open_runner(day) as runner:
        day_result = _work(day, runner)
        # The record of a day with tickets says more than one of the baseline alone.
        return share(day, runner, make_record(day, day_result), is_newest=not day.is_begun())


def _work(day: Day, runner: ProbeRunner) -> DayResult:
    """Measure all requested gates; if the budget ends before, the next call continues."""
    try:
        baselines = Baselines(day=day, runner=runner)
        measure_baseline(day, baselines)
        for name, baseline in baselines.check(day.asked_gates()).items():
            results = baseline.probe_result.results
            known = len(results.failures)
            day.console.detail(f"{name}: {results.tests} tests, {known} known failure{'s' * (known != 1)}")
    except BudgetEndedError as error:
        message = f"{error}; type the same command to continue"
        return DayResult(state=State.PAUSED, runner=runner, message=message)
    except InfrastructureError as error:
        return DayResult(state=State.BROKEN, runner=runner, message=str(error).rstrip("."))
    return DayResult(state=State.EMPTY, runner=runner, message="only the release was measured")


def measure_baseline(day: Day, baselines: Baselines) -> None:
    """Run each requested gate on the release, unless its result is known; warn if many tests fail there.

    If tickets carry commits of their target branch, the release with these commits is measured as a second baseline.

    Raises the errors of :meth:`ProbeRunner.results`.
    """
    also = f", and {baselines.name}" if baselines.start != day.merger.bare else ""
    day.console.step(f"Baseline: what {day.release.tag} does by itself{also}")
    baselines.measure(day.asked_gates())
    warn_of_known_failures(day, baselines)
