"""What is said about repeated runs of a ticket's tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import TestId
from sessions.ledger.record import Purpose, RecordedSoak, RecordedTicket, SoakedFlake
from sessions.ledger.record_file import parse_record
from sessions.reporting.account import render_account
from sessions.reporting.pictures import draw_search
from sessions.reporting.soaks import say_brought_flakes, say_soaks
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day

FLAKE = SoakedFlake(
    test=TestId("a.py", "@everyone `x`"),
    source=FlakeSource.TICKET,
    fails=7,
    runs=38,
    low=0.0774,
    high=0.3433,
    evidence=("fails in 7 of 38 runs with #2", "does not exist with the release alone"),
)
SOAK = RecordedSoak(gate="unit", files=("a.py",), runs=12, enough=59, since="2026-11-23", flakes=(FLAKE,))
TICKET = RecordedTicket(
    number=2,
    title="New",
    url="",
    priority="",
    commit="",
    verdict=Verdict.FLAKY,
    reason="it brings a flaky test",
    blocked_by=(),
    conflicts=(),
    broke=(),
    soaks=(SOAK,),
)


@pytest.mark.parametrize("source", FlakeSource)
def test_each_source_is_said_and_only_the_tickets_own_flakes_are_for_its_author(source: FlakeSource) -> None:
    soak = replace(SOAK, flakes=(replace(FLAKE, source=source),))
    ticket = replace(TICKET, soaks=(soak,))
    [sentence] = say_soaks(ticket)
    assert "a.py::@everyone `x` (unit)" in sentence
    assert "fails in 7 of 38 runs with #2; does not exist with the release alone" in sentence
    assert bool(say_brought_flakes(ticket)) is (source is FlakeSource.TICKET)


def test_a_short_soak_says_what_it_would_have_shown() -> None:
    short = replace(SOAK, why_not="the time was up", flakes=())
    [sentence] = say_soaks(replace(TICKET, soaks=(short,)))
    assert sentence == (
        "Its files of unit ran 12 of 59 times, as the time was up: "
        "a test that fails in 22 % of runs shows so with 95 %."
    )
    [sentence] = say_soaks(replace(TICKET, soaks=(replace(short, runs=0),)))
    assert sentence == "Its files of unit ran 0 of 59 times, as the time was up."


def test_a_hostile_name_gives_no_orders_to_the_tracker() -> None:
    text = render_account(parse_record(big_day(size=5)), TICKET, MARKDOWN)
    assert "7 of 38 runs" in text
    assert "@everyone" not in text


def test_the_runs_of_a_soak_are_not_drawn_one_by_one() -> None:
    record = parse_record(big_day(size=5))
    soak = replace(record.probes[-1], purpose=Purpose.SOAK)
    drawn = draw_search(replace(record, probes=(*record.probes, *[soak] * 59)))
    assert len(drawn.rows) == len(record.probes)
