"""Write the commit object of a merge: content, signature and message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Ticket


def sign(committer: str, date: dt.date) -> str:
    """Return author or committer with the time, midnight UTC of ``date``, in the format of a commit object.

    >>> sign("A <a@localhost>", dt.date(2026, 11, 23))
    'A <a@localhost> 1795392000 +0000'
    """
    moment = int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())
    return f"{committer} {moment} +0000"


def commit_content(tree: str, parents: Iterable[str], signature: str, message: str) -> bytes:
    """Return the content of a commit object. See https://git-scm.com/docs/git-commit-tree for the format."""
    lines = [
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents),
        f"author {signature}",
        f"committer {signature}",
        "",
        message,
    ]
    return "\n".join(lines).encode("utf-8", "replace")  # JSON may hold half a surrogate pair


def merge_message(ticket: Ticket, resolutions: Iterable[str] = ()) -> str:
    """Return subject, description and trailers of a merge, as Sage's release managers write them.

    ``resolutions`` are clauses about kept resolutions that the merge used; each is a trailer of its own.
    """
    trailers = [
        f"URL: {ticket.url}" if ticket.url else "",
        f"Ticket author(s): {', '.join(ticket.authors)}" if ticket.authors else "",
        f"Reviewer(s): {', '.join(ticket.reviewers)}" if ticket.reviewers else "",
        *(f"Resolution: {clause}" for clause in resolutions),
    ]
    parts = [
        f"{name_ticket(ticket.number)}: {' '.join(ticket.title.split())}",
        ticket.description.strip(),
        "\n".join(filter(None, trailers)),
    ]
    # git ends a commit message at NUL, which a ticket's text may contain.
    return "\n\n".join(part for part in parts if part).replace("\0", "") + "\n"
