"""The bundled sample's day, end to end: its verdicts, its evidence, repeated, split, published, stopped."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import jsonschema
import pytest

from sessions import __version__
from sessions.ledger.record_file import SCHEMA
from sessions.sample.history import expectations
from tests.conftest import refuse
from tests.stories.desk import DATE, DAY, SOME_TICKETS, Desk, Done, shared_day, timeless, undisturbed_day, verdicts
from tests.stories.desk import new_desk as make_desk

pytestmark = pytest.mark.slow


@pytest.fixture
def new_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    return lambda: make_desk(tmp_path_factory)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return undisturbed_day(tmp_path_factory)


def test_every_ticket_has_the_verdict_of_the_samples_own_table(
    done: Done,
) -> None:
    record = done.record
    expected = expectations()
    assert verdicts(record) == {number: str(each.verdict) for number, each in expected.items()}
    for ticket in record["tickets"]:
        assert expected[ticket["number"]].reason.lower() in ticket["reason"].lower(), ticket
    assert record["state"] == "green"
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(record)
    assert record["integrand"] == __version__


def test_what_failed_before_and_what_fails_by_chance_is_nobodys_fault(
    done: Done,
) -> None:
    gate = done.record["gates"]["doctest"]
    assert [test.split("::")[0] for test in gate["known"]] == ["abacus/measure.py"]
    assert [test.split("::")[0] for test in gate["fixed"]] == ["abacus/almanac.py"]
    assert [test.split("::")[0] for test in gate["flaky"]] == ["abacus/dice.py"]
    assert gate["new"] == []


def test_a_pair_is_told_with_the_evidence_of_four_runs(done: Done) -> None:
    [later] = [ticket for ticket in done.record["tickets"] if ticket["number"] == 116]
    assert later["broke"][0]["with"] == [115]
    assert later["broke"][0]["evidence"] == [
        "fails, twice, with #115 and #116",
        "passes with #116",
        "passes with #115",
    ]


def test_a_conflict_is_told_with_file_lines_and_both_texts(
    done: Done,
) -> None:
    [loser] = [ticket for ticket in done.record["tickets"] if ticket["number"] == 103]
    [conflict] = loser["conflicts"]
    assert (conflict["with"], conflict["path"]) == ([102], "abacus/text.py")
    assert re.fullmatch(r"\d+-\d+(,\d+-\d+)*", conflict["lines"])
    assert "<<<<<<<" in conflict["hunk"]


def test_the_manual_is_a_pdf_that_can_be_read(done: Done) -> None:
    if not shutil.which("pdftotext"):
        refuse("pdftotext (poppler-utils) is not here")
    [pdf] = (done.desk.state / "latest" / "artifacts" / "doc-pdf").rglob("*.pdf")
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert "The Abacus manual" in text


def test_the_same_command_again_runs_no_probe(done: Done) -> None:
    desk, before = done.desk, done.record
    again = desk.type("integrate", "--engine", "local", "--json")
    assert again.returncode == 0
    record = json.loads(again.stdout)  # nothing else on standard output
    assert record["timings"]["probes_run"] == 0
    assert timeless(record) == timeless(before)


def test_doc_pdf_goes_on_with_the_day_and_report_shows_it(
    done: Done,
) -> None:
    desk = done.desk
    assert desk.type("doc-pdf", "--engine", "local").returncode == 0
    assert desk.record()["timings"]["probes_run"] == 0
    shown = desk.type("report")
    assert shown.returncode == 0
    assert "\n111  culprit" in shown.stdout
    assert "1.1.beta1" in shown.stdout
    shown = desk.type("report", "--flakes", "flakes", "--format", "markdown")
    assert "| 111 | culprit |" in shown.stdout
    assert (desk.state / "latest" / "report.md").read_text() in shown.stdout
    (flake,) = json.loads((desk.folder / "flakes" / "flakes.json").read_text())["flakes"]
    assert flake["test"].startswith("abacus/dice.py::")
    assert 0 < flake["low"] < flake["rate"] == round(flake["fails"] / flake["runs"], 6) < flake["high"] < 1
    assert "--seed $run" in flake["command"]
    assert flake["command"].endswith("abacus/dice.py) || break; done")


def test_a_day_split_over_sessions_is_the_same_day(done: Done, new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    first = desk.type("integrate", "--engine", "local", "--gates", "doctest")
    assert (first.returncode, desk.record()["state"]) == (0, "paused")
    assert verdicts(desk.record())[117] == "integrated"  # it breaks the manual, which nobody has printed yet
    second = desk.type("doc-pdf", "--engine", "local")
    assert second.returncode == 0, second.stdout
    assert desk.record()["gates"]["doctest"]["state"] == "pending"
    assert desk.type("integrate", "--engine", "local").returncode == 0
    assert verdicts(desk.record()) == verdicts(done.record)
    assert desk.record()["head"] == done.record["head"]


def test_publishing_pushes_the_branch_and_tells_the_tickets_once(new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    words = ("--engine", "local", "--gates", "doctest,doc-pdf", "--only", "101,103,102")
    assert desk.type("integrate", *words).returncode == 0
    project = desk.state / "sample" / "project.git"
    branch = f"refs/heads/1.1.beta1+integration-{DATE}"

    def tip() -> str:
        words = ["git", "-C", str(project), "for-each-ref", "--format=%(objectname)", branch]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    assert tip() == ""  # nothing leaves without --publish
    assert desk.type("integrate", *words, "--publish").returncode == 0
    assert tip() == desk.record()["head"]
    assert desk.record()["published"]["branch"]["commit"] == tip()
    told = desk.state / "sample" / "tickets.told"
    assert desk.type("report").returncode == 0
    assert not told.exists()
    assert desk.type("report", "--publish").returncode == 0
    assert sorted(path.name for path in told.iterdir()) == ["101.md", "102.md", "103.md"]
    assert "conflict" in (told / "103.md").read_text()
    moments = {path: path.stat().st_mtime_ns for path in told.iterdir()}
    assert desk.type("report", "--publish").returncode == 0
    assert moments == {path: path.stat().st_mtime_ns for path in told.iterdir()}


def test_a_budget_that_ends_pauses_the_day_and_the_next_call_goes_on(new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    words = ("--engine", "local", "--only", "114,101")
    paused = desk.type("integrate", *words, "--budget", "1s")
    assert paused.returncode == 1
    assert desk.record()["state"] == "paused"
    assert "not-reached" in verdicts(desk.record()).values()
    assert "culprit" not in verdicts(desk.record()).values()
    assert desk.type("integrate", *words).returncode == 0
    assert verdicts(desk.record()) == {101: "integrated", 114: "culprit"}


def test_a_day_in_three_calls_with_a_budget_is_the_day_in_one(
    tmp_path_factory: pytest.TempPathFactory, new_desk: Callable[[], Desk]
) -> None:
    done = shared_day(tmp_path_factory, *SOME_TICKETS)
    # How fast the machine is, moment by moment, is not ours to say: less and less time until two calls do not suffice.
    desk, states = new_desk(), [""]
    for parts in (3, 6, 12, 24):
        desk, budget = new_desk(), f"{max(1, round(done.record['timings']['seconds'] / parts))}s"
        states = []
        for given in (budget, budget, "1h"):
            desk.type("integrate", "--engine", "local", *SOME_TICKETS, "--budget", given)
            states.append(desk.record()["state"])
        if states == ["paused", "paused", "green"]:
            break
    assert states == ["paused", "paused", "green"]
    assert timeless(desk.record()) == timeless(done.record)


def test_a_plan_runs_no_gate(new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    assert desk.type("integrate", "--plan").returncode == 0
    record = desk.record()
    assert (record["state"], record["probes"]) == ("empty", [])
    assert verdicts(record)[103] == "conflict"
    assert verdicts(record)[126] == "blocked"


def test_ctrl_c_stops_cleanly_and_the_next_call_goes_on(new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    words = [sys.executable, "-u", str(DAY), "integrate", "--date", DATE, "--engine", "local", "--only", "114"]
    with subprocess.Popen(words, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "probe 2" in line:
                break
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()
    assert "type the same command to continue" in rest
    assert list((desk.state / "local" / "probes").iterdir()) == []
    assert desk.type("integrate", "--engine", "local", "--only", "114").returncode == 0
    assert verdicts(desk.record()) == {114: "culprit"}
