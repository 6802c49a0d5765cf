"""The order in which a gate's files show what was broken."""

from __future__ import annotations

from sessions.culprits.file_order import first_part, order_files

FILES = ("tests/test_a.py", "tests/test_b.py", "tests/test_c.py", "tests/test_d.py")
EVEN = dict.fromkeys(FILES, 10.0)


def test_all_files_run_and_those_near_a_change_first() -> None:
    near = {"tests/test_c.py": 1, "tests/test_b.py": 3}
    ordered = order_files(FILES, EVEN, {"src/x.py"}, lambda _path: near, {})
    assert ordered == ("tests/test_c.py", "tests/test_b.py", "tests/test_a.py", "tests/test_d.py")


def test_a_changed_test_file_and_the_namesake_of_a_change_come_first() -> None:
    assert order_files(FILES, EVEN, {"tests/test_d.py"}, lambda _path: {}, {})[0] == "tests/test_d.py"
    assert order_files(FILES, EVEN, {"src/b.py"}, lambda _path: {"tests/test_a.py": 2}, {})[0] == "tests/test_b.py"


def test_short_files_come_before_long_ones_and_those_that_failed_before_earlier() -> None:
    seconds = EVEN | {"tests/test_d.py": 1.0}
    assert order_files(FILES, seconds, {"x"}, lambda _path: {}, {})[0] == "tests/test_d.py"
    assert order_files(FILES, EVEN, {"x"}, lambda _path: {}, {"tests/test_b.py": 2})[0] == "tests/test_b.py"


def test_a_change_that_was_looked_at_counts_less_afterwards() -> None:
    near = {"x": {"tests/test_a.py": 1, "tests/test_b.py": 1}, "y": {"tests/test_c.py": 1}}
    ordered = order_files(FILES, EVEN, {"x", "y"}, lambda path: near[path], {})
    assert ordered[:2] == ("tests/test_a.py", "tests/test_c.py")


def test_a_first_part_takes_its_share_of_the_seconds_and_one_file_at_least() -> None:
    assert first_part(FILES, EVEN, 0.5) == FILES[:2]
    assert first_part(FILES, EVEN, 0.01) == FILES[:1]


def test_a_file_that_is_too_long_for_the_first_part_leaves_its_place_to_shorter_ones() -> None:
    seconds = {"a": 1.0, "long": 8.0, "b": 1.0, "c": 1.0, "d": 1.0}
    assert first_part(tuple(seconds), seconds, 0.25) == ("a", "b", "c")
    assert first_part(("long", "a"), seconds, 0.25) == ("long",)
