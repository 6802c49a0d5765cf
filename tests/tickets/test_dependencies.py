from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.tickets.dependencies import Dependencies, dependencies_in_body, read_dependencies

PULL = "https://github.com/sagemath/sage/pull/"

# What stands in SageMath's tickets and pull requests, word for word, and the numbers that are needed.
REAL = {
    "#1234, #5678": (1234, 5678),
    "#32779, #34195, #33011, #34804": (32779, 33011, 34195, 34804),
    "Depends on #13015\nDepends on #13016": (13015, 13016),
    "- Depends on #36112 (for the `meson_python` upgrades, merged here)": (36112,),
    "- Depends on https://github.com/sagemath/sage/pull/35404 (merged here as part of above)": (35404,),
    "- Depends on #37930 and #38027": (37930, 38027),
    "- #40936: needed for CI to pass": (40936,),
    "* Depends on #37667": (37667,),
    "#41233 #41237": (41233, 41237),
    "#40430, #40436": (40430, 40436),
    "#41028 (part)": (41028,),
    "- https://github.com/sagemath/sage/pull/39030": (39030,),
}
OTHER = {
    "1234, 5678": (1234, 5678),
    "1234; 5678": (1234, 5678),
    "1234 5678": (1234, 5678),
    "#1234, 5678": (1234, 5678),
    "1234 (of 2023), sage-9.5": (1234,),
    "Depends on 1234 and 5678.": (1234, 5678),
    "#1234; then sage 9.5": (1234,),
    "1. #12\n2. #13": (12, 13),
    "- [x] #12\n- [ ] #13": (12, 13),
    "#12/#13": (12, 13),
    "gh-12 and :trac:`13`, :issue:`14`": (12, 13, 14),
    "sagemath/sage#12": (12,),
    "[the first half](https://github.com/sagemath/sage/issues/12)": (12,),
    "https://github.com/sagemath/sage/pull/12/files#diff-99, https://trac.sagemath.org/ticket/13#comment:7": (12, 13),
    "https://trac.sagemath.org/123.": (123,),
    "Fixes #11. Depends on #12.": (12,),
    "Depends on #12 (fixes #11) and #13": (12, 13),
    "#12: fix sorting (see #11)": (12,),
    "~~#11~~ #12": (12,),
    "#12: make optional packages install": (12,),
}
NOTHING = [
    *["None", "None.", "N/A", "NA", "n/a", "Not required.", "No dependencies", "Nothing as of now", "_None_", "-", ""],
    *[
        "Fixes #35811.",
        "related to #41123",
        "cc @tscrim",
        "cc #12",
        "Does not depend on #12",
        "cf. #12",
        "see #12, #13",
    ],
    "<!-- If you're unsure: - #12345: short description\n- #34567: other -->",
    "<!-- never closed #12345",
    "Depends on:",
]
UNREAD = [
    "https://github.com/python/cpython/pull/127935",
    "python/cpython#127935",
    "[#12](https://github.com/python/cpython/pull/127935)",
    "https://github.com/sagemath/sagetrac-mirror/pull/7",
    "https://github.com/sagemath/sage/tree/12",
    "sage-9.5",
    "sage 9.5",
    "10.5.beta3",
    "changed in 9.5, 2022, by Jane",
    "needs about 2000 lines of review",
    "#abc, #12ab",
    "&#123;",
]


@pytest.mark.parametrize(("text", "numbers"), (REAL | OTHER).items())
def test_finds_what_is_needed(text: str, numbers: tuple[int, ...]) -> None:
    assert read_dependencies(text).hard == numbers
    assert not read_dependencies(text).soft


@pytest.mark.parametrize("text", NOTHING)
def test_finds_nothing_where_nothing_is_needed(text: str) -> None:
    assert read_dependencies(text) == Dependencies()


@pytest.mark.parametrize("text", UNREAD)
def test_hands_back_what_names_no_ticket_of_ours(text: str) -> None:
    found = read_dependencies(text)
    assert (found.hard, found.soft) == ((), ())
    assert len(found.unread) == 1


@pytest.mark.parametrize(
    ("text", "hard", "soft"),
    [
        (f"{PULL}39905 Not strictly necessary", (), (39905,)),
        ("#12, #13 (optional)", (12,), (13,)),
        ("#12 - optional", (), (12,)),
        ("Optional: #12, #13", (), (12, 13)),
        ("Not strictly necessary: #12", (), (12,)),
        ("Depends on #12. Optionally #13.", (12,), (13,)),
        ("None, but works better with #12", (), (12,)),
        ("#12\n#12 (optional)", (12,), ()),
    ],
)
def test_tells_optional_from_needed(text: str, hard: tuple[int, ...], soft: tuple[int, ...]) -> None:
    found = read_dependencies(text)
    assert (found.hard, found.soft) == (hard, soft)


def test_links_count_below_the_given_urls_only() -> None:
    text = "https://forge.example/a/b/pulls/12 https://forge.example/a/bc/pulls/13 a/b#14 " + PULL + "15"
    assert read_dependencies(text, urls=("https://forge.example/a/b/",)).hard == (12,)
    assert read_dependencies(text, urls=("https://github.com/a/b",)).hard == (14,)


TEMPLATE = """Closes #11. This is like #12, and `Depends on #13` is how one writes it.

```
Depends on #14
```

### :memo: Checklist

- [x] The title is concise (see #15)

{heading}

<!-- List all open PRs that this PR logically depends on. For example,
- #12345: short description why this is a dependency
- #34567: ... -->
- #21: needed for CI
- nobody knows
{more}
### Notes
- #16
"""


@pytest.mark.parametrize(
    "heading",
    [
        "### :hourglass: Dependencies",
        "### \N{HOURGLASS} Dependencies",
        "### \N{HOURGLASS}\N{VARIATION SELECTOR-16} Dependencies",
        "## dependencies",
        "# DEPENDENCIES:",
        "###### Dependency",
    ],
)
def test_body_section(heading: str) -> None:
    body = TEMPLATE.format(heading=heading, more="").replace("\n", "\r\n")
    assert dependencies_in_body(body) == Dependencies(hard=(21,), unread=("nobody knows",))


def test_body_without_section() -> None:
    assert dependencies_in_body(TEMPLATE.format(heading="### Dependency updates", more="")) == Dependencies()
    assert dependencies_in_body("") == Dependencies()


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("Depends-On: #31", (31,)),
        (f"Depends-on: {PULL}31", (31,)),
        ("This PR depends on PR #31, and #32. It was first told in #33.", (31, 32)),
        ("Depends on:\n- #31\n- #32\n\nMore in #33", (31, 32)),
        ("Dependencies: #31", (31,)),
        ("It does not depend on #31.", ()),
        ("Depends on https://github.com/python/cpython/pull/127935", ()),
        ("It depends on taste, like #31", ()),
    ],
)
def test_body_footers(line: str, numbers: tuple[int, ...]) -> None:
    assert dependencies_in_body(f"Fixes #30.\n\n{line}\n").hard == numbers
    with_section = TEMPLATE.format(heading="### Dependencies", more="") + line
    assert dependencies_in_body(with_section).hard == (21, *numbers)


def test_body_fence_inside_the_section() -> None:
    body = TEMPLATE.format(heading="### Dependencies", more="~~~\n#22\n# no heading\n~~~\n- #23\n")
    assert dependencies_in_body(body).hard == (21, 23)


NOTATIONS = [
    "#{n}",
    "- Depends on #{n}",
    "- #{n}: short description",
    "- {pull}{n}",
    "https://github.com/sagemath/sage/issues/{n}",
    "https://trac.sagemath.org/ticket/{n}",
    "https://trac.sagemath.org/{n}",
    "gh-{n} (part)",
    "{n}",
]
NUMBERS = st.integers(1, 99999)


TICKETS = st.lists(st.tuples(NUMBERS, st.sampled_from(NOTATIONS)), max_size=6)


@given(TICKETS, st.sampled_from(["\n", "\r\n", ";", "; "]))
def test_every_notation_is_found_again(tickets: list[tuple[int, str]], between: str) -> None:
    text = between.join(notation.format(n=number, pull=PULL) for number, notation in tickets)
    wanted = tuple(sorted({number for number, _ in tickets}))
    assert read_dependencies(text) == Dependencies(hard=wanted)
    assert dependencies_in_body(f"Fixes #1.\n## Dependencies\n{text}").hard == wanted


@given(st.lists(NUMBERS, min_size=1), st.sampled_from([", ", ",", " ", " and ", ";"]), st.sampled_from(["", "#"]))
def test_lists_are_found_again(numbers: list[int], between: str, mark: str) -> None:
    text = between.join(f"{mark}{number}" for number in numbers)
    assert read_dependencies(text).hard == tuple(sorted(set(numbers)))


WORDS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["#7", "7", "(", ")", "Depends on", "fixes", "\n", "```", "<!--", "-->", "## Dependencies", PULL]
        ),
    ),
)


@given(WORDS.map(" ".join), st.integers(0, 9))
def test_never_raises_and_never_names_itself(text: str, number: int) -> None:
    for found in (read_dependencies(text, number=number), dependencies_in_body(text, number=number)):
        assert number not in found.hard + found.soft
        assert not set(found.hard) & set(found.soft)
        assert found.hard == tuple(sorted(set(found.hard)))


def test_the_ticket_itself_is_no_dependency() -> None:
    assert read_dependencies("#12, #13", number=12).hard == (13,)
    assert dependencies_in_body("Depends on #12", number=12) == Dependencies()
