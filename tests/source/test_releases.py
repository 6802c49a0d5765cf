from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import current_milestone, newest_release, version_of
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers import merge_subjects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repositories import Builder

IN_ORDER = [
    "9.4",
    "9.5.beta9",
    "9.5.beta10",
    "9.5.rc0",
    "9.5.rc4",
    "9.5",
    "9.5.1",
    "9.8",
    "10.0.beta0",
    "10.0",
    "10.10",
]
KNOWN = ["sage-9.1.10", "sage-9.1.11", "sage-9.2", "sage-9.5", "sage-9.8", "sage-10.0", "sage-10.1", "sage-pending", ""]


@pytest.mark.parametrize("count", range(1, len(IN_ORDER) + 1))
def test_newest_is_by_version_and_not_by_spelling_or_place(count: int) -> None:
    tags = IN_ORDER[:count]
    assert newest_release(reversed(tags)).tag == newest_release(tags).tag == tags[-1]


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        (["sage-10.4", "sage-10.5"], "sage-10.5"),
        (["10.5", "sage-10.5", "v10.5"], "10.5"),
        (["sage-10.5", "v10.5"], "v10.5"),
        (["10.5", "10.5+integration-2026-11-23", "10.6+integration-2026-11-24"], "10.5"),
        (["10.5", "10.6.dev1", "nightly", "before-10.9-merge", "integration-head"], "10.5"),
    ],
)
def test_takes_the_plainest_spelling_and_no_tag_of_ours(tags: list[str], newest: str) -> None:
    assert newest_release(tags).tag == newest_release(tags[::-1]).tag == newest


def test_a_wanted_release_need_not_be_the_newest() -> None:
    assert newest_release(IN_ORDER, "9.5.beta10").version == Version("9.5b10")


def test_an_unknown_release_is_answered_with_the_newest_there_are() -> None:
    with pytest.raises(
        SourceError, match=r"no tag '10\.11'; the newest releases there are: 10\.10, 10\.0, 10\.0\.beta0"
    ):
        newest_release([*IN_ORDER, "nightly"], "10.11")
    with pytest.raises(SourceError, match="none at all"):
        newest_release(["nightly"], "10.11")


def test_no_version_tags() -> None:
    with pytest.raises(SourceError, match="no tag that reads as a version"):
        newest_release(["nightly", "10.5+integration-2026-11-23"])


def test_a_release_that_came_in_as_second_parent_and_was_tagged_earlier(builder: Builder, tmp_path: Path) -> None:
    """Sage 9.5, which the first attempt never saw: `git log --first-parent` and `git describe` say 9.4."""
    root = builder.commit({"VERSION": "9.4"})
    builder.tag("9.4", day=9)
    side = builder.commit({"VERSION": "9.5"}, root, branch="side")
    builder.tag("9.5", side, day=1)
    builder.tag("9.5.rc4", builder.commit({"VERSION": "9.5.rc4"}, root, branch="rc"), day=20, annotated=False)
    builder.commit({"VERSION": "9.5"}, "main", "side")
    assert builder.git("describe", "--first-parent", "main").startswith("9.4")
    release = Mirror.of(builder.url, tmp_path / "state").release("latest")
    assert (release.tag, release.commit) == ("9.5", side)
    assert release.tree == builder.git("rev-parse", f"{side}^{{tree}}")


@pytest.mark.parametrize(
    ("release", "milestone"),
    [
        ("9.5.rc4", "sage-9.5"),
        ("9.5.beta0", "sage-9.5"),
        ("9.5", "sage-9.8"),
        ("9.8", "sage-10.0"),
        ("9.9.beta1", "sage-10.0"),
        ("9.1.10", "sage-9.1.11"),
        ("9.1.9", "sage-9.1.10"),
        ("10.0", "sage-10.1"),
        ("10.1", None),
    ],
)
def test_milestone_is_one_that_the_tracker_has(release: str, milestone: str | None) -> None:
    assert current_milestone(Version(release), KNOWN) == current_milestone(Version(release), KNOWN[::-1]) == milestone


def test_of_two_spellings_of_the_milestone_always_the_same_is_taken() -> None:
    names = ["sage-9.5", "9.5"]
    assert current_milestone(Version("9.5rc4"), names) == current_milestone(Version("9.5rc4"), names[::-1])


@pytest.mark.parametrize(
    "text", ["", "sage-duplicate/invalid/wontfix", "sage-pending", "10.5+integration-1", "10.5.dev3"]
)
def test_what_is_no_version(text: str) -> None:
    assert version_of(text) is None


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Trac #34537: Upgrade to pari 2.15.2", 34537),
        ("gh-41439: Remove CBLAS_PC_MODULES variable", 41439),
        ("gh-pr-34986: Add construction", 34986),
        ("Merge pull request #35011 from dimpase/develop", 35011),
        ("Fix W391 linter issues (#35109)", 35109),
        ("#33222: what we write ourselves (#5)", 33222),
        ("TEST Trac #34537: Upgrade", None),
        ('Revert "Fix W391 linter issues (#35109)"', None),
        ("Fix what #35109 broke", None),
        ("Merge branch 'develop' into u/jane/12", None),
        ("Updated SageMath version to 10.9.beta3", None),
        ("", None),
    ],
)
def test_tickets_that_a_history_names_as_merged(subject: str, number: int | None) -> None:
    assert merge_subjects().numbers([subject, "nothing"]) == ({number} if number else set())


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("Seven\n\nCloses #3\n\nSee merge request group/sub/project!7", 7),
        ("> See merge request group/project!6\n\nSee merge request !7\n", 7),
        ("See merge request group/project!6, which failed", None),
        ("Nothing", None),
    ],
)
def test_gitlab_names_a_merge_request_in_the_last_line_of_the_message(body: str, number: int | None) -> None:
    message = f"Merge branch 'seven' into 'main'\n\n{body}"
    assert merge_subjects().numbers([message]) == ({number} if number else set())


def test_only_the_releases_own_commits_name_what_is_merged(builder: Builder, tmp_path: Path) -> None:
    root = builder.commit({"a": "1"}, message="gh-1: first")
    builder.commit({"b": "1"}, root, branch="side", message="gh-2: said on a branch only")
    builder.commit({}, "main", "side", message="gh-3: the merge\n\ngh-4: its description")
    builder.tag("1.0")
    builder.commit({"a": "2"}, message="gh-5: after the release")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    assert ReleaseHistory(mirror.repository, mirror.release("latest")).namings(merge_subjects()).keys() == {1, 3}
