from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sessions.settings.hints import Hint, check_current, load_hints
from sessions.terminal.errors import UsageError

TODAY = dt.date(2026, 11, 23)
SIGNED = "[[hint]]\nurgent = 1\nowner = 'J'\nreason = 'r'\n"
OWNED = 'owner = "Jane"\nreason = "why not"\nuntil = 2026-12-24\n'


def hints_in(folder: Path, text: str) -> tuple[Hint, ...]:
    (folder / "hints.toml").write_text(text, encoding="utf-8")
    return load_hints(folder / "hints.toml")


def test_every_kind_of_hint(tmp_path: Path) -> None:
    texts = [
        "keep_out = 1",
        "let_in = [2, 3]",
        "urgent = [4]",
        "order = [5, 6, 7]",
        'ignore = ["a.test::one"]\ngate = "unit"',
    ]
    hints = hints_in(tmp_path, "".join(f"[[hint]]\n{text}\n{OWNED}" for text in texts))
    assert [(each.line, each.effect, each.tickets, each.ignore, each.gate) for each in hints] == [
        (1, "kept out", (1,), (), ""),
        (6, "let in", (2, 3), (), ""),
        (11, "urgent", (4,), (), ""),
        (16, "merged in this order", (5, 6, 7), (), ""),
        (21, "ignored", (), ("a.test::one",), "unit"),
    ]
    assert str(hints[0]) == "Jane, until 2026-12-24: why not"
    [closed] = hints_in(tmp_path, '[[hint]]\nkeep_out = 1\nowner = "J"\nreason = "r"\nclosed = 9\n')
    assert closed.end == "until #9 is closed"


def test_no_file_is_no_hint(tmp_path: Path) -> None:
    assert load_hints(tmp_path / "hints.toml") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[hint]\n", "cannot be read as TOML"),
        ("[[hints]]\n", "unknown key 'hints': each hint is a table [[hint]]."),
        ("hint = 3\n", "hint must be a list of tables: write [[hint]] above each hint."),
        (f"[[hint]]\n{OWNED}", "line 1: a hint must have one of keep_out, let_in, urgent, order, ignore, not none."),
        (f"\n[[hint]]\nkeep_out = 1\nurgent = 1\n{OWNED}", "line 2: a hint must have one of keep_out, let_in, urgent,"),
        (f"[[hint]]\nkeepout = 1\n{OWNED}", "line 1: unknown key 'keepout': did you mean 'keep_out'."),
        (f"[[hint]]\nkeep_out = 'one'\n{OWNED}", "line 1: keep_out must be numbers of tickets, not 'one'."),
        (f"[[hint]]\nkeep_out = [0]\n{OWNED}", "line 1: keep_out must be numbers of tickets, not [0]."),
        (f"[[hint]]\nkeep_out = true\n{OWNED}", "line 1: keep_out must be numbers of tickets, not True."),
        (f"[[hint]]\nkeep_out = []\n{OWNED}", "line 1: keep_out must be numbers of tickets, not []."),
        (f"[[hint]]\norder = [1]\n{OWNED}", "line 1: order must have two tickets or more, each once"),
        (f"[[hint]]\norder = [1, 2, 1]\n{OWNED}", "line 1: order must have two tickets or more, each once"),
        (f"[[hint]]\nignore = [1]\n{OWNED}", "line 1: ignore must be tests as the report names them, not [1]."),
        (f"[[hint]]\nurgent = 1\ngate = 'unit'\n{OWNED}", "line 1: gate goes with ignore alone: remove it."),
        ("[[hint]]\nurgent = 1\n", "line 1: a hint needs owner, as one line of text."),
        ("[[hint]]\nurgent = 1\nowner = 3\n", "line 1: a hint needs owner, as one line of text, not 3."),
        (
            "[[hint]]\nurgent = 1\nowner = 'J'\nreason = ' '\n",
            "line 1: a hint needs reason, as one line of text",
        ),
        (
            f"{SIGNED}",
            "line 1: a hint needs one end: a date (until = 2026-12-24)",
        ),
        (f"[[hint]]\nurgent = 1\nclosed = 3\n{OWNED}", "line 1: a hint needs one end: a date (until = 2026-12-24)"),
        (
            f"{SIGNED}until = '2026-12-24'\n",
            "line 1: until must be a date without",
        ),
        (
            f"{SIGNED}closed = true\n",
            "line 1: closed must be the number of a ticket",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        hints_in(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "hints.toml"))


def test_a_hint_past_its_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "hints.toml"
    hints = hints_in(tmp_path, f"[[hint]]\nkeep_out = 1\n{OWNED}")
    check_current(hints, path, dt.date(2026, 12, 24), ())
    with pytest.raises(UsageError) as error:
        check_current(hints, path, dt.date(2026, 12, 25), ())
    assert str(error.value) == (
        f"{path}, line 1: this hint of Jane (why not) ended on 2026-12-24: remove it, or give it a later date."
    )
    closed = hints_in(tmp_path, '[[hint]]\nkeep_out = 1\nowner = "J"\nreason = "r"\nclosed = 9\n')
    check_current(closed, path, TODAY, [9])
    with pytest.raises(UsageError, match=r"ended, as #9 is not open any more: remove it, or give it another end\.$"):
        check_current(closed, path, TODAY, [1])
