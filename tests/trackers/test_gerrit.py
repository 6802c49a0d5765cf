"""Gerrit: what is read of changes, what they depend on, what is written, and the sample's day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sessions.main import run_init
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration_file import load_config
from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import TrackerAccessError, TrackerError
from sessions.tickets.model import Ticket, Verdict
from sessions.tickets.refusals import TicketPart, WriteResult
from sessions.tickets.trackers import TRACKERS, recognise_address, recognise_clone
from sessions.tickets.trackers.gerrit import GERRIT
from sessions.tickets.trackers.gerrit.address import parse_gerrit_address, read_gitreview
from sessions.tickets.trackers.gerrit.review import TAG
from sessions.tickets.trackers.gerrit.tracker import GerritTracker
from sessions.tickets.trackers.kind import TicketSource, TrackerKind
from tests.repositories import Builder, run_git
from tests.trackers.contract import CULPRIT, FIRST, SECOND, Forge, ServerContract, Wire
from tests.trackers.gerrit_contract import GerritContract
from tests.trackers.gerrit_fake import JANE, OWN, PASSWORD, PROJECT, USER, FakeGerrit, GerritChange, serving_gerrit
from tests.trackers.sample_day import check_day, day_options, days_tickets

INTEGRATED = replace(CULPRIT, verdict=Verdict.INTEGRATED, summary="integrated", text="All is well.")


@pytest.fixture
def gerrit(gerrit_contract: GerritContract, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGerrit]:
    monkeypatch.setenv("GERRIT_USER", USER)
    monkeypatch.setenv("GERRIT_PASSWORD", PASSWORD)
    with serving_gerrit(FakeGerrit(gerrit_contract)) as gerrit:
        yield gerrit
    assert gerrit.problems == []


def connect(gerrit: FakeGerrit, patience: float = 0.0, **settings: object) -> GerritTracker:
    values = {"url": gerrit.url, "ready": ("Code-Review+2",), "at_fault": "Verified-1", **settings}
    return GerritTracker(Tracker(tracker="gerrit", **values), patience)  # type: ignore[arg-type]


@dataclass
class GerritForge:
    """The fake Gerrit, which holds each request and response against the published entities."""

    gerrit: FakeGerrit
    kind: TrackerKind = field(default=TRACKERS["gerrit"])
    page: int = 100
    edits_in_place: bool = False
    secret: str = PASSWORD

    def connect(self, patience: float = 0.0) -> TicketSource:
        return connect(self.gerrit, patience)

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        message = "".join(f"Depends-On: {self.gerrit.base}/c/{PROJECT}/+/{each}\n" for each in depends)
        change = self.gerrit.add(GerritChange(number=number, title=title), commit, message)
        change.votes[JANE, "Code-Review"] = 2

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number, commit=f"{number:040x}")

    def push(self, number: int, commit: str) -> None:
        change = self.gerrit.changes[number]
        change.push(commit)
        change.votes[JANE, "Code-Review"] = 2

    def remove(self, number: int) -> None:
        del self.gerrit.changes[number]

    def comment(self, number: int, text: str) -> None:
        self.gerrit.say(self.gerrit.changes[number], text, JANE, TAG)

    def comments(self, number: int) -> list[str]:
        """Our messages with a text; a vote alone makes one without."""
        texts = [each["message"] for each in self.gerrit.changes[number].messages if each["author"] == OWN]
        return [text for text in texts if "\n" in text]

    def is_ready(self, number: int) -> bool:
        return self.gerrit.changes[number].votes.get((OWN, "Verified"), 0) >= 0

    def is_open(self, number: int) -> bool:
        return self.gerrit.changes[number].status == "NEW"

    def writes(self) -> int:
        return sum(method != "GET" for method, _ in self.gerrit.requests)

    def requests(self) -> int:
        return len(self.gerrit.requests)

    def fail(self, wire: Wire, at: int) -> None:
        self.gerrit.faults = {len(self.gerrit.requests) + at: wire}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GERRIT_PASSWORD", "0ld")


class TestGerrit(ServerContract):
    @pytest.fixture
    def forge(self, gerrit: FakeGerrit) -> Forge:
        return GerritForge(gerrit)


def test_what_is_read_of_a_change(gerrit: FakeGerrit) -> None:
    change = gerrit.add(GerritChange(number=1207, title="Count ä", hashtags=("urgent",), branch="stable"), "a" * 40)
    change.push("b" * 40)
    change.votes = {(JANE, "Code-Review"): 2, (1000009, "Code-Review"): -1, (1000009, "Verified"): 1}
    [ticket] = connect(gerrit).read()
    assert ticket == Ticket(
        number=1207,
        title="Count ä",
        url=f"{gerrit.base}/c/{PROJECT}/+/1207",
        labels=("urgent", "Code-Review+2", "Code-Review-1", "Verified+1", "submittable"),
        branch="refs/changes/07/1207/2",
        commit="b" * 40,
        authors=("Jane",),
        reviewers=("Jane", "User 1000009"),
        description=change.current.message,
        target="stable",
    )
    change.votes[1000008, "Code-Review"] = -2
    assert "submittable" not in connect(gerrit).read()[0].labels


@pytest.mark.parametrize(
    ("change", "votes", "held"),
    [
        (GerritChange(number=1, is_wip=True), {}, "it is work in progress"),
        (GerritChange(number=1, is_private=True), {}, "it is private"),
        (GerritChange(number=1), {}, "its label Verified is not approved"),
        (GerritChange(number=1), {(JANE, "Verified"): 1}, ""),
        (GerritChange(number=1), {(JANE, "Verified"): 1, (9, "Verified"): -1}, "its label Verified is rejected"),
        (
            GerritChange(number=1, requirements={"Verified": "UNSATISFIED"}),
            {},
            "its requirement Verified is not satisfied",
        ),
        (GerritChange(number=1, requirements={"Verified": "OVERRIDDEN"}), {}, ""),
    ],
)
def test_what_holds_a_change_back(
    gerrit: FakeGerrit, change: GerritChange, votes: dict[tuple[int, str], int], held: str
) -> None:
    gerrit.add(replace(change, patch_sets=[])).votes.update(votes)
    assert connect(gerrit, require_checks=("Verified",)).read()[0].held == held


def test_a_relation_chain_and_a_patch_set_that_is_outdated(gerrit: FakeGerrit) -> None:
    gerrit.add(GerritChange(number=1), "a" * 40)
    gerrit.add(GerritChange(number=2), "b" * 40, "", "a" * 40)
    gerrit.add(GerritChange(number=3), "c" * 40, "", "b" * 40)
    assert [each.depends for each in connect(gerrit).read()] == [(), (1,), (2,)]
    gerrit.changes[1].push("d" * 40)
    _one, two, three = connect(gerrit).read()
    assert two.held == "it is based on patch set 1 of #1, which is at 2: it must be rebased"
    assert (two.depends, three.held) == ((1,), "")


@pytest.mark.parametrize(
    ("footer", "depends", "held"),
    [
        ("Depends-On: {base}/c/tools/abacus/+/1", (1,), ""),
        ("depends-on: {base}/c/tools/abacus/+/1/3/src/a.py", (1,), ""),
        ("Depends-On: {base}/#/c/1/", (1,), ""),
        ("Depends-On: {base}/1", (1,), ""),
        ("Depends-On: I{1:040x}", (1,), ""),
        ("Depends-On: {base}/c/tools/abacus/+/7", (), ""),  # itself
        ("Depends-On: https://elsewhere.example/c/x/+/1", (), ""),
        ("Depends-On: https://github.com/a/b/pull/1", (), ""),
        ("It does not depend-on: {base}/1", (), ""),
        ("Depends-On: {base}/c/other/+/20", (), "it depends on 20, which is open in other, branch main"),
        ("Depends-On: {base}/c/tools/abacus/+/21", (), ""),  # merged
        ("Depends-On: {base}/c/tools/abacus/+/22", (), "it depends on 22, which was abandoned"),
        ("Depends-On: {base}/c/tools/abacus/+/23", (), "it depends on 23, which Gerrit does not show"),
        ("Depends-On: I{20:040x}", (), f"it depends on I{20:040x}, which is open in other, branch main"),
    ],
)
def test_depends_on_in_a_commit_message(gerrit: FakeGerrit, footer: str, depends: tuple[int, ...], held: str) -> None:
    names = {"base": gerrit.base}
    text = footer.replace("{1:040x}", f"{1:040x}").replace("{20:040x}", f"{20:040x}").format(**names)
    gerrit.add(GerritChange(number=1))
    gerrit.add(GerritChange(number=7), "", f"{text}\n")
    gerrit.add(GerritChange(number=20, project="other"))
    gerrit.add(GerritChange(number=21, status="MERGED"))
    gerrit.add(GerritChange(number=22, status="ABANDONED"))
    ticket = connect(gerrit).read()[-1]
    assert (ticket.number, ticket.depends, ticket.held) == (7, depends, held)


def test_a_change_id_on_two_branches_is_the_one_of_the_same_branch(gerrit: FakeGerrit) -> None:
    for number, branch in ((1, "main"), (2, "stable")):
        gerrit.add(GerritChange(number=number, branch=branch))
    gerrit.add(GerritChange(number=3, branch="stable"), "", f"Depends-On: {gerrit.changes[1].change_id}\n")
    assert connect(gerrit).read()[2].depends == (1,)


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_topic_belongs_together_where_the_server_submits_it_so(gerrit: FakeGerrit, is_whole: bool) -> None:
    gerrit.is_topic_whole = is_whole
    for number, topic in ((1, "blue"), (2, ""), (3, "blue"), (4, ""), (5, "red")):
        gerrit.add(GerritChange(number=number, topic=topic))
    together = [each.together for each in connect(gerrit).read()]
    assert together == ([(3,), (), (1,), (), ()] if is_whole else [()] * 5)


def test_a_change_that_is_updated_while_the_pages_are_read_is_not_missed(gerrit: FakeGerrit) -> None:
    """The newest comes first: one that is updated meanwhile moves from the second page to the first."""
    for number in range(1, 151):
        gerrit.add(GerritChange(number=number))
    gerrit.before = lambda path: _update_once(gerrit, path)
    assert [each.number for each in connect(gerrit).read()] == list(range(1, 151))
    gerrit.before = lambda _path: gerrit.touch(gerrit.changes[1 + len(gerrit.requests) % 40])
    with pytest.raises(TrackerError, match="faster than they can be read"):
        connect(gerrit).read()


def _update_once(gerrit: FakeGerrit, path: str) -> None:
    if "S=100" in path:
        gerrit.before = None
        gerrit.touch(gerrit.changes[7])


def test_a_query_as_the_browser_shows_it(gerrit: FakeGerrit) -> None:
    gerrit.add(GerritChange(number=1, branch="stable"))
    gerrit.add(GerritChange(number=2))
    gerrit.add(GerritChange(number=3, project="other", branch="stable"))
    assert [each.number for each in connect(gerrit, url=f"{gerrit.base}/q/project:{PROJECT}+branch:stable").read()] == [
        1
    ]
    with pytest.raises(TrackerError, match=r"finds changes of other and tools/abacus: add project:NAME to its query"):
        connect(gerrit, url=f"{gerrit.base}/q/branch:stable").read()


def test_who_is_not_logged_in_reads_and_writes_nothing(gerrit: FakeGerrit, monkeypatch: pytest.MonkeyPatch) -> None:
    gerrit.add(GerritChange(number=7), FIRST)
    monkeypatch.delenv("GERRIT_USER")
    monkeypatch.delenv("GERRIT_PASSWORD")
    assert len(connect(gerrit).read()) == 1
    assert not any(path.startswith("/a/") for _, path in gerrit.requests)
    with pytest.raises(TrackerAccessError, match="set GERRIT_USER and GERRIT_PASSWORD"):
        connect(gerrit).tell(CULPRIT)
    monkeypatch.setenv("GERRIT_USER", USER)
    with pytest.raises(TrackerAccessError, match="half of them is set"):
        connect(gerrit).read()


def test_a_vote_is_given_and_taken_back(gerrit: FakeGerrit) -> None:
    change = gerrit.add(GerritChange(number=7), FIRST)
    assert connect(gerrit).tell(CULPRIT).changed == (TicketPart.COMMENT, TicketPart.LABEL)
    assert change.votes[OWN, "Verified"] == -1
    assert [body["notify"] for body in gerrit.bodies] == ["OWNER", "NONE"]
    assert {body["tag"] for body in gerrit.bodies} == {"autogenerated:integrand"}
    assert connect(gerrit).tell(CULPRIT) == WriteResult()
    assert connect(gerrit).tell(INTEGRATED).changed == (TicketPart.COMMENT, TicketPart.LABEL_REMOVAL)
    assert change.votes[OWN, "Verified"] == 0
    assert connect(gerrit).tell(INTEGRATED) == WriteResult()
    assert connect(gerrit).tell(CULPRIT).changed == (TicketPart.COMMENT, TicketPart.LABEL)  # news again


def test_a_message_about_an_older_patch_set_lies_with_it_and_is_no_vote(gerrit: FakeGerrit) -> None:
    change = gerrit.add(GerritChange(number=7), FIRST)
    change.push(SECOND)
    assert connect(gerrit).tell(CULPRIT).changed == (TicketPart.COMMENT,)
    assert change.messages[0]["message"].startswith(
        f"Patch Set 1:\n\nThere is a newer patch set: this is about commit {FIRST}.\n\nIt breaks"
    )
    assert (OWN, "Verified") not in change.votes


def test_a_vote_that_is_not_allowed_keeps_the_message_from_nothing(gerrit: FakeGerrit) -> None:
    gerrit.add(GerritChange(number=7), FIRST)
    gerrit.may_vote = False
    result = connect(gerrit).tell(CULPRIT)
    assert result.changed == (TicketPart.COMMENT,)
    [refusal] = result.refused
    assert refusal.may_be_setup
    assert refusal.why.startswith(
        'Gerrit refuses the label of #7 (HTTP 403, Applying label "Verified": -1 is restricted)'
    )
    assert connect(gerrit).tell(CULPRIT, [refusal.change]).skipped == (refusal.change,)
    [unknown] = connect(gerrit, at_fault="Tested-1").tell(CULPRIT).refused
    assert 'label "Tested": -1 is not a valid value' in unknown.why
    with pytest.raises(TrackerError, match="must be a vote such as Verified-1, not 'broken'"):
        connect(gerrit, at_fault="broken").tell(CULPRIT)


def test_another_report_with_the_same_verdict_is_no_news_and_a_long_message_is_cut(gerrit: FakeGerrit) -> None:
    change = gerrit.add(GerritChange(number=7), FIRST)
    long = replace(CULPRIT, text="\n".join(f"row {place}" for place in range(5000)), url="https://example.org/1")
    assert connect(gerrit, at_fault="").tell(long).changed == (TicketPart.COMMENT,)
    assert connect(gerrit, at_fault="").tell(replace(long, url="https://example.org/22")) == WriteResult()
    text = change.messages[0]["message"]
    assert len(text) < 16_384
    assert text.endswith("the full report has the rest.\n\nThe full report: https://example.org/1")


def test_a_change_that_gerrit_closed_itself_is_not_abandoned(gerrit: FakeGerrit) -> None:
    gerrit.add(GerritChange(number=7, status="MERGED"), FIRST)
    assert connect(gerrit).close(Ticket(number=7, title="T", commit=FIRST), "1.0") == WriteResult()
    assert gerrit.changes[7].status == "MERGED"


@pytest.mark.parametrize(
    ("url", "base", "query"),
    [
        ("https://review.example.org/tools/one", "https://review.example.org", "project:tools/one"),
        ("https://review.example.org/a/tools/one.git", "https://review.example.org", "project:tools/one"),
        ("https://example.org/gerrit/c/tools/one", "https://example.org/gerrit", "project:tools/one"),
        ("https://example.org/gerrit/admin/repos/tools/one", "https://example.org/gerrit", "project:tools/one"),
        ("https://example.org/q/project:a+branch:b", "https://example.org", "project:a branch:b"),
        ("https://example.org/q/hashtag:%22x+y%22", "https://example.org", 'hashtag:"x y"'),
        ("https://example.org/a%20b", "https://example.org", 'project:"a b"'),
        (
            "https://android.googlesource.com/platform/art",
            "https://android-review.googlesource.com",
            "project:platform/art",
        ),
    ],
)
def test_addresses(url: str, base: str, query: str) -> None:
    address = parse_gerrit_address(url)
    assert (address.base, address.query) == (base, query)


@pytest.mark.parametrize(
    "url", ["", "review.example.org/a", "https://review.example.org", "https://u:p@h/x", "ssh://h/x"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(TrackerError, match="names no project on Gerrit"):
        parse_gerrit_address(url)
    with pytest.raises(TrackerError, match=r"a password would travel to example\.org in the clear"):
        parse_gerrit_address("http://example.org/x")


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("ssh://jane@code.example.org:29418/tools/one", "https://code.example.org/tools/one"),
        ("https://review.example.org/tools/one", "https://review.example.org/tools/one"),
        ("https://gerrit.example.org/a/tools/one.git", "https://gerrit.example.org/tools/one"),
        ("https://github.com/a/b", ""),
        ("https://example.org/a/b", ""),
        ("git@gerrit.example.org:a/b", ""),
    ],
)
def test_an_origin_is_recognised(origin: str, url: str) -> None:
    found = recognise_clone(origin)
    assert (found.url if found and found.kind is GERRIT else "") == url
    typed = recognise_address("https://code.example.org/q/project:x")
    assert typed
    assert typed.kind is GERRIT


def test_a_gitreview_is_recognised_before_the_origin() -> None:
    text = "[gerrit]\nhost=review.opendev.org\nport=29418\nproject=openstack/nova.git\ndefaultbranch = x\n"
    found = recognise_clone("https://github.com/openstack/nova", {".gitreview": text}.get)  # type: ignore[arg-type]
    assert found
    assert (found.kind, found.url) == (GERRIT, "https://review.opendev.org/openstack/nova")
    for odd in (
        "",
        "[gerrit]\nhost=x\n",
        "no table",
        "[gerrit]\nhost=x/../y\nproject=a\n",
        "[gerrit]\nhost=a b\nproject=c",
    ):
        assert read_gitreview(odd) == ""


def test_init_finds_the_changes_of_a_clone_by_its_gitreview(
    gerrit: FakeGerrit, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = gerrit.base.removeprefix("http://")
    monkeypatch.setitem(TRACKERS, "gerrit", replace(GERRIT, recognise_file=lambda _text: gerrit.url))
    builder.commit({"Makefile": "check:\n", ".gitreview": f"[gerrit]\nhost={host}\nproject={PROJECT}\n"})
    builder.tag("1.0")
    gerrit.add(GerritChange(number=7, branch="main")).votes[JANE, "Code-Review"] = 2
    run_git("clone", "--quiet", builder.url, "p", cwd=tmp_path)
    assert run_init((), tmp_path / "p") is None
    tickets = load_config(tmp_path / "p" / "integration.toml").tickets[0]
    assert (tickets.tracker, tickets.url, tickets.ready, tickets.milestone) == (
        "gerrit",
        gerrit.url,
        ("submittable",),
        "",
    )
    assert "Gerrit answers: 1 changes are open" in (tmp_path / "p" / "integration.toml").read_text()


@pytest.mark.slow
def test_the_samples_day(gerrit: FakeGerrit, tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path / "sample")
    tickets = days_tickets(sample)
    for each in tickets:
        tip = run_git(
            "rev-parse", "--verify", "-q", f"refs/heads/{each.branch or 'none'}", cwd=sample.repository, ok=(0, 1)
        )
        ref = f"refs/changes/{each.number % 100:02}/{each.number}/1"
        if tip:
            run_git("update-ref", ref, tip, cwd=sample.repository)
        depends = "".join(f"Depends-On: {gerrit.base}/{number}\n" for number in each.depends)
        # Gerrit has no milestones: what is for another release is for another branch.
        branch = "develop" if each.milestone == "1.1" else "next"
        change = GerritChange(number=each.number, title=each.title, hashtags=each.labels, branch=branch)
        gerrit.add(change, each.commit or tip, depends)
    options = day_options(tmp_path, sample, tracker="gerrit", url=gerrit.url, milestone="")
    check_day(options, lambda: len(gerrit.bodies), {122: "unfetchable"}, [each.number for each in tickets])
    [message] = [each["message"] for each in gerrit.changes[114].messages]
    assert message.startswith("Patch Set 1:\n\nCULPRIT with release 1.1.beta1, as of commit ")
    assert "\n    nox -s reproduce -- 114" in message
