"""A call that is narrowed to some tickets or files, beside the whole day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions.baseline import baseline
from sessions.day.healing import Story
from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.ledger.record_file import load_record, record_data
from sessions.main import run_session
from sessions.settings.options import parse_options
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from tests.repositories import Builder

CONFIG = """
version = 1
project = { name = "p", repository = "%s" }
tickets = { tracker = "file", url = "tickets.toml" }
engine = { kind = "local" }
[[gates]]
name = "tests"
run = "cat {files}"
files = ["*.txt"]
"""


@pytest.fixture
def folder(builder: Builder, tmp_path: Path) -> Path:
    base = builder.commit({"a.txt": "a", "b.txt": "b"})
    builder.tag("1.0")
    tickets = ""
    for number in (1, 2):
        builder.commit({f"{number}.txt": "x"}, base, branch=f"t{number}")
        tickets += f'[[ticket]]\nnumber = {number}\ntitle = "T"\nbranch = "t{number}"\nauthors = ["A"]\n'
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "integration.toml").write_text(CONFIG % builder.url)
    (folder / "tickets.toml").write_text(tickets)
    return folder


def run(folder: Path, *words: str, story: Story = integrate) -> Record:
    typed = ("--state", "state", "--date", "2026-11-23", *words)
    options = parse_options(typed, session="integrate", called_from=folder, home=folder)
    return story(options, Console(to_stderr=True))


@pytest.mark.parametrize("words", [("--only", "1"), ("--files", "a.txt")])
def test_a_part_lies_beside_the_whole_day(
    folder: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    state = folder / "state"
    whole = run(folder)
    assert whole.state == "green"
    page = (state / "days" / "2026-11-23" / "report.html").read_bytes()
    capsys.readouterr()
    part = run(folder, *words)
    assert part.state == "green"
    said = "".join(capsys.readouterr().err.split())
    assert "2026-11-23-part/report.html,besidethatofthewholeday" in said
    assert json.loads((state / "days" / "2026-11-23-part" / "run.json").read_text()) == record_data(part)
    assert load_record(state) == whole
    assert (state / "latest" / "report.html").read_bytes() == page


def test_a_job_is_given_the_report_of_the_part_that_it_ran(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder)
    outputs = folder / "outputs"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    for words, name in (
        ((), "2026-11-23"),
        (("--files", "a.txt"), "2026-11-23-part"),
        (("--plan",), "2026-11-23-plan"),
    ):
        outputs.unlink(missing_ok=True)
        typed = ("--state", "state", "--date", "2026-11-23", *words)
        assert run_session(integrate, "integrate", typed, folder) is None
        report = folder / "state" / "days" / name / "report.html"
        assert report.is_file()
        assert f"\n{report}\n" in outputs.read_text()


def test_a_part_is_the_latest_where_there_is_no_whole_day_yet_and_feeds_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = run(folder, "--only", "1,2")
    assert load_record(folder / "state") == part
    whole = run(folder)
    assert load_record(folder / "state") == whole
    assert "forecast: everything is known already" in " ".join(capsys.readouterr().err.split())


def test_files_that_no_gate_tests_are_never_green(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for story, name in ((integrate, "c.txt"), (baseline, "c.txt"), (integrate, "1.txt")):
        with pytest.raises(
            UsageError, match=rf"--files {name} names no file that a requested gate tests on 1.0 itself"
        ):
            run(folder, "--files", name, story=story)
    assert not (folder / "state" / "days").exists()
    extra = (
        '[[gates]]\nname = "other"\nrun = "cat {files}"\nfiles = ["*.md"]\n[[gates]]\nname = "whole"\nrun = "true"\n'
    )
    with (folder / "integration.toml").open("a", encoding="utf-8") as file:
        file.write(extra)
    capsys.readouterr()
    part = run(folder, "--files", "a.txt")
    assert (part.state, part.message.split(":")[0]) == ("paused", "other has not run on this head")
    said = " ".join(capsys.readouterr().err.split())
    assert "other does not run: --files names none of its files" in said
    assert "whole runs as a whole: it has no `files` that --files could narrow" in said
    assert {probe.gate for probe in part.probes} == {"tests", "whole"}
    with pytest.raises(UsageError, match="no gate has `files` in the configuration"):
        run(folder, "--files", "a.txt", "--gates", "whole")
