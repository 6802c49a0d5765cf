from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.culprits import PARTIES, Case, main, make_world


def bench(folder: Path, *words: str) -> dict[tuple[int, int, float], dict[str, Any]]:
    figures = folder / "figures.json"
    assert main(["--sizes", "20", "--json", str(figures), *words]) == 0
    record = json.loads(figures.read_text(encoding="utf-8"))
    return {(case["culprits"], case["pairs"], case["flakes"]): case["parties"] for case in record["cases"]}


def test_without_flakes_nobody_innocent_is_named_and_every_pair_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = bench(tmp_path, "--days", "12", "--flakes", "0")
    assert all(case["Integrand"]["wrong"] == 0 for case in figures.values())
    assert figures[0, 1, 0.0]["Integrand"]["pairs"] == figures[0, 1, 0.0]["Integrand"]["pairs_there"] == 12
    for culprits, most in ((1, 7), (3, 9), (5, 11)):
        ours = figures[culprits, 0, 0.0]["Integrand"]
        assert ours["equivalents"] <= most
        assert ours["waits"] == 4
        assert figures[culprits, 0, 0.0].keys() == PARTIES.keys()
    # The anchors of docs/benchmarks.md: what others need for one culprit of twenty.
    assert figures[1, 0, 0.0]["bors halving"]["runs"] >= 9
    assert figures[1, 0, 0.0]["batch4"]["runs"] == 9
    assert figures[1, 0, 0.0]["one by one"]["runs"] == 20
    assert figures[0, 0, 0.0]["Integrand"]["runs"] == 1
    assert "found as pair" in capsys.readouterr().out


def test_where_runs_err_the_others_name_innocents_and_we_do_not(tmp_path: Path) -> None:
    figures = bench(tmp_path, "--days", "10", "--flakes", "0.05")
    assert sum(case["Integrand"]["wrong"] for case in figures.values()) == 0
    assert sum(case["batch4"]["wrong"] for case in figures.values()) > 0


def test_the_same_seed_is_the_same_day() -> None:
    case = Case(tickets=20, culprits=2, pairs=1, flakes=0.05, history=40, needs=0.3)
    assert make_world(case, 3) == make_world(case, 3)
    assert make_world(case, 3) != make_world(case, 4)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--sizes", "4"], "'4' is not a whole number from 8 on"),
        (["--flakes", "0.1,2"], "'2' is not a whole number from 0 to 0.99"),
        (["--days", "0"], "'0' is not a whole number from 1 on"),
        (["--json", "no/such/folder.json"], "there is no folder"),
    ],
)
def test_bad_input_gets_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
