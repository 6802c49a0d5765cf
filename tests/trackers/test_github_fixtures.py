"""What the real GitHub once answered over REST, as octokit recorded it, replayed to our code.

The server asks for the recorded method, path and body, one after the other, and gives the recorded status, headers and
content, in which only the address of GitHub is replaced by its own. Through the tracker's own methods go the statuses
and the refusal; through its ``Caller`` go labels, pages and a renamed repository, for there the tracker's requests are
others: it adds one label at a time, and reads through GraphQL alone, of which nothing is recorded.

Left out, since nothing here has a counterpart: add-and-remove-repository-collaborator, branch-protection, create-file,
get-archive, get-content, get-organization, get-repository, get-root, git-refs, lock-issue,
mark-notifications-as-read, markdown, project-cards, release-assets, release-assets-conflict and search-issues. There is
no recording of comments.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sessions.settings.configuration import Tracker
from sessions.terminal.errors import RefusedError, TrackerError
from sessions.tickets.model import Account, Verdict
from sessions.tickets.refusals import Change, TicketPart
from sessions.tickets.trackers.forge.changes import OwnStatus, PullState, plan_status
from sessions.tickets.trackers.github.address import auth_for
from sessions.tickets.trackers.github.changes import GitHubPull
from sessions.tickets.trackers.github.tracker import GitHubTracker
from sessions.tickets.trackers.http import Caller
from tests.trackers.github_contract import Contract, Json, UnavailableError, fetch_recording
from tests.trackers.sockets import running

SCENARIOS = ("add-labels-to-issue", "create-status", "errors", "labels", "paginate-issues", "rename-repository")
GITHUB, OWNER, TOKEN, SHA = "https://api.github.com", "octokit-fixture-org", "ghp_s3cr3t", f"{1:040}"
REPO = "/repos/{owner}/{repo}"
TEMPLATES = {
    r"": "",
    r"/issues(\?.*)?": "/issues",
    r"/issues/1/labels": "/issues/{issue_number}/labels",
    r"/statuses/\w+": "/statuses/{sha}",
    r"/commits/\w+/statuses": "/commits/{ref}/statuses",
    r"/commits/\w+/status": "/commits/{ref}/status",
    r"/labels": "/labels",
    r"/labels/[^/]+": "/labels/{name}",
}
Recorded = Callable[[str], list[Json]]


@dataclass
class Replay:
    """The exchanges still to come, the ``url`` where they are served, and what was asked otherwise than recorded."""

    left: list[Json]
    url: str = ""
    problems: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, token: str | None) -> tuple[int, dict[str, str], bytes]:
        """What GitHub answered to this; or 400, which nobody tries again."""
        asked = (method, path, body, token)
        wanted = None
        if self.left:
            first = self.left[0]
            wanted = (first["method"].upper(), first["path"], first["body"] or None, f"Bearer {TOKEN}")
        if asked != wanted:
            self.problems.append(f"asked {asked}, recorded {wanted}")
            return 400, {"Content-Length": "0"}, b""
        said = self.left.pop(0)
        text = self._here(json.dumps(said["response"], separators=(",", ":"))) if said["response"] != "" else ""
        headers = {name: self._here(str(value)) for name, value in said["headers"].items() if name != "content-length"}
        if said["status"] != 204:
            headers["content-length"] = str(len(text.encode()))
        return said["status"], headers, text.encode()

    def _here(self, text: str) -> str:
        return text.replace(GITHUB, self.url)


@contextmanager
def replaying(exchanges: list[Json]) -> Iterator[Replay]:
    """A server of these exchanges; at the end, all of them must have taken place, and nothing else."""
    replay = Replay(list(exchanges))

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # head and body in one packet

        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            status, headers, said = replay.answer(self.command, self.path, body, self.headers.get("Authorization"))
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  http.server's words

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as replay.url:
        yield replay
    assert (replay.problems, replay.left) == ([], [])


@pytest.fixture
def recorded(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Has the recording of a scenario."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("octokit")
    for name in ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GH_TOKEN", TOKEN)

    def recording(scenario: str) -> list[Json]:
        try:
            return fetch_recording(folder, scenario)
        except UnavailableError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))

    return recording


def tracker(replay: Replay, name: str) -> GitHubTracker:
    """One that neither waits nor tries again: what GitHub recorded needs no patience."""
    made = GitHubTracker(Tracker(tracker="github", url=f"{replay.url}/repos/{OWNER}/{name}"))
    vars(made)["caller"] = Caller("GitHub", auth_for(made.place), patience=0, pause=0)
    return made


def account(verdict: Verdict, summary: str) -> Account:
    return Account(number=1, verdict=verdict, commit=SHA, summary=summary, text="", url="https://example.com")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_recordings_keep_the_contract(contract: Contract, recorded: Recorded, scenario: str) -> None:
    faults = []
    for each in recorded(scenario):
        inside = re.sub(r"^/(repos/[^/]+/[^/]+|repositories/1000)", "", each["path"])
        (template,) = (REPO + end for pattern, end in TEMPLATES.items() if re.fullmatch(pattern, inside))
        assert contract.faults_of_request(each["method"], template, each["body"] or None) == []
        if each["status"] != 204:  # which has no content to look at
            faults += contract.faults_of_response(each["method"], template, each["status"], each["response"])
    # The only thing that GitHub says today, and did not then, is this field of a repository.
    told_since = {f"{REPO}/{method}: 'has_discussions' is a required property" for method in ("get", "patch")}
    assert set(faults) == (told_since if scenario == "rename-repository" else set())


def test_only_what_was_recorded_is_answered(recorded: Recorded) -> None:
    replay = Replay(recorded("errors"))
    path, body, token = f"/repos/{OWNER}/errors/labels", {"name": "foo", "color": "invalid"}, f"Bearer {TOKEN}"
    others = [("PUT", path, body, token), ("POST", path + "/", body, token), ("POST", path, {}, token)]
    for other in [*others, ("POST", path, body, None)]:
        assert replay.answer(*other)[0] == 400
    assert replay.answer("POST", path, body, token)[0] == 422
    assert replay.answer("POST", path, body, token)[0] == 400
    assert len(replay.problems) == 5


def test_a_status_is_set_as_octokit_sets_it(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = f"/repos/{OWNER}/create-status/commits/{SHA}"
    fresh = PullState(comment=None, status=None, has_commit=True, labels=(), head=SHA, locked=False)
    with replaying(recorded("create-status")) as replay:
        github = tracker(replay, "create-status")
        pull = GitHubPull(client=github.client, number=1, before=fresh)
        red = account(Verdict.CULPRIT, "create-status failure test")
        green = account(Verdict.INTEGRATED, "create-status success test")
        for context, told in (("example/1", red), ("example/2", green)):
            monkeypatch.setattr("sessions.tickets.trackers.github.changes.CONTEXT", context)
            (status,) = plan_status(pull, told)
            status.write()

        newest = github.caller.json(github.caller.read("GET", f"{replay.url}{commit}/statuses"))
        assert [(each["context"], each["state"]) for each in newest] == [
            ("example/2", "success"),
            ("example/1", "failure"),
        ]
        whole = github.caller.json(github.caller.read("GET", f"{replay.url}{commit}/status"))
        assert (whole["state"], whole["total_count"]) == ("failure", 2)

        # What GitHub made of it, in GraphQL's words, is what would be told again: so it is not.
        for told, made in ((green, newest[0]), (red, newest[1])):
            seen = replace(fresh, status=OwnStatus(state=made["state"], description=made["description"]))
            assert not list(plan_status(replace(pull, before=seen), told))


def test_a_refused_change_is_one_sentence_with_the_reason_that_github_gives(recorded: Recorded) -> None:
    change = Change.of(1, TicketPart.LABEL)
    with replaying(recorded("errors")) as replay, pytest.raises(RefusedError) as caught:
        tracker(replay, "errors").client.rest.write(change, "POST", "labels", json={"name": "foo", "color": "invalid"})
    said = f"GitHub refuses the label of #1 in {OWNER}/errors (HTTP 422, Validation Failed"
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_labels_of_an_issue_are_added(recorded: Recorded) -> None:
    with replaying(recorded("add-labels-to-issue")) as replay:
        github = tracker(replay, "add-labels-to-issue")
        place, caller = github.place.rest, github.caller
        issue = caller.json(caller.write("POST", f"{place}/issues", json={"title": "Issue without a label"}))
        assert (issue["number"], issue["labels"]) == (1, [])
        added = caller.write("POST", f"{issue['url']}/labels", json={"labels": ["Foo", "bAr", "baZ"]})
        assert [each["name"] for each in caller.json(added)] == ["Foo", "bAr", "baZ"]


def test_labels_are_made_read_changed_and_deleted(contract: Contract, recorded: Recorded) -> None:
    with replaying(recorded("labels")) as replay:
        github = tracker(replay, "labels")
        place, caller = f"{github.place.rest}/labels", github.caller
        names = [each["name"] for each in caller.json(caller.read("GET", place))]
        assert {"bug", "good first issue", "wontfix"} < set(names)
        made = caller.json(caller.write("POST", place, json={"name": "test-label", "color": "663399"}))
        assert caller.json(caller.read("GET", made["url"])) == made
        change = {"new_name": "test-label-updated", "color": "BADA55"}
        changed = caller.json(caller.write("PATCH", made["url"], json=change))
        assert changed["url"] == f"{place}/test-label-updated"
        # An answer without content is none to the tracker. It is GitHub's to this, and to nothing that it asks itself.
        with pytest.raises(TrackerError, match=r"not JSON \(HTTP 204\)"):
            github.client.rest.write(Change.of(1, TicketPart.LABEL), "DELETE", "labels/test-label-updated")
    issue_labels = f"{REPO}/issues/{{issue_number}}/labels"
    for method, template in (("POST", issue_labels), ("DELETE", f"{issue_labels}/{{name}}")):
        (fault,) = contract.faults_of_response(method, template, 204, None)
        assert fault.endswith("GitHub never answers 204")


def test_pages_are_read_to_the_last(recorded: Recorded) -> None:
    with replaying(recorded("paginate-issues")) as replay:
        github = tracker(replay, "paginate-issues")
        response = github.caller.read("GET", f"{github.place.rest}/issues", params={"per_page": 3})
        pages = [github.caller.json(response)]
        while following := response.links.get("next"):
            response = github.caller.read("GET", following["url"])
            pages.append(github.caller.json(response))
    assert [len(page) for page in pages] == [3, 3, 3, 3, 1]
    assert [issue["number"] for page in pages for issue in page] == list(range(13, 0, -1))


def test_a_renamed_repository_is_still_read_and_written_to(recorded: Recorded) -> None:
    new = {"name": "rename-repository-newname"}
    with replaying(recorded("rename-repository")) as replay:
        github = tracker(replay, "rename-repository")
        place, caller = github.place.rest, github.caller
        assert caller.write("PATCH", place, json=new).url == place
        read = caller.read("GET", place)
        assert ([each.status_code for each in read.history], read.url) == ([301], f"{replay.url}/repositories/1000")
        assert caller.json(read)["full_name"] == f"{OWNER}/rename-repository-newname"
        # GitHub sends a change on with 307, which keeps method and content: it is heard at the new place.
        written = caller.write("PATCH", place, json={**new, "description": "test description"})
        assert ([each.status_code for each in written.history], written.url) == ([307], read.url)
        assert caller.json(written)["description"] == "test description"


def test_a_change_is_not_lost_where_a_redirect_makes_it_a_read(recorded: Recorded) -> None:
    """The recorded redirect of a read, in answer to a POST: what an old server, or a proxy, does."""
    _, moved, there, *_ = recorded("rename-repository")
    label = {"name": "foo"}
    with (
        replaying([{**moved, "method": "post", "body": label}, there]) as replay,
        pytest.raises(TrackerError, match=r"^GitHub has moved: a change was not heard; configure its new address"),
    ):
        tracker(replay, "rename-repository").caller.write("POST", f"{replay.url}{moved['path']}", json=label)
