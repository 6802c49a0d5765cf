"""Write the one comment on a pull request: marker, text, length. Pure."""

from __future__ import annotations

import re

from sessions.tickets.model import Account

MAX_COMMENT = 65_536
_LINK = "[The full report]("
_PLAIN_ADDRESS = re.compile(r"https?://[^\s()<>\[\]]+")
_CUT = "\n… cut here, as comments may not be longer: the full report has the rest.\n"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def comment_text(account: Account, marker: str, head: str, limit: int = MAX_COMMENT) -> str:
    """The whole comment on a pull request whose branch is at ``head`` now, of at most ``limit`` characters."""
    moved = account.commit and head != account.commit
    note = f"The branch has moved since: this is about commit `{account.commit}`.\n\n" if moved else ""
    text = f"{marker}\n{note}{account.text.strip()}"
    if not _PLAIN_ADDRESS.fullmatch(account.url):
        return cut(text, limit)
    link = f"\n\n{_LINK}{account.url})\n"
    return cut(text, limit - len(link)).rstrip("\n") + link


def says_the_same(one: str, other: str) -> bool:
    """Whether two comments say the same, apart from the address of the report and the kind of line ends.

    A comment with the same verdict as before, from another day's report, is no news.
    """
    return matter(one) == matter(other)


def matter(text: str) -> str:
    """Return the text of a comment without the address of the report, and with plain line ends."""
    rows = text.replace("\r\n", "\n").strip().split("\n")
    return "\n".join(row for row in rows if not row.startswith(_LINK)).strip()


def cut(text: str, limit: int) -> str:
    """Cut a text between lines to at most ``limit`` characters, and close an open fence."""
    if len(text) <= limit:
        return text
    kept: list[str] = []
    fence, room = "", limit - len(_CUT)
    for line in text.splitlines(keepends=True):
        after = _fence_after(fence, line)
        if len(line) + len(after) + 1 > room:
            rest = room - len(fence) - 2
            kept += (
                [line[:rest] + "\n"] if fence and after and rest > 0 else []
            )  # within a fence, a line may be cut anywhere
            break
        kept.append(line)
        fence, room = after, room - len(line)
    return "".join(kept) + (f"{fence}\n" if fence else "") + _CUT


def _fence_after(fence: str, line: str) -> str:
    """Return the fence that is open after a line, if ``fence`` is open before it."""
    found = _FENCE.fullmatch(line.rstrip("\r\n"))
    if not found or (found[1][0] == "`" and "`" in found[2]):
        return fence
    if not fence:
        return found[1]
    closes = found[1].startswith(fence) and not found[2].strip()
    return "" if closes else fence
