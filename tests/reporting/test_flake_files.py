"""The page, JSON and CSV of flaky tests."""

from __future__ import annotations

import csv
import json
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessions.gates.results import Failure, Results, TestId
from sessions.gates.seeds import seed_of
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record import Purpose, Record, RecordedProbe, RecordedSetup
from sessions.ledger.record_file import parse_record, save_record
from sessions.reporting.flake_files import read_records, write_flakes
from tests.reporting.big_day import big_day
from tests.reporting.hostile import HOSTILE

A, B, C = (TestId(f"tests/test {name}.py", "works") for name in "abc")
BASE, HEAD = "a" * 40, "b" * 40
PLAIN = parse_record(big_day(2))


def record(run: str) -> Record:
    probe = RecordedProbe(
        gate="unit",
        why="",
        purpose=Purpose.RELEASE,
        tree=BASE,
        tickets=(),
        files=None,
        attempt=1,
        failures=0,
        seconds=1,
        log="logs/release.log",
    )
    head = replace(probe, purpose=Purpose.HEAD, tree=HEAD, tickets=(7,), log="logs/head.log")
    setup = RecordedSetup(
        repository="",
        submodules=False,
        engine={},
        dockerfile="",
        build={},
        gates=({"name": "unit", "run": run},),
        python="3.13",
    )
    return replace(PLAIN, date="2026-11-20", release="1.0", probes=(probe, head), setup=setup)


def state(folder: Path, run: str = "", message: str = "E  took 5 s at 0x7f") -> Path:
    """A ledger in which A fails in 5 of 20 runs with ticket 7, B once on the release, and C never."""
    save_record(record(run), folder / "days" / "2026-11-20")
    with closing(Ledger(folder / "ledger.sqlite")) as ledger:
        for attempt in range(1, 21):
            for tree, failing in (
                (BASE, [B] if attempt == 9 else []),
                (HEAD, [A] if attempt % 4 == 0 else []),
            ):
                failures = tuple(Failure(test=test, message=message) for test in failing)
                passed = tuple(test for test in (A, B, C) if test not in failing)
                results = Results(gate="unit", failures=failures, passed=passed)
                key = Key(tree=tree, image="i", gate="unit@0", attempt=attempt)
                log = "logs/release.log" if tree == BASE else "logs/head.log"
                ledger.write(key, ProbeResult(built=True, results=results, seconds=1, log=log))
    return folder


def written(folder: Path) -> dict[str, Any]:
    assert write_flakes(folder / "ledger.sqlite", read_records(folder / "days"), folder / "out") == 2
    data: dict[str, Any] = json.loads((folder / "out" / "flakes.json").read_text())
    return data


def test_each_flake_has_a_row_the_most_frequent_first(tmp_path: Path) -> None:
    data = written(state(tmp_path))
    assert data["summary"] == {"days": 1, "since": "2026-11-20", "until": "2026-11-20"}
    first, second = data["flakes"]
    assert first == {
        "gate": "unit",
        "test": str(A),
        "rate": 0.25,
        "low": 0.086571,
        "high": 0.491046,
        "fails": 5,
        "runs": 20,
        "first_failed": "2026-11-20",
        "last_failed": "2026-11-20",
        "last_run": "2026-11-20",
        "origin": "#7",
        "origin_known": True,
        "runs_to_see": 11,
        "runs_at_most": 34,
        "command": "",
        "group": 1,
        "origins": [{"ticket": 7}],
        "seeds": [seed_of(HEAD, attempt) for attempt in (20, 16, 12, 8, 4)],
        "message": "E  took 5 s at 0x7f",
    }
    assert (second["test"], second["fails"], second["runs"]) == (str(B), 1, 40)
    assert (second["origin"], second["origin_known"]) == ("flaky since before the first run", True)
    assert second["group"] == 1, "both fail with the same message"
    rows = list(csv.DictReader((tmp_path / "out" / "flakes.csv").read_text().splitlines()))
    assert [row["test"] for row in rows] == [str(A), str(B)]


def test_the_command_runs_until_the_test_fails(tmp_path: Path) -> None:
    run = 'echo {files} {seed} >> seen; test "{seed}" -ne 3'
    command = written(state(tmp_path, run))["flakes"][0]["command"]
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "seen").read_text().splitlines() == [f"{A.file} {run}" for run in (1, 2, 3)]


def test_a_file_named_like_a_place_stays_that_file(tmp_path: Path) -> None:
    odd = TestId("{seed}; touch hacked", "works")
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for attempt in (1, 2):
            failures = (Failure(test=odd, message=""),) if attempt == 1 else ()
            results = Results(gate="unit", failures=failures, passed=() if failures else (odd,))
            key = Key(tree=HEAD, image="i", gate="unit@0", attempt=attempt)
            ledger.write(key, ProbeResult(built=True, results=results, seconds=1, log=""))
    save_record(record("echo {files}"), tmp_path / "days" / "2026-11-20")
    write_flakes(tmp_path / "ledger.sqlite", read_records(tmp_path / "days"), tmp_path / "out")
    (flake,) = json.loads((tmp_path / "out" / "flakes.json").read_text())["flakes"]
    shown = subprocess.run(["sh", "-c", flake["command"]], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert {*shown.stdout.splitlines()} == {odd.file}
    assert not (tmp_path / "hacked").exists()


def test_the_page_has_a_section_for_each(tmp_path: Path) -> None:
    written(state(tmp_path, "pytest {files}"))
    page = (tmp_path / "out" / "flakes.html").read_text()
    assert page.count("<section id=") == 3
    assert "8.7 to 49 %" in page
    assert "11 runs show it with a probability of 95 %" in page
    assert "pytest &#39;tests/test a.py&#39;" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    written(state(tmp_path, run=text, message=text))
    page = (tmp_path / "out" / "flakes.html").read_text()
    assert page.count("<script>") == 1
    for part in ("<img", "<iframe", "<b id", "\x1b", "\u202e"):
        assert part not in page


def test_no_day_yet_has_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    Ledger(tmp_path / "ledger.sqlite").close()
    assert write_flakes(tmp_path / "ledger.sqlite", read_records(tmp_path / "days"), tmp_path / "out") == 0
    assert "None on these days." in (tmp_path / "out" / "flakes.html").read_text()
    assert (tmp_path / "out" / "flakes.csv").read_text() == ""


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match="out"):
        write_flakes(state(tmp_path) / "ledger.sqlite", read_records(tmp_path / "days"), tmp_path / "out")
