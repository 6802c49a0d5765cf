"""From what GitLab says of a merge request to a :class:`Ticket`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sessions.tickets.dependencies import dependencies_in_body
from sessions.tickets.model import Ticket
from sessions.tickets.trackers.forge.changes import CONTEXT

_Json = Mapping[str, Any]
PIPELINE = "pipeline"
"""The name in ``require_checks`` that stands for the whole pipeline of a merge request."""
_UNFINISHED = {"created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running"}
_UNFINISHED |= {"scheduled", "manual"}
# An issue (#7, GL-7), which is no merge request, and a merge request of another project.
_ELSEWHERE = re.compile(r"(?<![\w&])(?:#|GL-)\d+|(?<![\w/.-])[\w.+-]+(?:/[\w.+-]+)+!\d+")


@dataclass(frozen=True, kw_only=True)
class RequestDetails:
    """What takes requests of its own: reviews, blocking merge requests, and the pipeline.

    ``approvals`` and ``blocks`` are empty where GitLab's edition has none, or does not show them. ``statuses`` are
    those of the newest commit.
    """

    approvals: _Json = field(default_factory=dict)
    reviewers: Sequence[_Json] = ()
    blocks: Sequence[_Json] = ()
    pipeline: _Json | None = None
    statuses: Sequence[_Json] = ()


def request_ticket(request: _Json) -> Ticket:
    """The ticket that a merge request is, as the list of all has it."""
    number, text, url = request["iid"], request["description"] or "", request["web_url"]
    base = url.rpartition("/")[0]
    path = request["references"]["full"].rpartition("!")[0]
    needed = dependencies_in_body(_with_hashes(text, path), number=number, urls=(base,))
    return Ticket(
        number=number,
        title=request["title"],
        url=url,
        labels=tuple(request["labels"]),
        milestone=(request["milestone"] or {}).get("title", ""),
        branch=f"refs/merge-requests/{number}/head",
        commit=request["sha"] or "",
        depends=needed.hard,
        links=needed.links,
        authors=(request["author"]["username"],) if request["author"] else (),
        description=text,
        held="it is a draft" if request["draft"] else "",
        target=request["target_branch"],
    )


def request_branch(request: _Json) -> str:
    """Return the branch of the project itself that a merge request comes from; empty where it is a fork's."""
    return str(request["source_branch"]) if request["source_project_id"] == request["target_project_id"] else ""


def with_request_details(ticket: Ticket, request: _Json, details: RequestDetails, required: Iterable[str]) -> Ticket:
    """The ticket with who approved it, what must be merged before, and why GitLab holds it back.

    ``required`` are the checks that must have passed.
    """
    ahead = filter(None, (each.get("blocking_merge_request") for each in details.blocks))
    blocking = [each["iid"] for each in ahead if each["project_id"] == request["project_id"]]
    return replace(
        ticket,
        depends=tuple(dict.fromkeys((*ticket.depends, *blocking))),
        reviewers=tuple(each["user"]["username"] for each in details.approvals.get("approved_by") or ()),
        held=_held(request, details, required),
    )


def _held(request: _Json, details: RequestDetails, required: Iterable[str]) -> str:
    """Return why GitLab holds a merge request back, or nothing."""
    if request["blocking_discussions_resolved"] is False:
        return "not all of its threads are resolved"
    status = request.get("detailed_merge_status")
    if status == "requested_changes" or any(each["state"] == "requested_changes" for each in details.reviewers):
        return "changes are requested"
    left = details.approvals.get("approvals_left") or 0
    if left:
        return f"it needs {left} more approval{'s' if left > 1 else ''}"
    if not details.approvals and status == "not_approved":
        return "it is not approved"
    if why := _blocked_from_elsewhere(request, details.blocks):
        return why
    return next((why for name in required if (why := _not_passed(name, details))), "")


def _blocked_from_elsewhere(request: _Json, blocks: Sequence[_Json]) -> str:
    """Which merge request of another project is in the way, or nothing. GitLab leaves out what the token cannot see."""
    for each in (each.get("blocking_merge_request") for each in blocks):
        if each is None:
            return "it waits for a merge request that the token cannot see"
        if each["project_id"] != request["project_id"] and each["state"] != "merged":
            return f"it waits for {each['references']['full']}, which is in another project"
    return ""


def _not_passed(name: str, details: RequestDetails) -> str:
    if name == PIPELINE:
        return _pipeline_trouble(details)
    return _trouble(f"check {name}", [each for each in details.statuses if each["name"] == name])


def _pipeline_trouble(details: RequestDetails) -> str:
    """What keeps the pipeline from having passed, without our own status, which GitLab adds to it."""
    pipeline = details.pipeline
    if pipeline is None:
        return _trouble(PIPELINE, [])
    if pipeline["status"] == "success":
        return ""
    jobs = [each for each in details.statuses if each["pipeline_id"] == pipeline["id"]]
    if any(each["name"] == CONTEXT for each in jobs):
        return _trouble(PIPELINE, [each for each in jobs if each["name"] != CONTEXT])
    return _trouble(PIPELINE, [{"status": pipeline["status"], "allow_failure": False}])


def _trouble(name: str, statuses: Sequence[_Json]) -> str:
    """What keeps these from having passed: an allowed failure counts as passed, as it does for GitLab."""
    states = {each["status"] for each in statuses if not (each["status"] == "failed" and each["allow_failure"])}
    if states - {"success"} - _UNFINISHED:
        return f"its {name} failed"
    if states & _UNFINISHED:
        return f"its {name} has not finished"
    return "" if statuses else f"its {name} has not run"


def _with_hashes(text: str, path: str) -> str:
    """The text with the references to merge requests of the project at ``path`` as ``#7``, and no others."""
    own = re.sub(rf"(?<![\w/.-]){re.escape(path)}(?=!\d)", "", text)
    return re.sub(r"(?<![\w/.-])!(?=\d)", "#", _ELSEWHERE.sub("", own))
