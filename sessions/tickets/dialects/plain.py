"""Plain text, for trackers whose comments are shown as they are: Gerrit's messages and mails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessions.terminal.harmless_text import harmless, harmless_lines

# Lines of an excerpt, characters of each, and characters of a text within a line.
_LINES, _WIDTH, _LONGEST = 30, 400, 1000
# Where a page or a mail program makes a link or a mention of plain words; newer Gerrits read some Markdown.
_LIVE = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\w)|(?<=\])(?=\()|(?<=!)(?=\[)|(?<=`)(?=`)")


class PlainText:
    """Plain text: excerpts are indented by four spaces, and an emphasised word is in capitals."""

    most_details: int | None = 5

    def escape(self, text: object) -> str:
        """Escape a text from a ticket or a log: one line, in which zero-width spaces keep words from becoming links.

        >>> len(PlainText().escape("http://x")) - len("http://x")
        1
        """
        return _LIVE.sub("\u200b", _shorten(" ".join(harmless(str(text)).split()), _LONGEST))

    def strong(self, text: str) -> str:
        """``CULPRIT``."""
        return text.upper()

    def code(self, text: str) -> str:
        """The text, as every reader shows it."""
        return self.escape(text)

    def references(self, numbers: Sequence[int]) -> str:
        """``115, 116``."""
        return ", ".join(self.escape(number) for number in numbers)

    def fence(self, text: str) -> str:
        """An indented block of at most 30 lines. No line of the text begins a line of the comment."""
        return "\n".join(f"    {_shorten(row, _WIDTH)}".rstrip() for row in harmless_lines(text, _LINES))


PLAIN_TEXT = PlainText()


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
