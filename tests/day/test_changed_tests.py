"""Which tickets' own diffs explain that a test does not run any more, on real repositories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sessions.day.changed_tests import ChangedTests, TestChanges
from sessions.gates.comparison import FEWER_TESTS, Comparison
from sessions.gates.locating import Locator
from sessions.gates.results import Failure, Kind, TestId
from sessions.source.diffs import read_diffs
from sessions.source.repository import Repository
from tests.repositories import Builder

A = """
import pytest

def test_one():
    pass

@pytest.mark.parametrize("word", ["left", "right"])
def test_two(word):
    pass
"""
RELEASE = {"tests/test_a.py": A, "tests/test_b.py": "def test_other():\n    pass\n", "tool.py": "x = 1\n"}
Explain = Callable[..., ChangedTests]


@pytest.fixture
def explain(builder: Builder) -> Explain:
    """The diffs of tickets that each change the release's files in one way."""
    base = builder.commit(RELEASE)

    def changed(*tickets: Mapping[str, str | None], brought: tuple[TestId, ...] = ()) -> ChangedTests:
        tips = {n: builder.commit(files, base, branch=f"t{n}") for n, files in enumerate(tickets, start=1)}
        repository = Repository.open(Path(builder.path))
        after = {*RELEASE, *(path for files in tickets for path, text in files.items() if text is not None)}
        return ChangedTests(
            diffs=read_diffs(repository, base, tips),
            before=Locator(RELEASE),
            after=Locator(after),
            brought=brought,
        )

    return changed


def lost(name: str, kind: Kind = "gone", file: str = "tests/test_a.py") -> Failure:
    return Failure(test=TestId(file, name), kind=kind)


@pytest.mark.parametrize(
    ("text", "test", "is_explained"),
    [
        (A.replace("test_one", "test_three"), lost("test_one"), True),
        (A.replace("def test_one():\n    pass\n", ""), lost("test_one"), True),
        (A.replace("test_one", "test_three"), lost("test_one", file="tests.test_a"), True),
        (A.replace("test_one", "test_three"), lost("Group.test_one"), True),
        (A + "\n# A comment.\n", lost("test_one"), False),
        (A + "\ntest_ones = 1\n", lost("test_one"), False),
        (A.replace('"right"', '"up"'), lost("test_two[right]"), True),
        (A.replace('"right"', '"up"'), lost("test_two[left]"), False),
        (A + "\n# A comment.\n", lost("test_two[right]"), False),
        (A.replace("test_two(", "test_too("), lost("test_two[right]"), True),
        (A + "\n# A comment.\n", lost("test_two[0xf00]"), True),  # a value that no source spells
        (None, lost("test_one"), True),
        (None, lost(""), True),
        (A.replace("def test_one", "@pytest.mark.skip\ndef test_one"), lost("test_one", "skipped"), True),
        (A.replace("def test_one", "@pytest.mark.skipif(True)\ndef test_one"), lost("test_one", "skipped"), True),
        (A.replace("def test_one", "@pytest.mark.xfail\ndef test_one"), lost("test_one", "skipped"), True),
        (A.replace("def test_one", "@unittest.expectedFailure\ndef test_one"), lost("test_one", "skipped"), True),
        (A.replace("def test_one", "@needs(git)\ndef test_one"), lost("test_one", "skipped"), True),
        (A + "\n    2 + 2  # long time, optional - magma\n", lost("test_one", "skipped"), True),
        (A + "\ntest.only('x', f)\n", lost("test_one", "skipped"), True),
        (A + "\n# A comment.\n", lost("test_one", "skipped"), False),
        (A + "\n# This only needs care.\n", lost("test_one", "skipped"), False),
        (A + "\n# TODO: mend\n", lost("test_one", "skipped"), False),
        (A + "\nx = f()  # type: ignore\n", lost("test_one", "skipped"), False),
        (A + "\nx = f()  # pylint: disable=invalid-name\n", lost("test_one", "skipped"), False),
        (A + "\nx = f()  # fmt: skip\n", lost("test_one", "skipped"), False),
        (A + "\n# A comment.\n", lost(FEWER_TESTS), True),
        (A + "\n# A comment.\n", lost("test_other", file="tests/test_b.py"), False),
        (A + "\n# A comment.\n", lost("test_other", "skipped", file="tests/test_b.py"), False),
        (A + "\n# A comment.\n", lost(FEWER_TESTS, file="tests/test_b.py"), False),
    ],
)
def test_a_diff_explains_what_it_takes_out_of_the_tests_own_file(
    explain: Explain, text: str | None, test: Failure, is_explained: bool
) -> None:
    assert explain({"tests/test_a.py": text}).explains(test) is is_explained


def test_a_test_that_goes_on_with_other_parameters_was_renamed(explain: Explain) -> None:
    touched, elsewhere = {"tests/test_a.py": f"{A}\n# A comment.\n"}, {"tool.py": "x = 2\n"}
    brought = (TestId("tests/test_a.py", "test_one[left]"),)
    assert explain(touched, brought=brought).explains(lost("test_one"))
    assert not explain(elsewhere, brought=brought).explains(lost("test_one"))
    assert not explain(touched, brought=(TestId("tests/test_a.py", "test_ones[left]"),)).explains(lost("test_one"))


def test_where_no_file_is_known_a_diff_that_takes_the_name_away_explains_it(explain: Explain) -> None:
    test = lost("adds two numbers", file="unit")
    assert not explain({"tests/test_a.py": None}).explains(test)
    assert explain({"tests/test_a.py": A.replace("test_one", "test_three")}).explains(lost("test_one", file="unit"))


def test_where_no_file_is_known_a_diff_that_skips_beside_the_name_explains_it(explain: Explain) -> None:
    skipping = {"tests/test_a.py": A.replace("def test_one", "@pytest.mark.skip\ndef test_one")}
    assert explain(skipping).explains(lost("outer > test_one", "skipped", file="unit"))
    assert not explain(skipping).explains(lost("outer > test_other", "skipped", file="unit"))


def test_words_that_only_hold_a_word_of_skipping_skip_nothing(explain: Explain) -> None:
    text = A.replace("    pass\n", "    import sys; sys.exit('commonly')\n", 1)
    assert not explain({"tests/test_a.py": text}).explains(lost("test_one"))
    assert not explain({"tests/test_a.py": text}).explains(lost("test_one", "skipped"))


def test_each_ticket_is_told_what_its_diff_does_and_each_test_counts_once(explain: Explain) -> None:
    changed = explain(
        {"tests/test_a.py": A.replace("test_one", "test_three")},
        {"tests/test_a.py": A.replace("test_one", "test_four")},
        {"tests/test_b.py": "import pytest\n@pytest.mark.skip\ndef test_other():\n    pass\n"},
        {"tool.py": "x = 2\n"},
        {"tests/test_c.py": "def test_c():\n    pass\n"},
    )
    found = changed.by_ticket(
        Comparison(
            gone=(lost("test_one"),),
            skipped=(lost("test_other", "skipped", "tests/test_b.py"),),
            brought=tuple(TestId("tests/test_a.py", name) for name in ("test_four", "test_three")),
            more={"tests/test_c.py": 5, "nobody.py": 2},
        )
    )
    assert found == {
        1: TestChanges(brings=1, takes=(TestId("tests/test_a.py", "test_one"),)),
        2: TestChanges(brings=1),
        3: TestChanges(skips=(TestId("tests/test_b.py", "test_other"),)),
        5: TestChanges(brings=5),
    }


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (A.replace('"left", ', '"left", "up", '), 1),
        (A.replace("    pass\n\n@", "    pass\n\nUP = 1\n\n@"), None),
    ],
    ids=["its line changes", "lines are only added"],
)
def test_a_ticket_that_only_adds_parameters_takes_none_away(explain: Explain, text: str, who: int | None) -> None:
    changed = explain({"tests/test_a.py": text}, brought=(TestId("tests/test_a.py", "test_two[up]"),))
    assert changed.explains(lost("test_two[right]")) is (who is not None)


@pytest.mark.parametrize(
    ("gone", "brought", "is_explained"),
    [
        ("test_two[left-expected8]", "test_two[left-expected9]", True),
        ("test_two[expected8-left]", "test_two[expected10-left]", True),
        ("test_two[left-expected8]", "test_two[right-expected8]", False),
        ("test_two[left-expected8]", "test_one[left-expected9]", False),
        ("test_two[left-2024]", "test_two[left-2025]", False),
    ],
)
def test_a_parameter_added_before_others_only_gives_them_other_numbers(
    explain: Explain, gone: str, brought: str, *, is_explained: bool
) -> None:
    """As in python-dotenv's test_parser.py: who adds a case in the middle of the list breaks nothing."""
    added, here = A.replace("    pass\n\n@", "    pass\n\nUP = 1\n\n@"), TestId("tests/test_a.py", brought)
    assert explain({"tests/test_a.py": added}, brought=(here,)).explains(lost(gone)) is is_explained
    assert not explain({"tool.py": "x = 2\n"}, brought=(here,)).explains(lost(gone)), "no diff touches the file"


def test_a_failure_of_the_release_stays_known_with_another_number(explain: Explain) -> None:
    added = A.replace("    pass\n\n@", "    pass\n\nUP = 1\n\n@")
    before, after = (TestId("tests/test_a.py", f"test_two[left-expected{number}]") for number in (8, 9))
    comparison = Comparison(new=(Failure(test=after),), gone=(Failure(test=before, kind="gone"),), brought=(after,))
    changed = explain({"tests/test_a.py": added}, brought=(after,))
    assert changed.moved(comparison, {before}) == {after}
    assert changed.moved(comparison, ()) == frozenset(), "it passed on the release"


@pytest.mark.parametrize(
    ("name", "here", "is_moved"),
    [
        ("test_other", "test_other", True),
        ("test_b.test_other", "test_c.test_other", True),
        ("test_other", "test_third", False),
        ("test_other[1]", "test_other[2]", False),
    ],
)
def test_a_failure_of_the_release_may_move_to_another_file(
    explain: Explain, name: str, here: str, *, is_moved: bool
) -> None:
    before, after = TestId("tests/test_b.py", name), TestId("tests/test_c.py", here)
    moving: Mapping[str, str | None] = {
        "tests/test_b.py": None,
        "tests/test_c.py": RELEASE["tests/test_b.py"] + "def test_third():\n    pass\n",
    }
    comparison = Comparison(
        new=(Failure(test=after),),
        gone=(Failure(test=before, kind="gone"),),
        brought=(after,),
    )
    changed = explain(moving, brought=(after,))
    assert changed.moved(comparison, {before}) == (frozenset({after}) if is_moved else frozenset())
    assert changed.moved(comparison, ()) == frozenset(), "it passed on the release"
    other = explain({"tests/test_b.py": None}, {"tests/test_c.py": moving["tests/test_c.py"]}, brought=(after,))
    assert other.moved(comparison, {before}) == frozenset(), "two tickets do it"
