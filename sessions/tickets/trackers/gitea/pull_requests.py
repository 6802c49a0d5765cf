"""From what Forgejo or Gitea says of a pull request to a :class:`Ticket`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sessions.tickets.dependencies import dependencies_in_body
from sessions.tickets.model import Ticket

_Json = Mapping[str, Any]
_OPINIONS = {"APPROVED", "REQUEST_CHANGES"}
# Both forges let a skipped check or one with a warning pass.
_PASSED = {"success", "warning", "skipped"}


@dataclass(frozen=True, kw_only=True)
class PullDetails:
    """What takes requests of its own: reviews, what a pull request depends on, statuses of its newest commit."""

    reviews: Sequence[_Json] = ()
    dependencies: Sequence[_Json] = ()
    statuses: Sequence[_Json] = ()


def pull_ticket(pull: _Json) -> Ticket:
    """The ticket that a pull request is, as the list of all has it."""
    number, url, text = pull["number"], pull["html_url"], pull["body"] or ""
    base = url.rpartition("/pulls/")[0]
    needed = dependencies_in_body(text, number=number, urls=(base,))
    return Ticket(
        number=number,
        title=pull["title"],
        url=url,
        labels=tuple(label["name"] for label in pull["labels"] or ()),
        milestone=(pull["milestone"] or {}).get("title", ""),
        branch=f"refs/pull/{number}/head",
        commit=pull["head"]["sha"],
        depends=needed.hard,
        links=needed.links,
        authors=(pull["user"]["login"],) if pull["user"] else (),
        description=text,
        held="it is a draft" if pull.get("draft") else "",
        target=pull["base"]["ref"],
    )


def pull_branch(pull: _Json) -> str:
    """Return the branch of the repository itself that a pull request comes from; empty where it is a fork's."""
    return str(pull["head"]["ref"]) if pull["head"]["repo_id"] == pull["base"]["repo_id"] else ""


def with_pull_details(ticket: Ticket, pull: _Json, details: PullDetails, required: Iterable[str]) -> Ticket:
    """The ticket with who approved it, what must be merged before, and why the forge holds it back.

    ``required`` are the contexts of the statuses that must be successful.
    """
    opinions = _opinions(details.reviews)
    here = pull["base"]["repo"]["full_name"]
    ahead = [each["number"] for each in details.dependencies if each["pull_request"] and _repository(each) == here]
    return replace(
        ticket,
        depends=tuple(dict.fromkeys((*ticket.depends, *ahead))),
        reviewers=tuple(name for name, review in opinions.items() if review["state"] == "APPROVED"),
        held=_held(here, opinions, details, required),
    )


def _opinions(reviews: Iterable[_Json]) -> dict[str, _Json]:
    """The newest review with an opinion of each user, without those that were dismissed."""
    found: dict[str, _Json] = {}
    for review in sorted(reviews, key=lambda each: int(each["id"])):
        if review["user"] and review["state"] in _OPINIONS and not review["dismissed"]:
            found[review["user"]["login"]] = review
    return found


def _held(here: str, opinions: Mapping[str, _Json], details: PullDetails, required: Iterable[str]) -> str:
    # Only reviews of those who may merge are official.
    if any(review["state"] == "REQUEST_CHANGES" and review["official"] for review in opinions.values()):
        return "changes are requested"
    for each in (each for each in details.dependencies if each["state"] == "open"):
        if not each["number"]:
            return "it depends on something that the token cannot see"
        if not each["pull_request"] or _repository(each) != here:
            kind = "pull request" if each["pull_request"] else "issue"
            return f"it depends on {kind} {_repository(each)}#{each['number']}, which is open"
    return next((why for name in required if (why := _not_passed(name, details.statuses))), "")


def _repository(issue: _Json) -> str:
    """The repository of an issue; empty where we may not see it."""
    return str((issue["repository"] or {}).get("full_name", ""))


def _not_passed(name: str, statuses: Iterable[_Json]) -> str:
    """What keeps the newest status of that context from being successful."""
    newest = max((each for each in statuses if each["context"] == name), key=lambda each: int(each["id"]), default=None)
    if newest is None:
        return f"its check {name} has not run"
    if newest["status"] == "pending":
        return f"its check {name} has not finished"
    return "" if newest["status"] in _PASSED else f"its check {name} failed"
