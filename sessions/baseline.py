"""``nox -s baseline``: the newest release, its image, and what its own tests do there: the yardstick for "new"."""

from __future__ import annotations

from sessions.day import Day, open_day
from sessions.errors import BudgetEndedError, InfrastructureError
from sessions.handover import hand_over, share_baseline
from sessions.laboratory import Laboratory, Question
from sessions.ledger.ledger import Reading
from sessions.ledger.record import Record
from sessions.narrator import Narrator
from sessions.options import Options
from sessions.recording import Gathered, make_record, write_record


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
        for name, reading in measure_baseline(day, laboratory).items():
            known = len(reading.results.failures)
            day.narrator.detail(f"{name}: {known} known failure{'s' * (known != 1)}")
    except BudgetEndedError as error:
        message = f"{error}; the same command goes on from here"
        return Gathered(state="paused", laboratory=laboratory, message=message)
    return Gathered(state="empty", laboratory=laboratory, message="the release alone")


def measure_baseline(day: Day, laboratory: Laboratory) -> dict[str, Reading]:
    """What each asked gate says of the release, from the ledger or from a probe.

    What tickets carry of the branch that they are for is measured as well, as a second baseline.

    Raises :class:`InfrastructureError` where the release itself does not build: then no ticket can be judged.
    """
    also = f", and {day.start}" if day.merger.trunk else ""
    day.narrator.step(f"Baseline: what {day.release.tag} does by itself{also}")
    alone = f"on {day.release.tag} itself"
    gates = day.asked_gates()
    release = [Question(gate=gate, candidate=day.merger.bare, why=alone, keep=True) for gate in gates]
    trunk = [Question(gate=gate, candidate=day.base, why=f"on {day.start}", keep=True) for gate in gates]
    readings = laboratory.ask_all(release + (trunk if day.merger.trunk else []))[: len(gates)]
    for reading in readings:
        if not reading.built:
            raise InfrastructureError(
                f"{day.release.tag} itself does not build here, so no ticket can be judged: see "
                f"{day.state / reading.log}, mend [build] run or the image, then run again with --fresh."
            )
    return {gate.name: reading for gate, reading in zip(gates, readings, strict=True)}
