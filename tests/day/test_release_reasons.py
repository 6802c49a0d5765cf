"""A new test that fails as tests of the release do takes nobody out; one that may fail for another reason does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.day.progress import Progress
from sessions.day.recorded_gates import recorded_gate
from sessions.gates.results import TestId
from tests.day.engine import Desk, queue_of
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path

# The release has no module `numpy`, and its helper fails; tests of it say so.
RELEASE = {
    "old.test": "one pass\ntwo imports numpy\n",
    "sum.test": "three imports numpy\nfour uses helper.py\n",
    "helper.py": "this raises\n",
    "other.py": "this works\n",
}
MISSING = "ModuleNotFoundError: No module named 'numpy'"


def day_with(builder: Builder, tmp_path: Path, **branches: dict[str, str]) -> Progress:
    builder.commit(RELEASE)
    builder.tag("1.0")
    for name, files in branches.items():
        builder.commit(files, "1.0", branch=name)
    desk = Desk.of(Scene.of(builder, tmp_path / "state"), tmp_path / "state")
    tickets = desk.scene.tickets(**{name: int(name[1:]) for name in branches})
    return desk.find_green_head(queue_of(tickets.values()))


def test_new_tests_that_fail_as_the_release_does_are_told_and_take_nobody_out(builder: Builder, tmp_path: Path) -> None:
    progress = day_with(
        builder,
        tmp_path,
        t1={"new.test": "five imports numpy\nsix pass\n"},
        t2={"used.test": "seven uses helper.py\n"},
    )
    assert (progress.out, progress.failing) == ({}, {})
    five, seven = TestId("new.test", "five"), TestId("used.test", "seven")
    changes = progress.measured["unit"].changes
    assert (changes[1].as_release, changes[2].as_release) == ((five,), (seven,))
    commonest, other = recorded_gate("unit", progress, ()).causes
    assert (commonest.words, commonest.known, commonest.new) == (
        MISSING,
        (TestId("old.test", "two"), TestId("sum.test", "three")),
        (five,),
    )
    assert (other.words, other.file, other.new) == ("ValueError: no", "helper.py", (seven,))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"new.test": "five imports scipy\n"}, id="another module is missing"),
        pytest.param({"new.test": "five fail\n"}, id="the message shows no cause"),
        pytest.param({"old.test": "one imports numpy\ntwo imports numpy\n"}, id="the release has the test"),
        pytest.param({"old.test": "uno imports numpy\ntwo imports numpy\n"}, id="a test that passed is renamed"),
        pytest.param({"new.test": "five uses helper.py\n", "helper.py": "this still raises\n"}, id="another statement"),
        pytest.param(
            {"new.test": "five uses helper.py\n", "helper.py": "this raises\n#\n"}, id="the ticket changes what raises"
        ),
        pytest.param({"new.test": "five uses other.py\n", "other.py": "this raises\n"}, id="another file raises"),
        pytest.param(
            {
                "new.test": "five imports numpy\n",
                "old.test": "one pass\n",
                "sum.test": "three pass\nfour uses helper.py\n",
            },
            id="no test of the release fails so on the head",
        ),
    ],
)
def test_what_may_have_another_reason_takes_its_ticket_out(
    builder: Builder, tmp_path: Path, change: dict[str, str]
) -> None:
    assert day_with(builder, tmp_path, t1=change).out.keys() == {1}
