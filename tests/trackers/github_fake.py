"""A small GitHub on a socket: it keeps state, and holds every request and response against the published contract.

A violation is collected in ``problems``, and fails the test that caused it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import graphql

from tests.trackers.github_contract import Contract, Json
from tests.trackers.sockets import Fault, Reply, listening

OWNER, NAME, TOKEN, VIEWER = "sagemath", "sage", "ghp_s3cr3t", "integrand-bot"
DEFAULT = "develop"
STAMP = "2026-11-23T04:00:00Z"
Answer = tuple[int, Any]


@dataclass(kw_only=True)
class Pull:
    """A pull request; ``reviews`` are (login, state, may merge), ``checks`` are (kind, name, state)."""

    number: int
    title: str = "A title"
    body: str = ""
    labels: list[str] = field(default_factory=list)
    milestone: str | None = None
    head: str = ""
    draft: bool = False
    decision: str | None = None
    author: str | None = "jane"
    reviews: Sequence[tuple[str, str, bool]] = ()
    checks: Sequence[tuple[str, str, str | None]] = ()
    comments: list[Json] = field(default_factory=list)
    state: str = "OPEN"
    locked: bool = False
    base: str = DEFAULT
    branch: str = "patch-1"
    is_fork: bool = True

    def __post_init__(self) -> None:
        self.head = self.head or f"{self.number:040x}"


class FakeGitHub:
    """The state of a repository, and the socket at ``url`` where it is read and changed."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.pulls: dict[int, Pull] = {}
        self.issues: dict[int, bool] = {}  # whether each is closed
        self.statuses: list[Json] = []
        self.own_issues: list[Json] = []
        self.may_label = True
        self.lost: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        self.faults: dict[int, Fault] = {}
        self.problems: list[str] = []
        self.refuse: Answer | None = None
        self.denied: dict[str, Answer] = {}  # by route, as `POST /issues/7/comments`, in which there may be patterns
        self.url = ""
        self._comments = 3_000_000_000  # GitHub's ids have outgrown 32 bits
        self._lock = threading.Lock()

    def add(self, *pulls: Pull) -> None:
        self.pulls |= {pull.number: pull for pull in pulls}

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each != ("POST", "/graphql")]

    def comment(self, number: int, body: str, author: str) -> Json:
        self._comments += 1
        comment = {"id": self._comments, "body": body, "author": author, "edits": 0}
        self.pulls[number].comments.append(comment)
        return comment

    def status(self, sha: str) -> Json | None:
        """The newest of ours."""
        found = [each for each in self.statuses if each["sha"] == sha and each["context"] == "integrand"]
        return found[-1] if found else None

    def answer(self, method: str, path: str, body: Any, token: str | None) -> tuple[Answer, Fault | None]:
        """What GitHub answers, after having done it; a fault of this request may come between."""
        with self._lock:
            self.tokens.add(token)
            self.requests.append((method, path))
            fault = self.faults.get(len(self.requests) - 1)
            if fault and not fault.heard:
                return (200, {}), fault
            if token != f"Bearer {TOKEN}":
                return (401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com"}), None
            if self.refuse:
                return self.refuse, None
            return self._graphql(body) if path == "/graphql" else self._rest(method, path, body), fault

    def _graphql(self, body: Json) -> Answer:
        document, problems = self.contract.parse(body["query"])
        self.problems += problems
        root = {"repository": self._repository, "closePullRequest": self._close}
        result = graphql.execute_sync(self.contract.schema, document, root, variable_values=body["variables"])
        return 200, result.formatted

    def _close(self, _info: object, input: Json) -> Json:  # noqa: A002  GitHub's word
        pull = self.pulls[int(input["pullRequestId"].removeprefix("PR_"))]
        pull.state = "CLOSED"
        return {"pullRequest": {"state": pull.state}}

    def _repository(self, _info: object, owner: str, name: str, **_: object) -> Json:
        if (owner, name) != (OWNER, NAME):
            raise graphql.GraphQLError(f"Could not resolve to a Repository with the name '{owner}/{name}'.")

        def pulls(_info: object, **args: Any) -> Json:
            assert args["states"] == ["OPEN"]
            return _page([self._pull(pull) for _, pull in sorted(self.pulls.items())], **args)

        def pull(_info: object, number: int) -> Json:
            if number not in self.pulls:
                raise graphql.GraphQLError(f"Could not resolve to a PullRequest with the number of {number}.")
            return self._pull(self.pulls[number])

        def issue(_info: object, number: int) -> Json:
            if number in self.issues:
                return {"__typename": "Issue", "closed": self.issues[number]}
            if number in self.pulls:
                return {"__typename": "PullRequest", "closed": self.pulls[number].state != "OPEN"}
            message = f"Could not resolve to an issue or pull request with the number of {number}."
            raise graphql.GraphQLError(message)

        found = {"pullRequests": pulls, "pullRequest": pull, "issueOrPullRequest": issue, "object": self._object}
        return {**found, "defaultBranchRef": {"name": DEFAULT}, "issues": self._list_own}

    def _list_own(self, _info: object, labels: Sequence[str], **args: Any) -> Json:
        args.pop("orderBy")
        chosen = [each for each in self.own_issues if set(labels) & set(each["labels"])]
        closed = [{**each, "closed": each["state"] == "closed", "closedAt": each["closed_at"]} for each in chosen]
        return _page([{**each, "viewerDidAuthor": each["author"] == VIEWER} for each in closed], **args)

    def issue(self, title: str, body: str, author: str, *labels: str) -> Json:
        self.own_issues.append({"number": 5000 + len(self.own_issues), "title": title, "body": body, "author": author})
        self.own_issues[-1] |= {"labels": list(labels), "state": "open", "closed_at": None, "edits": 0}
        return self.own_issues[-1]

    def _open_issue(self, body: Json) -> Answer:
        labels = body["labels"] if self.may_label else []
        return 201, _issue(self.issue(body["title"], body["body"], VIEWER, *labels))

    def _edit_issue(self, body: Json, number: str) -> Answer:
        issue = next(each for each in self.own_issues if each["number"] == int(number))
        assert issue["author"] == VIEWER, "nobody may edit what another wrote"
        closed_at = STAMP if body["state"] == "closed" else None
        issue |= {**body, "closed_at": closed_at, "edits": issue["edits"] + 1}
        return 200, _issue(issue)

    def _object(self, _info: object, oid: str) -> Json | None:
        if oid in self.lost:
            return None

        def context(_info: object, name: str) -> Json | None:
            found = [each for each in self.statuses if each["sha"] == oid and each["context"] == name]
            return {**found[-1], "targetUrl": found[-1]["target_url"]} if found else None

        has_any = any(each["sha"] == oid for each in self.statuses)
        return {"__typename": "Commit", "status": {"context": context} if has_any else None}

    def _pull(self, pull: Pull) -> Json:
        def reviews(_info: object, *, writersOnly: bool = False, **args: Any) -> Json:  # noqa: N803  GitHub's word
            chosen = [each for each in pull.reviews if each[2] or not writersOnly]
            return _page([{"state": state, "author": _actor(login)} for login, state, _ in chosen], **args)

        def comments(_info: object, **args: Any) -> Json:
            return _page(
                [
                    {**each, "fullDatabaseId": str(each["id"]), "viewerDidAuthor": each["author"] == VIEWER}
                    for each in pull.comments
                ],
                **args,
            )

        contexts = [_check(*check) for check in pull.checks]
        return {
            "id": f"PR_{pull.number}",
            "state": pull.state,
            "locked": pull.locked,
            "number": pull.number,
            "title": pull.title,
            "url": f"https://github.com/{OWNER}/{NAME}/pull/{pull.number}",
            "body": pull.body,
            "isDraft": pull.draft,
            "headRefOid": pull.head,
            "headRefName": pull.branch,
            "baseRefName": pull.base,
            "isCrossRepository": pull.is_fork,
            "reviewDecision": pull.decision,
            "author": _actor(pull.author) if pull.author else None,
            "milestone": {"title": pull.milestone} if pull.milestone else None,
            "labels": lambda _info, **args: _page([{"name": name} for name in pull.labels], **args),
            "latestOpinionatedReviews": reviews,
            "statusCheckRollup": {"contexts": lambda _info, **args: _page(contexts, **args)} if contexts else None,
            "comments": comments,
        }

    def _rest(self, method: str, path: str, body: Any) -> Answer:
        inside = path.removeprefix(f"/repos/{OWNER}/{NAME}")
        for route, template, act in self._routes():
            wanted, pattern = route.split(" ")
            if found := re.fullmatch(pattern, inside) if method == wanted else None:
                full = "/repos/{owner}/{repo}" + template
                wrong = self.contract.faults_of_request(method, full, body)
                # Some of these GitHub's description does not list, as 422 for a status: they were met by others.
                if not wrong and (denied := self._denied(method, inside, body)):
                    return denied
                reply = (422, _basic("Validation Failed")) if wrong else act(body, *map(unquote, found.groups()))
                self.problems += wrong + self.contract.faults_of_response(method, full, *reply)
                return reply
        self.problems.append(f"GitHub has no {method} {path}")
        return 404, _basic("Not Found")

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        labels = "/issues/{issue_number}/labels"
        return [
            (r"POST /issues", "/issues", self._open_issue),
            (r"PATCH /issues/(\d+)", "/issues/{issue_number}", self._edit_issue),
            (r"POST /issues/(\d+)/comments", "/issues/{issue_number}/comments", self._add_comment),
            (r"PATCH /issues/comments/(\d+)", "/issues/comments/{comment_id}", self._edit_comment),
            (r"POST /issues/(\d+)/labels", labels, self._add_labels),
            (r"DELETE /issues/(\d+)/labels/([^/]+)", labels + "/{name}", self._remove_label),
            (r"POST /statuses/([0-9a-f]+)", "/statuses/{sha}", self._add_status),
        ]

    def _denied(self, method: str, inside: str, body: Any) -> Answer | None:
        """What is refused although it is well formed."""
        found = re.fullmatch(r"/issues/(\d+)/comments", inside)
        if found and self.pulls[int(found[1])].locked:
            return 403, _basic("Unable to create comment because issue is locked.")
        if inside.startswith("/statuses/"):
            description = body.get("description") or ""
            if max(description, default="") > "\uffff":
                return 422, _invalid("description doesn't accept 4-byte Unicode")
            if len(description) > 140:
                return 422, _invalid("description is too long (maximum is 140 characters)")
        routes = (reply for route, reply in self.denied.items() if re.fullmatch(route, f"{method} {inside}"))
        return next(routes, None)

    def _add_comment(self, body: Json, number: str) -> Answer:
        if len(body["body"]) > 65536:
            return 422, _basic("Body is too long (maximum is 65536 characters)")
        return 201, _comment(self.comment(int(number), body["body"], VIEWER))

    def _edit_comment(self, body: Json, number: str) -> Answer:
        comment = next(each for pull in self.pulls.values() for each in pull.comments if each["id"] == int(number))
        assert comment["author"] == VIEWER, "nobody may edit what another wrote"
        comment |= {"body": body["body"], "edits": comment["edits"] + 1}
        return 200, _comment(comment)

    def _add_labels(self, body: Json, number: str) -> Answer:
        labels = self.pulls[int(number)].labels
        labels += [name for name in body["labels"] if name not in labels]
        return 200, [_label(name) for name in labels]

    def _remove_label(self, _body: None, number: str, name: str) -> Answer:
        labels = self.pulls[int(number)].labels
        if name not in labels:
            return 404, _basic("Label does not exist")
        labels.remove(name)
        return 200, [_label(each) for each in labels]

    def _add_status(self, body: Json, sha: str) -> Answer:
        status = {"target_url": None, "description": None, **body, "sha": sha}
        self.statuses.append({**status, "state": body["state"].upper()})
        ours = {key: value for key, value in status.items() if key != "sha"}
        place = f"https://api.github.com/repos/{OWNER}/{NAME}/statuses/{sha}"
        some = {"url": place, "id": 1, "node_id": "x", "avatar_url": None, "created_at": STAMP, "updated_at": STAMP}
        return 201, {**some, **ours, "creator": _user(VIEWER)}


@contextmanager
def serving(github: FakeGitHub) -> Iterator[FakeGitHub]:
    """The fake, while it listens."""

    def answer(method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[Reply, Fault | None]:
        (status, content), fault = github.answer(method, path, body, headers.get("authorization"))
        return Reply(status=status, content=content), fault

    with listening(answer) as base:
        github.url = f"{base}/repos/{OWNER}/{NAME}"
        yield github


def _page(items: Sequence[Any], *, first: int, after: str | None = None, **_: object) -> Json:
    assert 1 <= first <= 100, "GitHub refuses larger pages"
    start = int(after) if after else 0
    end = min(start + first, len(items))
    return {
        "nodes": items[start:end],
        "pageInfo": {"hasNextPage": end < len(items), "endCursor": str(end)},
    }


def _check(kind: str, name: str, state: str | None) -> Json:
    if kind == "CheckRun":
        return {"__typename": kind, "name": name, "conclusion": state}
    return {"__typename": kind, "context": name, "state": state}


def _actor(login: str) -> Json:
    return {"__typename": "User", "login": login}


def _basic(message: str) -> Json:
    return {"message": message, "documentation_url": "https://docs.github.com/rest"}


def _invalid(message: str) -> Json:
    wrong = {"resource": "Status", "code": "custom", "field": "description", "message": message}
    return {**_basic("Validation Failed"), "errors": [wrong]}


def _label(name: str) -> Json:
    place = f"https://api.github.com/repos/{OWNER}/{NAME}/labels/{name}"
    return {
        "id": 1,
        "node_id": "x",
        "url": place,
        "name": name,
        "description": None,
        "color": "ededed",
        "default": False,
    }


def _comment(comment: Json) -> Json:
    place = f"https://api.github.com/repos/{OWNER}/{NAME}/issues"
    return {
        "id": comment["id"],
        "node_id": "x",
        "body": comment["body"],
        "user": _user(comment["author"]),
        "url": f"{place}/comments/{comment['id']}",
        "html_url": place,
        "issue_url": place,
        "created_at": STAMP,
        "updated_at": STAMP,
        "author_association": "NONE",
    }


def _issue(issue: Json) -> Json:
    place = f"https://api.github.com/repos/{OWNER}/{NAME}"
    own = f"{place}/issues/{issue['number']}"
    return {
        **{key: issue[key] for key in ("number", "title", "body", "state", "closed_at")},
        "id": issue["number"],
        "node_id": "x",
        "user": _user(issue["author"]),
        "labels": [_label(name) for name in issue["labels"]],
        "url": own,
        "html_url": own,
        "repository_url": place,
        **{f"{kind}_url": f"{own}/{kind}" for kind in ("comments", "events", "labels")},
        "assignee": None,
        "milestone": None,
        "locked": False,
        "comments": 0,
        "created_at": STAMP,
        "updated_at": STAMP,
        "author_association": "NONE",
    }


def _user(login: str) -> Json:
    place = f"https://api.github.com/users/{login}"
    kinds = ("events", "followers", "following", "gists", "organizations", "received_events", "repos")
    return {
        "login": login,
        "id": 1,
        "node_id": "x",
        "type": "Bot",
        "site_admin": False,
        "gravatar_id": "",
        **{f"{kind}_url": f"{place}/{kind}" for kind in (*kinds, "starred", "subscriptions")},
        "url": place,
        "html_url": place,
        "avatar_url": place,
    }
