from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.overhead import main


def test_the_second_day_runs_no_probe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--tickets", "3", "--files", "4", "--repeat", "1", "--json", str(figures)]) == 0, capsys.readouterr()
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert record["integrated"] == 3
    parties = record["parties"]
    assert parties["first day"]["probes"] == 4  # two gates, on the release and on the head
    assert parties["idle day"]["probes"] == 0
    assert all(party["seconds"] > 0 and party["mb"] > 1 for party in parties.values())
    assert "idle day" in capsys.readouterr().out


def test_bad_input_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tickets", "0"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "'0' is not a whole number from 1 on" in captured.err
