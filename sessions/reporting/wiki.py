"""What a ticket is told, in Trac's wiki syntax."""

from __future__ import annotations

import re
from itertools import groupby

from sessions.ledger.record import Record, RecordedTicket
from sessions.reporting.reproduction import reproduction
from sessions.reporting.templates import Filters, render
from sessions.terminal.console import harmless

# Of an excerpt, and of a text within a line. The template shows five of each kind, so that a comment stays below
# Trac's 262,144 characters.
_LINES, _WIDTH, _LONGEST = 30, 400, 1000
# A word in which no syntax of Trac or of a plugin can hide: letters, or a number.
_PLAIN = re.compile(r"\(?(?:[^\W\d_]+(?:['-][^\W\d_]+)*|\d{1,6}(?:-\d{1,6})?)\)?[.,;:]?")
_GLUE = "\u200b"


def plain_text(text: object) -> str:
    """A text that came from a ticket or a log, as wiki text that shows it and does nothing else.

    Common words stay as they are; a run of words in which there may be markup, a TracLink, a WikiWord, a macro or an
    address becomes monospaced, where Trac looks for none of them.

    >>> plain_text("The user's CamelCase needs #12, [[Image(x)]] and wiki:Start now.")
    "The user's {{{CamelCase}}} needs {{{#12, [[Image(x)]]}}} and {{{wiki:Start}}} now."
    """
    whole = " ".join(harmless(str(text)).split())
    words = (whole if len(whole) <= _LONGEST else whole[: _LONGEST - 1] + "…").split()
    groups = groupby(enumerate(words), key=lambda pair: _is_plain(pair[1], first=pair[0] == 0))
    runs = [(is_plain, " ".join(word for _, word in run)) for is_plain, run in groups]
    return " ".join(run if is_plain else _monospaced(run) for is_plain, run in runs)


def _is_plain(word: str, *, first: bool) -> bool:
    # At a line's beginning, `1.` and `a.` make a list; a capital inside makes a WikiWord.
    is_item = first and not word[-1].isalpha()
    return bool(_PLAIN.fullmatch(word)) and not is_item and not any(c.isupper() for c in word.lstrip("(")[1:])


def _monospaced(words: str) -> str:
    """Words between triple braces, which they can neither close nor turn into a block of their own."""
    inside = re.sub(r"(?<=\})(?=\})|(?<=\{)(?=\{)|(?<=#)(?=!)|\}\Z", lambda at: at[0] + _GLUE, words)
    return "{{{" + inside + "}}}"


def fenced(text: str, lines: int = _LINES, width: int = _WIDTH) -> str:
    """A text as a block of code that it cannot close, cut to so many lines of so many characters."""
    kept = harmless(text).strip("\n").splitlines()
    rows = [_row(row, width) for row in kept[:lines]]
    more = [f"… {len(kept) - lines} more lines"] if len(kept) > lines else []
    # The processor is named: else a first line such as `#!html` would name one.
    return "\n".join(["{{{#!default", *(rows or [""]), *more, "}}}"])


def _row(row: str, width: int) -> str:
    cut = row if len(row) <= width else row[: width - 1] + "…"
    # Trac counts the braces that stand at a line's beginning, also within a block.
    return re.sub(r"^(\s*)(\{\{\{|\}\}\})", lambda found: found[1] + _GLUE.join(found[2]), cut)


def account(record: Record, ticket: RecordedTicket) -> str:
    """What one ticket is told: its verdict, why, and what shows it."""
    filters: Filters = {"plain": plain_text, "fenced": fenced, "tickets": _tickets, "reproduction": reproduction}
    return render("account.wiki.jinja", filters, record=record, ticket=ticket)


def _tickets(numbers: list[int]) -> str:
    """Links to the tickets: Trac makes them of their numbers."""
    return ", ".join(f"#{number:d}" for number in numbers)
