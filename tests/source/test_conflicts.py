from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.source.conflicts import Clash, read_markers
from tests.repositories import Builder, Scene, lines

if TYPE_CHECKING:
    from pathlib import Path


def clash(first: str, second: str) -> str:
    return f"<<<<<<< 1a2b\n{first}=======\n{second}>>>>>>> 3c4d\n"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", ""),
        ("a\nb\n", ""),
        (clash("a\n", "b\n"), "1-1"),
        ("0\n0\n" + clash("a\nb\nc\n", "d\n"), "3-5"),
        ("0\n" + clash("", "b\n") + "0\n", "2-2"),
        ("0\n" + clash("a\n", ""), "2-2"),
        ("0\n" + clash("a\nb\n", "c\n") + "0\n" + clash("", "d\n") + clash("e\n", "f\nf\nf\n") + "0\n", "2-3,5-5,5-5"),
        (clash("a\n", "b\n").removesuffix("\n"), "1-1"),
        (clash("a\n", "b\n").replace("\n", "\r\n"), "1-1"),
        ("Title\n========\n" + clash("Chapter\n========\n", "Chapter two\n===========\n") + "======\n", "3-4"),
        ("Title\n=======\n\n" + clash("a\n", "b\n"), "4-4"),
        (clash("a\n", "Summary\n=======\n"), "1-1"),
        ("<<<<<<< no clash\n", ""),
        ("text <<<<<<< x\n=======\n>>>>>>> y\n", ""),
        ("a\x0cb\u2028c\n" + clash("a\n", "b\n"), "2-2"),
    ],
)
def test_lines_of_clashes_in_the_first_side(text: str, spans: str) -> None:
    assert read_markers(text)[0] == spans


def test_the_text_of_the_first_clash_is_cut_to_a_page() -> None:
    first, second = clash("a\n", "b\n"), clash("c\n", "d\n")
    assert read_markers(f"0\n{first}0\n{second}")[1] == first.removesuffix("\n")
    long = clash(lines(count=100), "b\n")
    assert read_markers(long)[1].split("\n") == long.split("\n")[:40]


def test_lines_are_those_of_the_version_merged_so_far(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": lines()})
    builder.tag("1.0")
    builder.commit({"a": lines((20, "x"))}, "1.0", branch="one")
    builder.commit({"a": lines((3, "more\nmore\nmore"), (20, "y"))}, "1.0", branch="other")
    scene = Scene.of(builder, tmp_path / "state")
    found = scene.merger.combine(scene.tickets(one=1, other=2).values())
    assert isinstance(found, Clash)
    assert [place.lines for place in found.places] == ["20-20"]
