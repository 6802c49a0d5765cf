from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.resolutions.hunks import ConflictHunk, MarkedFile, read_marked

ID, OTHER = "a" * 40, "b" * 40


def marked(ours: str = "one\n", base: str = "old\n", theirs: str = "two\n", size: int = 7) -> str:
    marks = {mark: mark * size for mark in "<|=>"}
    return f"{marks['<']} {ID}\n{ours}{marks['|']} {OTHER}\n{base}{marks['=']}\n{theirs}{marks['>']} {OTHER}\n"


FILE = ("first\n" + marked() + "middle\n" + marked("x\n", "", "y\n") + "last\n").encode()


def test_a_file_is_taken_apart() -> None:
    file = read_marked(FILE)
    assert file == MarkedFile(
        (b"first\n", b"middle\n", b"last\n"),
        (ConflictHunk(b"one\n", b"two\n", b"old\n"), ConflictHunk(b"x\n", b"y\n", b"")),
    )
    assert file.fill([b"both\n", b""]) == b"first\nboth\nmiddle\nlast\n"
    assert file.texts_in(b"first\nboth\nmiddle\nlast\n") == (b"both\n", b"")


@pytest.mark.parametrize(
    "resolved",
    [
        b"first\nboth\nmiddle\nlast\nmore\n",  # more after the conflict
        b"First\nboth\nmiddle\nlast\n",
        b"first\nboth\nlast\n",
        b"first\nmiddle\nmiddle\nlast\n",  # which of them is the resolution?
        b"first\n",
    ],
)
def test_what_cannot_be_told_from_the_rest_is_not_taken_for_a_resolution(resolved: bytes) -> None:
    file = read_marked(FILE)
    assert file is not None
    assert file.texts_in(resolved) is None


@pytest.mark.parametrize(
    "content",
    [
        "no conflict\n",
        marked(theirs="two\n=======\n"),
        marked(base="=======\n"),
        marked(ours="||||||| x\n"),
        marked(ours=f"<<<<<<< {ID}\n"),
        marked()[:-60],
        "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n",  # no marker of `git merge-tree`
    ],
)
def test_lines_that_look_like_markers_make_a_file_unreadable(content: str) -> None:
    assert read_marked(content.encode()) is None


def test_a_heading_of_equal_signs_in_ours_is_no_marker_where_the_base_follows() -> None:
    assert read_marked(marked(ours="Title\n=====\n").encode()) is not None
    long = read_marked(marked(ours="Title\n=======\n", size=9).encode())
    assert long is not None
    assert long.hunks[0].ours == b"Title\n=======\n"


def test_the_key_depends_on_each_byte_and_not_on_the_order_of_the_sides() -> None:
    hunk = ConflictHunk(b"one\n", b"two\n", b"old\n")
    assert hunk.key == ConflictHunk(b"two\n", b"one\n", b"old\n").key
    others = [
        ConflictHunk(b"one\n", b"two\n", b"old"),
        ConflictHunk(b"one\n", b"two", b"old\n"),
        ConflictHunk(b"one\r\n", b"two\n", b"old\n"),
        ConflictHunk(b"one\ntwo\n", b"", b"old\n"),
        ConflictHunk(b"old\n", b"two\n", b"one\n"),
    ]
    assert len({hunk.key, *(each.key for each in others)}) == 6


ROWS = st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"=====\n"]), max_size=4).map(b"".join)


@given(st.lists(ROWS.filter(bool), min_size=2, max_size=4), st.data())
def test_what_is_read_from_a_resolved_file_is_what_filled_it(outside: list[bytes], data: st.DataObject) -> None:
    texts = tuple(data.draw(ROWS) for _ in outside[1:])
    hunks = tuple(ConflictHunk(b"1\n", b"2\n", b"") for _ in texts)
    file = MarkedFile(tuple(outside), hunks)
    assert file.texts_in(file.fill(texts)) in (texts, None)  # None where there are several ways
    clear = MarkedFile(tuple(b"%d\n%b" % (place, part) for place, part in enumerate(outside)), hunks)
    assert clear.texts_in(clear.fill(texts)) == texts
