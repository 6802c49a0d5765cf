"""Sixty days in one state folder, each with new commits: it stays small, and a day takes as long as the first ones."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import statistics
from contextlib import closing
from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import Builder, ticket_table
from tests.stories.desk import IN_PART, own_config

pytestmark = pytest.mark.slow

KEEP = 5
# 60 at a desk, or with INTEGRAND_DAYS set; in CI just so many that the days that are compared are others.
DAYS = 45 if IN_PART else 60
CONFIG = own_config(f"""keep_days = {KEEP}
[[gates]]
name = "look"
run = "cat *.txt && ! grep -q broken *.txt"
format = "exit"
artifacts = ["1.txt"]
""")
FIRST = dt.date(2026, 1, 1)


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def busy() -> float:
    """Return the processor's seconds so far, of this process and of those that it waited for: others' work is none."""
    return sum(os.times()[:4])


def count(folder: Path, pattern: str) -> int:
    return sum(1 for _ in folder.glob(pattern))


def test_the_state_folder_stays_small_and_the_day_short(tmp_path: Path) -> None:
    builder, state = Builder(tmp_path / "project.git"), tmp_path / "state"
    base = builder.commit({f"{number}.txt": f"{number}\n" for number in range(4)})
    builder.tag("1.0", base)
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(number) for number in (1, 2)))
    (tmp_path / "integration.toml").write_text(CONFIG)
    seconds, sizes = list[float](), list[int]()
    for day in range(DAYS):
        if day % 20 == 19:
            base = builder.commit({"0.txt": f"{day}\n"}, base)
            builder.tag(f"1.{day}", base)
        for number in (1, 2):
            text = f"{'broken' if number == 2 and day % 10 == 0 else 'fine'} {day}\n" * 50
            builder.commit({f"{number}.txt": text}, base, branch=f"t{number}")
        options = Options(
            config=tmp_path / "integration.toml", state=state, date=FIRST + dt.timedelta(days=day), jobs=1
        )
        start = busy()
        record = integrate(options, Console(to_stderr=True))
        seconds.append(busy() - start)
        sizes.append(size(state))
        assert record.state == "green"
        assert record.timings.probes_run >= 1
    assert max(sizes[-20:]) < 1.5 * max(sizes[KEEP : KEEP + 20]), sizes
    assert statistics.median(seconds[-20:]) < 1.5 * statistics.median(seconds[5:25]), seconds
    assert count(state, "days/????-??-??") == KEEP + 1
    assert count(state, "logs/*.log") < DAYS
    assert count(state, "artifacts/*") < DAYS
    assert count(state, "local/release-*") <= 2
    with closing(sqlite3.connect(state / "ledger.sqlite")) as ledger:
        assert ledger.execute("select count(*) from results").fetchone()[0] < DAYS
    # What a day within keep_days rests on is known: nothing runs again, and a date that goes back is no harm.
    for back in (0, 3, 30):
        options = Options(
            config=tmp_path / "integration.toml", state=state, date=FIRST + dt.timedelta(days=DAYS - 1 - back), jobs=1
        )
        assert integrate(options, Console(to_stderr=True)).timings.probes_run == 0
