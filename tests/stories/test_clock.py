"""A clock that goes back: nothing is measured by it, nothing is lost, and nothing runs again."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import tempfile
import time
from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import Builder, ticket_table
from tests.stories.leftovers import files_left
from tests.stories.test_sixty_days import CONFIG

SESSIONS = Path(__file__).resolve().parents[2] / "sessions"
# Each needs a date or a moment to show, or to compare with one that a server names. None measures how long something
# takes, and none decides what is removed.
WALL_CLOCK = {
    "day/state_folder.py",  # since when another session holds the state folder
    "init.py",  # the date of a trial
    "day/resolving.py",  # the date of a resolution
    "resolutions/store.py",  # the date of its commit
    "engines/docker/archives.py",  # when a file in a container was written
    "engines/docker/baseline_image.py",  # when an image was made
    "engines/docker/cached_builds.py",  # the same, of the release's compiler caches
    "settings/options.py",  # the default of --date
    "tickets/trackers/http.py",  # where a server's answer has no date
}


def test_nothing_is_measured_by_the_wall_clock() -> None:
    reads = re.compile(r"\btime\.time(_ns)?\(|\b(now|utcnow|today)\((UTC|dt\.UTC)?\)")
    modules = (path for path in SESSIONS.rglob("*.py") if "project" not in path.relative_to(SESSIONS).parts)
    # `now()` of a `Caller` is the monotonic clock; its other reading is listed.
    assert {str(path.relative_to(SESSIONS)) for path in modules if reads.search(path.read_text())} == WALL_CLOCK


@pytest.mark.slow
@pytest.mark.parametrize("back", [1, 400])
def test_the_next_call_on_an_earlier_day_finds_all_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: int
) -> None:
    builder, today = Builder(tmp_path / "project.git"), dt.date(2026, 11, 23)
    base = builder.commit({f"{number}.txt": f"{number}\n" for number in range(4)})
    builder.tag("1.0", base)
    for number, text in ((1, "fine\n"), (2, "broken\n")):
        builder.commit({f"{number}.txt": text}, base, branch=f"t{number}")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(number) for number in (1, 2)))
    (tmp_path / "integration.toml").write_text(CONFIG)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    start, hours = time.time(), itertools.count()
    monkeypatch.setattr(time, "time", lambda: start - 3600 * next(hours))

    def call(date: dt.date) -> Record:
        options = Options(config=tmp_path / "integration.toml", state=tmp_path / "state", date=date, jobs=1, budget=600)
        return integrate(options, Console(to_stderr=True))

    first = call(today)
    assert {ticket.number: ticket.verdict for ticket in first.tickets} == {1: "integrated", 2: "culprit"}
    assert 0 < sum(probe.seconds for probe in first.probes) <= first.timings.seconds < 600
    assert all(probe.seconds >= 0 for probe in first.probes)
    for date in (today - dt.timedelta(days=back), today):
        again = call(date)
        assert again.timings.probes_run == 0
        assert [ticket.verdict for ticket in again.tickets] == [each.verdict for each in first.tickets]
        assert again.tree == first.tree
        assert (tmp_path / "state" / "days" / str(today) / "run.json").is_file()
    logs = {probe.log for probe in first.probes}
    assert logs
    assert all((tmp_path / "state" / log).is_file() for log in logs)
    assert {f"logs/{path.name}" for path in (tmp_path / "state" / "logs").iterdir()} == logs
    assert files_left(tmp_path / "state") == []
    assert list(temporary.iterdir()) == []
