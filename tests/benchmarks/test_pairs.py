from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.pairs import main
from tests.repositories import Builder, lines


def make_history(builder: Builder) -> None:
    """Four tickets on one release: two change one line, two far lines of one file; by hand all went in."""
    start = builder.commit({"a.txt": lines(), "b.txt": lines()})
    builder.tag("1.0")
    changes = {
        "a.txt": [lines((3, "three")), lines((3, "drei")), lines((25, "last"))],
        "b.txt": [lines((9, "nine"))],
    }
    number = 0
    for path, texts in changes.items():
        for text in texts:
            number += 1
            ticket = builder.commit({path: text}, start, branch=f"u/jane/{number}")
            builder.commit({path: text}, "main", ticket, message=f"Trac #{number}: A ticket")
    builder.tag("1.1")


def bench(builder: Builder, *words: str) -> dict[str, Any]:
    figures = builder.path.parent / "figures.json"
    call = ["--repository", str(builder.path), "--from", "1.0", "--to", "1.1", "--json", str(figures), *words]
    assert main(call) == 0
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert isinstance(record, dict)
    return record


def test_all_pairs_are_tried_and_both_name_the_same(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    make_history(builder)
    record = bench(builder)
    told = {name: (row["merged"], row["clash"]) for name, row in record["parties"].items()}
    assert told == {"Integrand": (3, 1), "every pair merged": (6, 1), "one process a merge": (6, 1)}
    assert (record["pairs"], record["agree"], record["missed"]) == (6, True, 0)
    assert "Both name the same pairs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["--limit", "1"], "'1' is not a whole number from 2 on"), (["--from", "0.9"], "no tag '0.9'")],
)
def test_bad_input_gets_one_sentence(
    builder: Builder, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_history(builder)
    assert main(["--repository", str(builder.path), "--from", "1.0", "--to", "1.1", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
