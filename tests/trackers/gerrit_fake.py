"""A small Gerrit on a socket: it keeps state, and holds every request and response against the published entities.

A violation is collected in ``problems``, and fails the test that caused it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.trackers.contract import Wire
from tests.trackers.gerrit_contract import GerritContract
from tests.trackers.github_contract import Json
from tests.trackers.sockets import running

USER, PASSWORD, OWN, JANE = "integrand", "g3rr1tpass", 1000001, 1000007
PROJECT = "tools/abacus"
LABELS = {"Code-Review": 2, "Verified": 1}
OPTIONS = {
    *("LABELS", "DETAILED_LABELS", "CURRENT_REVISION", "ALL_REVISIONS", "CURRENT_COMMIT", "ALL_COMMITS"),
    *("DETAILED_ACCOUNTS", "MESSAGES", "SUBMITTABLE", "SUBMIT_REQUIREMENTS"),
}
Reply = tuple[int, Any, str]
"""Status, content (JSON, or text where it is a ``str``), and the name of its entity."""


@dataclass(kw_only=True)
class PatchSet:
    """A commit that was pushed for review."""

    commit: str
    parents: tuple[str, ...] = ("f" * 40,)
    message: str = ""


@dataclass(kw_only=True)
class GerritChange:
    """A change. ``votes`` are on the current patch set, by account and label; a push drops them."""

    number: int
    title: str = "A title"
    project: str = PROJECT
    branch: str = "main"
    topic: str = ""
    hashtags: tuple[str, ...] = ()
    status: str = "NEW"
    owner: str = "Jane"
    patch_sets: list[PatchSet] = field(default_factory=list)
    votes: dict[tuple[int, str], int] = field(default_factory=dict)
    messages: list[Json] = field(default_factory=list)
    requirements: Mapping[str, str] = field(default_factory=dict)
    is_private: bool = False
    is_wip: bool = False
    updated: int = 0

    @property
    def change_id(self) -> str:
        return f"I{self.number:040x}"

    @property
    def current(self) -> PatchSet:
        return self.patch_sets[-1]

    def push(self, commit: str, message: str = "", parents: tuple[str, ...] = ("f" * 40,)) -> None:
        text = f"{self.title}\n\n{message}\nChange-Id: {self.change_id}\n"
        self.patch_sets.append(PatchSet(commit=commit, parents=parents, message=text))
        self.votes = {}


class FakeGerrit:
    """The state of a server, and the socket at ``url`` where it is read and changed."""

    def __init__(self, contract: GerritContract) -> None:
        self.contract = contract
        self.changes: dict[int, GerritChange] = {}
        self.is_topic_whole = False
        self.may_vote = True
        self.password = PASSWORD
        self.page = 500
        self.clock = 0
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Json] = []
        self.faults: dict[int, Wire] = {}
        self.problems: list[str] = []
        self.before: Callable[[str], None] | None = None  # what happens meanwhile, given each path
        self.base = ""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.base}/{PROJECT}"

    def add(self, change: GerritChange, commit: str = "", message: str = "", *parents: str) -> GerritChange:
        change.push(commit or f"{change.number:040x}", message, parents or ("f" * 40,))
        self.changes[change.number] = change
        self.touch(change)
        return change

    def touch(self, change: GerritChange) -> None:
        """Let a change be the one that was updated last."""
        self.clock += 1
        change.updated = self.clock

    def say(self, change: GerritChange, text: str, account: int, tag: str = "") -> None:
        """A message, as the server stores it."""
        number, moment = len(change.patch_sets), len(change.messages)
        message = {"id": f"{change.number}-{moment}", "author": account, "message": text, "_revision_number": number}
        change.messages.append(message | ({"tag": tag} if tag else {}))
        self.touch(change)

    def answer(self, method: str, path: str, body: Any, login: str | None) -> tuple[Reply, Wire | None]:
        """What Gerrit answers, after having done it; a fault of this request may come between."""
        with self._lock:
            wire = self.faults.get(len(self.requests))
            self.requests.append((method, path))
            if self.before:
                self.before(path)
            if wire in ("busy", "broken"):
                return (429, "busy", "") if wire == "busy" else (500, "Internal server error", ""), wire
            expected = "Basic " + base64.b64encode(f"{USER}:{self.password}".encode()).decode()
            is_user = path.startswith("/a/")
            if is_user and login != expected:
                return (401, "Unauthorized", ""), None
            reply = self._do(method, path.removeprefix("/a"), body, is_user=is_user)
            self._hold(*reply)
            return reply, wire

    def _hold(self, status: int, content: Any, entity: str) -> None:
        if status == 200:
            for each in content if isinstance(content, list) else [content]:
                self.problems += self.contract.faults(entity, each)

    def _do(self, method: str, path: str, body: Any, *, is_user: bool) -> Reply:
        parts = urlsplit(path)
        params = parse_qs(parts.query, keep_blank_values=True)
        if unknown := set(params.get("o", [])) - OPTIONS:
            return 400, f'"{min(unknown)}" is not a valid value for "-o"', ""
        for route, act in self._routes(is_user=is_user):
            if found := re.fullmatch(route, f"{method} {parts.path}"):
                return act(*found.groups(), params if method == "GET" else body)
        self.problems.append(f"Gerrit has no {method} {path} here")
        return 404, "Not Found", ""

    def _routes(self, *, is_user: bool) -> list[tuple[str, Callable[..., Reply]]]:
        reading: list[tuple[str, Callable[..., Reply]]] = [
            ("GET /config/server/info", self._info),
            ("GET /changes/", self._query),
            (r"GET /changes/(\d+)", self._change),
            (r"GET /changes/(\d+)/detail", self._detail),
        ]
        writing: list[tuple[str, Callable[..., Reply]]] = [
            ("GET /accounts/self", lambda _params: (200, self._account(OWN, detailed=True), "AccountInfo")),
            (r"POST /changes/(\d+)/revisions/([0-9a-f]{40}|current)/review", self._review),
            (r"POST /changes/(\d+)/abandon", self._abandon),
        ]
        return [*reading, *(writing if is_user else ())]

    # What is read

    def _info(self, _params: Json) -> Reply:
        change = {"large_change": 500, "update_delay": 300, "mergeability_computation_behavior": "NEVER"}
        gerrit = {"all_projects": "All-Projects", "all_users": "All-Users", "doc_search": True}
        info = {
            "accounts": {"visibility": "ALL", "default_display_name": "FULL_NAME"},
            "auth": {"auth_type": "HTTP", "editable_account_fields": []},
            "change": change | ({"submit_whole_topic": True} if self.is_topic_whole else {}),
            "download": {"schemes": {}, "archives": []},
            "gerrit": {**gerrit, "project_state_predicate_enabled": True},
            "groups": {},
            "plugin": {"has_avatars": False, "js_resource_paths": []},
            "suggest": {"from": 0},
            "user": {"anonymous_coward_name": "Nobody"},
        }
        return 200, info, "ServerInfo"

    def _query(self, params: Json) -> Reply:
        [query], start = params["q"], int(params.get("S", ["0"])[0])
        limit = min(int(params.get("n", ["500"])[0]), self.page)
        found = [change for change in self.changes.values() if self._matches(query, change)]
        found.sort(key=lambda change: -change.updated)
        page = [self._shown(each, set(params.get("o", []))) for each in found[start : start + limit]]
        if found[start + limit :]:
            page[-1]["_more_changes"] = True
        return 200, page, "ChangeInfo"

    def _matches(self, query: str, change: GerritChange) -> bool:
        """Whether a change is found: https://gerrit-review.googlesource.com/Documentation/user-search.html."""
        return any(
            all(self._fits(term, change) for term in re.findall(r"[^\s()]+", each)) for each in query.split(" OR ")
        )

    def _fits(self, term: str, change: GerritChange) -> bool:
        operator, _, value = term.partition(":")
        match operator:
            case "project":
                return change.project == value
            case "branch":
                return change.branch == value
            case "status":
                assert value == "open"
                return change.status == "NEW"
            case "change":
                return value in (str(change.number), change.change_id)
            case _:
                self.problems.append(f"the fake knows no operator {term}")
                return False

    def _change(self, number: str, params: Json) -> Reply:
        if not (change := self.changes.get(int(number))):
            return 404, f"Not found: {number}", ""
        return 200, self._shown(change, set(params.get("o", []))), "ChangeInfo"

    def _detail(self, number: str, params: Json) -> Reply:
        detailed = ["LABELS", "DETAILED_LABELS", "DETAILED_ACCOUNTS", "MESSAGES"]
        return self._change(number, {"o": [*detailed, *params.get("o", [])]})

    def _account(self, number: int, *, detailed: bool) -> Json:
        name = {"_account_id": number, "name": {OWN: "Integrand", JANE: "Jane"}.get(number, f"User {number}")}
        return name | ({"username": USER if number == OWN else f"user{number}"} if detailed else {})

    def _shown(self, change: GerritChange, options: set[str]) -> Json:
        accounts = "DETAILED_ACCOUNTS" in options
        shown = {
            "id": f"{change.project.replace('/', '%2F')}~{change.number}",
            "project": change.project,
            "branch": change.branch,
            "change_id": change.change_id,
            "subject": change.title,
            "status": change.status,
            "created": _moment(0),
            "updated": _moment(change.updated),
            "insertions": 1,
            "deletions": 1,
            "_number": change.number,
            "owner": self._account(JANE, detailed=accounts) | {"name": change.owner},
            "reviewers": {},
            "current_revision_number": len(change.patch_sets),
            "hashtags": list(change.hashtags),
        }
        shown |= {"topic": change.topic} if change.topic else {}
        shown |= {"is_private": True} if change.is_private else {}
        shown |= {"work_in_progress": True} if change.is_wip else {}
        if "SUBMITTABLE" in options:
            shown["submittable"] = self._is_submittable(change)
        if "LABELS" in options:
            shown["labels"] = {name: self._label(change, name, options) for name in LABELS}
        if "SUBMIT_REQUIREMENTS" in options:
            result = {"expression": "label:x=MAX", "fulfilled": True}
            shown["submit_requirements"] = [
                {"name": name, "status": status, "submittability_expression_result": result}
                for name, status in change.requirements.items()
            ]
        if "MESSAGES" in options:
            shown["messages"] = [
                {**each, "author": self._account(each["author"], detailed=accounts), "date": _moment(1)}
                for each in change.messages
            ]
        return shown | self._revisions(change, options)

    def _revisions(self, change: GerritChange, options: set[str]) -> Json:
        if not options & {"CURRENT_REVISION", "ALL_REVISIONS"}:
            return {}
        all_of_them = list(enumerate(change.patch_sets, start=1))
        revisions = {}
        for number, each in all_of_them if "ALL_REVISIONS" in options else all_of_them[-1:]:
            ref = f"refs/changes/{change.number % 100:02}/{change.number}/{number}"
            revisions[each.commit] = {
                "kind": "REWORK",
                "_number": number,
                "created": _moment(0),
                "uploader": self._account(JANE, detailed="DETAILED_ACCOUNTS" in options),
                "ref": ref,
            }
            if "CURRENT_COMMIT" in options and each is change.current:
                revisions[each.commit]["commit"] = _commit(each)
        return {"current_revision": change.current.commit, "revisions": revisions}

    def _label(self, change: GerritChange, name: str, options: set[str]) -> Json:
        votes = {account: value for (account, label), value in change.votes.items() if label == name and value}
        label: Json = {}
        for account, value in votes.items():
            if abs(value) == LABELS[name]:
                label["approved" if value > 0 else "rejected"] = self._account(account, detailed=False)
        if "DETAILED_LABELS" in options:
            label["values"] = {
                f"{value:+d}".replace("+0", " 0"): "text" for value in range(-LABELS[name], LABELS[name] + 1)
            }
            label |= {"all": [self._account(who, detailed=True) | {"value": value} for who, value in votes.items()]}
        return label

    def _is_submittable(self, change: GerritChange) -> bool:
        labels = [self._label(change, name, set()) for name in LABELS]
        return all("approved" in label and "rejected" not in label for label in labels)

    # What is written

    def _review(self, number: str, revision: str, body: Json) -> Reply:
        self.problems += self.contract.faults("ReviewInput", body)
        self.bodies.append(body)
        if not (change := self.changes.get(int(number))):
            return 404, f"Not found: {number}", ""
        commits = [each.commit for each in change.patch_sets]
        if revision != "current" and revision not in commits:
            return 404, f"Not found: {revision}", ""
        for label, value in body.get("labels", {}).items():
            if label not in LABELS or abs(value) > LABELS[label]:
                return 400, f'label "{label}": {value} is not a valid value', ""
            if not self.may_vote:
                return 403, f'Applying label "{label}": {value} is restricted', ""
        words = [f"{label}{value:+d}" if value else f"-{label}" for label, value in body.get("labels", {}).items()]
        for label, value in body.get("labels", {}).items():
            change.votes[(OWN, label)] = value
        place = len(commits) if revision == "current" else commits.index(revision) + 1
        parts = [" ".join([f"Patch Set {place}:", *words]), body.get("message", "").strip()]
        self.say(change, "\n\n".join(filter(None, parts)), OWN, body.get("tag", ""))
        return 200, {"labels": body.get("labels", {})}, "ReviewResult"

    def _abandon(self, number: str, body: Json) -> Reply:
        self.problems += self.contract.faults("AbandonInput", body)
        self.bodies.append(body)
        if not (change := self.changes.get(int(number))):
            return 404, f"Not found: {number}", ""
        if change.status != "NEW":
            return 409, f"change is {change.status.lower()}", ""
        change.status = "ABANDONED"
        self.say(change, f"Abandoned\n\n{body['message']}", OWN)
        return 200, self._shown(change, set()), "ChangeInfo"


def _moment(seconds: int) -> str:
    return f"2026-11-23 {seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000000000"


def _commit(each: PatchSet) -> Json:
    person = {"name": "Jane", "email": "jane@example.org", "date": _moment(0)}
    parents = [{"commit": parent, "subject": "Before"} for parent in each.parents]
    subject = each.message.partition("\n")[0]
    return {"parents": parents, "author": person, "committer": person, "subject": subject, "message": each.message}


@contextmanager
def serving_gerrit(gerrit: FakeGerrit) -> Iterator[FakeGerrit]:
    """The fake, while it listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two cost 40 ms of waiting for an acknowledgement

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            reply, wire = gerrit.answer(self.command, self.path, body, self.headers.get("Authorization"))
            status, content, _entity = reply
            is_text = isinstance(content, str)
            text = content.encode() if is_text else b")]}'\n" + json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(text) + (100 if wire == "cut" else 0)))
            self.end_headers()
            self.wfile.write(text)
            self.close_connection = wire == "cut"

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  http.server's words

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as gerrit.base:
        yield gerrit
