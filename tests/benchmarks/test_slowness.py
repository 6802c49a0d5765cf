from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.slowness import main, measure_noise

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_slower_files_are_found_with_their_tickets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    words = ["--spread", "0.05", "--files", "100", "--days", "5", "--searches", "5", "--json", str(figures)]
    assert main(words) == 0
    found = json.loads(figures.read_text(encoding="utf-8"))
    shares = {each["ratio"]: each for each in found["files"]}
    assert shares[1.0]["slower"] == 0
    assert shares[1.3]["share"] >= 0.9
    assert shares[2.0]["share"] == 1
    assert all(each["right"] == 1 for each in found["searches"])
    assert "spread of a pair" in capsys.readouterr().out


def test_the_noise_is_that_of_runs() -> None:
    assert len({*measure_noise(2)}) == 2
