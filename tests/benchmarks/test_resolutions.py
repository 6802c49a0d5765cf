from __future__ import annotations

import pytest

from benchmarks.resolutions import main, measure
from sessions.source.repository import Repository
from tests.repositories import Builder, lines


@pytest.fixture
def project(builder: Builder) -> Builder:
    """A conflict that is solved on a branch ``next``, and again, on ``main``; one more is solved on ``main`` alone."""
    base = builder.commit({"a": lines(), "b": "1\n"})
    one = builder.commit({"a": lines((5, "one"))}, base, branch="one")
    two = builder.commit({"a": lines((5, "two"))}, base, branch="two")
    other = builder.commit({"a": lines((5, "other"))}, base, branch="other")
    builder.commit({"a": lines((5, "both"))}, one, two, branch="next", message="merge")
    first = builder.commit({"b": "2\n"}, one, branch="main")
    second = builder.commit({"a": lines((5, "both"))}, first, two, branch="main", message="merge again")
    builder.commit({"a": lines((5, "all"))}, second, other, branch="main", message="merge one more")
    builder.tag("1.0", base)
    return builder


def test_counts_what_the_memory_makes(project: Builder) -> None:
    found = measure(Repository.open(project.path), "1.0..next", "1.0..main", go_on=False)
    assert (found.taught, found.merges, found.clean, found.conflicts) == (1, 2, 0, 2)
    assert (found.solved, found.solved_equal, found.files, found.files_known) == (1, 1, 2, 1)
    again = measure(Repository.open(project.path), "1.0..one", "1.0..main", go_on=True)
    assert (again.taught, again.solved) == (0, 0)


def test_a_merge_that_was_made_in_another_way_is_status_1(project: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--repository", project.url, "--learn", "1.0..next", "--merges", "1.0..main"]
    assert main(words) == 0
    assert "solved_equal        1" in capsys.readouterr().out
    one, two = project.tips["one"], project.tips["two"]
    project.commit({"a": lines((5, "in another way"))}, one, two, branch="main", message="merge")
    assert main(words) == 1
