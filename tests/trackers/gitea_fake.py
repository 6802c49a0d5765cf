"""A small Forgejo or Gitea on a socket: it keeps state, and holds every request and response against its description.

A violation is collected in ``problems``, and fails the test that caused it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.trackers.gitea_contract import Json, faults_of_answer, faults_of_request
from tests.trackers.sockets import Fault, Reply, listening

OWNER, NAME, TOKEN, VIEWER = "forge", "abacus", "0123456789s3cr3t", "integrand-bot"
HERE = f"{OWNER}/{NAME}"
REPOSITORY_ID, VIEWER_ID = 5, 900
DEFAULT = "main"
STAMP = "2026-11-23T04:00:00Z"
_REPO = "/repos/{owner}/{repo}"


@dataclass
class Review:
    """A review: ``official`` ones are by people who may merge."""

    author: str | None
    state: str
    official: bool = True
    dismissed: bool = False


@dataclass(kw_only=True)
class Pull:
    """A pull request.

    ``dependencies`` are (repository, number, whether it is a pull request, state), ``checks`` (context, state) of its
    newest commit, from the oldest to the newest.
    """

    number: int
    title: str = "A title"
    body: str = ""
    labels: list[str] = field(default_factory=list)
    milestone: str | None = None
    head: str = ""
    draft: bool = False
    author: str | None = "jane"
    branch: str = "patch-1"
    base: str = DEFAULT
    is_fork: bool = True
    state: str = "open"
    locked: bool = False
    reviews: tuple[Review, ...] = ()
    dependencies: tuple[tuple[str, int, bool, str], ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    comments: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.head = self.head or f"{self.number:040x}"


class FakeGitea:
    """The state of a repository, and the socket at ``url``.

    ``page`` is the most that it gives at once, ``labels`` are those that it has, with whether each is exclusive in its
    scope; ``has_dependencies`` whether the repository has them turned on.
    """

    def __init__(self, page: int = 50) -> None:
        self.page = page
        self.labels: dict[str, bool] = {}
        self.has_dependencies = True
        self.pulls: dict[int, Pull] = {}
        self.issues: dict[int, str] = {}  # their states
        self.own_issues: list[Json] = []
        self.statuses: list[Json] = []
        self.lost: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.faults: dict[int, Fault] = {}
        self.problems: list[str] = []
        self.denied: dict[str, tuple[int, Any]] = {}  # by method and path below the repository, a pattern
        self.url = ""
        self._last_comment = 100
        self._lock = threading.Lock()

    def add(self, *pulls: Pull) -> None:
        self.pulls |= {pull.number: pull for pull in pulls}

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET"]

    def comment(self, number: int, body: str, author: str) -> Json:
        self._last_comment += 1
        comment = {"id": self._last_comment, "body": body, "author": author, "edits": 0}
        self.pulls[number].comments.append(comment)
        return comment

    def status(self, sha: str) -> Json | None:
        """The newest of ours."""
        return next((each for each in reversed(self.statuses) if each["sha"] == sha), None)

    def answer(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[Reply, Fault | None]:
        """What the forge answers, after having done it; a fault of this request may come between."""
        if not path.startswith("/api/v1"):
            return _problem(404, "not found"), None  # what git asks for
        with self._lock:
            self.requests.append((method, path))
            fault = self.faults.get(len(self.requests) - 1)
            if fault and not fault.heard:
                return Reply(status=200, content={}), fault
            parts = urlsplit(path.removeprefix("/api/v1"))
            token = headers.get("authorization")
            is_public = method == "GET" and parts.path != "/user"
            if token != f"Bearer {TOKEN}" and not (token is None and is_public):
                return _problem(401, "invalid username, password or token"), None
            return self._act(method, parts.path, dict(parse_qsl(parts.query)), body), fault

    def _act(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        inside = path.removeprefix(f"/repos/{OWNER}/{NAME}")
        if denied := next(
            (each for route, each in self.denied.items() if re.fullmatch(route, f"{method} {inside}")), None
        ):
            return Reply(status=denied[0], content=denied[1])
        for route, (template, act) in self._routes().items():
            wanted, pattern = route.split(" ")
            if found := re.fullmatch(pattern, inside) if method == wanted else None:
                wrong = faults_of_request(method, template, query, body)
                reply = _problem(422, "; ".join(wrong)) if wrong else act(query, body, *found.groups())
                self.problems += wrong + faults_of_answer(method, template, reply.status, reply.content)
                return reply
        self.problems.append(f"Gitea has no {method} {path}")
        return _problem(404, "not found")

    def _routes(self) -> dict[str, tuple[str, Callable[..., Reply]]]:
        one, comments = f"{_REPO}/pulls/{{index}}", f"{_REPO}/issues/{{index}}/comments"
        labels = f"{_REPO}/issues/{{index}}/labels"
        return {
            "GET /user": ("/user", lambda _query, _body: _fine(_user(VIEWER))),
            "GET /pulls": (f"{_REPO}/pulls", self._list),
            r"GET /pulls/(\d+)": (one, self._one),
            r"PATCH /pulls/(\d+)": (one, self._change),
            r"GET /pulls/(\d+)/reviews": (f"{one}/reviews", self._reviews),
            "GET /labels": (f"{_REPO}/labels", lambda query, _body: _fine(self._cut(self._labels(), query))),
            "GET /issues": (f"{_REPO}/issues", self._list_own),
            "POST /issues": (f"{_REPO}/issues", self._open_issue),
            r"PATCH /issues/(\d+)": (f"{_REPO}/issues/{{index}}", self._edit_issue),
            r"GET /issues/(\d+)": (f"{_REPO}/issues/{{index}}", self._issue),
            r"GET /issues/(\d+)/dependencies": (f"{_REPO}/issues/{{index}}/dependencies", self._dependencies),
            r"GET /issues/(\d+)/comments": (comments, self._comments),
            r"POST /issues/(\d+)/comments": (comments, self._add_comment),
            r"PATCH /issues/comments/(\d+)": (f"{_REPO}/issues/comments/{{id}}", self._edit_comment),
            r"POST /issues/(\d+)/labels": (labels, self._add_labels),
            r"DELETE /issues/(\d+)/labels/(\d+)": (f"{labels}/{{id}}", self._remove_label),
            "GET /commits/([0-9a-f]{40})/statuses": (f"{_REPO}/commits/{{ref}}/statuses", self._statuses_of),
            "GET /git/commits/([0-9a-f]{40})": (f"{_REPO}/git/commits/{{sha}}", self._commit),
            "POST /statuses/([0-9a-f]{40})": (f"{_REPO}/statuses/{{sha}}", self._add_status),
        }

    def _list(self, query: dict[str, str], _body: None) -> Reply:
        assert (query["state"], query["sort"]) == ("open", "oldest")
        rows = [self._pull(pull) for _, pull in sorted(self.pulls.items()) if pull.state == "open"]
        return Reply(status=200, content=self._cut(rows, query), headers={"X-Total-Count": str(len(rows))})

    def _cut(self, rows: list[Json], query: dict[str, str]) -> list[Json]:
        size, page = min(int(query["limit"]), self.page), int(query.get("page", "1"))
        return rows[(page - 1) * size : page * size]

    def _one(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        if int(number) not in self.pulls:
            return _problem(404, "The target couldn't be found.")
        return _fine(self._pull(self.pulls[int(number)]))

    def _change(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        pull = self.pulls[int(number)]
        pull.state = body["state"]
        return Reply(status=201, content=self._pull(pull))

    def _reviews(self, query: dict[str, str], _body: None, number: str) -> Reply:
        reviews = self.pulls[int(number)].reviews
        rows = [
            {
                "id": place,
                "user": _user(review.author) if review.author else None,
                "state": review.state,
                "official": review.official,
                "dismissed": review.dismissed,
                "stale": False,
                "submitted_at": STAMP,
            }
            for place, review in enumerate(reviews, start=1)
        ]
        return Reply(status=200, content=self._cut(rows, query), headers={"X-Total-Count": str(len(rows))})

    def _issue(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        if int(number) not in self.issues:
            return _problem(404, "The target couldn't be found.")
        return _fine({"id": 1, "number": int(number), "state": self.issues[int(number)]})

    def _labels(self) -> list[Json]:
        return [self._label(name) for name in sorted(self.labels)]

    def _list_own(self, query: dict[str, str], _body: None) -> Reply:
        """All issues, the newest first, with any of the labels; those that it has not are passed over in silence."""
        assert (query["state"], query["type"]) == ("all", "issues")
        labels = self.labels.keys() & query.get("labels", "").split(",")
        rows = [each for each in self.own_issues[::-1] if not labels or labels & {_["name"] for _ in each["labels"]}]
        content = [_own_issue(each) for each in self._cut(rows, query)]
        return Reply(status=200, content=content, headers={"X-Total-Count": str(len(rows))})

    def _open_issue(self, _query: dict[str, str], body: Json) -> Reply:
        labels = [each for each in self._labels() if each["id"] in body["labels"]]
        kept = {"state": "open", "closed_at": None, "user": _user(VIEWER), "edits": 0}
        self.own_issues.append({"id": 1, "number": 500 + len(self.own_issues), **kept, **body, "labels": labels})
        return Reply(status=201, content=_own_issue(self.own_issues[-1]))

    def _edit_issue(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        issue = next(each for each in self.own_issues if each["number"] == int(number))
        assert issue["user"] == _user(VIEWER), "nobody may edit what another wrote"
        closed_at = None if body["state"] == "open" else issue["closed_at"] or STAMP
        issue |= {**body, "closed_at": closed_at, "edits": issue["edits"] + 1}
        return Reply(status=201, content=_own_issue(issue))

    def _dependencies(self, query: dict[str, str], _body: None, number: str) -> Reply:
        if not self.has_dependencies:
            return _problem(404, "The target couldn't be found.")
        rows = [
            {
                "id": 1,
                "number": ahead,
                "title": "T",
                "state": state,
                "pull_request": {"merged": False} if is_pull else None,
                "repository": {"id": 1, "name": full.partition("/")[2], "full_name": full} if full else None,
            }
            for full, ahead, is_pull, state in self.pulls[int(number)].dependencies
        ]
        return _fine(self._cut(rows, query))

    def _comments(self, _query: dict[str, str], _body: None, number: str) -> Reply:
        return _fine([_comment(each) for each in self.pulls[int(number)].comments])

    def _add_comment(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        if self.pulls[int(number)].locked:
            return _problem(403, "cannot write comments of a locked issue")
        return Reply(status=201, content=_comment(self.comment(int(number), body["body"], VIEWER)))

    def _edit_comment(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        comment = next(each for pull in self.pulls.values() for each in pull.comments if each["id"] == int(number))
        assert comment["author"] == VIEWER, "nobody may edit what another wrote"
        comment |= {"body": body["body"], "edits": comment["edits"] + 1}
        return _fine(_comment(comment))

    def _add_labels(self, _query: dict[str, str], body: Json, number: str) -> Reply:
        pull = self.pulls[int(number)]
        for name in (name for name in body["labels"] if name in self.labels):  # others are passed over in silence
            scope = name.rpartition("/")[0]
            if scope and self.labels[name]:
                pull.labels = [each for each in pull.labels if each.rpartition("/")[0] != scope]
            pull.labels += [name] if name not in pull.labels else []
        return _fine([self._label(name) for name in pull.labels])

    def _remove_label(self, _query: dict[str, str], _body: None, number: str, label: str) -> Reply:
        pull = self.pulls[int(number)]
        pull.labels = [name for name in pull.labels if self._label(name)["id"] != int(label)]
        return Reply(status=204, content=None)

    def _statuses_of(self, query: dict[str, str], _body: None, sha: str) -> Reply:
        rows = [
            {key: value for key, value in each.items() if key != "sha"} for each in self.statuses if each["sha"] == sha
        ]
        for pull in (each for each in self.pulls.values() if each.head == sha):
            rows += [_status(place, name, state) for place, (name, state) in enumerate(pull.checks, start=1)]
        return Reply(status=200, content=self._cut(rows, query), headers={"X-Total-Count": str(len(rows))})

    def _commit(self, _query: dict[str, str], _body: None, sha: str) -> Reply:
        return _problem(404, "The target couldn't be found.") if sha in self.lost else _fine({"sha": sha})

    def _add_status(self, _query: dict[str, str], body: Json, sha: str) -> Reply:
        assert sha not in self.lost, "this ends in status 500"
        status = _status(100 + len(self.statuses), body["context"], body["state"])
        status |= {"description": body["description"], "target_url": body.get("target_url", "")}
        self.statuses.append({**status, "sha": sha})
        return Reply(status=201, content=status)

    def _label(self, name: str) -> Json:
        number = sum(ord(letter) * (place + 1) for place, letter in enumerate(name))
        return {"id": number, "name": name, "color": "ededed", "exclusive": self.labels.get(name, False)}

    def _pull(self, pull: Pull) -> Json:
        full = f"{OWNER}/{NAME}"
        repository = {"id": REPOSITORY_ID, "name": NAME, "full_name": full, "default_branch": DEFAULT}
        milestone = {"id": 1, "title": pull.milestone, "state": "open"}
        head_id = 50 if pull.is_fork else REPOSITORY_ID
        return {
            "id": 1000 + pull.number,
            "number": pull.number,
            "title": pull.title,
            "body": pull.body,
            "html_url": f"https://forgejo.example.org/{full}/pulls/{pull.number}",
            "state": pull.state,
            "draft": pull.draft,
            "is_locked": pull.locked,
            "labels": [self._label(name) for name in pull.labels],
            "milestone": milestone if pull.milestone else None,
            "user": _user(pull.author) if pull.author else None,
            "head": {"label": pull.branch, "ref": pull.branch, "sha": pull.head, "repo_id": head_id, "repo": None},
            "base": {
                "label": pull.base,
                "ref": pull.base,
                "sha": "0" * 40,
                "repo_id": REPOSITORY_ID,
                "repo": repository,
            },
        }


@contextmanager
def serving(gitea: FakeGitea) -> Iterator[FakeGitea]:
    """The fake, while it listens."""
    with listening(gitea.answer) as base:
        gitea.url = f"{base}/{OWNER}/{NAME}"
        yield gitea


def _fine(content: Any) -> Reply:
    return Reply(status=200, content=content)


def _problem(status: int, message: str) -> Reply:
    return Reply(status=status, content={"message": message, "url": "https://forgejo.example.org/api/swagger"})


def _own_issue(issue: Json) -> Json:
    return {key: value for key, value in issue.items() if key != "edits"}


def _comment(comment: Json) -> Json:
    author = _user(comment["author"])
    return {"id": comment["id"], "body": comment["body"], "user": author, "created_at": STAMP, "updated_at": STAMP}


def _status(number: int, context: str, state: str) -> Json:
    return {"id": number, "context": context, "status": state, "description": "", "target_url": "", "created_at": STAMP}


def _user(name: str) -> Json:
    number = VIEWER_ID if name == VIEWER else sum(map(ord, name))
    return {"id": number, "login": name, "full_name": name.title()}
