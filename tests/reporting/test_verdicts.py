from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from sessions.ledger.record import GateState, Purpose, State
from sessions.reporting import html
from sessions.reporting.record_view import ProbeOutcome
from sessions.reporting.verdicts import GATE_SYMBOLS, HEAD_FIRST, PURPOSES, STATES, VERDICTS, Group
from sessions.tickets.model import Verdict

CSS = (Path(html.__file__).parent / "page.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "enum"), [(VERDICTS, Verdict), (STATES, State), (GATE_SYMBOLS, GateState), (PURPOSES, Purpose)]
)
def test_a_table_has_every_member_of_its_enum(table: Mapping[StrEnum, object], enum: type[StrEnum]) -> None:
    assert set(table) == set(enum)


def test_who_is_at_fault_comes_first_and_what_is_in_comes_first_in_lists() -> None:
    assert [each for each in VERDICTS if each.is_at_fault] == list(VERDICTS)[:3]
    assert {each for each in Verdict if VERDICTS[each].group is Group.NEEDS_ACTION} == {
        each for each in Verdict if each.is_at_fault
    }
    assert HEAD_FIRST[0] is Verdict.INTEGRATED
    assert set(HEAD_FIRST) == set(Verdict)


@pytest.mark.parametrize("name", [*Verdict, *(f"p-{each}" for each in Purpose), *ProbeOutcome])
def test_the_page_has_a_colour_for_each(name: str) -> None:
    assert f".{name}" in CSS
