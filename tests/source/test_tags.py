from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.source.mirror import Mirror
from sessions.source.releases import newest_release
from sessions.source.tags import glob_of, rank_tags, read_tag
from sessions.terminal.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repositories import Builder


@pytest.mark.parametrize(
    ("tag", "family", "version"),
    [
        ("10.5.beta3", "", "10.5b3"),
        ("v1.2", "v", "1.2"),
        ("sage-9.5", "sage-", "9.5"),
        ("pkg@1.2.3", "pkg@", "1.2.3"),
        ("@scope/pkg@1.2.3", "@scope/pkg@", "1.2.3"),
        ("core/v1.3.0", "core/v", "1.3.0"),
        ("release-1_2", "release-", "1.2"),
        ("REL_15_3", "REL_", "15.3"),
        ("REL_15_BETA2", "REL_", "15b2"),
        ("curl-7_88_1", "curl-", "7.88.1"),
        ("3.1.0.Final", "", "3.1.0"),
        ("5.3.9.RELEASE", "", "5.3.9"),
        ("5.0.0.M3", "", "5.0.0a3"),
        ("2.0.0.CR2", "", "2.0.0rc2"),
        ("jdk-17.0.2+8", "jdk-", "17.0.2+8"),
        ("v1.0.0-alpha.1", "v", "1.0.0a1"),
        ("python3-v1.0", "python3-v", "1.0"),
        ("2024.01.15", "", "2024.1.15"),
    ],
)
def test_reads_a_tag(tag: str, family: str, version: str) -> None:
    found = read_tag(tag)
    assert found is not None
    assert (found.family, str(found.version), found.is_stamp) == (family, version, False)


@pytest.mark.parametrize("tag", ["nightly-20240102", "20230105", "2024-01-15", "release-2024-01-15", "build-17.2"])
def test_a_tag_that_is_named_after_a_day_or_a_build(tag: str) -> None:
    found = read_tag(tag)
    assert found is not None
    assert found.is_stamp


@pytest.mark.parametrize(
    "tag",
    [
        "nightly",
        "before-10.9-merge",
        "10.6.dev1",
        "10.5+integration-2026-11-23",
        "v3+integration-2026-11-23",
        "x",
        "v1.2.3-4-gabc1",
    ],
)
def test_a_tag_without_a_version(tag: str) -> None:
    assert read_tag(tag) is None


@pytest.mark.parametrize(
    ("tags", "name", "newest"),
    [
        (["v2.3.0", "nightly-20240102"], "", "v2.3.0"),
        (["v2.3.0", "chart-9.0.1"], "", "v2.3.0"),
        (["v2.3.0", "20230105"], "", "v2.3.0"),
        (["v2.3.0", "2024-01-15"], "", "v2.3.0"),
        (["curl-7_88_0", "curl-7_88_1", "curl-7_9"], "curl", "curl-7_88_1"),
        (["curl-7_88_1", "tiny-curl-8_4_0"], "curl", "curl-7_88_1"),
        (["REL_15_3", "REL_15_10", "REL_15_BETA2"], "", "REL_15_10"),
        (["jdk-17.0.2+8", "jdk-17.0.2+10", "jdk-17.0.2"], "", "jdk-17.0.2+10"),
        (["3.1.0.Final", "3.1.0.CR1", "3.0.9.Final"], "", "3.1.0.Final"),
        (["core/v1.3.0", "core/v1.10.0", "ticket-1234"], "", "core/v1.10.0"),
        (["core/v1.3.0", "cli/v9.0.0"], "core", "core/v1.3.0"),
        (["20230105", "20240105"], "", "20240105"),
        (["nightly-20240102", "nightly-20240103"], "", "nightly-20240103"),
    ],
)
def test_the_newest_of_the_right_kind(tags: list[str], name: str, newest: str) -> None:
    for listed in (tags, tags[::-1]):
        assert newest_release(listed, name=name).tag == newest


@pytest.mark.parametrize(
    ("tags", "example"),
    [
        (["core/v1.3.0", "cli/v9.0.0"], "cli/v*"),
        (["pkg@1.2.3", "other@1.2.3"], "other@*"),
        (["chart-9.0.1", "20230105"], r"[0-9]*.*"),
    ],
)
def test_several_kinds_and_none_is_plainer_asks(tags: list[str], example: str) -> None:
    with pytest.raises(SourceError, match="Several kinds of tags look like releases") as told:
        newest_release(tags)
    assert f'[project] tags = "{example}"' in str(told.value)
    assert "\n" not in str(told.value)


def test_what_was_not_taken_is_told_in_one_line() -> None:
    ranking = rank_tags(["v2.3.0", "v2.2.0", "chart-9.0.1", "chart-9.0.0", "nightly-20240102", "x"])
    assert [each.tag for each in ranking.releases] == ["v2.3.0", "v2.2.0"]
    assert str(ranking) == (
        "not taken as releases: nightly-20240102, chart-9.0.1 (of 2 such tags) ([project] tags says which are)"
    )
    assert str(rank_tags(["v1", "v2"])) == ""


@pytest.mark.parametrize(
    ("pattern", "newest"),
    [
        ("v*", "v2.3.0"),
        ("chart-*", "chart-9.0.1"),
        ("nightly-*", "nightly-20240102"),
        (r"chart-(?P<version>\d.*)", "chart-9.0.1"),
        (r"release/(?P<version>.+)/final", "release/4.0/final"),
        ("[0-9]*", "20230105"),
    ],
)
def test_a_pattern_says_which_are_releases(pattern: str, newest: str) -> None:
    tags = ["v2.3.0", "v2.2.0", "chart-9.0.1", "nightly-20240102", "release/4.0/final", "release/5.0/rc", "20230105"]
    assert newest_release(tags, pattern=pattern).tag == newest
    assert newest_release(tags, pattern=pattern).aside == ""


def test_a_pattern_that_fits_none_says_so() -> None:
    with pytest.raises(SourceError, match=r"no tag that fits \[project\] tags = 'w\*' and reads as a version"):
        newest_release(["v1.0"], pattern="w*")


@pytest.mark.parametrize("tag", ["pkg@1.2.3", "nightly", "core/v1.3.0", "before-10.9-merge"])
def test_any_tag_can_be_named(tag: str) -> None:
    assert newest_release(["v9.9", tag], requested=tag).tag == tag


@pytest.mark.parametrize(("tag", "glob"), [("v2.3.0", "v*"), ("core/v1.0", "core/v*"), ("2.3.0", "[0-9]*.*")])
def test_the_glob_of_a_family_fits_it(tag: str, glob: str) -> None:
    found = read_tag(tag)
    assert found is not None
    assert glob_of(found) == glob
    assert newest_release([tag, "20240101", "other/1.0"], pattern=glob).tag == tag


def test_a_newest_tag_that_is_no_commit_is_passed_over_and_told(builder: Builder, tmp_path: Path) -> None:
    """Linux has such a tag: v2.6.11-tree."""
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.tag("1.1", "main^{tree}")
    builder.tag("1.2", "main:a", annotated=False)
    mirror = Mirror.of(builder.url, tmp_path / "state")
    release = mirror.release("latest")
    assert release.tag == "1.0"
    assert release.aside == (
        "the tag 1.2 points to a blob and was skipped; the tag 1.1 points to a tree and was skipped"
    )
    with pytest.raises(SourceError, match=r"^The tag 1\.1 points to a tree, not to a commit: name another release\.$"):
        mirror.release("1.1")


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        (["v15.0.0", "v15.0.0-0", "v14.0.3"], "v15.0.0"),  # npm version prerelease
        (["v15.0.0", "v15.0.0-0", "v15.0.0-1"], "v15.0.0"),
        (["7.1.2-0", "7.1.1-47", "7.1.2-1"], "7.1.2-1"),  # ImageMagick, which has no plain 7.1.2
        (["1.2", "1.2-1"], "1.2-1"),  # a second release of 1.2, which nothing counts from 0
    ],
)
def test_a_number_after_a_hyphen_is_a_candidate_where_it_counts_from_0(tags: list[str], newest: str) -> None:
    assert newest_release(tags).tag == newest
    assert rank_tags(tags, "*").releases[0].tag == newest
