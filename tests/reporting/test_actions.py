from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from sessions.ledger.record_file import parse_record
from sessions.reporting.actions import notes, outputs, summary, tell_actions, without_commands
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError
from tests.reporting.big_day import big_day
from tests.reporting.hostile import HOSTILE, poisoned
from tests.reporting.test_junit_report import red_day

LIMIT = 1024 * 1024
COMMAND = re.compile(r"::(error|warning|notice) ((?:file|line|title)=[^,:\n]*,?)+::[^\n]*")


def worst_day() -> dict[str, Any]:
    """500 tickets, all at fault, with all the text that a record can hold of them."""
    record = big_day(size=500)
    long = "``` <b>naïve</b> " * 400
    for ticket in record["tickets"]:
        hunk = "<<<<<<< merged so far\n" + f"{long}\n" * 40
        conflict = {"with": [1], "path": long, "lines": "1-2", "kind": "contents", "hunk": hunk}
        ticket |= {"verdict": "conflict", "title": long, "reason": long, "conflicts": [conflict] * 5}
    return record


@pytest.mark.parametrize("room", [LIMIT, 20_000])
def test_the_summary_of_the_worst_day_is_within_the_limit(room: int) -> None:
    text = summary(parse_record(worst_day()), room)
    assert room / 2 < len(text.encode()) <= room
    assert "was left out" in text
    assert text.index("Needs action") < text.index("was left out")


def test_the_summary_of_500_tickets_names_them_all() -> None:
    record = big_day(size=500)
    text = summary(parse_record(record))
    assert len(text.encode()) <= LIMIT
    assert "was left out" not in text
    rows = re.findall(r"^\| (\d+) \| ", text, re.MULTILINE)
    assert {int(row) for row in rows} == {each["number"] for each in record["tickets"]}
    places = [text.index(part) for part in (" in, ", "## Needs action", "## Gates", "### 36", "## Every ticket")]
    assert places == sorted(places)


def shape(text: str) -> list[str]:
    """The blocks and marks of a Markdown text, without its words."""
    kinds = list[str]()
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        kinds += [child.type for child in token.children or [] if child.type not in ("text", "text_special")]
        kinds += [token.type]
    return kinds


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_hostile_text_stays_text_in_the_summary(text: str) -> None:
    assert shape(summary(parse_record(poisoned(text)))) == shape(summary(parse_record(poisoned("words"))))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_annotations(text: str) -> None:
    lines = notes(parse_record(poisoned(text)))
    assert lines
    for line in lines:
        assert COMMAND.fullmatch(line), line


def test_a_title_sets_no_property_of_its_own() -> None:
    record = big_day(size=20, seed=3) | {"gates": {}}
    for ticket in record["tickets"]:
        ticket |= {"verdict": "culprit", "title": "a,file=/etc/passwd,line=1::b 100%", "reason": "c"}
    number = record["tickets"][0]["number"]
    assert notes(parse_record(record))[0] == f"::warning title=#{number} a%2Cfile=/etc/passwd%2Cline=1%3A%3Ab 100%25::c"


def test_what_fails_on_the_head_is_an_error_with_its_place_and_who_is_to_mend_something_a_warning() -> None:
    record = red_day() | {"state": "red", "message": "doctest fails"}
    lines = notes(parse_record(record))
    assert lines[0] == "::error title=red::doctest fails"
    assert lines[1] == "::error file=src/a/b.py,line=7,title=new in doctest::src/a/b.py::a.b.f [f(1)]%0AGot 2"
    at_fault = sorted(each["number"] for each in record["tickets"] if each["verdict"] in ("culprit", "conflict"))
    warned = [line for line in lines if line.startswith("::warning")]
    assert sorted(int(line.split("#")[1].split()[0]) for line in warned) == at_fault
    assert lines[-1] == "::notice title=flaky in doctest::src/a/e.py::a.e.i"


def test_of_many_annotations_githubs_number_is_printed_and_the_rest_counted() -> None:
    record = big_day(size=500)
    at_fault = [each for each in record["tickets"] if each["verdict"] in ("culprit", "conflict")]
    lines = [line for line in notes(parse_record(record)) if line.startswith("::warning")]
    assert len(lines) == 10
    assert lines[-1] == f"::warning title={len(at_fault) - 9} more::The report names them all."


def written(path: Path) -> dict[str, str]:
    """What GitHub reads from its file of outputs."""
    text, told = path.read_text(), dict[str, str]()
    while text:
        found = re.match(r"(\w+)<<(\S+)\n(.*?)\n\2\n", text, re.DOTALL)
        assert found, text
        told[found[1]] = found[3]
        text = text[found.end() :]
    return told


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    places = {f"GITHUB_{name}": str(tmp_path / name) for name in ("STEP_SUMMARY", "OUTPUT")}
    return {"GITHUB_ACTIONS": "true", **places}


def test_a_job_is_told(job: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    Path(job["GITHUB_STEP_SUMMARY"]).write_text("before\n")
    record = big_day(size=20)
    tell_actions(parse_record(record), Path("/state/report.html"), Console(), job)
    assert Path(job["GITHUB_STEP_SUMMARY"]).read_text().startswith("before\n# 🟢 sage")
    assert written(Path(job["GITHUB_OUTPUT"])) == {
        "state": "green",
        "release": record["release"],
        "date": record["date"],
        "head": record["head"],
        "branch": record["branch"],
        "image": record["image"],
        "report": "/state/report.html",
    }
    assert capsys.readouterr().out.splitlines() == notes(parse_record(record))


def test_what_the_step_has_written_already_leaves_less_room(job: dict[str, str]) -> None:
    place = Path(job["GITHUB_STEP_SUMMARY"])
    place.write_text("x" * (LIMIT - 50_000))
    tell_actions(parse_record(worst_day()), Path("r"), Console(), job)
    assert LIMIT - 40_000 < place.stat().st_size <= LIMIT


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_makes_an_output_of_its_own(job: dict[str, str], text: str) -> None:
    tell_actions(parse_record(poisoned(text)), Path("r"), Console(), job)
    told = written(Path(job["GITHUB_OUTPUT"]))
    assert set(told) == {"state", "release", "date", "head", "branch", "image", "report"}
    assert told["state"] == "green"
    ends = re.findall(r"<<(\S+)$", Path(job["GITHUB_OUTPUT"]).read_text(), re.MULTILINE)
    assert len({end for end in ends if end != "EOF"}) >= 7  # each is made up when it is needed


def test_a_published_image_is_the_one_to_go_on_with() -> None:
    record = big_day(size=3)
    assert (
        outputs(parse_record(record | {"published": {"image": "ghcr.io/x@sha256:1"}}), Path("r"))["image"]
        == "ghcr.io/x@sha256:1"
    )
    named = {"image": {"name": "ghcr.io/x:1", "digest": "sha256:1"}}
    assert outputs(parse_record(record | {"published": named}), Path("r"))["image"] == "ghcr.io/x:1"


def test_nothing_is_told_elsewhere(job: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    del job["GITHUB_ACTIONS"]
    tell_actions(parse_record(big_day(size=3)), Path("r"), Console(), job)
    with without_commands(Console(), job):
        pass
    assert capsys.readouterr().out == ""
    assert not Path(job["GITHUB_OUTPUT"]).exists()


def test_a_job_that_cannot_be_told_is_our_trouble_in_one_sentence(job: dict[str, str]) -> None:
    job["GITHUB_OUTPUT"] = "/nonexistent/output"
    with pytest.raises(InfrastructureError, match="cannot be written"):
        tell_actions(parse_record(big_day(size=3)), Path("r"), Console(), job)


def test_what_is_shown_holds_no_command_that_github_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    tokens = set()
    for _ in range(2):
        with without_commands(console, {"GITHUB_ACTIONS": "true"}):
            console.print_text("::error::no")
        first, shown, last = capsys.readouterr().out.splitlines()
        assert shown == "::error::no"
        token = first.removeprefix("::stop-commands::")
        assert last == f"::{token}::"
        tokens.add(token)
    assert len(tokens) == 2
