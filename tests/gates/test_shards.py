from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.shards import balance

FILES = st.lists(st.text("abcdef/", min_size=1, max_size=4), max_size=30, unique=True)
COUNTS = st.integers(1, 8)


@st.composite
def timed(draw: st.DrawFn) -> tuple[dict[str, float], list[str]]:
    files = draw(FILES)
    return {file: float(draw(st.integers(0, 1000))) for file in files}, files


@given(timed(), FILES, COUNTS)
def test_every_file_is_in_one_shard_and_keeps_its_place(
    some: tuple[dict[str, float], list[str]], new: list[str], count: int
) -> None:
    times, known = some
    files = list(dict.fromkeys([*known, *new]))
    shards = balance(times, files, count)
    assert len(shards) == count
    assert sorted(file for shard in shards for file in shard) == sorted(files)
    assert all(list(shard) == [file for file in files if file in shard] for shard in shards)


@given(st.lists(st.integers(0, 50), max_size=6), st.integers(1, 3))
def test_the_last_shard_ends_within_grahams_bound(seconds: list[int], count: int) -> None:
    times = {f"f{at}": float(each) for at, each in enumerate(seconds)}
    longest = max(sum(times[file] for file in shard) for shard in balance(times, list(times), count))
    best = min(
        max(sum(each for each, shard in zip(seconds, way, strict=True) if shard == one) for one in range(count))
        for way in itertools.product(range(count), repeat=len(seconds))
    )
    assert longest <= best * (4 / 3 - 1 / (3 * count)) + 1e-9


@given(timed(), COUNTS)
def test_the_order_of_the_times_does_not_matter(some: tuple[dict[str, float], list[str]], count: int) -> None:
    times, files = some
    assert balance(dict(reversed(times.items())), files, count) == balance(times, files, count)


@given(FILES, COUNTS)
def test_without_times_the_numbers_are_equal(files: list[str], count: int) -> None:
    sizes = [len(shard) for shard in balance({}, files, count)]
    assert max(sizes) - min(sizes) <= 1


def test_a_new_file_counts_as_the_median_of_the_known() -> None:
    # With 5 for `new`, the two long files are apart from it; with nothing, it would join either.
    times = {"a": 10.0, "b": 5.0, "c": 1.0}
    assert balance(times, ["a", "b", "c", "new"], 2) == (("a", "c"), ("b", "new"))
    assert balance(times | {"elsewhere": 99.0}, ["a", "b", "c", "new"], 2) == (("a", "c"), ("b", "new"))


def test_the_longest_goes_first_to_whoever_has_least() -> None:
    times = {"a": 7.0, "b": 6.0, "c": 5.0, "d": 4.0, "e": 3.0}
    assert balance(times, list("abcde"), 2) == (("a", "d", "e"), ("b", "c"))


def test_files_that_take_no_time_are_spread() -> None:
    assert [len(shard) for shard in balance(dict.fromkeys("abcdef", 0.0), "abcdef", 3)] == [2, 2, 2]


def test_a_file_listed_twice_runs_once() -> None:
    assert balance({}, ["a", "b", "a"], 1) == (("a", "b"),)


def test_there_is_one_shard_at_least() -> None:
    with pytest.raises(ValueError, match="1 at least"):
        balance({}, ["a"], 0)
