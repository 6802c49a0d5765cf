"""Trac's wiki syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from sessions.terminal.harmless_text import harmless
from sessions.terminal.ticket_numbers import name_ticket

# Lines of an excerpt, characters of each, and characters of a text within a line.
_LINES, _WIDTH, _LONGEST = 30, 400, 1000
# A word that cannot contain syntax of Trac or of a plugin: letters, or a number.
_PLAIN = re.compile(r"\(?(?:[^\W\d_]+(?:['-][^\W\d_]+)*|\d{1,6}(?:-\d{1,6})?)\)?[.,;:]?")
_GLUE = "\u200b"


class Wiki:
    """Trac's wiki syntax. With at most five details of a kind, a comment stays below Trac's 262,144 characters."""

    most_details: int | None = 5

    def escape(self, text: object) -> str:
        """Escape a text from a ticket or a log.

        Plain words stay as they are. A run of words that may contain markup, a TracLink, a WikiWord, a macro or an
        address becomes monospaced, because Trac does not interpret monospaced text.

        >>> Wiki().escape("The user's CamelCase needs #12, [[Image(x)]] and wiki:Start now.")
        "The user's {{{CamelCase}}} needs {{{#12, [[Image(x)]]}}} and {{{wiki:Start}}} now."
        """
        whole = " ".join(harmless(str(text)).split())
        parts = (whole if len(whole) <= _LONGEST else whole[: _LONGEST - 1] + "…").split()
        groups = groupby(enumerate(parts), key=lambda pair: _is_plain(pair[1], first=pair[0] == 0))
        runs = [(is_plain, " ".join(word for _, word in run)) for is_plain, run in groups]
        return " ".join(run if is_plain else _monospaced(run) for is_plain, run in runs)

    def strong(self, text: str) -> str:
        """Return the text between triple apostrophes."""
        return f"'''{text}'''"

    def code(self, text: str) -> str:
        """Return the text, monospaced if it could be read as markup."""
        return self.escape(text)

    def references(self, numbers: Sequence[int]) -> str:
        """Return references as ``#115, #116``, which Trac turns into links."""
        names = map(name_ticket, numbers)
        return ", ".join(name if name.startswith("#") else self.escape(name) for name in names)

    def fence(self, text: str, lines: int = _LINES, width: int = _WIDTH) -> str:
        """Return a block of code of at most ``lines`` lines of ``width`` characters."""
        kept = harmless(text).strip("\n").splitlines()
        rows = [_row(row, width) for row in kept[:lines]]
        more = [f"… {len(kept) - lines} more lines"] if len(kept) > lines else []
        # Name a processor: otherwise, a first line such as `#!html` would choose one.
        return "\n".join(["{{{#!default", *(rows or [""]), *more, "}}}"])


WIKI = Wiki()


def _is_plain(word: str, *, first: bool) -> bool:
    # At the beginning of a line, `1.` and `a.` make a list; a capital inside a word makes a WikiWord.
    is_item = first and not word[-1].isalpha()
    return bool(_PLAIN.fullmatch(word)) and not is_item and not any(c.isupper() for c in word.lstrip("(")[1:])


def _monospaced(text: str) -> str:
    """Put a text between triple braces, which it can neither close nor turn into a block."""
    inside = re.sub(r"(?<=\})(?=\})|(?<=\{)(?=\{)|(?<=#)(?=!)|\}\Z", lambda at: at[0] + _GLUE, text)
    return "{{{" + inside + "}}}"


def _row(row: str, width: int) -> str:
    cut = row if len(row) <= width else row[: width - 1] + "…"
    # Trac counts braces at the beginning of a line, even within a block.
    return re.sub(r"^(\s*)(\{\{\{|\}\}\})", lambda found: found[1] + _GLUE.join(found[2]), cut)
