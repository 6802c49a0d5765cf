from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.terminal.console import Console
from sessions.terminal.harmless_text import harmless, harmless_line
from tests.terminal.screen import run_on_terminal
from tests.terminal.test_harmless_text import COMMANDS, obeyed

ROOT = Path(__file__).parents[2]
TITLE = (
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07[bold]x[/bold] [/] [link=http://e.e]y[/link] :bomb: "
    "\x9b2J\u202eabc\rover\x08\x00 it"
)
SHOWN = "red ]0;owned[bold]x[/bold] [/] [link=http://e.e]y[/link] :bomb: 2Jabcover it"

STORY = """
import sys
from sessions.terminal.console import Console

console = Console(to_stderr="--stderr" in sys.argv)
for argument in sys.argv[1:]:
    if argument == "--stderr":
        continue
    title = argument.encode().decode("unicode_escape")
    console.step(title)
    console.detail(title)
    console.good(title)
    console.bad(title)
    with console.probes([(title, 90.0)], 1) as watch:
        watch.listeners[0](title)
        watch.ended(0)
    console.show("# heading\\n\\nsome *words*", lambda: "heading\\n\\nsome words")
"""
END = "some words\n"


def print_story(*titles: str, stderr: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
    """Print a story of each title into a pipe."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    coded = [title.encode("unicode_escape").decode() for title in titles]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", STORY, *coded, *(["--stderr"] if stderr else [])],
        env={**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_in_a_pipe_a_story_is_plain_lines() -> None:
    printed = print_story("Merging")
    assert printed.stdout.splitlines() == [
        "==> Merging", "    Merging", "Merging", "Merging", "    probe 1: Merging (usually 1m30s)",
        "heading", "", "some words",
    ]  # fmt: skip
    assert printed.stderr == ""


def test_a_long_line_is_not_broken_in_a_pipe() -> None:
    assert f"==> {'word ' * 99}word\n" in print_story("word " * 99 + "word").stdout


def test_with_json_the_story_goes_to_standard_error() -> None:
    printed = print_story("Merging", stderr=True)
    assert printed.stdout == ""
    assert printed.stderr.startswith("==> Merging\n")


def test_colour_comes_where_it_is_forced_and_goes_where_it_is_refused() -> None:
    assert "\x1b[1;36m==>" in print_story("Merging", FORCE_COLOR="1").stdout
    assert "\x1b[1;31m" in print_story("Merging", FORCE_COLOR="1").stdout
    refused = print_story("Merging", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", refused)
    assert "\x1b" not in print_story("Merging", NO_COLOR="1").stdout


def on_terminal(title: str) -> str:
    """Tell a story on a terminal, and return everything that was printed there."""
    return run_on_terminal(STORY, title.encode("unicode_escape").decode())


def test_on_a_terminal_there_is_colour_a_moving_line_and_a_rendered_report() -> None:
    came = on_terminal("Merging")
    assert "\x1b[1;36m==>" in came
    assert "\x1b[?25l" in came
    assert came.rindex("\x1b[?25h") > came.rindex("\x1b[?25l"), "the cursor is shown again"
    assert "*words*" not in came


def test_a_hostile_title_is_shown_as_it_is_in_a_pipe() -> None:
    lines = print_story(TITLE).stdout.splitlines()
    assert lines[:4] == [f"==> {SHOWN}", f"    {SHOWN}", SHOWN, SHOWN]


def test_a_hostile_title_cannot_steer_a_terminal() -> None:
    came = on_terminal(TITLE)
    tame = on_terminal("Merging")
    assert f"==>\x1b[0m {SHOWN}\r\n" in came
    # Only what rich itself writes: colours, and moving within the line of a probe under way.
    codes = [re.findall(r"\x1b[^a-zA-Z]*.", text) for text in (came, tame)]
    assert set(codes[0]) <= set(codes[1])
    assert not re.search("[\x07\x08\x9b\u202e\x00]", came)


@pytest.mark.parametrize("name", ["caf\udce9.py", "\ud800"])
def test_a_path_that_is_no_utf_8_can_be_told(name: str) -> None:
    assert "==> " in print_story(name).stdout


ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\t")  # rich makes spaces of tabs


@given(st.text(st.sampled_from("[]/\\bold=red link@") | ANYTHING))
@example("two \\\\")
@example("[/] [bold] \\[red] \\\\[red] [@click=x]y[/]")
def test_no_words_are_taken_for_markup(words: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        console = Console()
        console.detail(words)
        console.good(words)
    assert out.getvalue() == f"    {harmless(words)}\n{harmless(words)}\n"


@pytest.fixture(scope="module")
def printed_commands() -> dict[str, list[str]]:
    """Return the lines that the story of each command prints; one process prints them all."""
    stories = print_story(*COMMANDS).stdout.split(END)
    assert len(stories) == len(COMMANDS) + 1
    return {text: story.splitlines() for text, story in zip(COMMANDS, stories, strict=False)}


@pytest.mark.parametrize("text", COMMANDS)
def test_no_line_is_a_command_of_a_cis_runner(text: str, printed_commands: dict[str, list[str]]) -> None:
    assert any(map(obeyed, harmless(text).splitlines()))
    assert len(printed_commands[text]) >= 6
    assert not [line for line in printed_commands[text] if obeyed(line)]
    assert not obeyed(harmless_line(text))


def test_a_terminal_without_columns_is_a_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some CI runners say ``COLUMNS=0``."""
    monkeypatch.setenv("COLUMNS", "0")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Console().good("green: 5 tickets")
    assert out.getvalue() == "green: 5 tickets\n"
