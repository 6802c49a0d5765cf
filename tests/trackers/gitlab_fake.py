"""A small GitLab on a socket: it keeps state, and holds every request and response against its reference.

A violation is collected in ``problems``, and fails the test that caused it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.trackers.gitlab_contract import OPERATIONS, Json, faults_of_answer, faults_of_request
from tests.trackers.gitlab_description import described_faults
from tests.trackers.sockets import Fault, Reply, listening

PROJECT, TOKEN, JOB_TOKEN, VIEWER = "group/sub/project", "glpat-s3cr3t", "glcbt-64_s3cr3t", "integrand-bot"
PROJECT_ID, FORK_ID, VIEWER_ID = 5, 50, 900
DEFAULT = "main"
STAMP = "2026-11-23T04:00:00.000Z"
# What GitLab takes for a block of code, and for a quick action outside of one: lib/gitlab/quick_actions/extractor.rb.
_ACTION = re.compile(
    r"^```.+?\n```$|^/(?P<name>close|merge|label|approve|draft|assign)\b[^\n]*", re.DOTALL | re.MULTILINE
)
# The reading that the token of a CI job may do: https://docs.gitlab.com/ci/jobs/ci_job_token/
_FOR_JOBS = r"/projects/[^/]+/merge_requests(/\d+(/notes)?)?"


@dataclass(kw_only=True)
class Request:
    """A merge request.

    ``reviewers`` are (name, state), ``blocks`` (project id, number, state or "hidden") of what must be merged before,
    ``jobs`` (name, status, whether it may fail) of the pipeline, whose status is ``pipeline``.
    """

    number: int
    title: str = "A title"
    description: str | None = ""
    labels: list[str] = field(default_factory=list)
    milestone: str | None = None
    head: str = ""
    draft: bool = False
    author: str | None = "jane"
    branch: str = "patch-1"
    target: str = DEFAULT
    is_fork: bool = True
    state: str = "opened"
    locked: bool | None = None
    resolved: bool = True
    merge_status: str = "mergeable"
    approved_by: tuple[str, ...] = ()
    approvals_left: int = 0
    reviewers: tuple[tuple[str, str], ...] = ()
    blocks: tuple[tuple[int, int, str], ...] = ()
    pipeline: str | None = None
    jobs: tuple[tuple[str, str, bool], ...] = ()
    notes: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.head = self.head or f"{self.number:040x}"


class FakeGitLab:
    """The state of a project, and the socket at ``url``.

    ``is_premium``: approvals are counted, scopes of labels exclusive, and merge requests can block each other.
    """

    def __init__(self, *, is_premium: bool = True) -> None:
        self.is_premium = is_premium
        self.found: dict[int, Request] = {}
        self.statuses: list[Json] = []
        self.own_issues: list[Json] = []
        self.lost: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.faults: dict[int, Fault] = {}
        self.problems: list[str] = []
        self.denied: dict[str, tuple[int, Any]] = {}  # by method and path below the project, a pattern
        self.moving: Callable[[], None] | None = None  # called after each page of the list
        self.url = ""
        self._last_note = 3_000_000_000
        self._lock = threading.Lock()

    def add(self, *requests: Request) -> None:
        self.found |= {request.number: request for request in requests}

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET"]

    def comment(self, number: int, body: str, author: str) -> Json:
        self._last_note += 1
        note = {"id": self._last_note, "body": body, "author": author, "edits": 0}
        self.found[number].notes.append(note)
        return note

    def status(self, sha: str) -> Json | None:
        """The newest of ours."""
        found = [each for each in self.statuses if each["sha"] == sha]
        return found[-1] if found else None

    def answer(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[Reply, Fault | None]:
        """What GitLab answers, after having done it; a fault of this request may come between."""
        if not path.startswith("/api/v4"):
            return _problem(404, "404 Not Found"), None  # what git asks for
        with self._lock:
            self.requests.append((method, path))
            fault = self.faults.get(len(self.requests) - 1)
            if fault and not fault.heard:
                return Reply(status=200, content={}), fault
            parts = urlsplit(path.removeprefix("/api/v4"))
            if refused := self._refused(method, parts.path, headers):
                return refused, None
            return self._act(method, parts.path, dict(parse_qsl(parts.query)), body), fault

    def _refused(self, method: str, path: str, headers: Mapping[str, str]) -> Reply | None:
        """The answer to who may not do this. Anybody may read, but nobody with a token that is not accepted."""
        token, job = headers.get("authorization"), headers.get("job-token")
        if token not in (None, f"Bearer {TOKEN}") or job not in (None, JOB_TOKEN):
            return Reply(status=401, content={"message": "401 Unauthorized"})
        if job and not re.fullmatch(_FOR_JOBS, path):
            return Reply(status=401, content={"message": "401 Unauthorized"})
        if not token and (method != "GET" or path == "/user"):
            return Reply(status=401, content={"message": "401 Unauthorized"})
        inside = path.removeprefix(f"/projects/{quote(PROJECT, safe='')}")
        routes = (reply for route, reply in self.denied.items() if re.fullmatch(route, f"{method} {inside}"))
        found = next(routes, None)
        return Reply(status=found[0], content=found[1]) if found else None

    def _act(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        for (wanted, template), act in self._routes().items():
            pattern = template.replace(":id", "([^/]+)").replace(":iid", r"(\d+)")
            pattern = pattern.replace(":note", r"(\d+)").replace(":sha", "([0-9a-f]{40})")
            found = re.fullmatch(pattern, path) if method == wanted else None
            if not found:
                continue
            words = [unquote(word) for word in found.groups()]
            if template.startswith("/projects") and words.pop(0) not in (PROJECT, str(PROJECT_ID)):
                return _problem(404, "404 Project Not Found")
            wrong = faults_of_request(method, template, query, body)
            reply = _problem(400, "; ".join(wrong)) if wrong else act(query, body, *words)
            self.problems += wrong + faults_of_answer(method, template, reply.status, reply.content)
            self.problems += described_faults(method, template, query, body, reply.status, reply.content)
            return reply
        self.problems.append(f"GitLab has no {method} {path}")
        return _problem(404, "404 Not Found")

    def _routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        one = "/projects/:id/merge_requests/:iid"
        routes: dict[tuple[str, str], Callable[..., Reply]] = {
            ("GET", "/user"): lambda _query, _body: _fine(_user(VIEWER)),
            ("GET", "/projects/:id"): lambda _query, _body: _fine(self._project()),
            ("GET", "/projects/:id/merge_requests"): self._list,
            ("GET", one): self._one,
            ("PUT", one): self._change,
            ("GET", "/projects/:id/issues"): self._list_own,
            ("POST", "/projects/:id/issues"): self._open_issue,
            ("PUT", "/projects/:id/issues/:iid"): self._edit_issue,
            ("GET", f"{one}/approvals"): self._approvals,
            ("GET", f"{one}/reviewers"): self._reviewers,
            ("GET", f"{one}/blocks"): self._blocks,
            ("GET", f"{one}/notes"): self._notes,
            ("POST", f"{one}/notes"): self._add_note,
            ("PUT", f"{one}/notes/:note"): self._edit_note,
            ("GET", "/projects/:id/repository/commits/:sha/statuses"): self._statuses_of,
            ("POST", "/projects/:id/statuses/:sha"): self._add_status,
        }
        assert routes.keys() == OPERATIONS.keys()
        return routes

    def _project(self) -> Json:
        place = f"https://gitlab.example.org/{PROJECT}"
        return {"id": PROJECT_ID, "path_with_namespace": PROJECT, "default_branch": DEFAULT, "web_url": place}

    def _list_own(self, query: dict[str, str], _body: None) -> Reply:
        assert (query["state"], query["scope"], query["sort"]) == ("all", "all", "asc")
        return _page([each for each in self.own_issues if query["labels"] in each["labels"]], query)

    def _open_issue(self, _query: dict[str, str], body: Json) -> Reply:
        number = 500 + len(self.own_issues)
        place = f"https://gitlab.example.org/{PROJECT}/-/issues/{number}"
        kept = {"state": "opened", "closed_at": None, "author": _user(VIEWER), "web_url": place, "edits": 0}
        ids = {"id": 9000 + number, "iid": number, "project_id": PROJECT_ID}
        self._run_quick_actions(Request(number=number), body["description"])
        self.own_issues.append({**ids, **kept, **body, "labels": body["labels"].split(",")})
        return Reply(status=201, content=self.own_issues[-1])

    def _edit_issue(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        issue = next(each for each in self.own_issues if each["iid"] == int(number))
        assert issue["author"] == _user(VIEWER), "nobody may edit what another wrote"
        self._run_quick_actions(Request(number=int(number)), body["description"])
        if event := body.pop("state_event", ""):
            assert issue["state"] == {"close": "opened", "reopen": "closed"}[event]
            issue |= (
                {"state": "closed", "closed_at": STAMP} if event == "close" else {"state": "opened", "closed_at": None}
            )
        issue |= {**body, "edits": issue["edits"] + 1}
        return _fine(issue)

    def _list(self, query: dict[str, str], _body: None) -> Reply:
        assert (query["state"], query["sort"]) == ("opened", "asc")
        rows = [_request(each) for _, each in sorted(self.found.items()) if each.state == "opened"]
        reply = _page(rows, query)
        if self.moving:
            self.moving()
        return reply

    def _one(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        if int(number) not in self.found:
            return _problem(404, "404 Not found")
        return _fine(self._whole(self.found[int(number)]))

    def _whole(self, request: Request) -> Json:
        place = f"https://gitlab.example.org/{PROJECT}/-/pipelines/{request.number}"
        pipeline = {
            "id": request.number,
            "sha": request.head,
            "ref": "x",
            "status": self._pipeline(request),
            "web_url": place,
        }
        return {**_request(request), "head_pipeline": pipeline if pipeline["status"] else None}

    def _pipeline(self, request: Request) -> str | None:
        """GitLab adds external statuses to the pipeline of the commit, or makes one for them."""
        ours = self.status(request.head)
        states = [request.pipeline, ours["status"] if ours else None]
        worst = ("failed", "canceled", "running", "pending")
        return next((state for state in worst if state in states), states[0] or states[1])

    def _change(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        request = self.found[int(number)]
        for name in filter(None, body.get("add_labels", "").split(",")):
            scope = name.rpartition("::")[0]
            if scope and self.is_premium:
                request.labels = [each for each in request.labels if each.rpartition("::")[0] != scope]
            request.labels += [name] if name not in request.labels else []
        request.labels = [each for each in request.labels if each not in body.get("remove_labels", "").split(",")]
        request.state = "closed" if body.get("state_event") == "close" else request.state
        return _fine(self._whole(request))

    def _approvals(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        request = self.found[int(number)]
        content: Json = {
            "user_has_approved": False,
            "user_can_approve": True,
            "approved": bool(request.approved_by),
            "approved_by": [{"user": _user(name)} for name in request.approved_by],
        }
        if self.is_premium:
            left = request.approvals_left
            counts = {"approvals_required": left + len(request.approved_by), "approvals_left": left}
            content |= {**counts, "approved": not left}
        return _fine(content)

    def _reviewers(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        found = self.found[int(number)].reviewers
        return _fine([{"user": _user(name), "state": state} for name, state in found])

    def _blocks(self, query: dict[str, str], _body: None, number: str) -> Reply:
        if not self.is_premium:
            return _problem(404, "404 Not Found")
        rows = []
        for place, (project, ahead, state) in enumerate(self.found[int(number)].blocks):
            request = _request(Request(number=ahead, state=state), project)
            shown = {} if state == "hidden" else {"blocking_merge_request": request}
            rows.append({"id": place, **shown, "project_id": PROJECT_ID})
        return _page(rows, query)

    def _notes(self, query: dict[str, str], _body: None, number: str) -> Reply:
        return _page([_note(each, int(number)) for each in self.found[int(number)].notes], query)

    def _add_note(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        request = self.found[int(number)]
        if request.locked:
            return _problem(403, "403 Forbidden")
        self._run_quick_actions(request, body["body"])
        return Reply(status=201, content=_note(self.comment(request.number, body["body"], VIEWER), request.number))

    def _edit_note(self, _query: dict[str, str], body: Json, number: str, note: str) -> Reply:
        request = self.found[int(number)]
        found = next(each for each in request.notes if each["id"] == int(note))
        assert found["author"] == VIEWER, "nobody may edit what another wrote"
        self._run_quick_actions(request, body["body"])
        found |= {"body": body["body"], "edits": found["edits"] + 1}
        return _fine(_note(found, request.number))

    def _run_quick_actions(self, request: Request, text: str) -> None:
        for action in filter(None, (found["name"] for found in _ACTION.finditer(text.replace("\r", "")))):
            self.problems.append(f"a quick action is run: /{action}")
            request.state = "closed" if action == "close" else request.state

    def _statuses_of(self, query: dict[str, str], _body: None, sha: str) -> Reply:
        if sha in self.lost:
            return _problem(404, "404 Commit Not Found")
        rows = [each for each in self.statuses if each["sha"] == sha][-1:]
        for request in (each for each in self.found.values() if each.head == sha):
            rows += [_status(sha, name, state, request.number, may_fail) for name, state, may_fail in request.jobs]
        return _page([each for each in rows if query.get("name") in (None, each["name"])], query)

    def _add_status(self, _query: dict[str, str], body: Json, sha: str) -> Reply:
        before = self.status(sha)
        if before and before["status"] == body["state"] == "pending":
            return _problem(400, "Cannot transition status via :enqueue from :pending")
        at = [each for each in self.found.values() if each.head == sha]
        if "ref" not in body and all(each.is_fork and each.pipeline is None for each in at):
            return _problem(404, "404 References for commit Not Found")
        status = _status(sha, body["name"], body["state"], at[0].number if at else 0, may_fail=False)
        status |= {
            "id": len(self.statuses) + 100,
            "description": body.get("description"),
            "target_url": body.get("target_url"),
        }
        self.statuses.append(status)
        return Reply(status=201, content=status)


@contextmanager
def serving(gitlab: FakeGitLab) -> Iterator[FakeGitLab]:
    """The fake, while it listens."""
    with listening(gitlab.answer) as base:
        gitlab.url = f"{base}/{PROJECT}"
        yield gitlab


def _fine(content: Any) -> Reply:
    return Reply(status=200, content=content)


def _problem(status: int, message: str) -> Reply:
    return Reply(status=status, content={"message": message})


def _page(rows: list[Json], query: dict[str, str]) -> Reply:
    size, page = int(query.get("per_page", "20")), int(query.get("page", "1"))
    return Reply(status=200, content=rows[(page - 1) * size : page * size], headers={"x-total": str(len(rows))})


def _request(request: Request, project: int = PROJECT_ID) -> Json:
    path = PROJECT if project == PROJECT_ID else "group/other"
    milestone = {"id": 1, "iid": 1, "title": request.milestone, "state": "active"}
    return {
        "id": 1000 + request.number,
        "iid": request.number,
        "project_id": project,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "target_branch": request.target,
        "source_branch": request.branch,
        "author": _user(request.author) if request.author else None,
        "reviewers": [_user(name) for name, _ in request.reviewers],
        "source_project_id": FORK_ID if request.is_fork else project,
        "target_project_id": project,
        "labels": list(request.labels),
        "draft": request.draft,
        "milestone": milestone if request.milestone else None,
        "detailed_merge_status": request.merge_status,
        "sha": request.head,
        "discussion_locked": request.locked,
        "references": {
            "short": f"!{request.number}",
            "relative": f"!{request.number}",
            "full": f"{path}!{request.number}",
        },
        "web_url": f"https://gitlab.example.org/{path}/-/merge_requests/{request.number}",
        "has_conflicts": False,
        "blocking_discussions_resolved": request.resolved,
    }


def _note(note: Json, number: int) -> Json:
    return {
        "id": note["id"],
        "type": None,
        "body": note["body"],
        "author": _user(note["author"]),
        "created_at": STAMP,
        "updated_at": STAMP,
        "system": False,
        "noteable_id": 1000 + number,
        "noteable_type": "MergeRequest",
        "noteable_iid": number,
        "resolvable": False,
        "internal": False,
    }


def _status(sha: str, name: str, state: str, pipeline: int, may_fail: bool) -> Json:
    return {
        "id": 1,
        "sha": sha,
        "ref": "x",
        "status": state,
        "name": name,
        "target_url": None,
        "description": None,
        "allow_failure": may_fail,
        "pipeline_id": pipeline,
        "author": _user("ci"),
    }


def _user(name: str) -> Json:
    number = VIEWER_ID if name == VIEWER else sum(map(ord, name))
    place = f"https://gitlab.example.org/{name}"
    return {"id": number, "username": name, "name": name.title(), "state": "active", "web_url": place}
