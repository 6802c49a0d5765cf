"""The files that several branches change, read together, on real repositories."""

from __future__ import annotations

from sessions.source.branch_files import branch_files
from sessions.source.repository import Repository
from tests.repositories import Builder


def test_branches_read_together_keep_their_own_files(builder: Builder) -> None:
    """A file may be called like another ticket's commit, and a branch may lack a commit or a common history."""
    release = builder.commit({"a": "1\n", "b": "1\n"})
    first = builder.commit({"a": "2\n"}, release, branch="first")
    trap = builder.commit({first: "x\n", ":100644 strange\nname": "y\n"}, release, branch="trap")
    gone = builder.commit({"b": None}, release, branch="gone")
    stranger = builder.commit({"a": "9\n"}, branch="stranger")
    repository, lost = Repository.open(builder.path), "0" * 40
    found = branch_files(repository, release, (trap, first, lost, gone, stranger, release))
    assert {commit: set(files) for commit, files in found.items()} == {
        trap: {first, ":100644 strange\nname"},
        first: {"a"},
        lost: set(),
        gone: {"b"},
        stranger: set(),
        release: set(),
    }
    before, after = (builder.git("rev-parse", f"{commit}:a") for commit in (release, first))
    assert found[first]["a"] == (before, after)
    assert found[gone]["b"][1] == lost
