"""Turn GitHub's data on a pull request into a :class:`Ticket`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessions.tickets.dependencies import SAGE_URLS, dependencies_in_body
from sessions.tickets.model import Ticket

Node = Mapping[str, Any]
# For GitHub's own rules, a skipped or neutral check passes, too.
_PASSED = {"SUCCESS", "NEUTRAL", "SKIPPED"}
_UNFINISHED = {None, "PENDING", "EXPECTED"}


def ticket_of(pull: Node, checks: Sequence[Node], required: Iterable[str]) -> Ticket:
    """Return the ticket of a pull request. ``checks`` are those of its head; the ``required`` ones must have passed.

    ``depends`` has only the numbers that the author names as dependencies, and not the others in the description.
    """
    number, body = pull["number"], pull["body"]
    base = pull["url"].rpartition("/pull/")[0]
    # Sage's tickets kept their numbers when they were moved from Trac: links to either place count there.
    urls = SAGE_URLS if base in SAGE_URLS else (base,)
    needed = dependencies_in_body(body, number=number, urls=urls)
    return Ticket(
        number=number,
        title=pull["title"],
        url=pull["url"],
        labels=tuple(label["name"] for label in pull["labels"]["nodes"]),
        milestone=(pull["milestone"] or {}).get("title", ""),
        branch=f"refs/pull/{number}/head",
        commit=pull["headRefOid"],
        depends=needed.hard,
        links=needed.links,
        authors=_logins([pull]),
        reviewers=_logins(review for review in pull["reviews"]["nodes"] if review["state"] == "APPROVED"),
        description=body,
        held=_held(pull, checks, required),
        target=pull["baseRefName"],
    )


def own_branch(pull: Node) -> str:
    """Return the branch of a pull request if it is in the repository itself; empty if it is in a fork."""
    return "" if pull["isCrossRepository"] else str(pull["headRefName"])


def _logins(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return the authors, without deleted accounts."""
    return tuple(node["author"]["login"] for node in nodes if node["author"])


def _held(pull: Node, checks: Sequence[Node], required: Iterable[str]) -> str:
    """Return why GitHub blocks the pull request; empty if it does not."""
    if pull["isDraft"]:
        return "it is a draft"
    # There is a decision only if a rule requires reviews; otherwise the reviews themselves count.
    opinions = {pull["reviewDecision"], *(review["state"] for review in pull["binding"]["nodes"])}
    if "CHANGES_REQUESTED" in opinions:
        return "changes are requested"
    return next((why for name in required if (why := _not_passed(name, checks))), "")


def _not_passed(name: str, checks: Sequence[Node]) -> str:
    """Return why a check has not passed; empty if it has. Several checks can share a name, and all must pass."""
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
