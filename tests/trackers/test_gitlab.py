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
from sessions.tickets.dialects.gitlab import GITLAB_MARKDOWN
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import TicketPart, WriteResult
from sessions.tickets.trackers import TRACKERS, recognise_address, recognise_clone
from sessions.tickets.trackers.configured import connect_tracker
from sessions.tickets.trackers.gitlab.address import locate_project
from sessions.tickets.trackers.gitlab.tracker import GitLabTracker
from tests.repositories import Builder, run_git
from tests.trackers.gitlab_contract import faults_of_answer, faults_of_request
from tests.trackers.gitlab_fake import JOB_TOKEN, PROJECT, PROJECT_ID, TOKEN, VIEWER, FakeGitLab, Request, serving

READY, WORK, HEAD = "workflow::ready", "workflow::needs work", "0a" * 20
CULPRIT = Account(
    number=7,
    verdict=Verdict.CULPRIT,
    commit=HEAD,
    summary="culprit: it breaks test_seven",
    text="**culprit** on 2026-11-23\n\n```text\nboom\n```\n",
    url="https://example.org/report",
)
WAITING = replace(CULPRIT, verdict=Verdict.BLOCKED, summary="blocked: it waits for 5", text="It waits.")


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitLab]:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with serving(FakeGitLab()) as fake:
        yield fake
    assert fake.problems == []


def tracker(gitlab: FakeGitLab, **settings: Any) -> GitLabTracker:
    keys = {"ready": (READY,), "never": (WORK,), "at_fault": WORK, **settings}
    return GitLabTracker(Tracker(tracker="gitlab", url=gitlab.url, **keys), patience=0)


def test_the_reference_is_held_against_what_is_said() -> None:
    place = "/projects/:id/statuses/:sha"
    assert faults_of_request("POST", place, {}, {"state": "success"}) == []
    assert faults_of_request("POST", place, {}, {"state": "green"})
    assert faults_of_request("POST", place, {}, {"state": "success", "colour": "green"})
    assert faults_of_request("POST", place, {}, None)
    assert faults_of_request("GET", "/projects/:id/merge_requests", {"state": "open"}, None)
    assert faults_of_request("GET", "/projects/:id/merge_requests", {"per_page": "101"}, None)
    assert faults_of_answer("POST", place, 201, {"status": "success"})
    assert faults_of_answer("POST", place, 200, {})


def test_reads_every_field(gitlab: FakeGitLab) -> None:
    text = f"Depends on !5, {PROJECT}!4 and other/project!9.\n\n## Dependencies\n#3\n!2\n"
    gitlab.add(
        Request(
            number=7,
            title="Seven <b>",
            description=text,
            labels=[READY, "priority::high"],
            milestone="1.1",
            head=HEAD,
            approved_by=("joe", "jo"),
            blocks=((PROJECT_ID, 6, "opened"), (PROJECT_ID, 1, "merged")),
        ),
        Request(number=8, author=None, description=None),
    )
    seven, eight = tracker(gitlab, approvals=2).read()
    assert seven == Ticket(
        number=7,
        title="Seven <b>",
        url=f"https://gitlab.example.org/{PROJECT}/-/merge_requests/7",
        labels=(READY, "priority::high"),
        milestone="1.1",
        branch="refs/merge-requests/7/head",
        commit=HEAD,
        depends=(2, 4, 5, 6, 1),
        authors=("jane",),
        reviewers=("joe", "jo"),
        description=text,
        target="main",
    )
    assert (eight.authors, eight.milestone, eight.labels, eight.depends) == ((), "", (), ())


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("Depends on !5 and !6", (5, 6)),
        ("Depends on #5", ()),  # an issue
        (f"Depends on https://gitlab.example.org/{PROJECT}/-/merge_requests/5", (5,)),
        ("Depends on https://gitlab.example.org/other/project/-/merge_requests/5", ()),
        ("Depends on project!5, other/sub/project!6", ()),
        ("See !5. Closes #6", ()),
        ("Depends on !7", ()),
    ],
)
def test_dependencies_are_in_gitlabs_notation(gitlab: FakeGitLab, text: str, depends: tuple[int, ...]) -> None:
    gitlab.add(Request(number=7, description=text))
    assert tracker(gitlab).read()[0].depends == depends


def test_more_blocking_ones_than_a_page_holds(gitlab: FakeGitLab) -> None:
    blocks = tuple((PROJECT_ID, number, "opened") for number in range(100, 230))
    gitlab.add(Request(number=7, labels=[READY], blocks=blocks))
    assert tracker(gitlab).read()[0].depends == tuple(range(100, 230))


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({"draft": True}, "it is a draft"),
        ({"resolved": False}, "not all of its threads are resolved"),
        ({"reviewers": (("jo", "approved"), ("jim", "requested_changes"))}, "changes are requested"),
        ({"merge_status": "requested_changes"}, "changes are requested"),
        ({"approvals_left": 1}, "it needs 1 more approval"),
        ({"approvals_left": 2, "approved_by": ("jo",)}, "it needs 2 more approvals"),
        ({"blocks": ((77, 3, "opened"),)}, "it waits for group/other!3, which is in another project"),
        ({"blocks": ((77, 3, "merged"),)}, ""),
        ({"blocks": ((77, 3, "hidden"),)}, "it waits for a merge request that the token cannot see"),
        ({"merge_status": "conflict"}, ""),  # Integrand finds out by itself, and on the release
    ],
)
def test_what_gitlab_holds_back(gitlab: FakeGitLab, change: dict[str, Any], held: str) -> None:
    gitlab.add(Request(number=7, labels=[READY], **change))
    assert tracker(gitlab).read()[0].held == held


OURS = ("integrand", "failed", False)


@pytest.mark.parametrize(
    ("required", "pipeline", "jobs", "held"),
    [
        ("pipeline", "success", (), ""),
        ("pipeline", None, (), "its pipeline has not run"),
        ("pipeline", "running", (), "its pipeline has not finished"),
        ("pipeline", "manual", (), "its pipeline has not finished"),
        ("pipeline", "failed", (("test", "failed", False),), "its pipeline failed"),
        ("pipeline", "skipped", (), "its pipeline failed"),
        ("pipeline", "failed", (("test", "success", False), OURS), ""),
        ("pipeline", "failed", (("test", "failed", True), OURS), ""),
        ("pipeline", "failed", (("test", "failed", False), OURS), "its pipeline failed"),
        ("pipeline", "failed", (OURS,), "its pipeline has not run"),
        ("test", "failed", (("test", "success", False),), ""),
        ("test", "success", (("test", "skipped", False),), "its check test failed"),
        (
            "test",
            "success",
            (("test", "running", False), ("test", "success", False)),
            "its check test has not finished",
        ),
        ("test", "success", (("lint", "success", False),), "its check test has not run"),
    ],
)
def test_checks_that_are_required(
    gitlab: FakeGitLab, required: str, pipeline: str | None, jobs: tuple[tuple[str, str, bool], ...], held: str
) -> None:
    gitlab.add(Request(number=7, labels=[READY], pipeline=pipeline, jobs=jobs))
    assert tracker(gitlab, require_checks=(required,)).read()[0].held == held


def test_our_own_status_does_not_fail_the_pipeline_that_the_next_day_requires(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head=HEAD, labels=[READY], pipeline="success", jobs=(("test", "success", False),)))
    assert tracker(gitlab, at_fault="").tell(CULPRIT).changed
    assert gitlab._whole(gitlab.found[7])["head_pipeline"]["status"] == "failed"
    assert tracker(gitlab, require_checks=("pipeline",)).read()[0].held == ""


def test_only_those_that_may_be_ready_cost_more_than_the_list(gitlab: FakeGitLab) -> None:
    gitlab.add(*(Request(number=number) for number in range(1, 151)))
    gitlab.add(Request(number=151, labels=[READY]), Request(number=152, labels=[READY, WORK]))
    assert len(tracker(gitlab).read()) == 152
    assert len(gitlab.requests) == 1 + 2 + 2  # the project, two pages, and approvals and blocking ones of one
    assert len(GitLabTracker(tracker(gitlab).config, labels_only=True).read()) == 152
    assert len(gitlab.requests) == 5 + 2


def test_the_free_edition_has_no_rules_of_approval_and_no_blocking(gitlab: FakeGitLab) -> None:
    gitlab.is_premium = False
    gitlab.add(Request(number=7, labels=[READY], approved_by=("jo",), blocks=((PROJECT_ID, 6, "opened"),)))
    gitlab.add(Request(number=8, labels=[READY]))
    seven, eight = tracker(gitlab).read()
    assert (seven.held, seven.reviewers, seven.depends) == ("", ("jo",), ())
    assert (eight.held, eight.reviewers) == ("", ())


def test_a_list_that_changes_while_it_is_read_is_read_again(gitlab: FakeGitLab) -> None:
    gitlab.add(*(Request(number=number) for number in range(1, 251)))
    closed = list[int]()

    def close_one() -> None:
        if len(closed) < 3:
            number = 10 + len(closed)
            gitlab.found[number].state = "closed"
            closed.append(number)

    gitlab.moving = close_one
    found = [each.number for each in tracker(gitlab).read()]
    assert closed == [10, 11, 12]
    assert found == [number for number in range(1, 251) if number not in closed]


def test_a_list_that_never_rests_is_not_taken_by_half(gitlab: FakeGitLab) -> None:
    gitlab.add(*(Request(number=number) for number in range(1, 251)))
    numbers = iter(range(1, 200))

    def close_one() -> None:
        gitlab.found[next(numbers)].state = "closed"

    gitlab.moving = close_one
    with pytest.raises(TrackerError, match="changes while it is read: run again"):
        tracker(gitlab).read()


def test_a_stack_depends_downwards(gitlab: FakeGitLab) -> None:
    gitlab.add(
        Request(number=7, branch="seven", is_fork=False),
        Request(number=8, target="seven", branch="eight", is_fork=False),
        Request(number=9, target="eight", branch="nine"),
        Request(number=10, target="stable", branch="main", is_fork=False),
        Request(number=11, target="nine"),
    )
    found = {each.number: (each.target, each.depends) for each in tracker(gitlab).read()}
    stable, fork = ("stable", ()), ("nine", ())
    assert found == {7: ("main", ()), 8: ("main", (7,)), 9: ("main", (8,)), 10: stable, 11: fork}


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.INTEGRATED, "success"),
        (Verdict.ALREADY_MERGED, "success"),
        (Verdict.CULPRIT, "failed"),
        (Verdict.CONFLICT, "failed"),
        (Verdict.UNFETCHABLE, "failed"),
        (Verdict.BLOCKED, "pending"),
        (Verdict.NOT_REACHED, "pending"),
    ],
)
@pytest.mark.parametrize("is_fork", [True, False])
def test_a_verdict_is_a_status_and_only_fault_moves_labels(
    gitlab: FakeGitLab, verdict: Verdict, state: str, is_fork: bool
) -> None:
    gitlab.add(Request(number=7, head=HEAD, labels=[READY, "other"], is_fork=is_fork, pipeline="success"))
    assert tracker(gitlab).tell(replace(CULPRIT, verdict=verdict)).is_whole
    status = gitlab.status(HEAD)
    assert status
    assert (status["status"], status["name"], status["target_url"]) == (state, "integrand", CULPRIT.url)
    at_fault = verdict in (Verdict.CULPRIT, Verdict.CONFLICT)
    assert sorted(gitlab.found[7].labels) == sorted(["other", WORK if at_fault else READY])


def test_without_exclusive_scopes_the_label_of_readiness_comes_off_as_well(gitlab: FakeGitLab) -> None:
    gitlab.is_premium = False
    gitlab.add(Request(number=7, head=HEAD, labels=[READY]))
    result = tracker(gitlab).tell(CULPRIT)
    assert result.changed == (TicketPart.COMMENT, TicketPart.STATUS, TicketPart.LABEL, TicketPart.LABEL_REMOVAL)
    assert gitlab.found[7].labels == [WORK]


def test_who_waits_longer_or_for_something_else_gets_no_second_status(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head=HEAD))
    assert tracker(gitlab).tell(WAITING).is_whole
    other = replace(WAITING, summary="blocked: it waits for 6", text="It waits for another.")
    assert tracker(gitlab).tell(other).changed == (TicketPart.COMMENT,)
    assert tracker(gitlab).tell(other) == WriteResult()
    assert tracker(gitlab).tell(CULPRIT).is_whole


def test_a_commit_that_is_gone_gets_no_status(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head="0b" * 20))
    gitlab.lost.add(HEAD)
    assert tracker(gitlab).tell(CULPRIT).changed == (TicketPart.COMMENT,)
    assert gitlab.statuses == []


def test_our_comment_is_found_among_hundreds(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head=HEAD))
    for number in range(230):
        gitlab.comment(7, f"chat {number}", author="jane")
    tracker(gitlab).tell(CULPRIT)
    assert tracker(gitlab).tell(CULPRIT) == WriteResult()
    assert sum(each["author"] == VIEWER for each in gitlab.found[7].notes) == 1


def test_a_locked_discussion_is_one_refusal(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head=HEAD, labels=[READY], locked=True))
    result = tracker(gitlab).tell(CULPRIT)
    [refusal] = result.refused
    assert "unlock its conversation" in refusal.why
    assert (refusal.change.part, refusal.may_be_setup) == (TicketPart.COMMENT, False)
    assert TicketPart.STATUS in result.changed
    assert tracker(gitlab).tell(CULPRIT, [refusal.change]).skipped == (refusal.change,)


def test_what_gitlab_refuses_is_one_harmless_line(gitlab: FakeGitLab) -> None:
    gitlab.add(Request(number=7, head=HEAD))
    gitlab.denied = {r"POST /statuses/.*": (403, {"message": {"base": ["no\x1b[2J", TOKEN[:4]]}})}
    [refusal] = tracker(gitlab).tell(CULPRIT).refused
    assert refusal.may_be_setup
    assert re.search(
        r"status of #7 in group/sub/project \(HTTP 403, .*does the token in GITLAB_TOKEN allow", refusal.why
    )
    assert "\x1b" not in refusal.why


HOSTILE = (
    "/close",
    "/merge now\n/label ~x",
    "x\r\n/close\r\n",
    "```\n/close\n```",
    "````\n```\n/close\n```\n````",
    "~~~\n/close",
    "<b>\n/close\n</b>",
    "\u200b/close",
    "\n\n \n/CLOSE\n",
    "`\n/close\n`",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_gives_orders_through_our_comment(gitlab: FakeGitLab, text: str) -> None:
    gitlab.add(Request(number=7, head=HEAD))
    shown = f"{GITLAB_MARKDOWN.escape(text)}\n\n{GITLAB_MARKDOWN.fence(text)}\n"
    tracker(gitlab).tell(replace(CULPRIT, text=shown))
    tracker(gitlab).tell(replace(CULPRIT, text=f"Edited.\n\n{shown}"))
    assert gitlab.found[7].notes[0]["edits"] == 1
    assert gitlab.found[7].state == "opened"


def test_the_fake_runs_the_quick_actions_that_gitlab_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above could not fail: the markup for GitHub would let a log close its merge request."""
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with serving(FakeGitLab()) as fake:
        fake.add(Request(number=7, head=HEAD))
        tracker(fake).tell(replace(CULPRIT, text=MARKDOWN.fence("```\n/close\n")))
        assert fake.problems == ["a quick action is run: /close"]
        assert fake.found[7].state == "closed"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("!7", "!\u200b7"),
        ("%1.1", "%\u200b1.1"),
        ('~"a b"', '\\~\u200b"a b"'),
        ("SEC-12", "SEC\u200b-12"),
        ("x [vulnerability:7] [[home]]", "x [\u200bvulnerability:7] [\u200b[home]]"),
        ("test_a[b-c]", "test_a[b-c]"),
        ("/close", "\\/close"),
        ("a/b and 1 / 2", "a/b and 1 / 2"),
    ],
)
def test_no_reference_forms(text: str, shown: str) -> None:
    assert GITLAB_MARKDOWN.escape(text) == shown


def test_a_job_reads_with_its_token_and_cannot_write(gitlab: FakeGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", JOB_TOKEN)
    monkeypatch.setenv("CI_SERVER_HOST", "127.0.0.1")
    gitlab.add(
        Request(number=7, head=HEAD, labels=[READY], approvals_left=1, merge_status="not_approved", pipeline="success")
    )
    gitlab.add(Request(number=8, labels=[READY], pipeline="failed"))
    assert [each.held for each in tracker(gitlab).read()] == ["it is not approved", ""]
    assert tracker(gitlab, require_checks=("pipeline",)).read()[1].held == "its pipeline failed"
    for keys in ({"approvals": 1}, {"require_checks": ("test",)}):
        with pytest.raises(TrackerAccessError, match="set GITLAB_TOKEN"):
            tracker(gitlab, **keys).read()
    with pytest.raises(TrackerAccessError, match=r"set GITLAB_TOKEN\.$"):
        tracker(gitlab).tell(CULPRIT)
    with pytest.raises(TrackerAccessError, match=r"set GITLAB_TOKEN\.$"):
        tracker(gitlab).close(Ticket(number=7, title="T", commit=HEAD), "1.0")
    assert gitlab.writes == []


def test_a_jobs_token_goes_to_no_other_server(gitlab: FakeGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", JOB_TOKEN)
    monkeypatch.setenv("CI_SERVER_HOST", "gitlab.example.org")
    assert tracker(gitlab)._access.auth is None
    gitlab.add(Request(number=7))
    assert len(tracker(gitlab).read()) == 1  # as anybody may


@pytest.mark.parametrize(
    ("url", "rest"),
    [
        ("https://gitlab.com/g/n", "https://gitlab.com/api/v4/projects/g%2Fn"),
        ("https://gitlab.com/g/s/n.git", "https://gitlab.com/api/v4/projects/g%2Fs%2Fn"),
        ("https://git.edu:8443/g/n/-/merge_requests", "https://git.edu:8443/api/v4/projects/g%2Fn"),
        ("https://git.edu/gitlab/api/v4/projects/g%2Fs%2Fn", "https://git.edu/gitlab/api/v4/projects/g%2Fs%2Fn"),
        ("https://git.edu/api/v4/projects/278964", "https://git.edu/api/v4/projects/278964"),
        ("g/s/n", "https://gitlab.com/api/v4/projects/g%2Fs%2Fn"),
    ],
)
def test_where_a_project_is(url: str, rest: str) -> None:
    assert locate_project(url).rest == rest
    assert locate_project(locate_project(url).url).rest == rest or "/gitlab/" in rest


@pytest.mark.parametrize(
    ("name", "value", "rest"),
    [
        ("GITLAB_HOST", "git.edu", "https://git.edu/api/v4/projects/g%2Fn"),
        ("CI_SERVER_URL", "https://ci.edu:8443", "https://ci.edu:8443/api/v4/projects/g%2Fn"),
    ],
)
def test_a_short_address_is_on_the_server_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, rest: str
) -> None:
    monkeypatch.setenv(name, value)
    assert locate_project("g/n").rest == rest


@pytest.mark.parametrize(
    "url",
    ["", "n", "https://gitlab.com/", "https://gitlab.com/n", "ftp://h/g/n", "https://me:pass@h/g/n", "http://h/g/n"],
)
def test_where_no_project_is(url: str) -> None:
    with pytest.raises(TrackerError, match=r"^\[tickets\] url") as caught:
        locate_project(url)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("git@gitlab.com:g/s/n.git", "https://gitlab.com/g/s/n"),
        ("https://gitlab.gnome.org/GNOME/gtk.git", "https://gitlab.gnome.org/GNOME/gtk"),
        ("ssh://git@gitlab.edu:2222/g/n.git", "https://gitlab.edu/g/n"),
        ("https://gitlab.edu:8443/g/n", "https://gitlab.edu:8443/g/n"),
        ("https://gitlab-ci-token:s3cr3t@ci.edu/g/n.git", "https://ci.edu/g/n"),
        ("git@salsa.debian.org:science-team/sagemath.git", "https://salsa.debian.org/science-team/sagemath"),
    ],
)
def test_a_clone_of_gitlab_is_recognised(monkeypatch: pytest.MonkeyPatch, origin: str, url: str) -> None:
    monkeypatch.setenv("CI_SERVER_HOST", "ci.edu")
    found = recognise_clone(origin)
    assert found
    assert (found.kind, found.url) == (TRACKERS["gitlab"], url)


@pytest.mark.parametrize("origin", ["https://github.com/gitlabhq/gitlabhq", "/srv/gitlab/g/n.git", "https://h.edu/g/n"])
def test_other_clones_are_not(origin: str) -> None:
    found = recognise_clone(origin)
    assert not found or found.kind.name == "github"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("https://gitlab.com/g/n", "gitlab"),
        ("https://git.edu/api/v4/projects/7", "gitlab"),
        ("https://git.edu/g/n/-/issues", "gitlab"),
        ("gitlab:https://git.edu/g/n", "gitlab"),
        ("https://github.com/gitlabhq/gitlabhq", "github"),
    ],
)
def test_an_address_that_was_typed_is_recognised(typed: str, name: str) -> None:
    found = recognise_address(typed)
    assert found
    assert found.kind.name == name


def test_the_guide_has_a_configuration_that_works(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "gitlab.md"
    (text,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "integration.toml").write_text(text, encoding="utf-8")
    assert isinstance(connect_tracker(load_config(tmp_path / "integration.toml").tickets[0]), GitLabTracker)


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_init_finds_it_by_the_origin_of_a_clone(
    gitlab: FakeGitLab, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", token)
    monkeypatch.setenv("GITLAB_HOST", "127.0.0.1")
    base = builder.commit({"Makefile": "check:\n"})
    builder.tag("1.0")
    for number, labels in {2: (READY, "priority::low"), 3: (WORK, "priority::high")}.items():
        tip = builder.commit({f"f{number}": ""}, base, branch=f"refs/merge-requests/{number}/head")
        gitlab.add(Request(number=number, title="T", head=tip, labels=list(labels), milestone="1.1"))
    folder = tmp_path / "p"
    run_git("clone", "--quiet", builder.url, str(folder), cwd=tmp_path)
    run_git("remote", "set-url", "origin", gitlab.url, cwd=folder)
    assert run_init((), folder) is None
    tickets = load_config(folder / "integration.toml").tickets[0]
    if token != TOKEN:
        assert tickets.tracker == "file"
        assert "GitLab could not be asked" in (folder / "integration.toml").read_text()
        return
    assert (tickets.tracker, tickets.url, tickets.milestone) == ("gitlab", gitlab.url, "current")
    assert (tickets.ready, tickets.never) == ((READY,), (WORK,))
    assert tickets.priorities == ("priority::high", "priority::low")
    text = (folder / "integration.toml").read_text()
    (folder / "integration.toml").write_text(re.sub(r'(?m)^repository = ".*"', f'repository = "{builder.url}"', text))
    words = ("--plan", "--date", "2026-11-23")
    options = parse_options(words, session="integrate", called_from=folder, home=folder)
    record = integrate(options, Console(to_stderr=True))
    assert {each.number: each.verdict for each in record.tickets} == {2: "integrated", 3: "ineligible"}
