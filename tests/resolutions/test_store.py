from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.resolutions.model import About, Resolution, ResolutionKind, ResolutionPart, write_about
from sessions.resolutions.store import PUBLISHED, RESOLUTIONS, Shelf, open_shelf, read_resolutions
from sessions.source.mirror import Mirror
from tests.repositories import Builder, Content, run_git

if TYPE_CHECKING:
    from pathlib import Path

WHO = "Jane <jane@example.org>"


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    builder = Builder(tmp_path / "project.git")
    builder.commit({"a": "1\n"})
    return builder


def resolution(key: str, text: bytes = b"x\n", date: str = "2026-11-20") -> Resolution:
    about = About(
        author=WHO,
        date=date,
        origin="by hand",
        path='na\udcefve "name"',
        tickets=(1, 2),
        commits={1: "f" * 40, 2: "e" * 40},
    )
    parts = {
        "text": ResolutionPart(content=text),
        'before/b "b"\\\n\udcff': ResolutionPart(content=b"\0\n", mode="100755"),
    }
    return Resolution(kind=ResolutionKind.FIX_UP, key=key * 64, about=about, parts=parts)


def shelf(builder: Builder, state: Path) -> Shelf:
    return open_shelf(Mirror.of(builder.url, state))


def publish(state: Path) -> None:
    [mirror] = (state / "mirrors").glob("*.git")
    run_git("push", "--quiet", "--force", str(state.parent / "project.git"), f"{RESOLUTIONS}:{RESOLUTIONS}", cwd=mirror)


def test_what_is_kept_is_read_again(builder: Builder, tmp_path: Path) -> None:
    new = [resolution("a"), resolution("b")]
    kept = shelf(builder, tmp_path / "state").keep(new, WHO, "two\n")
    assert kept.resolutions == {each.name: each for each in new}
    assert shelf(builder, tmp_path / "state").resolutions == kept.resolutions
    run_git("fsck", "--strict", cwd=kept.repository.path)
    assert run_git("log", "--format=%an %s", RESOLUTIONS, cwd=kept.repository.path) == "Jane two"


def test_an_empty_project_keeps_nothing(builder: Builder, tmp_path: Path) -> None:
    assert shelf(builder, tmp_path / "state").resolutions == {}


def test_two_desks_are_merged(builder: Builder, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    both = [resolution("a"), resolution("b"), resolution("c")]
    shelf(builder, here).keep(both, WHO, "both")
    publish(here)
    mine = shelf(builder, there)
    assert mine.resolutions.keys() == {each.name for each in both}
    newer, older = resolution("c", b"newer\n", "2026-11-22"), resolution("c", b"older\n", "2026-11-21")
    mine.keep([resolution("d"), newer], WHO, "d, without a", without=[both[0].name])
    shelf(builder, here).keep([resolution("e"), older], WHO, "e")
    publish(here)
    merged = shelf(builder, there)
    expected = [both[1], newer, resolution("d"), resolution("e")]
    assert merged.resolutions == {each.name: each for each in expected}
    assert len(merged.parents) == 2
    assert merged.keep((), WHO, "merge").resolutions == merged.resolutions
    publish(there)
    assert shelf(builder, here).resolutions == merged.resolutions


def test_what_is_damaged_is_passed_over(builder: Builder, tmp_path: Path) -> None:
    kept = shelf(builder, tmp_path / "state").keep([resolution("a")], WHO, "one")
    name = resolution("a").name
    about = write_about(resolution("a").about)
    strange: dict[str, Content] = {
        "README": "x",
        "hunk/x/about.json": "{",
        "hunk/y/about.json": about,  # without its text
        "rerere/y/about.json": about,
        "rerere/y/1": "a text whose first one is missing",
        "what/y/about.json": about,
        "fix-up/y/about.json": about,
        "fix-up/y/after/sub/.GIT/config": "x",
        "fix-up/z/text": "x",
    }
    commit = builder.commit(strange, branch="refs/integrand/resolutions")
    run_git("fetch", "--quiet", builder.url, f"+{RESOLUTIONS}:{PUBLISHED}", cwd=kept.repository.path)
    assert read_resolutions(kept.repository, commit) == {}
    assert list(shelf(builder, tmp_path / "state").resolutions) == [name]
