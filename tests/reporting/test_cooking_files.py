"""What's cooking as people read it: page, Markdown, mail and release notes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sessions.ledger.ledger import Ledger
from sessions.ledger.record_file import parse_record, save_record
from sessions.ledger.retention import tidy_state
from sessions.ledger.state_archive import LEDGER
from sessions.reporting.cooking import Cooking, CookingRules, what_cooks
from sessions.reporting.cooking_files import cooking_mail, cooking_markdown, cooking_page, release_notes, write_cooking
from tests.reporting.hostile import HOSTILE, poisoned
from tests.reporting.month import Phase, Plan, conflict_with, records, write_month
from tests.reporting.test_html import Shape, like

RULES = CookingRules()
PLAN: Plan = {
    1: (Phase(day=0, verdict="integrated"),),
    3: (Phase(day=26, verdict="conflict", more=conflict_with(1)),),
    5: (Phase(day=0, verdict="integrated"), Phase(day=20, verdict="already-merged")),
    6: (Phase(day=0, verdict="integrated"), Phase(day=20, verdict=None)),
    7: (Phase(day=29, verdict="blocked", more={"blocked_by": [3]}),),
    8: (Phase(day=12, verdict="already-merged"),),
    9: (Phase(day=0, verdict="conflict"), Phase(day=21, verdict="already-merged")),
}
MAIL = """\
Subject: What's cooking in sage (2026-11-23, 10.5.beta3)

What's cooking in sage on 2026-11-23, on 10.5.beta3.
The day is green: 1 tickets together pass every gate.

--------------------------------------------------
[New since 2026-11-22]

* #7 Ticket 7: new; out: because of blocked

--------------------------------------------------
[Who waits for whom]

* #1 Ticket 1 (in a green head) holds up #3
* #3 Ticket 3 (out) holds up #7

--------------------------------------------------
[Out]

* #3 Ticket 3 (3 days, since 2026-11-20)
  - because of conflict.
  - waits for #1
    - 2026-11-20 new
    - 2026-11-20 out: because of conflict

* #7 Ticket 7 (0 days, since 2026-11-23)
  - because of blocked.
  - waits for #3
    - 2026-11-23 new
    - 2026-11-23 out: because of blocked

--------------------------------------------------
[Ripe]

* #1 Ticket 1 (30 green days, since 2026-10-25 or before)
    - 2026-10-25 in a green head
    - 2026-10-31 ripe

--------------------------------------------------
[In the release]

* #5 Ticket 5 (9 days, since 2026-11-14)
    - 2026-10-25 in a green head
    - 2026-10-31 ripe
    - 2026-11-14 in the release: 10.5.beta3

* #9 Ticket 9 (8 days, since 2026-11-15)
    - 2026-10-25 out: because of conflict
    - 2026-11-15 in the release: 10.5.beta3

--------------------------------------------------
[No longer listed]

* #6 Ticket 6 (9 days, since 2026-11-14)
  - before: in a green head.
    - 2026-10-25 in a green head
    - 2026-10-31 ripe
    - 2026-11-14 no longer listed: before: in a green head
"""
NOTES = """\
# sage 10.5.beta3

Draft, made on 2026-11-23. The tag was first seen on 2026-11-14.

## bug

- Ticket 5 (5)

## Other changes

- Ticket 9 (9)

## To be checked

These are no longer listed, and no day saw them in a release.

- Ticket 6 (6; before: in a green head)
"""


def test_a_month_as_files(tmp_path: Path) -> None:
    write_month(tmp_path, PLAN, labels={5: ["bug", "ready"], 9: ["ready"]})
    paths = write_cooking(tmp_path, tmp_path / "out", CookingRules(plain_labels=("ready",)))
    assert [path.name for path in paths] == ["cooking.html", "cooking.md", "cooking.txt", "release-notes.md"]
    assert paths[2].read_text() == MAIL
    assert paths[3].read_text() == NOTES
    markdown = paths[1].read_text()
    assert "- **3** Ticket 3: 3 days, since 2026-11-20; because of conflict; waits for 1\n" in markdown
    assert re.findall(r"^## (.*)", markdown, re.MULTILINE) == re.findall(r"^\[(.*)\]", MAIL, re.MULTILINE)


def test_five_questions_are_answered_at_the_top_of_the_page() -> None:
    top = " ".join(Shape(cooking_page(what_cooks(records(PLAN), RULES), index="").split("</header>")[0]).texts)
    top = " ".join(top.split())
    stuck, waits, news = re.split(r"Who waits for whom|New since", top.partition("Stuck")[2])
    assert stuck.strip() == (
        "2 #3 Ticket 3 ≠ conflict 3 days, since 2026-11-20 because of conflict "
        "#7 Ticket 7 ⊘ blocked 0 days, since 2026-11-23 because of blocked"
    )
    assert waits.strip() == (
        "2 #3 waits for #1 Ticket 1 in a green head: 30 green days, since 2026-10-25 or before "
        "#7 waits for #3 Ticket 3 out: 3 days, since 2026-11-20"
    )
    assert news.strip() == "2026-11-22 1 #7 Ticket 7 new; out: because of blocked"


def test_without_a_new_tag_or_a_day_there_are_no_notes(tmp_path: Path) -> None:
    plan = {1: (Phase(day=0, verdict="integrated"),)}
    days = write_month(tmp_path, plan)
    for folder in sorted(days.iterdir())[:25]:
        (folder / "run.json").unlink()
    assert len(write_cooking(tmp_path, tmp_path / "out", RULES)) == 3
    assert (
        "The kept days begin on 2026-11-19; nothing is known from before."
        in (tmp_path / "out" / "cooking.md").read_text()
    )
    (tmp_path / "none" / "days").mkdir(parents=True)
    assert write_cooking(tmp_path / "none", tmp_path / "out", RULES) == ()
    assert "No day has been integrated yet" in cooking_page(None, index="index.html")


def test_records_of_past_days_count_where_their_folders_are_gone(tmp_path: Path) -> None:
    days = write_month(tmp_path, PLAN, labels={5: ["bug", "ready"], 9: ["ready"]})
    record = parse_record(json.loads((days / "2026-11-23" / "run.json").read_text()))
    save_record(record, days / "2026-11-23")
    Ledger(tmp_path / LEDGER).close()
    tidy_state(tmp_path, record, dt.date(2026, 11, 23), keep_days=2, record_days=29)
    assert len([*days.iterdir()]) == 3
    (tmp_path / "past" / "2026-10-24.json").write_text("{")
    paths = write_cooking(tmp_path, tmp_path / "out", CookingRules(plain_labels=("ready",)))
    assert paths[2].read_text() == MAIL
    tidy_state(tmp_path, record, dt.date(2026, 11, 23), keep_days=2, record_days=22)
    assert min(path.stem for path in (tmp_path / "past").iterdir()) == "2026-11-01"


def poisoned_days(text: str) -> Cooking:
    """Two days of hostile text, between which a release appears and tickets change."""
    first, second = poisoned(text), poisoned(text)
    first |= {"date": "2026-11-22", "release": "before"}
    second |= {"date": "2026-11-23", "state": "green"}
    for ticket in first["tickets"]:
        ticket |= {"labels": [text]}
    for at, ticket in enumerate(second["tickets"]):
        ticket |= {"labels": [text], "verdict": "already-merged" if at % 5 == 0 else ticket["verdict"]}
    second["tickets"] = second["tickets"][:-5]
    cooking = what_cooks([parse_record(json.loads(json.dumps(day))) for day in (first, second)], RULES)
    assert cooking
    assert cooking.released
    return cooking


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_on_the_page(text: str) -> None:
    seen, quiet = (Shape(cooking_page(poisoned_days(each), index="index.html")) for each in (text, like(text)))
    assert seen.tags == quiet.tags
    assert not [link for link in seen.links if "javascript" in link or "evil" in link]


@pytest.mark.parametrize("write", [cooking_mail, cooking_markdown, release_notes])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_line_of_its_own(write: Callable[[Cooking], str], text: str) -> None:
    lines = write(poisoned_days(text)).splitlines()
    for line in lines:
        assert not line.startswith(("::", "##[", "EOF", "```", "state<<"))
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", line)
    if write is not cooking_mail:
        assert not re.search(r"(?<!\\)<\w", "\n".join(lines))
        assert "@octocat" not in "\n".join(lines)


def test_a_mail_is_no_wider_than_a_terminal() -> None:
    assert max(map(len, cooking_mail(poisoned_days("a long title " * 20)).splitlines()[5:])) <= 76
