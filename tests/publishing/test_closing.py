"""What `--close` closes, on a real repository: what the release merged and still has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.publishing.closing import close_merged
from sessions.publishing.writes import Writes
from sessions.settings.configuration import Tracker
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from sessions.tickets.trackers import merge_subjects
from sessions.tickets.trackers.file import FileTracker
from tests.repositories import DATE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repositories import Builder


@pytest.fixture
def project(builder: Builder) -> Builder:
    """Release 1.1 merged 1, 2 and 3, took 2 out again, names 4 in a subject, and was moved on by nobody but 3."""
    start = builder.commit({"a": "1\n"})
    for number in (1, 2, 3, 4):
        builder.commit({f"t{number}": f"{number}\n"}, start, branch=f"t{number}", message=f"t{number}")
    for number in (1, 2, 3):
        tips = (builder.tips["main"], builder.tips[f"t{number}"])
        builder.commit({f"t{number}": f"{number}\n"}, *tips, branch="main", message=f"gh-{number}: t{number}")
    builder.commit({"t2": None}, message='Revert "gh-2: t2"')
    builder.commit({"a": "else\n"}, message="Something else (#4)")
    builder.tag("1.1")
    return builder


@pytest.mark.parametrize("publish", [True, False])
def test_closes_what_was_merged_and_is_still_there(
    project: Builder, tmp_path: Path, publish: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = {number: project.tips[f"t{number}"] for number in (1, 2, 3, 4)}
    project.commit({"t3": "more\n"}, branch="t3")
    rows = (f'[[ticket]]\nnumber = {n}\ntitle = "T"\nbranch = "t{n}"\ncommit = "{tip}"\n' for n, tip in merged.items())
    (tmp_path / "tickets.toml").write_text("\n".join(rows))
    mirror = Mirror.of(project.url, tmp_path / "state")
    release = mirror.release("latest")
    tracker = FileTracker(Tracker(url=str(tmp_path / "tickets.toml")))
    told = close_merged(
        tracker, mirror, release, Console(), Writes(today=DATE), publish=publish, subjects=merge_subjects()
    )
    assert told == ((1,) if publish else None)
    out = " ".join(capsys.readouterr().out.split())
    gone, named = (project.git("log", "-1", "--format=%h", "--abbrev=10", at) for at in ("main~1", "main"))
    assert f'#2 was merged into 1.1, and {gone} (Revert "gh-2: t2") took it out again: it is left open' in out
    assert "#3 has moved since it was merged into 1.1: it is left open" in out
    assert f"#4 is named as merged by {named} (Something else (#4)) of 1.1, but its branch is not in there" in out
    assert ("#1 would be closed with --publish: 1.1 contains it" in out) is not publish
