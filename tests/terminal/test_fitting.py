from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sessions.terminal.fitting import fit, wrap


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("a probe", 7, "a probe"),
        ("a probe", 6, "a…"),
        ("a probe", 2, "a…"),
        ("a probe", 1, "…"),
        ("a probe", 0, ""),
        ("probe", 4, "…"),
        ("数学 数学", 6, "数学…"),
        ("  a probe", 8, "  a…"),
        ("", 3, ""),
    ],
)
def test_shorten_cuts_between_words(text: str, width: int, short: str) -> None:
    assert fit(text, width) == short


@given(st.text(st.sampled_from("ab 数\t")), st.integers(0, 12))
def test_shorten_never_exceeds_the_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("  a probe", 5, ["  a", "probe"]),
        ("a probe", 7, ["a probe"]),
        ("one https://example.org/long two", 8, ["one", "https://example.org/long", "two"]),
        ("数学 数学", 5, ["数学", "数学"]),
        ("a b\n\nc", 5, ["a b", "", "c"]),
    ],
)
def test_wrap_breaks_between_words(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


@given(st.text(st.sampled_from("ab 数\t\n")), st.integers(1, 12))
def test_wrap_keeps_every_word_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert " ".join(lines).split() == text.split()
    assert all(cell_len(line) <= width or len(line.split()) == 1 for line in lines)
