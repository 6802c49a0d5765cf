from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.settings.configuration import Tracker
from sessions.settings.configuration_file import load_config
from sessions.terminal.errors import TrackerError
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import WriteResult
from sessions.tickets.trackers import TRACKERS
from sessions.tickets.trackers.configured import connect_tracker
from sessions.tickets.trackers.forge.comment import MAX_COMMENT, cut
from sessions.tickets.trackers.github.address import address_of, auth_for
from sessions.tickets.trackers.github.tracker import GitHubTracker
from sessions.tickets.trackers.http import Caller
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import NAME, OWNER, TOKEN, VIEWER, FakeGitHub, Pull, serving
from tests.trackers.sockets import FAULTS, Fault, FaultKind

READY, WORK = "s: positive review", "s: needs work"
MARKER = f"<!-- integrand:{OWNER}/{NAME} -->"
HEAD = "0a" * 20
LIMITS = ("429", "429 with Retry-After", "limited")
CULPRIT = Account(
    number=7,
    verdict=Verdict.CULPRIT,
    commit=HEAD,
    summary="culprit: it breaks test_seven",
    text="**culprit** on 2026-11-23\n\n```text\nboom\n```\n",
    url="https://example.org/report",
)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def github(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    with serving(FakeGitHub(contract)) as fake:
        yield fake
    assert fake.problems == []


def tracker(
    github: FakeGitHub, *, required: tuple[str, ...] = (), at_fault: str = WORK, fault: FaultKind | None = None
) -> GitHubTracker:
    """One as a new session makes it, with a clock of its own; impatient where the server is to be slow."""
    timeout = 0.5 if fault == "slow" else 10
    config = Tracker(
        tracker="github", url=github.url, ready=(READY,), never=(WORK,), require_checks=required, at_fault=at_fault
    )
    made, clock = GitHubTracker(config), Clock()
    auth = auth_for(made.place)
    vars(made)["caller"] = Caller("GitHub", auth, pause=1, timeout=timeout, now=clock.now, sleep=clock.sleep)
    return made


def test_the_contract_is_held_against_what_is_said(contract: Contract) -> None:
    place = "/repos/{owner}/{repo}/statuses/{sha}"
    assert contract.faults_of_request("POST", place, {"state": "success", "target_url": None}) == []
    assert contract.faults_of_request("POST", place, {"state": "green"})
    assert contract.faults_of_request("POST", place, None)
    assert contract.faults_of_response("POST", place, 201, {"state": "success"})
    assert contract.faults_of_response("POST", place, 200, {})
    assert contract.parse("{ repository(owner: 3) { nonsense } }")[1]


def test_the_guide_has_a_configuration_that_works(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "github.md"
    (text,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "integration.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "integration.toml")
    assert isinstance(connect_tracker(config.tickets[0]), GitHubTracker)
    assert address_of(config.tickets[0].url).graphql == "https://api.github.com/graphql"


def test_the_registry_has_it(github: FakeGitHub) -> None:
    assert connect_tracker(Tracker(tracker="github", url=github.url)).read() == ()
    assert TRACKERS["github"].dialect is MARKDOWN


def test_reads_every_field(github: FakeGitHub) -> None:
    body = "Fixes #3.\n\n### :hourglass: Dependencies\n<!-- - #12345 -->\n- #5 (for the rest)\n\nDepends-On: #4\n"
    github.add(
        Pull(
            number=7,
            title="Seven <b>",
            body=body,
            labels=[READY, "p: major / 3"],
            milestone="sage-10.5",
            head=HEAD,
            author="jane",
            reviews=[("joe", "APPROVED", True), ("jim", "DISMISSED", True), ("jo", "APPROVED", False)],
        ),
        Pull(number=8, author=None),
    )
    seven, eight = tracker(github).read()
    assert seven == Ticket(
        number=7,
        title="Seven <b>",
        url="https://github.com/sagemath/sage/pull/7",
        labels=(READY, "p: major / 3"),
        milestone="sage-10.5",
        branch="refs/pull/7/head",
        commit=HEAD,
        depends=(4, 5),
        authors=("jane",),
        reviewers=("joe", "jo"),
        description=body,
        target="develop",
    )
    assert (eight.authors, eight.milestone, eight.labels, eight.depends) == ((), "", (), ())
    assert github.tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("body", "depends"),
    [
        ("- Depends on #5 and #6", (5, 6)),
        ("## Dependencies\nhttps://github.com/sagemath/sage/pull/5\n", (5,)),
        ("Depends on sagemath/sage#5, python/cpython#9", (5,)),
        ("## Dependencies\nNone\n\nSee #5", ()),
        ("## Dependencies\n#7", ()),
    ],
)
def test_dependencies_are_those_that_are_meant(github: FakeGitHub, body: str, depends: tuple[int, ...]) -> None:
    github.add(Pull(number=7, body=body))
    assert tracker(github).read()[0].depends == depends


def test_a_backport_tells_its_branch(github: FakeGitHub) -> None:
    github.add(Pull(number=7, base="10.4.x"), Pull(number=8))
    seven, eight = tracker(github).read()
    rules = Rules(ready=(), never=(), milestone=None, target="develop")
    assert why_not(seven, rules) == "it is for branch 10.4.x, and today's is develop"
    assert why_not(eight, rules) is None


def test_a_stack_is_for_what_its_lowest_is_for_and_depends_downwards(github: FakeGitHub) -> None:
    github.add(
        Pull(number=7, branch="seven", is_fork=False),
        Pull(number=8, base="seven", branch="eight", is_fork=False, body="Depends on #3"),
        Pull(number=9, base="eight", branch="nine", is_fork=True),
        Pull(number=10, base="nine"),  # a fork's branch is no branch of this repository
        Pull(number=11, base="10.4.x", branch="eleven", is_fork=False),
        Pull(number=12, base="eleven"),
    )
    found = {each.number: (each.target, each.depends) for each in tracker(github).read()}
    assert found == {
        7: ("develop", ()),
        8: ("develop", (3, 7)),
        9: ("develop", (8,)),
        10: ("nine", ()),
        11: ("10.4.x", ()),
        12: ("10.4.x", (11,)),
    }


def test_a_long_lived_branch_that_is_itself_a_pull_request_makes_no_stack(github: FakeGitHub) -> None:
    """As where `develop` is to be merged into `stable`: whatever is for `develop` does not depend on that."""
    github.add(
        Pull(number=7, base="stable", branch="develop", is_fork=False),
        Pull(number=8),
        Pull(number=9, base="next", branch="develop", is_fork=False),
        Pull(number=10, base="stable", branch="next", is_fork=False),
    )
    config = replace(tracker(github).config, target="next")
    found = {each.number: (each.target, each.depends) for each in GitHubTracker(config).read()}
    assert found == {7: ("stable", ()), 8: ("develop", ()), 9: ("next", ()), 10: ("stable", ())}


def test_two_that_are_for_each_others_branch(github: FakeGitHub) -> None:
    github.add(
        Pull(number=7, base="eight", branch="seven", is_fork=False),
        Pull(number=8, base="seven", branch="eight", is_fork=False),
        Pull(number=9, base="nine", branch="nine", is_fork=False),
    )
    found = {each.number: each.depends for each in tracker(github).read()}
    assert found == {7: (8,), 8: (7,), 9: ()}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_are_read_in_few_requests(github: FakeGitHub, count: int) -> None:
    checks = [("CheckRun", "build", "SUCCESS")]
    github.add(*(Pull(number=number, labels=[READY], checks=checks) for number in range(1, count + 1)))
    tickets = tracker(github, required=("build",)).read()
    assert [ticket.number for ticket in tickets] == list(range(1, count + 1))
    assert not any(ticket.held for ticket in tickets)
    assert len(github.requests) == max(1, -(-count // 100))


@pytest.mark.parametrize(
    ("pull", "held"),
    [
        (Pull(number=7, draft=True), "it is a draft"),
        (Pull(number=7, decision="CHANGES_REQUESTED"), "changes are requested"),
        (Pull(number=7, reviews=[("joe", "CHANGES_REQUESTED", True)]), "changes are requested"),
        (Pull(number=7, reviews=[("troll", "CHANGES_REQUESTED", False)]), ""),
        (Pull(number=7, decision="APPROVED"), ""),
        (Pull(number=7, decision="REVIEW_REQUIRED"), ""),
    ],
)
def test_what_github_holds_back_is_not_ready(github: FakeGitHub, pull: Pull, held: str) -> None:
    github.add(pull)
    (ticket,) = tracker(github).read()
    assert ticket.held == held
    assert why_not(ticket, Rules(ready=(), never=(), milestone=None)) == (held or None)


@pytest.mark.parametrize(
    ("checks", "held"),
    [
        ([("CheckRun", "build", "SUCCESS"), ("StatusContext", "docs", "SUCCESS")], ""),
        ([("CheckRun", "build", "SKIPPED"), ("CheckRun", "docs", "NEUTRAL"), ("CheckRun", "x", "FAILURE")], ""),
        ([("CheckRun", "build", "SUCCESS"), ("StatusContext", "docs", "ERROR")], "its check docs failed"),
        ([("CheckRun", "build", "TIMED_OUT"), ("StatusContext", "docs", "SUCCESS")], "its check build failed"),
        ([("CheckRun", "build", None), ("StatusContext", "docs", "SUCCESS")], "its check build has not finished"),
        ([("CheckRun", "build", "SUCCESS"), ("StatusContext", "docs", "PENDING")], "its check docs has not finished"),
        ([("CheckRun", "build", "SUCCESS")], "its check docs has not run"),
        ([("CheckRun", "build", "SUCCESS"), ("CheckRun", "build", "FAILURE")], "its check build failed"),
        ([], "its check build has not run"),
    ],
)
def test_required_checks_must_have_passed(
    github: FakeGitHub, checks: list[tuple[str, str, str | None]], held: str
) -> None:
    github.add(Pull(number=7, checks=checks))
    assert tracker(github, required=("build", "docs")).read()[0].held == held
    assert tracker(github).read()[0].held == ""


def test_a_check_beyond_the_first_hundred_is_found(github: FakeGitHub) -> None:
    matrix = [("CheckRun", f"build {number}", "SUCCESS") for number in range(240)]
    github.add(Pull(number=7, checks=[*matrix, ("CheckRun", "docs", "FAILURE")]), Pull(number=8, checks=matrix[:1]))
    assert [each.held for each in tracker(github, required=("docs",)).read()] == [
        "its check docs failed",
        "its check docs has not run",
    ]
    assert len(github.requests) == 3


def test_a_repository_that_is_not_there(github: FakeGitHub) -> None:
    github.url = github.url.removesuffix(NAME) + "nonsense"
    with pytest.raises(TrackerError, match=r"sagemath/nonsense \(Could not resolve to a Repository"):
        tracker(github).read()


def test_first_telling_then_nothing(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD, labels=["p: major / 3", "S: positive review"]))
    assert tracker(github).tell(CULPRIT).changed
    pull = github.pulls[7]
    link = f"[The full report]({CULPRIT.url})"
    assert [each["body"] for each in pull.comments] == [f"{MARKER}\n{CULPRIT.text.strip()}\n\n{link}\n"]
    assert pull.labels == ["p: major / 3", WORK]
    assert len(github.statuses) == 1
    status = {"state": "FAILURE", "description": CULPRIT.summary, "target_url": CULPRIT.url, "context": "integrand"}
    assert github.statuses[0] == {**status, "sha": HEAD}
    told = len(github.requests)
    assert told == 1 + 4
    assert tracker(github).tell(CULPRIT) == WriteResult()
    assert len(github.requests) == told + 1
    assert len(github.writes) == 4


def test_another_verdict_edits_the_comment_in_place(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD, labels=[READY]))
    tracker(github).tell(CULPRIT)
    github.writes.clear()
    fine = replace(CULPRIT, verdict=Verdict.INTEGRATED, summary="integrated", text="**integrated**", url="")
    assert tracker(github).tell(fine).changed
    (comment,) = github.pulls[7].comments
    assert (comment["body"], comment["edits"]) == (f"{MARKER}\n**integrated**", 1)
    assert github.status(HEAD) == {
        **github.statuses[0],
        "state": "SUCCESS",
        "description": "integrated",
        "target_url": None,
    }
    assert github.pulls[7].labels == [WORK]
    assert tracker(github).tell(fine) == WriteResult()


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.INTEGRATED, "SUCCESS"),
        (Verdict.ALREADY_MERGED, "SUCCESS"),
        (Verdict.CULPRIT, "FAILURE"),
        (Verdict.CONFLICT, "FAILURE"),
        (Verdict.UNFETCHABLE, "ERROR"),
        (Verdict.BLOCKED, "PENDING"),
        (Verdict.NOT_REACHED, "PENDING"),
    ],
)
def test_a_verdict_is_a_status_and_only_fault_moves_labels(github: FakeGitHub, verdict: Verdict, state: str) -> None:
    github.add(Pull(number=7, head=HEAD, labels=[READY]))
    tracker(github).tell(replace(CULPRIT, verdict=verdict))
    assert github.statuses[-1]["state"] == state
    assert github.pulls[7].labels == ([WORK] if state == "FAILURE" else [READY])


def test_a_copied_marker_deceives_nobody(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD))
    github.comment(7, f"{MARKER}\n{CULPRIT.text.strip()}", author="troll")
    github.comment(7, "something else", author=VIEWER)
    github.comment(7, f"> {MARKER}\nquoted", author=VIEWER)
    assert tracker(github).tell(CULPRIT).changed
    comments = github.pulls[7].comments
    assert [each["author"] for each in comments] == ["troll", VIEWER, VIEWER, VIEWER]
    assert not any(each["edits"] for each in comments)
    assert tracker(github).tell(CULPRIT) == WriteResult()


def test_our_comment_is_found_among_hundreds(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD))
    for number in range(230):
        github.comment(7, f"chat {number}", author="jane")
    tracker(github).tell(CULPRIT)
    assert tracker(github).tell(CULPRIT) == WriteResult()
    assert sum(each["author"] == VIEWER for each in github.pulls[7].comments) == 1


def test_who_pushed_since_is_told_which_commit_was_tested(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head="0b" * 20, labels=[READY]))
    assert tracker(github).tell(CULPRIT).changed
    body = github.pulls[7].comments[0]["body"]
    assert body.splitlines()[1] == f"The branch has moved since: this is about commit `{HEAD}`."
    assert github.status(HEAD)
    assert github.status("0b" * 20) is None
    assert github.pulls[7].labels == [READY]
    github.pulls[7].head = "0c" * 20
    assert tracker(github).tell(CULPRIT) == WriteResult()


def test_a_commit_that_is_gone_gets_no_status(github: FakeGitHub) -> None:
    github.add(Pull(number=7))
    github.lost.add(HEAD)
    assert tracker(github).tell(CULPRIT).changed
    assert tracker(github).tell(replace(CULPRIT, commit="", verdict=Verdict.UNFETCHABLE, text="x")).changed
    assert github.statuses == []


def test_without_a_label_for_it_labels_stay(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD, labels=[READY]))
    tracker(github, at_fault="").tell(CULPRIT)
    assert github.pulls[7].labels == [READY]


def test_the_longest_comment_fits(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD))
    long = replace(CULPRIT, text="````text\n" + "✗ failed\n" * 20_000 + "````\nend\n")
    tracker(github).tell(long)
    body = github.pulls[7].comments[0]["body"]
    assert MAX_COMMENT - 200 < len(body) <= MAX_COMMENT
    assert body.count("````") == 2
    assert "cut here" in body.splitlines()[-3]
    assert body.splitlines()[-1] == f"[The full report]({CULPRIT.url})"
    assert tracker(github).tell(long) == WriteResult()


def test_another_days_report_is_no_news(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD))
    assert tracker(github).tell(CULPRIT).changed
    assert tracker(github).tell(replace(CULPRIT, url="https://example.org/report/tomorrow")) == WriteResult()


@pytest.mark.parametrize("limit", range(100, 260, 7))
@pytest.mark.parametrize(
    "text",
    [
        "```text\n" + "a" * 500 + "\n```\n",
        "plain\n\n~~~~\n" + "```\nb\n" * 60 + "~~~~\n",
        "words " * 100,
        "x\n" * 30 + "```\ny\n```\n" * 40,
    ],
)
def test_a_cut_leaves_no_fence_open(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    assert "cut here" in short
    opened = ""
    for line in short.splitlines():
        if not opened and line.startswith(("```", "~~~")):
            opened = line.removesuffix("text")
        elif opened and line == opened:
            opened = ""
    assert opened == ""


def test_what_github_refuses_is_said_without_the_token(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head=HEAD))
    github.refuse = (403, {"message": "Resource not accessible by personal access token\x1b[2J"})
    for act in (lambda: tracker(github).read(), lambda: tracker(github).tell(CULPRIT)):
        with pytest.raises(TrackerError, match=r"HTTP 403, Resource not accessible by personal access token") as caught:
            act()
        assert TOKEN not in str(caught.value)
        assert "\x1b" not in str(caught.value)


def test_a_token_that_is_not_accepted(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "wrong")
    with pytest.raises(TrackerError, match="HTTP 401, Bad credentials"):
        tracker(github).read()


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {"repository": {}}}, [], {"data": {"repository": 3}}])
def test_an_answer_of_another_shape_is_none(github: FakeGitHub, answer: object) -> None:
    github.refuse = (200, answer)
    for act in (lambda: tracker(github).read(), lambda: tracker(github).tell(CULPRIT)):
        with pytest.raises(TrackerError, match=r"run again\.$"):
            act()


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("at", range(4))
def test_reading_is_whole_or_not_at_all(github: FakeGitHub, kind: FaultKind, at: int) -> None:
    checks = [("CheckRun", f"build {number}", "SUCCESS") for number in range(101)]
    github.add(*(Pull(number=number, checks=checks if number == 150 else ()) for number in range(1, 251)))
    github.faults[at] = Fault(kind=kind)
    asked = tracker(github, required=("build 0",), fault=kind)
    if kind == "not JSON":
        with pytest.raises(TrackerError, match=r"^GitHub answered with something that is not JSON[^.]*\.$"):
            asked.read()
        return
    tickets = asked.read()
    assert len(tickets) == 250
    assert [each.number for each in tickets if not each.held] == [150]
    assert len(github.requests) == 4 + 1 or kind == "slow"


# A limit says that nothing was done; all else can come before or after what was asked for.
TELLING_FAULTS = [
    Fault(kind=kind, heard=heard) for kind in FAULTS for heard in (False, True) if not (heard and kind in LIMITS)
]


@pytest.mark.parametrize("fault", TELLING_FAULTS, ids=str)
def test_telling_through_every_fault_doubles_nothing(github: FakeGitHub, fault: Fault) -> None:
    for number, at in enumerate(range(5), start=1):
        account = replace(CULPRIT, number=number, commit=f"{number:040x}")
        github.add(Pull(number=number, labels=[READY]))
        github.faults = {len(github.requests) + at: fault}
        for _ in range(3):
            try:
                tracker(github, fault=fault.kind).tell(account)
                break
            except TrackerError:
                continue
        before = len(github.writes)
        assert tracker(github).tell(account) == WriteResult()
        assert len(github.writes) == before
        assert len(github.pulls[number].comments) == 1
        assert github.pulls[number].labels == [WORK]
        assert sum(each["sha"] == account.commit for each in github.statuses) == 1


@pytest.mark.parametrize("kind", FAULTS)
def test_refused_for_good_it_stops_with_one_sentence(
    github: FakeGitHub, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    github.add(Pull(number=7, head=HEAD))
    github.faults = {number: Fault(kind=kind) for number in range(100)}
    with caplog.at_level(logging.DEBUG), pytest.raises(TrackerError, match=r"^GitHub .* run again later\.$") as caught:
        tracker(github, fault=kind).read()
    assert TOKEN not in caplog.text + str(caught.value)
    assert len(github.requests) < 50


@pytest.mark.parametrize(
    ("url", "rest", "graphql"),
    [
        ("https://api.github.com/repos/o/n", "https://api.github.com/repos/o/n", "https://api.github.com/graphql"),
        ("https://github.com/o/n.git", "https://api.github.com/repos/o/n", "https://api.github.com/graphql"),
        ("o/n", "https://api.github.com/repos/o/n", "https://api.github.com/graphql"),
        ("https://g.edu/api/v3/repos/o/n/", "https://g.edu/api/v3/repos/o/n", "https://g.edu/api/graphql"),
        ("https://g.edu:8443/o/n", "https://g.edu:8443/api/v3/repos/o/n", "https://g.edu:8443/api/graphql"),
        ("https://x.ghe.com/o/n", "https://api.x.ghe.com/repos/o/n", "https://api.x.ghe.com/graphql"),
        ("http://127.0.0.1:80/repos/o/n", "http://127.0.0.1:80/repos/o/n", "http://127.0.0.1:80/graphql"),
    ],
)
def test_where_a_repository_is(url: str, rest: str, graphql: str) -> None:
    place = address_of(url)
    assert (place.owner, place.name, place.rest, place.graphql) == ("o", "n", rest, graphql)


def test_a_short_address_is_on_the_host_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_HOST", "g.edu")
    assert address_of("o/n").graphql == "https://g.edu/api/graphql"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sage",
        "https://api.github.com/",
        "ftp://github.com/o/n",
        "https://me:pass@github.com/o/n",
        "http://g.edu/o/n",
    ],
)
def test_where_no_repository_is(url: str) -> None:
    with pytest.raises(TrackerError, match=r"^\[tickets\] url") as caught:
        address_of(url)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "names", "chosen"),
    [
        ("https://api.github.com/repos/o/n", ("GH_TOKEN", "GITHUB_TOKEN"), "GH_TOKEN"),
        ("https://api.github.com/repos/o/n", ("GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"), "GITHUB_TOKEN"),
        ("https://g.edu/o/n", ("GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN"), "GITHUB_ENTERPRISE_TOKEN"),
        ("https://g.edu/o/n", ("GH_TOKEN",), "GH_TOKEN"),
    ],
)
def test_which_token_is_taken(monkeypatch: pytest.MonkeyPatch, url: str, names: tuple[str, ...], chosen: str) -> None:
    for name in names:
        monkeypatch.setenv(name, f"value-of-{name}\n")
    auth = auth_for(address_of(url))
    assert auth._token == f"value-of-{chosen}"
    assert "value" not in repr(auth)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "schlüssel"])
def test_no_token_is_told_before_anybody_is_asked(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: str
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password from-netrc\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GH_TOKEN", token)
    with pytest.raises(TrackerError, match=r"GH_TOKEN") as caught:
        GitHubTracker(Tracker(url=github.url)).read()
    assert not token.strip() or token not in str(caught.value)
    assert github.requests == []


def test_closing_is_done_once_and_not_to_a_branch_that_moved(github: FakeGitHub) -> None:
    github.add(Pull(number=7, head="a" * 40), Pull(number=8, head="b" * 40))
    merged, moved = (Ticket(number=number, title="T", commit="a" * 40) for number in (7, 8))
    assert tracker(github).close(merged, "1.0").changed
    assert github.pulls[7].state == "CLOSED"
    assert tracker(github).close(merged, "1.0") == WriteResult()
    [refusal] = tracker(github).close(moved, "1.0").refused
    assert refusal.why == "#8 has moved since it was merged into 1.0: it is left open."
    assert github.pulls[8].state == "OPEN"


def test_whether_an_issue_or_a_pull_request_is_open(github: FakeGitHub) -> None:
    github.issues = {3: False, 4: True}
    github.add(Pull(number=7), Pull(number=8, state="MERGED"))
    assert tracker(github).open_issues([3, 4, 7, 8]) == {3, 7}
    with pytest.raises(TrackerError, match=r"^A hint ends when #9 is closed, and whether it is cannot be seen: GitHub"):
        tracker(github).open_issues([3, 9])
