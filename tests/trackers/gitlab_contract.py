"""What GitLab promises of the operations that we use, as JSON Schema.

Written from GitLab's reference of its REST interface (https://docs.gitlab.com/api/: merge_requests, notes, commits,
merge_request_approvals, projects, users; version 18) and the entities behind it. GitLab's own OpenAPI description is in
no package that the tests could fetch, and leaves open which properties are always there; ``gitlab_description`` reads
it at a desk. Properties stand here if they are documented for all editions, or are used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]


def _object(required: Json, optional: Json | None = None, *, closed: bool = False) -> Json:
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "required": [*required],
        "properties": properties,
        **({"additionalProperties": False} if closed else {}),
    }


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(*values: str) -> Json:
    return {"enum": [*values]}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
SHA = {"type": "string", "pattern": "^[0-9a-f]{40}$"}
STATES = _one_of(
    *("created", "waiting_for_resource", "preparing", "pending", "running", "success", "failed", "canceled"),
    *("canceling", "skipped", "manual", "scheduled", "waiting_for_callback"),
)
USER = _object({"id": NUMBER, "username": TEXT, "name": TEXT, "state": TEXT, "web_url": TEXT})
MILESTONE = _object({"id": NUMBER, "iid": NUMBER, "title": TEXT, "state": _one_of("active", "closed")})
REQUEST = _object(
    {
        "id": NUMBER,
        "iid": NUMBER,
        "project_id": NUMBER,
        "title": TEXT,
        "description": _or_null(TEXT),
        "state": _one_of("opened", "closed", "locked", "merged"),
        "target_branch": TEXT,
        "source_branch": TEXT,
        "author": _or_null(USER),
        "reviewers": _list(USER),
        "source_project_id": _or_null(NUMBER),
        "target_project_id": NUMBER,
        "labels": _list(TEXT),
        "draft": FLAG,
        "milestone": _or_null(MILESTONE),
        "detailed_merge_status": TEXT,
        "sha": _or_null(SHA),
        "discussion_locked": _or_null(FLAG),
        "references": _object({"short": TEXT, "relative": TEXT, "full": TEXT}),
        "web_url": TEXT,
        "has_conflicts": FLAG,
        "blocking_discussions_resolved": FLAG,
    }
)
PIPELINE = _object({"id": NUMBER, "sha": SHA, "ref": TEXT, "status": STATES, "web_url": TEXT})
WHOLE_REQUEST = {"allOf": [REQUEST, _object({"head_pipeline": _or_null(PIPELINE)})]}
NOTE = _object(
    {
        "id": NUMBER,
        "type": _or_null(TEXT),
        "body": TEXT,
        "author": USER,
        "created_at": TEXT,
        "updated_at": TEXT,
        "system": FLAG,
        "noteable_id": NUMBER,
        "noteable_type": TEXT,
        "noteable_iid": NUMBER,
        "resolvable": FLAG,
        "internal": FLAG,
    }
)
STATUS = _object(
    {
        "id": NUMBER,
        "sha": SHA,
        "ref": TEXT,
        "status": STATES,
        "name": TEXT,
        "target_url": _or_null(TEXT),
        "description": _or_null(TEXT),
        "allow_failure": FLAG,
        "pipeline_id": NUMBER,
        "author": USER,
    }
)
APPROVALS = _object(
    {
        "user_has_approved": FLAG,
        "user_can_approve": FLAG,
        "approved": FLAG,
        "approved_by": _list(_object({"user": USER})),
    },
    {"approvals_required": NUMBER, "approvals_left": NUMBER},
)
REVIEWER = _object(
    {
        "user": USER,
        "state": _one_of("unreviewed", "reviewed", "requested_changes", "approved", "unapproved", "review_started"),
    }
)
BLOCK = _object({"id": NUMBER, "project_id": NUMBER}, {"blocking_merge_request": REQUEST})
PROJECT = _object({"id": NUMBER, "path_with_namespace": TEXT, "default_branch": _or_null(TEXT), "web_url": TEXT})
PROBLEM = {"type": "object", "minProperties": 1}
PAGES = {"page": NUMBER, "per_page": {"type": "integer", "minimum": 1, "maximum": 100}}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What may be in the query and in the body, and what is answered."""

    answers: dict[int, Json]
    query: Json = field(default_factory=dict)
    body: Json | None = None


ISSUE = _object(
    {
        "id": NUMBER,
        "iid": NUMBER,
        "project_id": NUMBER,
        "title": TEXT,
        "description": _or_null(TEXT),
        "state": _one_of("opened", "closed"),
        "closed_at": _or_null(TEXT),
        "labels": _list(TEXT),
        "author": USER,
        "web_url": TEXT,
    }
)
ISSUE_TEXT = {
    "title": {"type": "string", "maxLength": 255},
    "description": {"type": "string", "maxLength": 1_048_576},
    "labels": TEXT,
}
_ISSUES = "/projects/:id/issues"
_REQUESTS = "/projects/:id/merge_requests"
_ONE = f"{_REQUESTS}/:iid"
OPERATIONS = {
    ("GET", "/user"): Operation(answers={200: USER}),
    ("GET", "/projects/:id"): Operation(answers={200: PROJECT}),
    ("GET", _REQUESTS): Operation(
        answers={200: _list(REQUEST)},
        query={
            **PAGES,
            "state": _one_of("opened", "closed", "locked", "merged", "all"),
            "order_by": _one_of(
                "created_at", "label_priority", "milestone_due", "popularity", "priority", "title", "updated_at"
            ),
            "sort": _one_of("asc", "desc"),
        },
    ),
    ("GET", _ONE): Operation(answers={200: WHOLE_REQUEST}),
    ("PUT", _ONE): Operation(
        answers={200: WHOLE_REQUEST},
        body=_object(
            {}, {"add_labels": TEXT, "remove_labels": TEXT, "state_event": _one_of("close", "reopen")}, closed=True
        ),
    ),
    ("GET", _ISSUES): Operation(
        answers={200: _list(ISSUE)},
        query={
            **PAGES,
            "labels": TEXT,
            "scope": _one_of("created_by_me", "assigned_to_me", "all"),
            "state": _one_of("all", "opened", "closed"),
            "order_by": _one_of("created_at", "updated_at", "title"),
            "sort": _one_of("asc", "desc"),
        },
    ),
    ("POST", _ISSUES): Operation(answers={201: ISSUE}, body=_object({"title": TEXT}, ISSUE_TEXT, closed=True)),
    ("PUT", f"{_ISSUES}/:iid"): Operation(
        answers={200: ISSUE}, body=_object({}, {**ISSUE_TEXT, "state_event": _one_of("close", "reopen")}, closed=True)
    ),
    ("GET", f"{_ONE}/approvals"): Operation(answers={200: APPROVALS}),
    ("GET", f"{_ONE}/reviewers"): Operation(answers={200: _list(REVIEWER)}),
    ("GET", f"{_ONE}/blocks"): Operation(answers={200: _list(BLOCK)}, query=PAGES),
    ("GET", f"{_ONE}/notes"): Operation(
        answers={200: _list(NOTE)},
        query={**PAGES, "sort": _one_of("asc", "desc"), "order_by": _one_of("created_at", "updated_at")},
    ),
    ("POST", f"{_ONE}/notes"): Operation(
        answers={201: NOTE}, body=_object({"body": {"type": "string", "maxLength": 1_000_000}}, closed=True)
    ),
    ("PUT", f"{_ONE}/notes/:note"): Operation(
        answers={200: NOTE}, body=_object({"body": {"type": "string", "maxLength": 1_000_000}}, closed=True)
    ),
    ("GET", "/projects/:id/repository/commits/:sha/statuses"): Operation(
        answers={200: _list(STATUS)}, query={**PAGES, "name": TEXT, "ref": TEXT, "all": FLAG}
    ),
    ("POST", "/projects/:id/statuses/:sha"): Operation(
        answers={201: STATUS},
        body=_object(
            {"state": _one_of("pending", "running", "success", "failed", "canceled", "skipped")},
            {"name": TEXT, "description": {"type": "string", "maxLength": 255}, "target_url": TEXT, "ref": TEXT},
            closed=True,
        ),
    ),
}


def faults_of_request(method: str, template: str, query: dict[str, str], body: Any) -> list[str]:
    """What GitLab's reference does not allow in a request."""
    operation = OPERATIONS[method, template]
    values = {
        name: int(value) if operation.query.get(name) in (NUMBER, PAGES["per_page"]) else value
        for name, value in query.items()
    }
    found = _faults(_object({}, operation.query, closed=True), values)
    if (operation.body is None) != (body is None):
        return [*found, f"{method} {template}: has a body, and should not; or the other way round"]
    return found if body is None else found + _faults(operation.body or {}, body)


def faults_of_answer(method: str, template: str, status: int, content: Any) -> list[str]:
    """What GitLab's reference does not promise of an answer."""
    known = OPERATIONS[method, template].answers
    if status >= 400:
        return _faults(PROBLEM, content)
    return (
        _faults(known[status], content) if status in known else [f"{method} {template}: GitLab never answers {status}"]
    )


def _faults(schema: Json, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
