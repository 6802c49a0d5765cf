from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from sessions.source.mirror import Mirror
from sessions.source.refusals import without_secret
from sessions.source.release_history import ReleaseHistory
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from tests.repositories import Builder

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "+refs/heads/*:refs/heads/*",
    "refs/heads/*",
    "*",
    "--upload-pack=touch x",
    "-o",
    "a b",
    "refs/heads/../x",
    "../fix",
    "fix:refs/heads/main",
    "^main",
    "fix\n+refs/heads/main:refs/heads/main",
    "fix\0",
    "refs/heads/",
    "",
    "\ud800",
    "refs/tags/1.0^{}",
    "refs/tags/1.0",
    "refs/tags/blob",
    "refs/heads/fix~0",
    "HEAD",
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """A release, a branch `fix`, and a tag on something that is no commit."""
    builder = Builder(tmp_path_factory.mktemp("original") / "project.git")
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.commit({"a": "2\n"}, "1.0", branch="fix")
    builder.tag("blob", "main:a", annotated=False)
    return builder


@pytest.fixture
def project(original: Builder, tmp_path: Path) -> Builder:
    return original.copy(tmp_path / "project.git")


def mirror_of(builder: Builder, tmp_path: Path) -> Mirror:
    return Mirror.of(builder.url, tmp_path / "state")


def watch_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have every call of git written into a file, which is returned; the real git then does it."""
    log, real = folder / "calls", shutil.which("git")
    shim = folder / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    log.touch()
    return log


def count_fetches(log: Path) -> int:
    return sum(" fetch " in line for line in log.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("there", [True, False], ids=["no repository", "dead path"])
def test_what_is_no_repository_is_told_in_one_sentence(tmp_path: Path, there: bool) -> None:
    place = tmp_path / "nothing"
    if there:
        place.mkdir()
    with pytest.raises(SourceError, match=r"nothing cannot be read as a git repository: fatal: .*\.$") as caught:
        Mirror.of(str(place), tmp_path / "state")
    assert "\n" not in str(caught.value)


def test_a_url_that_looks_like_an_option_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        Mirror.of(f"--upload-pack=touch {tmp_path / 'x'}", tmp_path / "state")
    assert not (tmp_path / "x").exists()


def test_an_empty_repository_has_no_release(builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no tag that reads as a version"):
        mirror_of(builder, tmp_path).release("latest")


def test_a_broken_mirror_is_made_anew(project: Builder, tmp_path: Path) -> None:
    path = mirror_of(project, tmp_path).repository.path
    (path / "HEAD").unlink()
    assert mirror_of(project, tmp_path).repository.path == path
    assert (path / "HEAD").is_file()


def test_mirrors_of_different_repositories_are_apart(project: Builder, tmp_path: Path) -> None:
    shutil.copytree(project.path, tmp_path / "PROJECT.git")
    other = Mirror.of(str(tmp_path / "PROJECT.git"), tmp_path / "state")
    assert other.repository.path != mirror_of(project, tmp_path).repository.path


def test_all_branches_come_in_one_call_and_none_where_all_is_here(
    project: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tips = {number: project.commit({"a": f"{number}\n"}, "1.0", branch=f"u/jane/{number}") for number in range(1, 21)}
    project.git("update-ref", "refs/pull/7/head", tips[7])
    asked = {number: f"u/jane/{number}" for number in tips} | {99: "u/jane/gone", 7: "refs/pull/7/head"}
    log = watch_git(tmp_path, monkeypatch)
    for expected in (1, 0):
        mirror = mirror_of(project, tmp_path)
        mirror.release("latest")
        before = count_fetches(log)
        assert mirror.fetch_branches(asked).tips == tips
        assert count_fetches(log) - before == expected


def test_a_branch_that_is_none_is_left_out_and_harms_nobody(project: Builder, tmp_path: Path) -> None:
    mirror = mirror_of(project, tmp_path)
    mirror.release("latest")
    asked = dict(enumerate([*HOSTILE, "fix"]))
    # A tag is at a commit, and can be merged.
    tagged = {HOSTILE.index("refs/tags/1.0"): project.git("rev-parse", "1.0^{commit}")}
    assert mirror.fetch_branches(asked).tips == tagged | {len(HOSTILE): project.tips["fix"]}
    allowed = {"refs/tags/1.0", "refs/integrand/default", *(f"refs/integrand/tickets/{number}" for number in asked)}
    assert set(mirror.repository.git("for-each-ref", "--format=%(refname)").lines()) <= allowed
    assert not [path for path in (tmp_path, tmp_path / "state", mirror.repository.path) if (path / "x").exists()]


def test_strange_names_of_branches_are_no_trouble(project: Builder, tmp_path: Path) -> None:
    names = ["a\u2028b", "a\x85b", "a\N{NO-BREAK SPACE}b", "größe", b"\xff\xfe".decode("utf-8", "surrogateescape")]
    tips = {
        number: project.commit({"a": name.encode("utf-8", "replace")}, "1.0", branch=name, message="strange")
        for number, name in enumerate(names)
    }
    mirror = mirror_of(project, tmp_path)
    assert mirror.release("latest").tag == "1.0"
    assert mirror.fetch_branches(dict(enumerate(names))).tips == tips


def test_a_branch_that_moved_back_or_forth_is_seen_by_the_next_call(project: Builder, tmp_path: Path) -> None:
    for place in ("fix", "1.0", "fix"):
        tip = project.git("rev-parse", f"{place}^{{commit}}")
        project.git("update-ref", "refs/heads/moving", tip)
        assert mirror_of(project, tmp_path).fetch_branches({1: "moving"}).tips == {1: tip}


@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_that_moved_is_seen_by_the_next_call(project: Builder, tmp_path: Path, annotated: bool) -> None:
    before = mirror_of(project, tmp_path).release("1.0").commit
    project.tag("1.0", "fix", annotated=annotated)
    after = mirror_of(project, tmp_path).release("1.0").commit
    assert (before, after) == (project.git("rev-parse", "main"), project.git("rev-parse", "fix"))


def test_a_release_that_is_gone_meanwhile_asks_to_run_again(project: Builder, tmp_path: Path) -> None:
    mirror = mirror_of(project, tmp_path)
    project.git("update-ref", "-d", "refs/tags/1.0")
    with pytest.raises(SourceError, match=r"^Fetching from \S+ failed: fatal: [^\n\[\]]+\. Run again\.$"):
        mirror.release("1.0")


def test_a_branch_that_is_gone_meanwhile_is_out_alone(project: Builder, tmp_path: Path) -> None:
    tips = {number: project.commit({"a": f"{number}\n"}, "1.0", branch=f"t{number}") for number in range(1, 6)}
    mirror = mirror_of(project, tmp_path)
    project.git("update-ref", "-d", "refs/heads/t3")
    fetched = mirror.fetch_branches({number: f"t{number}" for number in tips})
    assert fetched.tips == {number: tip for number, tip in tips.items() if number != 3}
    assert fetched.faults == {3: "it cannot be fetched: fatal: couldn't find remote ref refs/heads/t3"}


def test_a_branch_with_a_missing_object_is_out_alone(project: Builder, tmp_path: Path) -> None:
    tips = {number: project.commit({f"n{number}": f"{number}\n"}, "1.0", branch=f"t{number}") for number in range(1, 8)}
    blob = project.git("rev-parse", f"{tips[5]}:n5")
    (project.path / "objects" / blob[:2] / blob[2:]).unlink()
    fetched = mirror_of(project, tmp_path).fetch_branches({number: f"t{number}" for number in tips})
    assert fetched.tips == {number: tip for number, tip in tips.items() if number != 5}
    assert list(fetched.faults) == [5]
    assert fetched.faults[5].startswith("it cannot be fetched: ")


def test_a_remote_that_does_not_answer_is_no_tickets_fault(project: Builder, tmp_path: Path) -> None:
    mirror = mirror_of(project, tmp_path)
    project.path.rename(tmp_path / "away")
    with pytest.raises(SourceError, match=r"^Fetching from \S+ failed: "):
        mirror.fetch_branches({1: "fix"})


def test_knows_what_is_here_what_is_new_and_what_the_release_has(project: Builder, tmp_path: Path) -> None:
    base, first = project.git("rev-parse", "main"), project.git("rev-parse", "fix")
    second = project.commit({"b": "1\n"}, branch="fix")
    on_main = project.commit({"c": "1\n"}, branch="main")
    third = project.commit({}, second, on_main, branch="fix")
    mirror = mirror_of(project, tmp_path)
    history = ReleaseHistory(mirror.repository, mirror.release("latest"))
    mirror.fetch_branches({1: "fix"})
    assert mirror.present([base, third, "0" * 40, project.git("rev-parse", "main:a")]) == {base, third}
    assert history.new_commits([third]) == {third: (second, on_main), second: (first,), first: (base,)}
    assert history.contained([base, first, on_main]) == {base}
    assert history.new_commits([]) == {}
    assert history.contained([]) == frozenset()


def test_a_commit_that_is_kept_survives_a_clean_up(project: Builder, tmp_path: Path) -> None:
    mirror = mirror_of(project, tmp_path)
    release = mirror.release("latest")
    content = f"tree {release.tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\n".encode()
    kept, lost = (mirror.repository.write_commit(content + name) for name in (b"kept\n", b"lost\n"))
    mirror.repository.keep("days/2026-11-23", kept)
    mirror.repository.git("gc", "--quiet", "--prune=now")
    assert mirror.present([kept, lost]) == {kept}


def test_repository_that_lends_us_its_variables_is_not_touched(
    project: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a git hook or alias."""
    foreign = tmp_path / "foreign.git"
    shutil.copytree(project.path, foreign)
    monkeypatch.setenv("GIT_DIR", str(foreign))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(foreign / "objects"))
    mine = Repository.open(tmp_path / "mine.git")
    assert mine.git("for-each-ref").text == ""
    assert mine.git("rev-parse", "--absolute-git-dir").text == str((tmp_path / "mine.git").resolve())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://jane:s3cret@example.org/a.git", "https://example.org/a.git"),
        ("fatal: unable to access 'https://x-token:gh_1@h/y': no", "fatal: unable to access 'https://h/y': no"),
        ("https://gh_token@example.org/a.git", "https://example.org/a.git"),
        ("https://u:p@ss@example.org/a", "https://example.org/a"),
        ("ssh://git@example.org/a.git", "ssh://example.org/a.git"),
        ("git@example.org:b.git", "git@example.org:b.git"),
        ("https://h/a.git?private_token=s3cret&x=1", "https://h/a.git?private_token=…&x=1"),
        ("https://example.org/@jane/a.git", "https://example.org/@jane/a.git"),
    ],
)
def test_an_address_is_told_without_its_secret(text: str, shown: str) -> None:
    assert without_secret(text) == shown


def test_a_repository_that_cannot_be_reached_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as told:
        Mirror.of("http://jane:s3cret@127.0.0.1:1/a.git", tmp_path)
    assert "127.0.0.1:1/a.git" in str(told.value)
    assert "s3cret" not in str(told.value)
