"""What a run record says between its lines: why a probe ran, what it showed, in which order the tickets came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any, Literal

from sessions.ledger.record import Purpose, Record
from sessions.reporting.reproduction import is_of_build

Entry = Mapping[str, Any]
ProbeShows = Literal["fails", "passes", "unclear"]

# Those that somebody must act on first; then the head, in merge order; then those that were never in question.
VERDICTS = {
    "culprit": "breaks something new",
    "conflict": "does not merge",
    "blocked": "waits for another",
    "unfetchable": "cannot be fetched",
    "not-reached": "was not reached",
    "integrated": "is in",
    "already-merged": "is in the release",
    "ineligible": "was not asked for",
}
# Of a log, what is read at most, and what is shown of it.
_TAIL, _LINES, _WIDTH = 64_000, 30, 240


def purpose(probe: Entry) -> Purpose:
    """What a probe was for; records of before say it in ``why`` alone."""
    if "purpose" in probe:
        return Purpose(probe["purpose"])
    why = str(probe["why"])
    if why.endswith("for flakes"):
        return Purpose.FLAKES
    if not probe["tickets"]:
        return Purpose.RELEASE
    return Purpose.SEARCH if why.startswith("with ") else Purpose.HEAD


@dataclass(frozen=True)
class Outcomes:
    """What each probe of a record showed: whether it failed in more than the release and the flaky tests do."""

    record: Record

    def of(self, probe: Entry) -> ProbeShows:
        """``unclear`` where it did not build, so that the gate could not tell."""
        if "failed" not in probe:  # a record of an older Integrand
            return "fails" if probe["failures"] else "passes"
        # Records of before do not say so, and name the build among what failed.
        if not probe.get("built", "build" not in probe["failed"]) and not is_of_build(probe):
            return "unclear"
        return "fails" if self.new_in(probe) else "passes"

    def new_in(self, probe: Entry) -> list[str]:
        """The tests that fail in a probe, and neither on the release nor by chance."""
        excused = self._excused.get(probe["gate"], set())
        # A file that crashes on the release excuses every test in it.
        return [test for test in probe.get("failed", ()) if not {test, test.partition("::")[0]} & excused]

    @cached_property
    def _excused(self) -> Mapping[str, set[str]]:
        excused = {name: {*gate["flaky"], *gate["known"]} for name, gate in self.record["gates"].items()}
        for probe in self.record["probes"]:
            if not probe["tickets"]:
                excused.setdefault(probe["gate"], set()).update(probe.get("failed", ()))
        return excused


def queue(record: Record) -> list[int]:
    """The tickets that were ready, in the order in which the merge line took them up."""
    told: list[int] = list(record.get("queue", ()))
    if told:
        return told
    longest: list[int] = max((each["tickets"] for each in record["probes"]), key=len, default=record["order"])
    return [*longest, *(number for number in record["order"] if number not in longest)]


def by_urgency(record: Record) -> list[Entry]:
    """The tickets, those first that somebody must act on; of each verdict in merge order."""
    place = {number: at for at, number in enumerate(queue(record))}
    rank = list(VERDICTS)
    return sorted(
        record["tickets"],
        key=lambda each: (rank.index(each["verdict"]), place.get(each["number"], len(place)), each["number"]),
    )


def counts(record: Record) -> dict[str, int]:
    """How many tickets have each verdict, without those that none has, in the order of :data:`VERDICTS`."""
    told = [each["verdict"] for each in record["tickets"]]
    return {verdict: told.count(verdict) for verdict in VERDICTS if verdict in told}


def passed(gate: Entry, where: str) -> str:
    """How many of a gate's tests passed on the ``release`` or on the ``head``: ``97/98``; a dash where it did not run.

    >>> passed({"ran": {"head": {"tests": 98, "passed": 97, "failed": 1, "skipped": 0}}}, "head")
    '97/98'
    """
    ran = gate.get("ran", {}).get(where)
    return f"{ran['passed']}/{ran['tests']}" if ran else "\N{EN DASH}"


def changes_to_tests(ticket: Entry) -> str:
    """What a ticket's diff does to the tests, as a clause; empty for most.

    >>> changes_to_tests({"tests": {"brings": 3, "takes": ["a.py::f", "a.py::g"], "skips": []}})
    'brings 3 tests, takes 2 away'
    """
    tests = ticket.get("tests", {})
    brings, takes, skips = tests.get("brings", 0), len(tests.get("takes", ())), len(tests.get("skips", ()))
    words = [f"brings {brings} test{'s' * (brings != 1)}"] if brings else []
    if takes:
        words.append(f"takes {takes} away" if brings else f"takes {takes} test{'s' * (takes != 1)} away")
    if skips:
        words.append(f"skips {skips}" if words else f"skips {skips} test{'s' * (skips != 1)}")
    return ", ".join(words)


def shown_by(record: Record, number: int, broke: Entry) -> Entry | None:
    """The smallest probe in which a ticket breaks a test: its log is the shortest that shows it."""
    failing = [
        probe
        for probe in record["probes"]
        if probe["gate"] == broke["gate"] and number in probe["tickets"] and broke["test"] in probe.get("failed", ())
    ]
    return min(failing, key=lambda probe: len(probe["tickets"]), default=None)


def log_tail(state: Path, log: str) -> str:
    """The last lines of a probe's log; empty where it is not there any more. It is read in the logs' folder alone."""
    path = state / "logs" / Path(log).name
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL, 0))
            text = file.read().decode("utf-8", "replace")
    except (OSError, ValueError):  # the latter: no name that a file could have
        return ""
    lines = text.rstrip().splitlines()[-_LINES:]
    return "\n".join(line if len(line) <= _WIDTH else line[:_WIDTH] + "…" for line in lines)


@dataclass(frozen=True, kw_only=True)
class ConflictRow:
    """A line on one side of a conflict, parted where it begins and ends to differ from the other side's.

    ``shared`` where the other side has it too.
    """

    before: str
    differs: str
    after: str
    shared: bool


def sides(hunk: str) -> tuple[list[ConflictRow], list[ConflictRow]] | None:
    """Both sides of a conflict; ``None`` where it has no markers of git's, so that the text is shown as it is.

    A long hunk is cut in the record: then its end has no marker.
    """
    rows = hunk.splitlines()
    if not rows or not rows[0].startswith("<<<<<<<") or "=======" not in rows:
        return None
    ours = list(takewhile(lambda row: row != "=======", rows[1:]))
    theirs = list(takewhile(lambda row: not row.startswith(">>>>>>>"), rows[len(ours) + 2 :]))
    return _compared(ours, theirs), _compared(theirs, ours)


def _compared(rows: list[str], others: list[str]) -> list[ConflictRow]:
    return [_row(row, other or "", shared=row in others) for row, other in zip_longest(rows, others) if row is not None]


def _row(row: str, other: str, *, shared: bool) -> ConflictRow:
    start = _common(row, other)
    end = _common(row[start:][::-1], other[start:][::-1])
    return ConflictRow(
        before=row[:start], differs=row[start : len(row) - end], after=row[len(row) - end :], shared=shared
    )


def _common(one: str, other: str) -> int:
    """How many characters two texts share at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
