"""Markdown as forges read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessions.terminal.harmless_text import harmless, harmless_lines

# What may form markup anywhere: https://spec.commonmark.org/0.31.2, tables and math as GitHub has them.
_SPECIAL = re.compile(
    r"[\\`*<|~$]"
    r"|^\[|\[(?=\^)|\](?=[(\[:])"  # a link, its definition, a footnote
    r"|(?<![^\W_])_|_(?![^\W_])"  # but for one within a word, as in the name of a test
    r"|&(?=[#\w])"  # an entity
    r"|(?<!#)#+$|^[#>]"  # a heading's end and beginning, a quote
)
# What makes a list, or with nothing else a rule, at the beginning of a line.
_LEADING = re.compile(r"^(\d{0,9})(?:([-+.)])(?=\s|$)|([-=])(?=[-=\s]*$))")
# Plain text that a forge turns into a link, a mention or a reference: https://…, www.…, GH-7, @name, #7, !7.
_LIVE = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=gh)(?=-\d)|(?<=[@#])(?=\w)|(?<=!)(?=\d)")


class Markdown:
    """Markdown. References are bare numbers: GitHub would show a linked one on the other pull request's page."""

    most_details: int | None = None

    def escape(self, text: object) -> str:
        r"""Escape a text from a ticket or a log.

        Backslashes keep markup, HTML and table cells from forming; zero-width spaces keep words from becoming links,
        mentions and references.

        >>> Markdown().escape("<b>*hi*</b> | x")
        '\\<b>\\*hi\\*\\</b> \\| x'
        """
        line = " ".join(harmless(str(text)).split())
        return _LIVE.sub("\u200b", _LEADING.sub(r"\1\\\2\3", _SPECIAL.sub(_escape, line)))

    def strong(self, text: str) -> str:
        """Return ``**text**``."""
        return f"**{text}**"

    def code(self, text: str) -> str:
        """Return the text between backquotes."""
        return f"`{text}`"

    def references(self, numbers: Sequence[int]) -> str:
        """Return numbers as ``115, 116``."""
        return ", ".join(self.escape(number) for number in numbers)

    def fence(self, text: str, lines: int = 30) -> str:
        """Return a code block of at most ``lines`` lines. Its fence is longer than any run of backquotes in it."""
        longest = max((len(run) for run in re.findall(r"`+", harmless(text))), default=0)
        fence = "`" * max(3, longest + 1)
        return "\n".join([f"{fence}text", *harmless_lines(text, lines), fence])


def _escape(found: re.Match[str]) -> str:
    return "".join(f"\\{character}" for character in found[0])


MARKDOWN = Markdown()
