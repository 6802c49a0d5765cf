"""Repositories that git does not read, or not whole: what each is, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sessions.source.command import GitReply
from sessions.source.line import Queue, merge_line
from sessions.source.mirror import Mirror
from sessions.source.overlays import export, overlay_between
from sessions.source.refusals import failed_fetch, is_of_one_branch, unreadable
from sessions.source.soundness import fetch_sound
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Verdict
from tests.conftest import refuse
from tests.repositories import Builder, Scene, lines, run_git


@pytest.fixture
def project(builder: Builder) -> Builder:
    builder.commit({"a": lines()})
    builder.commit({"a": lines((9, "x"))})
    builder.tag("1.0")
    builder.commit({"a": lines((1, "one"))}, "1.0", branch="t1")
    builder.commit({"a": lines((1, "two"))}, "1.0", branch="t2")
    builder.commit({"b": "3\n"}, "1.0", branch="t3")
    return builder


def trouble(url: str, state: Path) -> str:
    """The sentence with which a day from this repository ends before it began."""
    with pytest.raises(SourceError) as told:
        Mirror.of(url, state).release("latest")
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_shallow_clone_is_told_as_such(project: Builder, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    words = ("clone", "--quiet", "--depth=1", "--branch=1.0", f"file://{project.path}", str(clone))
    run_git("-c", "advice.detachedHead=false", *words, cwd=tmp_path)
    assert trouble(str(clone), tmp_path / "state") == (
        f"{clone} is a shallow clone: it lacks the history that merges need. Type `git fetch --unshallow` in it (in a "
        "workflow of GitHub Actions: `fetch-depth: 0`), or name the repository that it was cloned from."
    )
    run_git("fetch", "--quiet", "--unshallow", cwd=clone)
    assert Mirror.of(str(clone), tmp_path / "state").release("latest").commit == project.git(
        "rev-parse", "1.0^{commit}"
    )


def test_a_partial_clone_is_told_as_such(project: Builder, tmp_path: Path) -> None:
    clone = tmp_path / "partial"
    project.git("config", "uploadpack.allowFilter", "true")
    words = ("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{project.path}", str(clone))
    run_git(*words, cwd=tmp_path)
    assert trouble(str(clone), tmp_path / "state") == (
        f"{clone} is a partial clone: it lacks contents that merges need. Type `git fetch --refetch --no-filter` in "
        "it, or name the repository that it was cloned from."
    )
    run_git("fetch", "--quiet", "--refetch", "--no-filter", cwd=clone)
    assert Mirror.of(str(clone), tmp_path / "state").release("latest").tag == "1.0"


def test_a_repository_of_another_user_is_told_as_such(
    project: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_away(project.path)
    told = trouble(project.url, tmp_path / "state")
    assert told == (
        f"{project.path} belongs to another user. If you trust what is in it, type "
        f"`git config --global --add safe.directory {project.path}`."
    )
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    run_git("config", "--file", str(settings), "--add", "safe.directory", project.url, cwd=tmp_path)
    assert Mirror.of(project.url, tmp_path / "state").release("latest").tag == "1.0"


def give_away(folder: Path) -> None:
    """Give a folder to another user, and let everybody write into it."""
    subprocess.run(["chmod", "-R", "a+rwX", str(folder)], check=True)
    before = [] if os.getuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*before, "chown", "-R", "12345:12345", str(folder)], capture_output=True, check=False)
    if done.returncode:
        refuse("only root can give a folder to another user")


def test_a_state_folder_of_another_user_is_as_good_as_ones_own(project: Builder, tmp_path: Path) -> None:
    first = day(project, tmp_path / "state")
    give_away(tmp_path / "state")
    assert day(project, tmp_path / "state") == first


def day(builder: Builder, state: Path) -> list[tuple[Verdict, str]]:
    scene = Scene.of(builder, state)
    tickets = tuple(scene.tickets(t1=1, t2=2, t3=3).values())
    line = merge_line(Queue(tickets=tickets, needs=dict.fromkeys((1, 2, 3), frozenset())), scene.merger, {})
    return [(decision.verdict, line.head.commit) for decision in line.decisions.values()]


def test_a_repository_of_sha256_is_merged_like_any_other(project: Builder, tmp_path: Path) -> None:
    path = tmp_path / "sha256.git"
    run_git("init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", str(path), cwd=tmp_path)
    stream = run_git("fast-export", "--all", "--signed-tags=strip", cwd=project.path)
    run_git("fast-import", "--quiet", cwd=path, put=f"{stream}\n".encode())
    other = Builder.of(path)
    told = day(other, tmp_path / "state")
    assert [verdict for verdict, _ in told] == [Verdict.INTEGRATED, Verdict.CONFLICT, Verdict.INTEGRATED]
    assert {len(head) for _, head in told} == {64}
    mirror = Mirror.of(other.url, tmp_path / "state")
    release = mirror.release("latest")
    fetched = fetch_sound(mirror, release, {1: "t1"})
    assert fetched.tips == {1: other.git("rev-parse", "t1")}
    tree = other.git("rev-parse", "t1^{tree}")
    assert [file.path for file in overlay_between(mirror.repository, release.tree, tree)] == ["a"]
    export(mirror.repository, release.tree, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == lines((9, "x"))


def test_a_repository_may_change_its_object_format(project: Builder, tmp_path: Path) -> None:
    before = day(project, tmp_path / "state")
    stream = project.git("fast-export", "--all", "--signed-tags=strip")
    shutil.rmtree(project.path)
    run_git("init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", project.url, cwd=tmp_path)
    project.git("fast-import", "--quiet", put=f"{stream}\n".encode())
    after = day(project, tmp_path / "state")
    assert [verdict for verdict, _ in after] == [verdict for verdict, _ in before]


LOGIN = "It lets only those in who are logged in: `git ls-remote https://x/` must work without a question"
AGAIN = [
    "fatal: unable to access 'https://x/': Could not resolve host: x",
    "error: RPC failed; curl 56 GnuTLS recv error\nfatal: early EOF",
    "fatal: unable to access 'https://x/': The requested URL returned error: 502",
    "ssh: connect to host x port 22: Connection timed out\nfatal: Could not read from remote repository.",
    "fatal: couldn't find remote ref refs/tags/1.0",
]
NEVER = [
    "fatal: repository 'https://x/' not found",
    "fatal: Authentication failed for 'https://x/'",
    "fatal: unable to access 'https://x/': The requested URL returned error: 403",
    "fatal: '/x' does not appear to be a git repository",
    "git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
    "fatal: mismatched algorithms: client sha1; server sha256",
]


@pytest.mark.parametrize("said", [*AGAIN, *NEVER])
def test_one_is_told_to_run_again_only_where_that_can_help(said: str) -> None:
    reply = GitReply(128, b"", said)
    assert failed_fetch("https://x/", reply).endswith(" Run again.") == (said in AGAIN)
    assert unreadable("https://x/", reply).endswith(" Check the network, then type the same command again.") == (
        said in AGAIN
    )


@pytest.mark.parametrize(
    ("said", "reason", "remedy"),
    [
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "fatal: could not read", LOGIN),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 403", "fatal: unable to", LOGIN),
        ("git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.", "git@x: Per", LOGIN),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "Host key verif", LOGIN),
        ("fatal: repository 'https://x/' not found", "fatal: repository", "Correct `repository` in [project]"),
        ("ssh: connect to host x port 1: Connection refused\nfatal: Could not read from remote repository.",
         "ssh: connect to host x port 1: Connection refused", "Check the network"),
        ("fatal: Could not read from remote repository.", "fatal: Could not", "Type `git ls-remote https://x/`"),
    ],
)  # fmt: skip
def test_a_repository_that_cannot_be_read_says_why_and_what_to_type(said: str, reason: str, remedy: str) -> None:
    told = unreadable("https://x/", GitReply(128, b"", said))
    assert told.startswith(f"https://x/ cannot be read as a git repository: {reason}")
    assert remedy in told


@pytest.mark.parametrize("said", [*AGAIN[:-1], *NEVER])
def test_the_way_and_this_machine_are_no_tickets_trouble(said: str) -> None:
    assert not is_of_one_branch(GitReply(128, b"", said))
