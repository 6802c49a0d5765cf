"""From a change as Gerrit describes it to a :class:`Ticket`. Pure.

The fields are those of ``ChangeInfo`` and ``LabelInfo`` in
https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sessions.tickets.model import Ticket

ChangeInfo = Mapping[str, Any]
"""A change as Gerrit describes it."""
_PASSED = {"SATISFIED", "OVERRIDDEN", "NOT_APPLICABLE", "FORCED"}


def ticket_of_change(change: ChangeInfo, base: str, required: Iterable[str]) -> Ticket:
    """The ticket that a change is, at its current patch set.

    Its labels are its hashtags, each vote (``Code-Review+2``), and ``submittable`` where all of Gerrit's own
    conditions are met. ``required`` are labels or submit requirements that must be approved.
    """
    revision = change["revisions"][change["current_revision"]]
    return Ticket(
        number=change["_number"],
        title=change["subject"],
        url=f"{base}/c/{change['project']}/+/{change['_number']}",
        labels=tuple(dict.fromkeys(_labels(change))),
        branch=revision["ref"],
        commit=change["current_revision"],
        authors=(_name(change["owner"]),),
        reviewers=tuple(dict.fromkeys(_name(vote) for _, vote in _votes(change) if vote["value"] > 0)),
        description=revision["commit"]["message"],
        held=_held(change, required),
        target=change["branch"],
    )


def own_vote(change: ChangeInfo, label: str, account: int) -> int:
    """What the account votes on the current patch set; 0 for nothing."""
    return next(
        (int(vote["value"]) for name, vote in _votes(change) if (name, vote["_account_id"]) == (label, account)), 0
    )


def _labels(change: ChangeInfo) -> Iterator[str]:
    yield from change.get("hashtags", ())
    yield from (f"{name}{vote['value']:+d}" for name, vote in _votes(change))
    if change.get("submittable"):
        yield "submittable"


def _votes(change: ChangeInfo) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, label in change.get("labels", {}).items():
        yield from ((name, vote) for vote in label.get("all", ()) if vote.get("value"))


def _name(account: Mapping[str, Any]) -> str:
    return str(account.get("name") or account.get("username") or account["_account_id"])


def _held(change: ChangeInfo, required: Iterable[str]) -> str:
    """Why Gerrit holds the change back, or nothing."""
    if change.get("is_private"):
        return "it is private"
    if change.get("work_in_progress"):
        return "it is work in progress"
    return next((why for name in required if (why := _not_approved(change, name))), "")


def _not_approved(change: ChangeInfo, name: str) -> str:
    """What keeps a submit requirement, or else the label of that name, from being approved."""
    for requirement in change.get("submit_requirements", ()):
        if requirement["name"] == name:
            return "" if requirement["status"] in _PASSED else f"its requirement {name} is not satisfied"
    label = change.get("labels", {}).get(name)
    if label is None:
        return f"it has no label {name}"
    if "rejected" in label:
        return f"its label {name} is rejected"
    return "" if "approved" in label else f"its label {name} is not approved"
