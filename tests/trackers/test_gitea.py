from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.main import run_init
from sessions.settings.configuration_file import load_config
from sessions.settings.options import parse_options
from sessions.settings.ticket_settings import Tracker
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerAccessError, TrackerError
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import TicketPart, WriteResult
from sessions.tickets.trackers import TRACKERS, merge_subjects, recognise_address, recognise_clone
from sessions.tickets.trackers.configured import connect_tracker
from sessions.tickets.trackers.gitea.address import FORGEJO_HOSTS, GITEA_HOSTS, Hosts, locate_repository
from sessions.tickets.trackers.gitea.tracker import GiteaTracker
from tests.repositories import Builder, run_git
from tests.trackers.gitea_contract import faults_of_answer, faults_of_request
from tests.trackers.gitea_fake import NAME, OWNER, TOKEN, VIEWER, FakeGitea, Pull, Review, serving

READY, WORK, HEAD = "status/ready", "status/needs work", "0a" * 20
HERE = f"{OWNER}/{NAME}"
CULPRIT = Account(
    number=7,
    verdict=Verdict.CULPRIT,
    commit=HEAD,
    summary="culprit: it breaks test_seven",
    text="**culprit** on 2026-11-23\n\n```text\nboom\n```\n",
    url="https://example.org/report",
)


@pytest.fixture
def gitea(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitea]:
    monkeypatch.setenv("FORGEJO_TOKEN", TOKEN)
    with serving(FakeGitea()) as fake:
        fake.labels = {READY: True, WORK: True}
        yield fake
    assert fake.problems == []


def tracker(gitea: FakeGitea, **settings: Any) -> GiteaTracker:
    keys = {"ready": (READY,), "never": (WORK,), "at_fault": WORK, **settings}
    return GiteaTracker(Tracker(tracker="forgejo", url=gitea.url, **keys), patience=0, hosts=FORGEJO_HOSTS)


def test_the_description_is_held_against_what_is_said() -> None:
    place = "/repos/{owner}/{repo}/statuses/{sha}"
    assert faults_of_request("POST", place, {}, {"state": "success"}) == []
    assert faults_of_request("POST", place, {}, {"state": "green"})
    assert faults_of_request("POST", place, {}, {"state": "success", "colour": "green"})
    assert faults_of_request("POST", place, {}, None)
    assert faults_of_request("GET", "/repos/{owner}/{repo}/pulls", {"per_page": "50"}, None)
    assert faults_of_request("POST", "/repos/{owner}/{repo}/issues/{index}/labels", {}, {"labels": [{}]})
    assert faults_of_answer("POST", place, 201, {"status": 3})
    assert faults_of_answer("POST", place, 201, {"state": "success"})
    assert faults_of_answer("POST", place, 200, {})


def test_reads_every_field(gitea: FakeGitea) -> None:
    text = "Depends on #5.\n\n## Dependencies\n#4\n"
    gitea.add(
        Pull(
            number=7,
            title="Seven <b>",
            body=text,
            labels=[READY, "priority/high"],
            milestone="1.1",
            head=HEAD,
            reviews=(
                Review("joe", "REQUEST_CHANGES"),
                Review("joe", "APPROVED"),
                Review("jo", "APPROVED", official=False),
                Review("jim", "APPROVED", dismissed=True),
                Review("jo", "COMMENT"),
                Review(None, "APPROVED"),
            ),
            dependencies=((HERE, 6, True, "open"), (HERE, 3, True, "closed"), (HERE, 2, False, "closed")),
        ),
        Pull(number=8, author=None),
    )
    seven, eight = tracker(gitea).read()
    assert seven == Ticket(
        number=7,
        title="Seven <b>",
        url=f"https://forgejo.example.org/{HERE}/pulls/7",
        labels=(READY, "priority/high"),
        milestone="1.1",
        branch="refs/pull/7/head",
        commit=HEAD,
        depends=(4, 5, 6, 3),
        authors=("jane",),
        reviewers=("joe", "jo"),
        description=text,
        target="main",
    )
    assert (eight.authors, eight.milestone, eight.labels, eight.depends) == ((), "", (), ())


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({"draft": True}, "it is a draft"),
        ({"reviews": (Review("jo", "APPROVED"), Review("jo", "REQUEST_CHANGES"))}, "changes are requested"),
        ({"reviews": (Review("jo", "REQUEST_CHANGES", official=False),)}, ""),
        ({"reviews": (Review("jo", "REQUEST_CHANGES", dismissed=True),)}, ""),
        ({"dependencies": ((HERE, 3, False, "open"),)}, f"it depends on issue {HERE}#3, which is open"),
        ({"dependencies": (("o/n", 3, True, "open"),)}, "it depends on pull request o/n#3, which is open"),
        ({"dependencies": (("o/n", 3, True, "closed"),)}, ""),
        ({"dependencies": (("", 0, False, "open"),)}, "it depends on something that the token cannot see"),
        ({"checks": (("build", "success"),)}, ""),
        ({"checks": (("build", "failure"), ("build", "success"))}, ""),
        ({"checks": (("build", "success"), ("build", "pending"))}, "its check build has not finished"),
        ({"checks": (("build", "warning"),)}, ""),
        ({"checks": (("build", "error"),)}, "its check build failed"),
        ({"checks": (("lint", "success"),)}, "its check build has not run"),
    ],
)
def test_what_the_forge_holds_back(gitea: FakeGitea, change: dict[str, Any], held: str) -> None:
    gitea.add(Pull(number=7, labels=[READY], **({"checks": (("build", "success"),)} | change)))
    assert tracker(gitea, require_checks=("build",)).read()[0].held == held


def test_more_checks_than_one_answer_holds(gitea: FakeGitea) -> None:
    checks = tuple((f"build {number}", "success") for number in range(120))
    gitea.add(Pull(number=7, labels=[READY], checks=(*checks, ("last", "failure"))))
    assert tracker(gitea, require_checks=("build 3", "build 119")).read()[0].held == ""
    assert tracker(gitea, require_checks=("last",)).read()[0].held == "its check last failed"


def test_a_server_that_gives_less_at_once_is_read_whole(gitea: FakeGitea) -> None:
    gitea.page = 7
    dependencies = tuple((HERE, number, True, "closed") for number in range(100, 120))
    gitea.add(*(Pull(number=number) for number in range(1, 31)))
    gitea.add(Pull(number=31, labels=[READY], dependencies=dependencies))
    found = tracker(gitea).read()
    assert [each.number for each in found] == list(range(1, 32))
    assert found[-1].depends == tuple(range(100, 120))


def test_only_those_that_may_be_ready_cost_more_than_the_list(gitea: FakeGitea) -> None:
    gitea.add(*(Pull(number=number) for number in range(1, 61)))
    gitea.add(Pull(number=61, labels=[READY]), Pull(number=62, labels=[READY, WORK]))
    assert len(tracker(gitea).read()) == 62
    assert len(gitea.requests) == 2 + 2  # two pages; reviews and dependencies of one
    assert len(GiteaTracker(tracker(gitea).config, labels_only=True).read()) == 62
    assert len(gitea.requests) == 4 + 2


def test_a_repository_without_dependencies(gitea: FakeGitea) -> None:
    gitea.has_dependencies = False
    gitea.add(Pull(number=7, labels=[READY], body="Depends on #5"))
    assert tracker(gitea).read()[0].depends == (5,)


def test_a_stack_depends_downwards(gitea: FakeGitea) -> None:
    gitea.add(
        Pull(number=7, branch="seven", is_fork=False),
        Pull(number=8, base="seven", branch="eight"),
        Pull(number=9, base="eight"),
        Pull(number=10, base="stable", branch="main", is_fork=False),
    )
    found = {each.number: (each.target, each.depends) for each in tracker(gitea).read()}
    assert found == {7: ("main", ()), 8: ("main", (7,)), 9: ("eight", ()), 10: ("stable", ())}


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.INTEGRATED, "success"),
        (Verdict.ALREADY_MERGED, "success"),
        (Verdict.CULPRIT, "failure"),
        (Verdict.CONFLICT, "failure"),
        (Verdict.UNFETCHABLE, "error"),
        (Verdict.BLOCKED, "pending"),
        (Verdict.NOT_REACHED, "pending"),
    ],
)
@pytest.mark.parametrize("is_exclusive", [True, False])
def test_a_verdict_is_a_status_and_only_fault_moves_labels(
    gitea: FakeGitea, verdict: Verdict, state: str, is_exclusive: bool
) -> None:
    gitea.labels[WORK] = is_exclusive
    gitea.add(Pull(number=7, head=HEAD, labels=[READY, "other"]))
    account = replace(CULPRIT, verdict=verdict)
    assert tracker(gitea).tell(account).is_whole
    status = gitea.status(HEAD)
    assert status
    assert (status["status"], status["context"], status["target_url"]) == (state, "integrand", CULPRIT.url)
    at_fault = verdict in (Verdict.CULPRIT, Verdict.CONFLICT)
    assert sorted(gitea.pulls[7].labels) == sorted(["other", WORK if at_fault else READY])
    assert tracker(gitea).tell(account) == WriteResult()


def test_a_label_that_the_repository_does_not_have_is_a_refusal(gitea: FakeGitea) -> None:
    gitea.add(Pull(number=7, head=HEAD, labels=[READY]))
    result = tracker(gitea, at_fault="needs work").tell(CULPRIT)
    [refusal] = result.refused
    assert refusal.why == f"{HERE} has no label 'needs work': make it, or correct [tickets] at_fault."
    assert (refusal.may_be_setup, refusal.change.part) == (True, TicketPart.LABEL)
    assert TicketPart.COMMENT in result.changed


def test_a_commit_that_is_gone_gets_no_status(gitea: FakeGitea) -> None:
    gitea.add(Pull(number=7, head="0b" * 20))
    gitea.lost.add(HEAD)
    assert tracker(gitea).tell(CULPRIT).changed == (TicketPart.COMMENT,)
    assert gitea.statuses == []


def test_a_locked_conversation_is_one_refusal(gitea: FakeGitea) -> None:
    gitea.add(Pull(number=7, head=HEAD, labels=[READY], locked=True))
    result = tracker(gitea).tell(CULPRIT)
    [refusal] = result.refused
    assert "unlock its conversation" in refusal.why
    assert TicketPart.STATUS in result.changed


def test_hostile_text_reaches_the_comment_and_nothing_else(gitea: FakeGitea) -> None:
    gitea.add(Pull(number=7, head=HEAD))
    hostile = "@jane closes #5 !6 <script>\n```\n/close\n"
    text = f"{MARKDOWN.escape(hostile)}\n\n{MARKDOWN.fence(hostile)}"
    assert tracker(gitea).tell(replace(CULPRIT, text=text)).changed
    [comment] = gitea.pulls[7].comments
    first = comment["body"].splitlines()[1]
    assert not re.search(r"@\w|#\d|!\d|(?<!\\)<", first)
    assert comment["author"] == VIEWER


def test_a_token_without_the_scope_for_its_owner(gitea: FakeGitea) -> None:
    gitea.denied = {
        "GET /user": (403, {"message": "token does not have at least one of required scope(s): [read:user]"})
    }
    gitea.add(Pull(number=7, head=HEAD))
    with pytest.raises(TrackerAccessError, match=r"required scope.*FORGEJO_TOKEN or GITEA_TOKEN.*read its owner\.$"):
        tracker(gitea).tell(CULPRIT)
    assert gitea.writes == []


def test_anybody_reads_a_public_repository_and_nobody_writes(gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGEJO_TOKEN")
    gitea.add(Pull(number=7, head=HEAD))
    assert len(tracker(gitea).read()) == 1
    with pytest.raises(TrackerAccessError, match=r"HTTP 401.*FORGEJO_TOKEN or GITEA_TOKEN"):
        tracker(gitea).tell(CULPRIT)
    with pytest.raises(TrackerAccessError, match=r"HTTP 401.*FORGEJO_TOKEN or GITEA_TOKEN"):
        tracker(gitea).close(Ticket(number=7, title="T", commit=HEAD), "1.0")
    assert gitea.pulls[7].state == "open"


@pytest.mark.parametrize(
    ("url", "hosts", "rest"),
    [
        ("https://codeberg.org/o/n", FORGEJO_HOSTS, "https://codeberg.org/api/v1/repos/o/n"),
        ("https://git.edu/sub/o/n.git", GITEA_HOSTS, "https://git.edu/sub/api/v1/repos/o/n"),
        ("https://git.edu:8443/api/v1/repos/o/n/", GITEA_HOSTS, "https://git.edu:8443/api/v1/repos/o/n"),
        ("https://codeberg.org/o/n/pulls/7", FORGEJO_HOSTS, "https://codeberg.org/api/v1/repos/o/n"),
        ("o/n", FORGEJO_HOSTS, "https://codeberg.org/api/v1/repos/o/n"),
        ("o/n", GITEA_HOSTS, "https://gitea.com/api/v1/repos/o/n"),
    ],
)
def test_where_a_repository_is(url: str, hosts: Hosts, rest: str) -> None:
    assert locate_repository(url, hosts).rest == rest
    assert locate_repository(locate_repository(url, hosts).url, hosts).rest == rest


def test_a_short_address_is_on_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEJO_SERVER_URL", "https://git.edu/")
    assert locate_repository("o/n", FORGEJO_HOSTS).rest == "https://git.edu/api/v1/repos/o/n"
    assert locate_repository("o/n", GITEA_HOSTS).rest == "https://gitea.com/api/v1/repos/o/n"


@pytest.mark.parametrize(
    "url", ["", "n", "https://h/", "https://h/n", "ftp://h/o/n", "https://me:pass@h/o/n", "http://h/o/n"]
)
def test_where_no_repository_is(url: str) -> None:
    with pytest.raises(TrackerError, match=r"^\[tickets\] url") as caught:
        locate_repository(url, FORGEJO_HOSTS)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "name", "url"),
    [
        ("git@codeberg.org:o/n.git", "forgejo", "https://codeberg.org/o/n"),
        ("https://code.forgejo.org/o/n", "forgejo", "https://code.forgejo.org/o/n"),
        ("ssh://git@gitea.edu:2222/o/n.git", "gitea", "https://gitea.edu/o/n"),
        ("https://me:s3cr3t@own.edu:3000/o/n.git", "gitea", "https://own.edu:3000/o/n"),
    ],
)
def test_a_clone_is_recognised(monkeypatch: pytest.MonkeyPatch, origin: str, name: str, url: str) -> None:
    monkeypatch.setenv("GITEA_SERVER_URL", "https://own.edu:3000")
    found = recognise_clone(origin)
    assert found
    assert (found.kind, found.url) == (TRACKERS[name], url)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("https://codeberg.org/o/n", "forgejo"),
        ("https://git.edu/api/v1/repos/o/n", "gitea"),
        ("forgejo:o/n", "forgejo"),
        ("gitea:https://git.edu/o/n", "gitea"),
        ("https://api.github.com/repos/o/n", "github"),
        ("https://github.com/go-gitea/gitea", "github"),
    ],
)
def test_an_address_that_was_typed_is_recognised(typed: str, name: str) -> None:
    found = recognise_address(typed)
    assert found
    assert found.kind.name == name


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Merge pull request 'Fix (#3) again' (#7) from jane/fix into main", 7),
        ("Fix again (#7)", 7),
        ("Merge pull request 'Fix' from jane/fix into main", 0),
    ],
)
def test_merges_name_their_pull_request(subject: str, number: int) -> None:
    assert merge_subjects().number(subject) == number


def test_the_guide_has_a_configuration_that_works(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "forgejo.md"
    (text,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "integration.toml").write_text(text, encoding="utf-8")
    assert isinstance(connect_tracker(load_config(tmp_path / "integration.toml").tickets[0]), GiteaTracker)


def test_init_finds_it_by_the_origin_of_a_clone(
    gitea: FakeGitea, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGEJO_SERVER_URL", gitea.url.removesuffix(f"/{HERE}"))
    base = builder.commit({"Makefile": "check:\n"})
    builder.tag("1.0")
    for number, labels in {2: ("ready", "priority/low"), 3: ("wip", "priority/high")}.items():
        tip = builder.commit({f"f{number}": ""}, base, branch=f"refs/pull/{number}/head")
        gitea.add(Pull(number=number, title="T", head=tip, labels=list(labels), milestone="1.1"))
    folder = tmp_path / "p"
    run_git("clone", "--quiet", builder.url, str(folder), cwd=tmp_path)
    run_git("remote", "set-url", "origin", gitea.url, cwd=folder)
    assert run_init((), folder) is None
    tickets = load_config(folder / "integration.toml").tickets[0]
    assert (tickets.tracker, tickets.url, tickets.milestone) == ("forgejo", gitea.url, "current")
    assert (tickets.ready, tickets.never) == (("ready",), ("wip",))
    assert tickets.priorities == ("priority/high", "priority/low")
    text = (folder / "integration.toml").read_text()
    (folder / "integration.toml").write_text(re.sub(r'(?m)^repository = ".*"', f'repository = "{builder.url}"', text))
    words = ("--plan", "--date", "2026-11-23")
    options = parse_options(words, session="integrate", called_from=folder, home=folder)
    record = integrate(options, Console(to_stderr=True))
    assert {each.number: each.verdict for each in record.tickets} == {2: "integrated", 3: "ineligible"}


def test_whether_an_issue_is_open(gitea: FakeGitea) -> None:
    gitea.issues = {3: "open", 4: "closed"}
    assert tracker(gitea).open_issues([3, 4]) == {3}
    with pytest.raises(
        TrackerError, match=r"^A hint ends when #9 is closed, and whether it is cannot be seen: Forgejo"
    ):
        tracker(gitea).open_issues([9])
