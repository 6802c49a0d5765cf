from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.shards import KINDS, main, stretch


def test_longest_first_is_near_the_bound_and_the_others_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--days", "3", "--machines", "4", "--json", str(figures)]) == 0
    cases = {case["kind"]: case["parties"] for case in json.loads(figures.read_text(encoding="utf-8"))["cases"]}
    assert cases.keys() == KINDS.keys()
    assert all(parties["Integrand"]["worst"] <= 1.1 for parties in cases.values())
    assert all(1 <= parties["Integrand"]["median"] <= parties["by name"]["median"] for parties in cases.values())
    assert cases["sage"]["by name"]["median"] > 1.1
    assert "round robin" in capsys.readouterr().out


def test_the_bound_is_the_longest_file_or_an_equal_share() -> None:
    times = {"a": 6.0, "b": 2.0, "c": 2.0}
    assert stretch([["a"], ["b", "c"]], times) == 1
    assert stretch([["a", "b"], ["c"]], times) == 8 / 6
    assert stretch([["b"], ["c"]], {"b": 3.0, "c": 1.0}) == 1
    assert stretch([["b", "c"], ["d"]], {"b": 2.0, "c": 2.0, "d": 2.0}) == 4 / 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--machines", "4,0"], "'0' is not a whole number from 1 on"),
        (["--drift", "x"], "'x' is not a whole number from 0 to 2"),
    ],
)
def test_bad_input_gets_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
