from __future__ import annotations

from typing import Any

import pytest

from benchmarks.bases import PROJECTS, Stage, find_requests, judge, prepare
from benchmarks.parties import clone
from sessions.terminal.errors import SourceError
from tests.repositories import Builder

PROJECT = PROJECTS["flask"]
BAD = "12" * 20
STAGE = Stage(bad=BAD, guilty=7, numbers=(7, 8))


def day(
    *,
    seven: str = "culprit",
    broke: str = "test_of_the_ticket",
    file: str = "a",
    eight: str = "integrated",
    bad: str = BAD,
) -> Any:
    blame = [{"test": f"tests/{file}.py::{broke}"}] if seven == "culprit" else []
    return {
        "state": "green",
        "message": "",
        "tickets": [
            {"number": 7, "verdict": seven, "broke": blame},
            {"number": 8, "verdict": eight, "broke": []},
        ],
        "trunk": {"broke": [{"test": "tests/b.py::test_get_debug_flag", "commit": bad}]},
    }


def test_two_days_as_they_should_be() -> None:
    assert judge(PROJECT, STAGE, [day(), day()]) == []


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (day(eight="conflict"), day(), "the days differ"),
        (day(seven="integrated"), day(seven="integrated"), "#7 is not found"),
        (day(broke="test_get_debug_flag", file="b"), day(), "#7 is blamed for main"),
        (day(bad=""), day(), "main's commit 1212121212 is not named"),
        ({**day(), "state": "red"}, day(), "a day is red"),
    ],
)
def test_what_is_wrong_is_said(first: Any, second: Any, told: str) -> None:
    assert any(told in each for each in judge(PROJECT, STAGE, [first, second]))


def test_finds_the_pull_requests_that_start_at_main(builder: Builder, tmp_path: Any) -> None:
    release = builder.commit({"a": "1\n"})
    builder.tag("1.0")
    line = [builder.commit({f"m{n}": "1\n"}, message=f"m (#{n})") for n in (2, 3)]
    builder.commit({"x": "1\n"}, line[0], branch="refs/pull/3/head")
    builder.commit({"y": "1\n"}, line[1], branch="refs/pull/4/head")
    builder.commit({"z": "1\n"}, release, branch="refs/pull/5/head")
    found = find_requests(builder.path, clone(builder.path, tmp_path / "copy.git", bare=True), line)
    assert [(each.number, each.start, each.merged) for each in found] == [(4, 1, float("inf")), (3, 0, 1.0)]


def test_too_few_pull_requests_are_told(builder: Builder, tmp_path: Any) -> None:
    builder.commit({PROJECT.path: PROJECT.old})
    builder.tag(PROJECT.release)
    for number in range(4):
        builder.commit({"m": f"{number}\n"})
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(SourceError, match=r"There are not 10 pull requests that start at main after 3\.1\.0"):
        prepare(builder.path, place, PROJECT, 10)
