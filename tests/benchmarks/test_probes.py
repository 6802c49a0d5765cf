from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.probes import main, summary, take_turns


def test_all_parties_run_the_same_command_on_the_same_candidate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    command = "test $(find . -name '*.py' | wc -l) = 123 && cat integrand_bench/2.py package_0000/module_49.py"
    words = ["--files", "120", "--differ", "3", "--rounds", "2", "--command", command, "--json", str(figures)]
    assert main(words) == 0
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert (told["files"], told["differ"], list(told["parties"])) == (120, 3, ["the command", "overlay", "copy"])
    assert "120 files, 3 of which differ" in capsys.readouterr().out


def test_a_command_that_fails_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--files", "1", "--rounds", "1", "--command", "echo oops >&2; exit 1"]) == 1
    assert capsys.readouterr().err == "The command fails: oops\n"


def test_ratios_are_paired_by_round() -> None:
    seconds = {"the command": [1.0, 2.0, 4.0], "overlay": [1.1, 2.4, 4.0]}
    assert summary(seconds) == {"the command": {"median": 2.0, "ratio": 1.0}, "overlay": {"median": 2.4, "ratio": 1.1}}


def test_the_parties_take_turns() -> None:
    order: list[str] = []
    take_turns({name: lambda name=name: order.append(name) for name in "abc"}, 3)  # type: ignore[misc]
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
