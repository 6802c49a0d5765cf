"""Turn the fields of a Trac ticket into a :class:`Ticket`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sessions.tickets.dependencies import read_dependencies
from sessions.tickets.model import Ticket

Attributes = Mapping[str, str]
"""The text fields of a ticket, as ``ticket.get`` returns them."""

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def text_fields(number: int, row: object) -> Attributes | None:
    """Return the fields in an answer of ``ticket.get``; ``None`` if the answer is not valid for that ticket."""
    attributes = row[3] if isinstance(row, list) and len(row) == 4 and row[0] == number else None
    if not isinstance(attributes, dict):
        return None
    known = {key: value for key, value in attributes.items() if isinstance(value, str)}
    return known if known.keys() >= {"_ts", "status", "summary"} else None


def ticket_from(number: int, attributes: Attributes, base: str) -> Ticket:
    """Return the ticket with these fields, of the Trac at ``base``."""
    branch = attributes.get("branch", "").strip()
    labels = (attributes.get(key, "") for key in ("status", "priority", "resolution"))
    needed = read_dependencies(attributes.get("dependencies", ""), number=number)
    return Ticket(
        number=number,
        title=attributes["summary"],
        url=f"{base}/ticket/{number}",
        labels=tuple(label for label in labels if label),
        milestone=attributes.get("milestone", ""),
        branch="" if _COMMIT.fullmatch(branch) else branch,  # Sage put the commit there when it closed a ticket
        commit=reviewed_commit(attributes),
        depends=needed.hard,
        links=needed.links,
        authors=_names(attributes.get("author", "")),
        reviewers=_names(attributes.get("reviewer", "")),
        description=attributes.get("description", ""),
    )


def reviewed_commit(attributes: Attributes) -> str:
    """Return the reviewed commit, empty if the field is. Text that is not a commit id becomes git's null id.

    No branch can be at the null id, so that such a ticket is never merged.
    """
    commit = attributes.get("commit", "").strip().lower()
    return commit if not commit or _COMMIT.fullmatch(commit) else "0" * 40


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for each in text.split(",") if (name := each.strip()))
