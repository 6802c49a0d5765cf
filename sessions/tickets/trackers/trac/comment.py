"""Write our comment on a Trac ticket: its text, and the marker by which it is found and compared. Pure."""

from __future__ import annotations

import hashlib
import re

from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers.characters import in_basic_plane
from sessions.tickets.trackers.trac.fields import Attributes, reviewed_commit

# Our comments begin with a block that Trac does not show.
_MARKER = re.compile(r"\{\{\{#!comment\r?\nintegrand (\S+ [0-9a-f]{16})\r?\n\}\}\}")
_SAFE_URL = re.compile(r"https?://[\w./:%+?&=#@~-]+")


def marker_of(account: Account) -> str:
    """Return the part that must differ for a new comment: verdict, commit, and, if the author must act, the reason.

    A ticket that is merged again today gets no new comment.
    """
    is_news = account.verdict not in (Verdict.INTEGRATED, Verdict.ALREADY_MERGED)
    content = f"{account.commit}\n{account.summary if is_news else ''}"
    return f"{account.verdict} {hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:16]}"


def marker_in(comment: str) -> str:
    """Return the marker at the beginning of a comment; empty if there is none."""
    found = _MARKER.match(comment)
    return found[1] if found else ""


def comment_on(account: Account, now: Attributes) -> str:
    """Return the whole comment on a ticket with the current fields ``now``."""
    parts = ["{{{#!comment\nintegrand " + marker_of(account) + "\n}}}", account.text.strip()]
    if has_moved(account, now):
        tested = "{{{" + account.commit[:10] + "}}}"
        parts.append(f"Tested was commit {tested}. The ticket has moved on since, so its status is left alone.")
    if _SAFE_URL.fullmatch(account.url):
        parts.append(f"[{account.url} The full report]")
    return in_basic_plane("\n\n".join(parts) + "\n")


def has_moved(account: Account, now: Attributes) -> bool:
    """Whether the ticket names another commit than the one that was tested."""
    commit = reviewed_commit(now)
    return bool(commit and account.commit) and commit != account.commit
