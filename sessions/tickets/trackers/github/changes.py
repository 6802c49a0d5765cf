"""Plan the changes to a pull request: one comment, the status of the tested commit, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Verdict
from sessions.tickets.refusals import Change, Planned, TicketPart
from sessions.tickets.trackers.characters import in_basic_plane
from sessions.tickets.trackers.github.client import GitHubClient
from sessions.tickets.trackers.github.comment import comment_text, matter, own_comment, says_the_same
from sessions.tickets.trackers.github.queries import PRESENT

CONTEXT = "integrand"
"""The name of our commit status."""
_LONGEST_STATUS = 140  # characters: "description is too long (maximum is 140 characters)"


@dataclass(frozen=True, kw_only=True)
class PullState:
    """The current state of a pull request.

    ``comment`` is our comment and ``status`` our status of the tested commit, as GraphQL returns them, or ``None``.
    ``has_commit``: GitHub still has the tested commit. ``head`` is the pull request's newest commit.
    """

    comment: Mapping[str, Any] | None
    status: Mapping[str, Any] | None
    has_commit: bool
    labels: tuple[str, ...]
    head: str
    locked: bool


def read_state(client: GitHubClient, account: Account, marker: str) -> PullState:
    """Read the state of a pull request. Raises :class:`RefusedError` if it is gone."""
    variables = {"commit": account.commit or None, "tested": bool(account.commit)}
    after, ours, answer = None, None, dict[str, Any]()
    while ours is None:
        answer = client.query_pull(PRESENT, account.number, after=after, context=CONTEXT, **variables)
        comments = answer["pullRequest"]["comments"]
        ours = own_comment(comments["nodes"], marker)
        if not comments["pageInfo"]["hasNextPage"]:
            break
        after = comments["pageInfo"]["endCursor"]
    pull, commit = answer["pullRequest"], answer.get("object")
    return PullState(
        comment=ours,
        status=((commit or {}).get("status") or {}).get("context"),
        has_commit=commit is not None,
        labels=tuple(label["name"] for label in pull["labels"]["nodes"]),
        head=pull["headRefOid"],
        locked=pull["locked"],
    )


def plan_changes(
    client: GitHubClient, account: Account, state: PullState, marker: str, settings: Tracker
) -> Iterator[Planned]:
    """Yield the changes that make a pull request agree with ``account``; none if it does already."""
    yield from plan_comment(client, account, state, marker)
    yield from plan_status(client, account, state)
    yield from plan_labels(client, account, state, settings)


def plan_comment(client: GitHubClient, account: Account, state: PullState, marker: str) -> Iterator[Planned]:
    """Write our comment, or edit it in place, if its text differs."""
    text, ours = comment_text(account, marker, state.head), state.comment
    if ours and says_the_same(ours["body"], text):
        return
    request = (
        ("PATCH", f"issues/comments/{ours['fullDatabaseId']}")
        if ours
        else ("POST", f"issues/{account.number}/comments")
    )
    # The lock is a part of the change, so that it is tried again after a conversation was unlocked.
    change = Change.of(account.number, TicketPart.COMMENT, matter(text), state.locked)
    write = partial(client.write, change, *request, json={"body": text}, locked=state.locked)
    yield Planned(change=change, write=write)


def plan_status(client: GitHubClient, account: Account, state: PullState) -> Iterator[Planned]:
    """Set the status of the tested commit, if GitHub still has that commit."""
    description = in_basic_plane(account.summary)
    description = description if len(description) <= _LONGEST_STATUS else description[: _LONGEST_STATUS - 1] + "…"
    status = {"state": _status_of(account.verdict), "description": description, "context": CONTEXT}
    before = state.status
    if not state.has_commit or (
        before and [before["state"].lower(), before["description"] or ""] == [status["state"], description]
    ):
        return
    change = Change.of(account.number, TicketPart.STATUS, account.commit, status["state"], description)
    status |= {"target_url": account.url} if account.url else {}
    write = partial(client.write, change, "POST", f"statuses/{account.commit}", json=status)
    yield Planned(change=change, write=write)


def plan_labels(client: GitHubClient, account: Account, state: PullState, settings: Tracker) -> Iterator[Planned]:
    """Move the labels of a ticket at fault, unless its author has pushed since: the push may be the fix."""
    if not (account.is_at_fault and settings.at_fault) or state.head != account.commit:
        return
    path = f"issues/{account.number}/labels"
    if plain(settings.at_fault) not in {plain(label) for label in state.labels}:
        change = Change.of(account.number, TicketPart.LABEL, account.commit, settings.at_fault)
        yield Planned(change=change, write=partial(client.write, change, "POST", path, json=_labels(settings)))
    ready = {plain(label) for label in settings.ready} - {plain(settings.at_fault)}
    for label in (label for label in state.labels if plain(label) in ready):
        change = Change.of(account.number, TicketPart.LABEL_REMOVAL, account.commit, label)
        # 404: somebody else has removed the label.
        write = partial(client.write, change, "DELETE", f"{path}/{quote(label, safe='')}", but=(404,))
        yield Planned(change=change, write=write)


def _labels(settings: Tracker) -> dict[str, list[str]]:
    return {"labels": [settings.at_fault]}


def _status_of(verdict: Verdict) -> str:
    match verdict:
        case Verdict.INTEGRATED | Verdict.ALREADY_MERGED:
            return "success"
        case Verdict.CULPRIT | Verdict.CONFLICT:
            return "failure"
        case Verdict.UNFETCHABLE:
            return "error"
        case _:  # it waits for another ticket, a label, or time
            return "pending"
