"""``nox -s baseline``: the newest release, its image, and what its own tests do there: the yardstick for "new"."""

from __future__ import annotations

from sessions.day import Day, open_day
from sessions.errors import BudgetEndedError, InfrastructureError
from sessions.handover import hand_over, share_baseline
from sessions.laboratory import Laboratory
from sessions.ledger.record import Record
from sessions.narrator import Narrator
from sessions.options import Options
from sessions.recording import Gathered, make_record, write_record
from sessions.yardstick import Yardsticks


def baseline(options: Options, narrator: Narrator) -> Record:
    """Measure the release. Does nothing when that is known already."""
    with open_day(options, narrator) as day:
        if options.plan:
            return write_record(day, Gathered(state="empty", message="a plan runs no gate"))
        with day.laboratory() as laboratory:
            gathered = _work(day, laboratory)
            # A day that has been integrated already has more to tell than its baseline.
            record = make_record(day, gathered) if day.is_begun() else write_record(day, gathered)
            share_baseline(laboratory, options)
            hand_over(laboratory, record, options)
            return record


def _work(day: Day, laboratory: Laboratory) -> Gathered:
    """Measure; what a budget did not reach, the next call does."""
    try:
        yardsticks = Yardsticks(day=day, laboratory=laboratory)
        measure_baseline(day, yardsticks)
        for name, yardstick in yardsticks.check(day.asked_gates()).items():
            results = yardstick.reading.results
            known = len(results.failures)
            day.narrator.detail(f"{name}: {results.tests} tests, {known} known failure{'s' * (known != 1)}")
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
        return Gathered(state="paused", laboratory=laboratory, message=message)
    except InfrastructureError as error:
        return Gathered(state="broken", laboratory=laboratory, message=str(error).rstrip("."))
    return Gathered(state="empty", laboratory=laboratory, message="the release alone")


def measure_baseline(day: Day, yardsticks: Yardsticks) -> None:
    """Run each asked gate on the release, if what it says is not known.

    What tickets carry of the branch that they are for is measured as well, as a second baseline.

    Raises what :meth:`Laboratory.ask_all` raises.
    """
    also = f", and {day.start}" if day.merger.trunk else ""
    day.narrator.step(f"Baseline: what {day.release.tag} does by itself{also}")
    yardsticks.measure(day.asked_gates())
