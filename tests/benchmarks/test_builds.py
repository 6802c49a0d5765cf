from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from benchmarks import culprits
from benchmarks.builds import KINDS, Options, find, main, make_world, measure_kind, unsteady_world

if TYPE_CHECKING:
    from pathlib import Path


def options(days: int, seconds: float = 3600.0) -> Options:
    return Options(days=days, tickets=58, chance_tickets=14, rates=(0.5,), seconds=seconds, seed=0, json=None)


@pytest.mark.parametrize(
    ("title", "seconds", "most"),
    [
        ("one ticket changes the named file", 3600.0, 4),
        ("one ticket changes the named file", 60.0, 7),
        ("two tickets change it, one is the culprit", 3600.0, 5),
        ("no file is named", 3600.0, 9),
        ("no file is named", 60.0, 12),
        ("two culprits, both files named", 3600.0, 9),
    ],
)
def test_few_builds_name_who_breaks_one_of_58(title: str, seconds: float, most: int) -> None:
    kind = next(kind for kind in KINDS if kind.title == title)
    figures = measure_kind(kind, options(4, seconds))
    assert figures["most"] <= most
    assert (figures["wrong"], figures["missed"]) == (0, 0)


def test_a_pair_is_found_as_a_pair() -> None:
    kind = next(kind for kind in KINDS if kind.title == "a pair, the file of the earlier is named")
    assert measure_kind(kind, options(1))["missed"] == 0


@pytest.mark.parametrize("seed", [2, 21])
def test_the_verification_of_cheap_builds_saves_an_innocent_whom_that_of_dear_ones_does_not(seed: int) -> None:
    out = {
        seconds: find(unsteady_world(0.5, 8, seconds, seed, is_named=False), random.Random(seed)).out  # noqa: S311
        for seconds in (3600.0, 60.0)
    }
    assert out[3600.0]
    assert not out[60.0]


def test_the_same_seed_is_the_same_day() -> None:
    assert make_world(KINDS[0], 20, 60.0, 3) == make_world(KINDS[0], 20, 60.0, 3)
    assert make_world(KINDS[0], 20, 60.0, 3) != make_world(KINDS[0], 20, 60.0, 4)
    assert unsteady_world(0.5, 20, 60.0, 3, is_named=True) == unsteady_world(0.5, 20, 60.0, 3, is_named=True)


def test_culprits_with_build_and_no_number_is_this_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    words = ["--tickets", "8", "--chance-tickets", "8", "--days", "1", "--rates", "0.7", "--json", str(figures)]
    assert culprits.main(["--build", *words]) == 0
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert record["broken"].keys() == {kind.title for kind in KINDS}
    assert [(each["rate"], each["is_named"]) for each in record["unsteady"]] == [(0.7, False), (0.7, True)]
    assert "Builds to name who breaks it" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--tickets", "4"], ["--rates", "2"], ["--seconds", "-1"]])
def test_bad_input_gets_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    assert capsys.readouterr().err.count("\n") == 1
