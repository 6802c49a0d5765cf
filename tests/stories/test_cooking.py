"""Days with a real repository: a ticket goes from new to the release, and the files say so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.report import report
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import Builder, ticket_table
from tests.stories.desk import own_config

pytestmark = pytest.mark.slow

CONFIG = own_config("""[cooking]
ripe_after = 2
notes = ["ready"]
[[gates]]
name = "look"
run = "true"
format = "exit"
""")


def test_a_merged_ticket_that_left_the_tracker_is_in_the_release_notes(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({f"{number}.txt": "\n" for number in range(5)})
    builder.tag("1.0", base)
    tips = {
        number: builder.commit({f"{min(number, 3)}.txt": f"{number}\n"}, base, branch=f"t{number}")
        for number in (1, 2, 3, 4)  # 4 conflicts with 3
    }
    (tmp_path / "integration.toml").write_text(CONFIG)

    def day(number: int, *tickets: int) -> tuple[Options, Record]:
        (tmp_path / "tickets.toml").write_text("\n".join(map(ticket_table, tickets)))
        options = Options(
            config=tmp_path / "integration.toml",
            state=tmp_path / "state",
            date=dt.date(2026, 11, number),
            jobs=1,
            cooking=tmp_path / "out",
        )
        return options, integrate(options, Console(to_stderr=True))

    day(1, 1, 2, 3, 4)
    day(3, 3, 4)  # 1 was merged, 2 closed unmerged
    builder.tag("1.1", builder.commit({"1.txt": "1\n"}, base, tips[1]))
    options, record = day(4, 3, 4)
    assert record.released == (1,)
    page = (tmp_path / "state" / "days" / "cooking.html").read_text()
    assert "no longer listed: before: in a green head" in page
    assert 'href="cooking.html"' in (tmp_path / "state" / "days" / "index.html").read_text()

    report(options, Console(to_stderr=True))
    mail = (tmp_path / "out" / "cooking.txt").read_text()
    sections = [section.partition("]\n")[0] for section in mail.split("\n[")[1:]]
    assert sections == [
        *("New since 2026-11-03", "Who waits for whom"),
        *("Out", "Ripe", "In the release", "No longer listed"),
    ]
    assert "    - 2026-11-04 in the release: 1.1\n" in mail
    notes = (tmp_path / "out" / "release-notes.md").read_text()
    assert notes.startswith("# own 1.1\n")
    released, checked = notes.split("## To be checked")
    assert ("(1)" in released, "(2;" in checked) == (True, True)
    assert day(5, 3, 4)[1].released == ()
