"""A plan of the bundled sample with the best set and hints: what the record, the report and a ticket's comment say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.day.previous_set import previous_tickets
from sessions.integrate import integrate
from sessions.ledger.record_file import load_record
from sessions.main import run_session
from sessions.reporting.account import render_account
from sessions.tickets.dialects.markdown import MARKDOWN

HOME = Path(__file__).parents[2]
HINTS = """
[[hint]]
keep_out = [113]
owner = "Jane"
reason = "not agreed"
until = 2026-12-24

[[hint]]
urgent = 111
owner = "Marek"
reason = "all wait for it"
closed = 112
"""


def plan(folder: Path, hints: str, date: str = "2026-11-23") -> str | None:
    config = (HOME / "integration.toml").read_text(encoding="utf-8")
    config = config.replace("[tickets]\n", '[tickets]\nselect = "best"\n').replace(
        "sessions/sample/", f"{HOME}/sessions/sample/"
    )
    (folder / "integration.toml").write_text(config, encoding="utf-8")
    (folder / "hints.toml").write_text(hints, encoding="utf-8")
    return run_session(integrate, "integrate", ["--plan", "--date", date, "--state", str(folder / "state")], folder)


def test_a_plan_with_the_best_set_and_hints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(tmp_path, HINTS) is None
    printed = capsys.readouterr().out
    assert "hint: #113 kept out: Jane, until 2026-12-24: not agreed" in printed
    assert "the best set has 13 of 17 (1 urgent, " in printed
    assert "#112 conflicts: with #111 in abacus/arithmetic.py" in printed, "the urgent one stays"
    record = load_record(tmp_path / "state")
    assert [(each.effect, each.tickets, each.end) for each in record.hints] == [
        ("kept out", (113,), "until 2026-12-24"),
        ("urgent", (111,), "until #112 is closed"),
    ]
    assert record.best_set
    assert record.best_set.proven
    assert record.best_set.tickets == record.order
    assert (record.best_set.levels[0].priority, record.best_set.levels[0].count) == ("urgent", 1)
    [left] = [ticket for ticket in record.tickets if ticket.number == 112]
    assert left.alternative
    assert left.alternative.without == (111,)
    assert "it would be in without #111" in render_account(record, left, MARKDOWN).replace("\\", "").replace(
        "\u200b", ""
    )
    report = (tmp_path / "state" / "latest" / "report.md").read_text(encoding="utf-8")
    assert "113 kept out by a hint of Jane (until 2026-12-24): not agreed" in report
    assert "The best set of these tickets has 13: 1 urgent" in report
    assert "113 kept out by a hint of Jane" in (tmp_path / "state" / "latest" / "report.html").read_text(
        encoding="utf-8"
    )


def test_a_hint_past_its_end_stops_the_day_with_one_sentence(tmp_path: Path) -> None:
    assert plan(tmp_path, HINTS, "2026-12-25") == (
        f"{tmp_path}/hints.toml, line 2: this hint of Jane (not agreed) ended on 2026-12-24: "
        "remove it, or give it a later date."
    )


def test_the_day_before_is_the_newest_whole_day(tmp_path: Path) -> None:
    assert plan(tmp_path, "") is None
    days = tmp_path / "state" / "days"
    assert previous_tickets(tmp_path / "state", "2026-11-24") == frozenset(), "a plan is no day"
    (days / "2026-11-23-plan").rename(days / "2026-11-23")
    assert len(previous_tickets(tmp_path / "state", "2026-11-24")) == 14
    assert previous_tickets(tmp_path / "state", "2026-11-23") == frozenset()
