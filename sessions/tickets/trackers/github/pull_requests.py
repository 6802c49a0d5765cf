"""From what GitHub says of a pull request to a :class:`Ticket`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessions.tickets.dependencies import SAGE_URLS, dependencies_in_body
from sessions.tickets.model import Ticket

Node = Mapping[str, Any]
# GitHub's own rules let a skipped or neutral check pass too.
_PASSED = {"SUCCESS", "NEUTRAL", "SKIPPED"}
_UNFINISHED = {None, "PENDING", "EXPECTED"}


def ticket_of(pull: Node, checks: Sequence[Node], required: Iterable[str]) -> Ticket:
    """The ticket that a pull request is, with the checks of its head, of which ``required`` must have passed.

    Only what its author names as a dependency is in ``depends``: other numbers in the description are not.
    """
    number, body = pull["number"], pull["body"]
    base = pull["url"].rpartition("/pull/")[0]
    # Sage's tickets kept their numbers when they came from Trac: links to either place count there.
    urls = SAGE_URLS if base in SAGE_URLS else (base,)
    return Ticket(
        number=number,
        title=pull["title"],
        url=pull["url"],
        labels=tuple(label["name"] for label in pull["labels"]["nodes"]),
        milestone=(pull["milestone"] or {}).get("title", ""),
        branch=f"refs/pull/{number}/head",
        commit=pull["headRefOid"],
        depends=dependencies_in_body(body, number=number, urls=urls).hard,
        authors=_logins([pull]),
        reviewers=_logins(review for review in pull["reviews"]["nodes"] if review["state"] == "APPROVED"),
        description=body,
        held=_held(pull, checks, required),
        target=pull["baseRefName"],
    )


def own_branch(pull: Node) -> str:
    """Return the branch of the repository itself that a pull request comes from; empty where it is a fork's."""
    return "" if pull["isCrossRepository"] else str(pull["headRefName"])


def _logins(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Who wrote each, without those whose account is gone."""
    return tuple(node["author"]["login"] for node in nodes if node["author"])


def _held(pull: Node, checks: Sequence[Node], required: Iterable[str]) -> str:
    """Why GitHub holds the pull request back, or nothing."""
    if pull["isDraft"]:
        return "it is a draft"
    # The decision is only there where a rule asks for reviews; elsewhere, the reviews speak.
    opinions = {pull["reviewDecision"], *(review["state"] for review in pull["binding"]["nodes"])}
    if "CHANGES_REQUESTED" in opinions:
        return "changes are requested"
    return next((why for name in required if (why := _not_passed(name, checks))), "")


def _not_passed(name: str, checks: Sequence[Node]) -> str:
    """What keeps the check of that name from having passed: several can share a name, and all must pass."""
    states = {
        check["conclusion"] if check["__typename"] == "CheckRun" else check["state"]
        for check in checks
        if name == (check["name"] if check["__typename"] == "CheckRun" else check["context"])
    }
    if states - _PASSED - _UNFINISHED:
        return f"its check {name} failed"
    if states & _UNFINISHED:
        return f"its check {name} has not finished"
    return "" if states else f"its check {name} has not run"
