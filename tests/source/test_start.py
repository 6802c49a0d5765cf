from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from sessions.engines.image_names import legal_tag
from sessions.source.mirror import Mirror
from sessions.source.start import find_start, release_at, source_in
from sessions.terminal.errors import SourceError
from tests.repositories import run_git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repositories import Builder


@pytest.fixture
def project(builder: Builder) -> Builder:
    """Main is 3 commits ahead of 3.1.0, which has a hotfix 3.1.1 of its own."""
    first = builder.commit({"a": "1\n"})
    builder.tag("3.0.0")
    builder.tag("nightly-20240101", first)
    release = builder.commit({"a": "2\n"})
    builder.tag("3.1.0")
    builder.commit({"h": "1\n"}, release, branch="stable")
    builder.tag("3.1.1", "stable")
    builder.commit({"b": "1\n"}, branch="side")
    builder.commit({"c": "1\n"}, release, branch="main")
    builder.commit({}, "main", builder.commit({"d": "1\n"}, release, branch="topic"))
    return builder


def test_a_branch_is_called_as_git_describes_it(project: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(project.url, tmp_path / "state")
    tip = project.git("rev-parse", "main")
    release = find_start(mirror, "branch:main")
    assert (release.branch, release.commit) == ("main", tip)
    assert release.tree == project.git("rev-parse", "main^{tree}")
    assert release.tag == project.git("describe", "--tags", "--abbrev=10", "main") == f"3.1.0-3-g{tip[:10]}"
    assert release.version == Version("3.1.0")
    assert legal_tag(release.tag) == release.tag
    assert run_git("check-ref-format", "--branch", f"{release.tag}+integration-2026-11-23", cwd=tmp_path)


def test_a_branch_whose_tip_is_a_release_is_called_so(project: Builder, tmp_path: Path) -> None:
    assert find_start(Mirror.of(project.url, tmp_path / "state"), "branch:stable").tag == "3.1.1"


def test_a_branch_without_any_release_is_called_after_itself(builder: Builder, tmp_path: Path) -> None:
    tip = builder.commit({"a": "1\n"}, branch="trunk/next")
    release = find_start(Mirror.of(builder.url, tmp_path / "state"), "branch:trunk/next")
    assert (release.tag, release.version) == (f"trunk/next-g{tip[:10]}", None)


def test_the_newest_of_a_branchs_own_releases_need_not_be_the_newest(project: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(project.url, tmp_path / "state")
    assert find_start(mirror, "latest").tag == "3.1.1"
    assert find_start(mirror, "branch:main").tag.startswith("3.1.0-")
    assert find_start(mirror, "branch:main", "nightly-*").tag.startswith("nightly-20240101-")


def test_a_branch_that_is_not_there(project: Builder, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^The repository has no branch 'master': name one"):
        find_start(Mirror.of(project.url, tmp_path / "state"), "branch:master")


def test_in_a_clone_the_origins_branch_is_meant(project: Builder, tmp_path: Path) -> None:
    run_git("clone", "-q", project.url, "clone", cwd=tmp_path)
    run_git("checkout", "-q", "-b", "mine", cwd=tmp_path / "clone")
    run_git("commit", "-q", "--allow-empty", "-m", "mine", cwd=tmp_path / "clone")
    run_git("branch", "-q", "-f", "main", "mine", cwd=tmp_path / "clone")
    mirror = Mirror.of(str(tmp_path / "clone"), tmp_path / "state")
    assert mirror.refs.default_branch == "main"
    assert find_start(mirror, "branch:main").commit == project.git("rev-parse", "main")
    assert find_start(mirror, "branch:mine").branch == "mine"


def test_the_default_branch_is_told_also_where_head_is_detached(project: Builder, tmp_path: Path) -> None:
    assert Mirror.of(project.url, tmp_path / "state").refs.default_branch == "main"
    (project.path / "HEAD").write_text(project.git("rev-parse", "stable") + "\n")
    assert Mirror.of(project.url, tmp_path / "state").refs.default_branch == "stable"


def test_a_records_release_is_found_again_when_the_branch_has_moved(project: Builder, tmp_path: Path) -> None:
    before = find_start(Mirror.of(project.url, tmp_path / "state"), "branch:main")
    project.commit({"later": "1\n"})
    again = release_at(Mirror.of(project.url, tmp_path / "state"), before.tag, before.commit)
    assert (again.tag, again.commit, again.tree) == (before.tag, before.commit, before.tree)


def test_an_image_of_a_branch_may_be_of_an_earlier_commit(project: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(project.url, tmp_path / "state")
    release = find_start(mirror, "branch:main")
    earlier = project.git("rev-parse", "main~1")
    found = source_in(mirror, earlier, release)
    assert (found.commit, found.tree) == (earlier, project.git("rev-parse", "main~1^{tree}"))
    assert found.aside == f"the image is of {earlier[:10]}, 2 commits before {release.tag}"


@pytest.mark.parametrize("revision", ["", "0" * 40, "unknown", "HEAD"])
def test_an_image_that_does_not_say_of_what_it_is(project: Builder, tmp_path: Path, revision: str) -> None:
    mirror = Mirror.of(project.url, tmp_path / "state")
    release = find_start(mirror, "branch:main")
    found = source_in(mirror, revision, release)
    assert found.tree == release.tree
    assert found.aside == f"the image does not say of which commit it is: that of {release.tag} is assumed"
    assert source_in(mirror, release.commit, release).aside == ""
    assert source_in(mirror, revision, mirror.release("latest")).aside == ""


def test_a_day_of_the_past_is_found_by_the_name_in_its_record(project: Builder, tmp_path: Path) -> None:
    """As `--shell` does, which looks into the newest run, wherever the branch is by now."""
    before = find_start(Mirror.of(project.url, tmp_path / "state"), "branch:main")
    project.commit({"later": "1\n"})
    again = find_start(Mirror.of(project.url, tmp_path / "state"), before.tag)
    assert (again.tag, again.commit, again.version) == (before.tag, before.commit, before.version)
    with pytest.raises(SourceError, match=r"There is no tag '3\.1\.0-3-g0123456789'"):
        find_start(Mirror.of(project.url, tmp_path / "state"), "3.1.0-3-g0123456789")
