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
from sessions.yardstick import Yardstick, Yardsticks


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
        for name, yardstick in measure_baseline(day, Yardsticks(day=day, laboratory=laboratory)).items():
            results = yardstick.reading.results
            known = len(results.failures)
            day.narrator.detail(f"{name}: {results.tests} tests, {known} known failure{'s' * (known != 1)}")
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
        return Gathered(state="paused", laboratory=laboratory, message=message)
    except InfrastructureError as error:
        return Gathered(state="broken", laboratory=laboratory, message=str(error).rstrip("."))
    return Gathered(state="empty", laboratory=laboratory, message="the release alone")


def measure_baseline(day: Day, yardsticks: Yardsticks) -> dict[str, Yardstick]:
    """What each asked gate says of the release, from the ledger or from a probe.

    Raises :class:`InfrastructureError` where the release does not build or a gate measures nothing on it: then no
    ticket can be judged.
    """
    day.narrator.step(f"Baseline: what {day.release.tag} does by itself")
    return yardsticks.measure(day.asked_gates())
