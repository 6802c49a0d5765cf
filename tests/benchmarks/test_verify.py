"""Blames of the sample's day, verified by many more runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.verify import HEAD, RELEASE, WITH, Verified, main
from sessions.culprits.findings import Answer
from tests.stories.desk import new_desk

BLAME = Verified(
    ticket=5,
    partners=(),
    gate="doctest",
    test="a.py::f",
    is_test_missing=False,
    seen={WITH: {"fails": 8}, "without #5": {"passes": 8}, HEAD: {"passes": 8}, RELEASE: {"passes": 8}},
)


def test_a_blame_holds_only_if_no_run_speaks_against_it() -> None:
    assert BLAME.holds
    for name in BLAME.seen:
        for odd in ("unclear", "not run"):
            assert not replace(BLAME, seen={**BLAME.seen, name: {odd: 8}}).holds
        assert not replace(BLAME, seen={**BLAME.seen, name: {"fails": 4, "passes": 4}}).holds
    assert not replace(BLAME, seen={**BLAME.seen, HEAD: {}}).holds


def test_a_test_that_the_ticket_brings_is_missing_elsewhere_and_never_with_it() -> None:
    brought = replace(BLAME, is_test_missing=True)
    missing: dict[str, dict[Answer, int]] = {name: {"not run": 8} for name in ("without #5", HEAD, RELEASE)}
    assert replace(brought, seen={WITH: {"fails": 8}, **missing}).holds
    assert not replace(brought, seen={WITH: {"not run": 8}, **missing}).holds
    assert not replace(brought, seen={WITH: {"fails": 8}, **missing, HEAD: {"fails": 8}}).holds


@pytest.mark.slow
def test_the_sample_s_blames_hold_and_a_wrong_one_does_not(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = new_desk(tmp_path_factory)
    done = desk.type("integrate", "--engine", "local")
    assert done.returncode == 0, done.stdout + done.stderr
    # A blame on a ticket of the green head, which shows nothing of the kind.
    path = desk.state / "latest" / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    by_number = {ticket["number"]: ticket for ticket in record["tickets"]}
    wrong = {**by_number[111]["broke"][0], "commit": record["head"], "tree": record["tree"]}
    by_number[115]["broke"] = [wrong]
    # As the record of a tracker that names no commits has it.
    by_number[111]["commit"] = ""
    path.write_text(json.dumps(record), encoding="utf-8")
    ledger = (desk.state / "ledger.sqlite").read_bytes()
    figures = tmp_path / "figures.json"
    assert main(["--state", str(desk.state), "--runs", "2", "--json", str(figures)]) == 0, capsys.readouterr().err
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert (found["hold"], found["of"]) == (6, 7)
    assert [each["ticket"] for each in found["blames"] if not each["holds"]] == [115]
    [pair] = [each for each in found["blames"] if each["ticket"] == 116]
    assert pair["with"] == [115]
    passing = {name: {"passes": 2} for name in ("without #116", "without #115", HEAD, RELEASE)}
    assert pair["seen"] == {WITH: {"fails": 2}, **passing}
    assert "6 of 7 blames hold (86%)" in capsys.readouterr().out
    assert (desk.state / "ledger.sqlite").read_bytes() == ledger


def test_a_state_folder_without_a_record_gets_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
