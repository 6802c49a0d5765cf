"""A branch that the repository refuses: no ticket is told that it is in a branch that does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repositories import run_git
from tests.stories.desk import DATE, Desk, new_desk

pytestmark = pytest.mark.slow
SMALL = ("--engine", "local", "--gates", "doctest,doc-pdf", "--only", "101,103,102")


class Repository:
    """The sample's repository at a desk, whose owner refuses pushes or takes them."""

    def __init__(self, desk: Desk) -> None:
        self.path = desk.state / "sample" / "project.git"
        self._hook = self.path / "hooks" / "pre-receive"

    def refuse(self) -> None:
        self._hook.parent.mkdir(exist_ok=True)
        self._hook.write_text("#!/bin/sh\necho 'branches of this name are protected' >&2\nexit 1\n")
        self._hook.chmod(0o755)

    def take(self) -> None:
        self._hook.unlink()

    def branch(self) -> str:
        ref = f"refs/heads/1.1.beta1+integration-{DATE}"
        return run_git("for-each-ref", "--format=%(objectname)", ref, cwd=self.path)


def told(desk: Desk) -> list[str]:
    folder: Path = desk.state / "sample" / "tickets.told"
    return sorted(path.stem for path in folder.iterdir()) if folder.is_dir() else []


def test_where_the_branch_is_refused_only_those_hear_of_it_who_are_not_in_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = new_desk(tmp_path_factory)
    assert desk.type("integrate", *SMALL).returncode == 0
    repository = Repository(desk)
    repository.refuse()
    # By `publish`, and by `integrate` with the report after it.
    for session in (("publish", "--publish"), ("integrate", *SMALL, "--publish")):
        refused = desk.type(*session)
        assert refused.returncode == 1
        assert "was refused (remote: branches of this name are protected" in refused.stderr
        assert repository.branch() == ""
        assert "branches of this name are protected" in desk.record()["unpushed"]
        assert "branch" not in desk.record()["published"]
        reported = desk.type("report", "--publish")
        assert reported.returncode == 0
        assert "2 integrated tickets are told once the branch is pushed" in reported.stdout
        assert told(desk) == ["103"]  # it is in conflict, whatever became of the branch
    repository.take()
    done = desk.type("publish", "--publish")
    assert done.returncode == 0, done.stderr
    assert repository.branch() == desk.record()["head"]
    assert desk.record()["unpushed"] == ""
    assert told(desk) == ["101", "102", "103"]


def test_without_publish_nobody_waits_for_a_branch(tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory)
    assert desk.type("integrate", *SMALL).returncode == 0
    assert desk.type("report", "--publish").returncode == 0
    assert told(desk) == ["101", "102", "103"]
