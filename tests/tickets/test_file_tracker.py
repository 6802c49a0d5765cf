from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.settings.configuration import Tracker
from sessions.terminal.errors import TrackerError
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.trackers.file import FileTracker

if TYPE_CHECKING:
    from pathlib import Path

FIRST = '[[ticket]]\nnumber = 7\ntitle = "Seven"\n'


def tracker(tmp_path: Path, text: str) -> FileTracker:
    path = tmp_path / "tickets.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return FileTracker(Tracker(url=str(path)))


def test_reads_every_field_of_a_ticket(tmp_path: Path) -> None:
    text = (
        f'{FIRST}\n[[ticket]]\nnumber = 8\ntitle = "Acht\\u00e4"\nurl = "https://example.org/8"\n'
        f'labels = ["a", "b"]\nmilestone = "9.5"\nbranch = "u/jane/8"\ncommit = "{"0a" * 20}"\n'
        'depends = "#7"\nauthors = ["Jane"]\nreviewers = []\ntarget = "main"\n'
        'together = [7]\ndescription = """\nLong\n"""\n'
    )
    assert tracker(tmp_path, text).read() == (
        Ticket(number=7, title="Seven"),
        Ticket(
            number=8,
            title="Achtä",
            url="https://example.org/8",
            labels=("a", "b"),
            milestone="9.5",
            branch="u/jane/8",
            commit="0a" * 20,
            depends=(7,),
            authors=("Jane",),
            description="Long\n",
            target="main",
            together=(7,),
        ),
    )


@pytest.mark.parametrize("text", ["", "# none today\n", "ticket = []\n"])
def test_no_tickets(tmp_path: Path, text: str) -> None:
    assert tracker(tmp_path, text).read() == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FIRST + 'branches = "x"\n', r"ticket 7: unknown key 'branches'; known are number, title, "),
        ('[[ticket]]\nnumber = 7\ntitel = "x"\n', r"ticket 7: unknown key 'titel'"),
        (FIRST + FIRST, r"ticket 7 is there twice"),
        ('[[ticket]]\ntitle = "x"\n', r"ticket in place 1: 'number' is missing"),
        ("[[ticket]]\nnumber = 7\n", r"ticket 7: 'title' is missing"),
        (FIRST + '[[ticket]]\ntitle = "x"\n', r"ticket in place 2: "),
        (FIRST + 'commit = "0a0a0a0"\n', r"ticket 7: commit must be a full commit id in hex, not '0a0a0a0'"),
        (FIRST + f'commit = "{"0A" * 20}"\n', r"commit must be"),
        (FIRST + f'commit = "{"0a" * 20}\\n"\n', r"commit must be"),
        (FIRST + f'commit = "--upload-pack={"0a" * 20}"\n', r"commit must be"),
        (FIRST + "branch = 7\n", r"ticket 7: branch cannot be 7"),
        (FIRST + 'labels = "ready"\n', r"ticket 7: labels cannot be 'ready'"),
        (FIRST + "labels = [1]\n", r"labels cannot be \(1,\)"),
        ('[[ticket]]\nnumber = 0\ntitle = "x"\n', r"number cannot be 0"),
        ('[[ticket]]\nnumber = true\ntitle = "x"\n', r"number cannot be True"),
        ('[[ticket]]\nnumber = "7"\ntitle = "x"\n', r"number cannot be '7'"),
        ("tickets = []\n", r"may hold \[\[ticket\]\] tables only, not \['tickets'\]"),
        ('[ticket]\nnumber = 7\ntitle = "x"\n', r"may hold \[\[ticket\]\] tables only"),
        ("ticket = [1, 2]\n", r"place 1"),
        ("number = 7, title", r"cannot be read: "),
        ('[[ticket]]\ntitle = "\udcff"\n', r"cannot be read: "),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TrackerError, match=told) as caught:
        tracker(tmp_path, text).read()
    assert str(tmp_path / "tickets.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrackerError, match=r"tracker file \S+/none\.toml cannot be read: "):
        FileTracker(Tracker(url=str(tmp_path / "none.toml"))).read()


def account(number: int, text: str) -> Account:
    return Account(number=number, verdict=Verdict.INTEGRATED, commit="", summary="", text=text)


def test_telling_the_same_again_changes_nothing(tmp_path: Path) -> None:
    mine = tracker(tmp_path, FIRST)
    told = [
        mine.tell(account(7, "é one")),
        mine.tell(account(8, "other")),
        mine.tell(account(7, "é one")),
        mine.tell(account(7, "two")),
        mine.tell(account(7, "two")),
    ]
    assert [bool(each.changed) for each in told] == [True, True, False, True, False]
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "tickets.told").iterdir()}
    assert files == {"7.md": "two", "8.md": "other"}
    assert mine.read() == (Ticket(number=7, title="Seven"),)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    mine = tracker(tmp_path, FIRST)
    (tmp_path / "tickets.told").write_text("in the way")
    with pytest.raises(TrackerError, match=r"7\.md cannot be written \("):
        mine.tell(account(7, "one"))
