from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.soak import main


def test_new_flaky_tests_are_found_and_steady_ones_are_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--tests", "60", "--rates", "20,50", "--json", str(figures)]) == 0
    cases = {(case["kind"], case["rate"]): case for case in json.loads(figures.read_text(encoding="utf-8"))["cases"]}
    assert (cases["new", 0.0]["seen"], cases["new", 0.0]["runs"]) == (0, 59)
    assert all(cases[kind, rate]["named"] >= 0.9 for kind in ("new", "changed") for rate in (0.2, 0.5))
    assert all(cases["old", rate]["named"] <= 0.05 for rate in (0.2, 0.5))
    assert cases["new", 0.5]["runs"] < 30
    assert "ticket named" in capsys.readouterr().out


def test_bad_input_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rates", "101"]) == 1
    assert "'101' is not a whole number from 0 to 100" in capsys.readouterr().err
