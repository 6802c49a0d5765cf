"""Days whose tickets start at a branch that is ahead of the release: nobody answers for what that branch did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.baseline import baseline
from sessions.ledger.record_file import record_data
from sessions.terminal.console import Console
from tests.stories.test_own_project import GATE, Project

Record = dict[str, Any]


class Ahead(Project):
    """Main is five commits ahead of 1.0, the third of which breaks b.txt for good."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.release = self.base
        bad = "no\n"
        changes: list[dict[str, str | None]] = [{"d.txt": "yes\n"}, {"e": "1"}, {"b.txt": bad}, {"e": "2"}, {"e": "3"}]
        self.line = [self.builder.commit(files, message=f"main {n}") for n, files in enumerate(changes, start=1)]
        self.base = self.line[-1]  # where tickets start

    def told(self, **options: Any) -> tuple[Record, dict[int, dict[str, Any]]]:
        record = self.integrate(**options)
        return record, {ticket["number"]: ticket for ticket in record["tickets"]}


@pytest.fixture
def ahead(tmp_path: Path) -> Ahead:
    return Ahead(tmp_path)


def test_main_is_named_and_no_ticket(ahead: Ahead, capsys: pytest.CaptureFixture[str]) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    ahead.ticket(2, {"c.txt": "no\n"})
    ahead.base = ahead.release
    ahead.ticket(3, {"x.txt": "yes\n"})
    record, tickets = ahead.told()
    assert record["state"] == "green"
    assert {number: each["verdict"] for number, each in tickets.items()} == {
        1: "integrated",
        2: "culprit",
        3: "integrated",
    }
    assert [broke["test"] for broke in tickets[2]["broke"]] == ["c.txt::c.txt [ask()]"]
    (broke,) = record["trunk"].pop("broke")
    assert record["trunk"] == {"name": "main", "commit": ahead.line[-1], "commits": 5}
    assert {key: broke[key] for key in ("gate", "test", "commit", "subject")} == {
        "gate": "ask",
        "test": "b.txt::b.txt [ask()]",
        "commit": ahead.line[2],
        "subject": "main 3",
    }
    assert broke["evidence"] == [
        f"fails, twice, at {ahead.line[2][:10]}",
        f"passes, twice, at {ahead.line[1][:10]}",
    ]
    assert record["gates"]["ask"]["known"] == ["b.txt::b.txt [ask()]"]
    out = capsys.readouterr().err
    assert "merged first: 5 commits since 1.0 of main, which are in the branches of #1 and #2" in out
    assert f"main broke b.txt::b.txt [ask()], with {ahead.line[2][:10]} (main 3) since 1.0" in out
    assert record["base"] == ahead.release
    texts = [(ahead.folder / "state" / "latest" / f"report.{kind}").read_text() for kind in ("md", "html")]
    assert "main, 5 commits since 1.0" in texts[0]
    assert "5 commits of main since 1.0" in texts[1]
    for text in texts:
        assert "main broke" in text
        assert f"{ahead.line[2][:10]}" in text


def test_a_day_from_the_branch_has_the_same_verdicts(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    ahead.ticket(2, {"c.txt": "no\n"})
    ahead.ticket(3, {"b.txt": "yes again\n"})
    from_tag, from_branch = ahead.integrate(), ahead.integrate(release="branch:main", state=ahead.folder / "other")
    verdicts = [{each["number"]: each["verdict"] for each in record["tickets"]} for record in (from_tag, from_branch)]
    assert verdicts[0] == verdicts[1] == {1: "integrated", 2: "culprit", 3: "integrated"}
    assert from_branch["trunk"] is None
    assert from_branch["release"] == f"1.0-5-g{ahead.line[-1][:10]}"
    assert from_branch["branch"] == f"1.0-5-g{ahead.line[-1][:10]}+integration-2026-11-23"
    assert from_tag["tree"] == from_branch["tree"]
    assert [gate["fixed"] for gate in (from_tag["gates"]["ask"], from_branch["gates"]["ask"])] == [
        ["b.txt::b.txt [ask()]"]
    ] * 2


def test_the_plan_tells_it_and_runs_nothing(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    record, _ = ahead.told(plan=True)
    assert record["trunk"] == {"name": "main", "commit": ahead.line[-1], "commits": 5, "broke": []}
    assert record["probes"] == []


def test_the_same_day_again_runs_nothing_and_tells_the_same(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    first, second = ahead.integrate(), ahead.integrate()
    assert second["timings"]["probes_run"] == 0
    assert [first[key] for key in ("trunk", "tickets", "head")] == [second[key] for key in ("trunk", "tickets", "head")]


@pytest.mark.usefixtures("unjailed")
def test_a_test_that_fails_by_chance_is_not_mains_fault(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    once = ahead.folder / "failed-once"
    ahead.configure(GATE.replace("grep -q no $file", f"grep -q no $file && mkdir {once} 2>/dev/null"))
    record, tickets = ahead.told()
    assert once.exists()
    assert tickets[1]["verdict"] == "integrated"
    assert record["trunk"]["broke"] == []
    assert [probe["why"] for probe in record["probes"] if "again" in probe["why"]] == [
        f"on {ahead.line[4][:10]} again",
        "on 1.0 again",
    ]


def test_a_branch_that_does_not_build_blames_nobody(ahead: Ahead) -> None:
    broken = ahead.builder.commit({"broken": ""}, message="main breaks the build")
    ahead.base = ahead.builder.commit({"e": "4"}, message="main goes on")
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    record, tickets = ahead.told()
    assert record["state"] == "broken"
    assert record["message"].startswith(
        f"main does not build any more since 1.0, with {broken[:10]} (main breaks the build), so no ticket"
    )
    assert tickets[1]["verdict"] == "not-reached"


def test_the_baseline_session_measures_the_release_alone(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    record = record_data(baseline(ahead.options(), Console(to_stderr=True)))
    assert record["trunk"] is None
    assert len(record["probes"]) == 1


def test_shards_measure_the_branch_too(ahead: Ahead) -> None:
    ahead.ticket(1, {"a.txt": "yes, too\n"})
    whole = ahead.integrate()
    for place in (1, 2):
        ahead.integrate(shard=(place, 2), state=ahead.folder / "shards" / str(place))
    day_result = ahead.integrate(gather=ahead.folder / "shards", state=ahead.folder / "gathered")
    assert [json.dumps(each["trunk"]) for each in (whole, day_result)] == [json.dumps(whole["trunk"])] * 2
    assert not [probe for probe in day_result["probes"] if probe["files"] is None and probe["why"] == "on 1.0 itself"][
        1:
    ]
