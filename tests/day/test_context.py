from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.day.effective_configuration import with_baseline
from sessions.settings.configuration import Config, EngineSettings, Gate, Project, Tracker
from sessions.source.releases import Release
from sessions.terminal.errors import UsageError

TAG = Release(tag="3.1.0", version=None, commit="12" * 20)
TIP = replace(TAG, tag="3.1.0-12-g1212121212", branch="next/one")


def config(baseline: str, *, release: str = "latest", kind: str = "docker") -> Config:
    return Config(
        version=1,
        project=Project(name="x", repository="x", release=release),
        tickets=(Tracker(url="x"),),
        engine=EngineSettings(kind="local" if kind == "local" else "docker", baseline=baseline),
        gates=(Gate(name="test", run="true"),),
    )


@pytest.mark.parametrize(
    ("baseline", "release", "name"),
    [
        ("x:{release}", TIP, "x:{release}"),
        ("x:{commit}", TAG, f"x:{'12' * 20}"),
        ("x:{branch}", TIP, "x:next-one"),
        ("x:{branch}-{commit}", TIP, f"x:next-one-{'12' * 20}"),
    ],
)
def test_the_name_of_the_image_of_where_the_day_starts(baseline: str, release: Release, name: str) -> None:
    assert with_baseline(config(baseline), release).engine.baseline == name


def test_an_image_that_is_called_after_a_branch_needs_one() -> None:
    with pytest.raises(
        UsageError, match=r"^\[engine\] baseline has \{branch\}, and the day starts from the tag 3\.1\.0"
    ):
        with_baseline(config("x:{branch}"), TAG)
    assert with_baseline(config("x:{branch}", kind="local"), TAG).engine.baseline == "x:"
    past = with_baseline(config("x:{branch}", release="branch:main"), replace(TIP, branch=""))
    assert past.engine.baseline == "x:main"
