"""What the state folder keeps where the clock, and with it ``--date``, goes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.gates.results import Results
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record_file import parse_record, save_record
from sessions.ledger.retention import day_before, tidy_state
from sessions.ledger.state_archive import LEDGER
from tests.reporting.big_day import big_day

TODAY = dt.date(2026, 11, 23)
KEEP = 30
Call = Callable[[dt.date, str], None]


def key(tree: str) -> Key:
    return Key(tree=tree, image="image", gate="tests")


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """A call on a day, all of whose results are those of one tree, and which then tidies up."""

    def integrate(today: dt.date, tree: str) -> None:
        log = f"logs/{tree}.log"
        (tmp_path / "logs").mkdir(exist_ok=True)
        with closing(Ledger(tmp_path / LEDGER)) as ledger:
            if ledger.find(key(tree)) is None:
                ledger.write(key(tree), ProbeResult(built=True, results=Results(), seconds=1.0, log=log))
                (tmp_path / log).write_text("fine\n")
                (tmp_path / "artifacts" / tree[:12]).mkdir(parents=True)
        plain = parse_record(big_day(1))
        probe = replace(plain.probes[0], log=log)
        record = replace(plain, tree=tree, probes=(probe,))
        save_record(record, tmp_path / "days" / today.isoformat())
        tidy_state(tmp_path, record, today, KEEP)

    return integrate


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], set[str]]:
    """The trees of which everything is kept; one of which a part is missing fails the test."""

    def trees() -> set[str]:
        logs = {path.stem for path in (tmp_path / "logs").iterdir()}
        assert {path.name for path in (tmp_path / "artifacts").iterdir()} == {tree[:12] for tree in logs}
        with closing(Ledger(tmp_path / LEDGER)) as ledger:
            assert ledger.size() == len(logs)
            assert all(ledger.find(key(tree)) for tree in logs)
        return logs

    return trees


@pytest.mark.parametrize("back", [1, KEEP, KEEP + 1, 4000])
def test_a_clock_that_goes_back_removes_nothing_that_is_needed(
    call: Call, kept: Callable[[], set[str]], tmp_path: Path, back: int
) -> None:
    call(TODAY - dt.timedelta(days=KEEP), "oldest")
    call(TODAY, "newest")
    call(TODAY - dt.timedelta(days=back), "wrong")
    assert kept() == {"oldest", "newest", "wrong"}
    assert (tmp_path / "days" / TODAY.isoformat() / "run.json").is_file()
    call(TODAY, "newest")
    assert {"oldest", "newest"} <= kept()
    assert ("wrong" in kept()) == (back <= KEEP)  # as old as the day on which it was needed


def test_what_a_past_day_needs_is_kept_when_it_is_run_again(call: Call, kept: Callable[[], set[str]]) -> None:
    call(TODAY - dt.timedelta(days=90), "past")
    call(TODAY - dt.timedelta(days=90), "past")
    assert kept() == {"past"}
    call(TODAY, "newest")
    assert kept() == {"newest"}


def test_days_before_the_first_one_are_none() -> None:
    assert day_before(dt.date(2026, 11, 23), 14) == dt.date(2026, 11, 9)
    assert day_before(dt.date(1, 1, 2), 10**9) == dt.date.min
