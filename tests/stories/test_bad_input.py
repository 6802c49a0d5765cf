"""What a user may get wrong, or the machine: one clear sentence each, no traceback, nothing lost."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.day.state_folder import hold_state
from tests.stories.desk import DATE, DAY, Desk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def trouble(process: subprocess.CompletedProcess[str]) -> str:
    """The sentence with which a session ended."""
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Traceback" not in process.stdout + process.stderr
    assert "does not foresee" not in process.stderr
    [line] = [line for line in process.stderr.splitlines() if line.startswith("TROUBLE ")]
    return line.removeprefix("TROUBLE ")


def configured(desk: Desk, old: str, new: str) -> str:
    text = (ROOT / "integration.toml").read_text()
    assert old in text
    (desk.folder / "integration.toml").write_text(text.replace(old, new))
    return str(desk.folder / "integration.toml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--release", "9.9"], "There is no tag '9.9'; the newest releases there are: 1.1.beta1, 1.1.beta0, 1.0."),
        (["--only", "7"], "--only: the tracker has no open ticket 7."),
        (["--without", "101,7"], "--without: the tracker has no open ticket 7."),
        (["--gates", "doctests"], "There is no gate 'doctests' in the configuration; did you mean 'doctest'?"),
        (["--repository", "/dev/null"], "/dev/null cannot be read as a git repository"),
        (["--config", "nowhere.toml"], "There is no configuration"),
        (["--bugdet", "5h"], "unrecognized arguments: --bugdet"),
        (["--budget", "soon"], "'soon' is not a duration"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(desk: Desk, words: list[str], said: str) -> None:
    assert said in trouble(desk.type("integrate", "--engine", "local", *words))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("milestone  =", "milstone =", "line 16: tickets.milstone: unknown key; did you mean 'milestone'?"),
        ('kind       = "auto"', "kind = 7", "line 22: engine.kind: must be one of auto, docker, local, not 7"),
        ('milestone  = "current"', 'milestone = "1.0"', "No ticket is ready for milestone '1.0', but"),
        ('repository = "sample:" ', 'repository = "nowhere" ', "nowhere cannot be read as a git repository"),
        ('url        = "sample:" ', 'url = "nowhere.toml" ', "nowhere.toml cannot be read"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_place(desk: Desk, old: str, new: str, said: str) -> None:
    config = configured(desk, old, new)
    assert said in trouble(desk.type("integrate", "--engine", "local", "--config", config))


def test_without_a_daemon_docker_says_what_to_do(desk: Desk) -> None:
    nobody = f"unix://{desk.folder}/nobody.sock"
    said = trouble(desk.type("integrate", "--engine", "docker", DOCKER_HOST=nobody))
    assert "No Docker daemon answers" in said
    assert "--engine local" in said


def test_without_a_daemon_auto_says_why_it_takes_folders(desk: Desk) -> None:
    nobody = f"unix://{desk.folder}/nobody.sock"
    done = desk.type("baseline", "--gates", "doctest", DOCKER_HOST=nobody, CI="")
    assert done.returncode == 0, done.stderr
    assert "engine: local, as no Docker daemon answers" in done.stdout


def test_without_a_daemon_auto_says_what_to_do_in_ci(desk: Desk) -> None:
    said = trouble(desk.type("baseline", "--gates", "doctest", DOCKER_HOST=f"unix://{desk.folder}/nobody", CI="true"))
    assert "in CI no other engine is used automatically" in said


@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
def test_a_daemon_without_the_image_says_which_and_what_to_do(desk: Desk) -> None:
    config = configured(desk, '"debian:bookworm-slim"', '"localhost:1/nobody/nothing:1"')
    dockerfile = ROOT / "sessions" / "sample" / "Dockerfile"
    shutil.copytree(dockerfile.parent, desk.folder / "sessions" / "sample")
    said = trouble(desk.type("baseline", "--engine", "docker", "--config", config))
    assert "The image localhost:1/nobody/nothing:1 is not here: localhost:1 cannot be reached" in said


def test_a_ledger_of_a_newer_version_is_left_alone(desk: Desk) -> None:
    desk.state.mkdir()
    with sqlite3.connect(desk.state / "ledger.sqlite") as ledger:
        ledger.execute("pragma user_version = 99")
    ledger.close()
    before = (desk.state / "ledger.sqlite").read_bytes()
    assert "was written by a newer Integrand" in trouble(desk.type("baseline", "--engine", "local"))
    assert (desk.state / "ledger.sqlite").read_bytes() == before


def test_a_half_written_ledger_is_one_sentence(desk: Desk) -> None:
    desk.state.mkdir()
    (desk.state / "ledger.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    assert "The ledger" in trouble(desk.type("baseline", "--engine", "local"))


def test_the_second_session_says_who_holds_the_state_folder(desk: Desk) -> None:
    with hold_state(desk.state):
        said = trouble(desk.type("integrate", "--engine", "local"))
    assert f"Another session works in {desk.state} (process " in said
    with hold_state(desk.state):
        pass  # the lock is free again, and can be taken again


def test_a_state_folder_that_is_a_file_is_one_sentence(desk: Desk) -> None:
    desk.state.write_text("")
    assert "cannot be used" in trouble(desk.type("integrate", "--engine", "local"))


@pytest.mark.parametrize("size", ["64k", "250k", "400k", "550k", "650k"])  # full at one stage after the other
def test_a_full_disk_is_one_sentence_and_the_next_call_goes_on(desk: Desk, size: str) -> None:
    desk.state.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(desk.state)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small file system")
    try:
        said = trouble(desk.type("baseline", "--engine", "local", "--gates", "doctest"))
        assert re.search("no space|make room|disk", said, re.IGNORECASE), said
        subprocess.run(["mount", "-o", "remount,size=100m", str(desk.state)], check=True)
        assert desk.type("baseline", "--engine", "local", "--gates", "doctest").returncode == 0
    finally:
        subprocess.run(["umount", str(desk.state)], check=True)


def test_report_before_any_run_says_what_to_type(desk: Desk) -> None:
    assert "type `nox -s integrate` first" in trouble(desk.type("report"))


def test_help_lists_the_options(desk: Desk) -> None:
    shown = subprocess.run(
        [sys.executable, str(DAY), "integrate", "--help"], cwd=desk.folder, capture_output=True, text=True, check=True
    )
    assert "usage: nox -s integrate --" in shown.stdout
    assert DATE not in shown.stdout


def test_a_release_that_does_not_build_blames_nobody(desk: Desk) -> None:
    config = configured(desk, "python3 -m compileall -q abacus", "exit 3")
    said = trouble(desk.type("integrate", "--engine", "local", "--config", config))
    assert "1.1.beta1 itself does not build here, so no ticket can be judged" in said
    assert desk.record()["state"] == "broken"
    assert {ticket["verdict"] for ticket in desk.record()["tickets"]}.isdisjoint({"culprit", "integrated"})
