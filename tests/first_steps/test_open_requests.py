from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.first_steps.open_requests import branches, open_requests, waiting_requests
from sessions.source.mirror import Mirror

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repositories import Builder


def test_open_are_those_that_merge_and_did_not_land() -> None:
    refs = {f"refs/pull/{n}/head": str(n) for n in range(1, 6)} | {f"refs/pull/{n}/merge": "m" for n in (2, 3, 9)}
    assert open_requests(refs, frozenset({3})) == {2: "refs/pull/2/head"}
    fetched = {"refs/remotes/origin/pull/7": "a", "refs/remotes/origin/pull/8": "b", "refs/heads/x": "c"}
    assert open_requests(fetched, frozenset({8})) == {7: "refs/remotes/origin/pull/7"}
    assert open_requests({"refs/merge-requests/4/head": "a"}, frozenset()) == {4: "refs/merge-requests/4/head"}


def test_branches_are_numbered_by_their_names_and_each_commit_is_there_once() -> None:
    refs = {
        "HEAD": "0",
        "refs/heads/main": "0",
        "refs/heads/fix-12": "1",
        "refs/remotes/origin/fix-12": "1",
        "refs/heads/other-12": "2",
        "refs/heads/plain": "3",
        "refs/heads/v5": "4",
        "refs/heads/gh-pages": "5",
        "refs/heads/1.0+integration-2026-11-23": "6",
        "refs/tags/9": "7",
    }
    assert branches(refs) == {12: "refs/heads/fix-12", 1: "refs/heads/other-12", 2: "refs/heads/plain"}


def test_a_ticket_is_called_after_its_first_commit_and_holds_nothing_that_steers_a_terminal(
    builder: Builder, tmp_path: Path
) -> None:
    base = builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.commit({"b": "1\n"}, base, branch="refs/pull/3/head", message='Fix \x1b[31m"it"\n\nbody')
    builder.commit({"b": "2\n"}, branch="refs/pull/3/head", message="typo")
    builder.commit({"c": "2\n"}, base, branch="refs/pull/4/head", message="merged")
    builder.commit({"c": "2\n"}, base, branch="main", message="merged (#4)")
    builder.commit({"d": "2\n"}, base, branch="refs/pull/5/head", message="abandoned", day=-400)
    builder.commit({}, builder.tips["main"], builder.tips["refs/pull/3/head"], branch="side")
    builder.git("update-ref", "refs/pull/6/head", builder.tips["main"])
    mirror = Mirror.of(builder.url, tmp_path / "state")
    found = waiting_requests(mirror, mirror.release("latest")).tickets
    assert [(each.number, each.title, each.authors, each.branch) for each in found] == [
        (3, 'Fix "it"', ("A",), "refs/pull/3/head")
    ]


def test_a_repository_with_nothing_but_a_release_has_no_tickets(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    assert waiting_requests(mirror, mirror.release("latest")).tickets == ()
