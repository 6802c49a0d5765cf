"""Patch series by mail: what belongs together, which version counts, how they are applied, and the drafts."""

from __future__ import annotations

import datetime as dt
import email
import gzip
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.main import run_init
from sessions.report import report
from sessions.sample.history import expectations
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration_file import load_config
from sessions.settings.options import parse_options
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.patch_branches import PatchBranches
from sessions.source.soundness import fetch_sound
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerError
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.patch_series import PatchSeries, SeriesBranch
from sessions.tickets.refusals import Change, TicketPart, WriteResult
from sessions.tickets.trackers import recognise_address
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind
from sessions.tickets.trackers.mail import MAIL
from sessions.tickets.trackers.mail.mailbox import read_mailbox, split_mbox
from sessions.tickets.trackers.mail.message import Mail
from sessions.tickets.trackers.mail.outbox import draft_answer
from sessions.tickets.trackers.mail.subject import read_patch_subject
from sessions.tickets.trackers.mail.tracker import MailTracker, series_numbers
from tests.repositories import Builder, lines, run_git
from tests.trackers.contract import FIRST, Forge, TrackerContract
from tests.trackers.sample_day import day_options, days_tickets
from tests.trackers.sockets import running
from tests.trackers.test_contract import FileForge

AUTHOR = "Åsa Ek <asa@example.org>"


@dataclass
class MailedProject:
    """A repository with a release, and a mailbox of patches for it."""

    builder: Builder
    folder: Path
    made: int = 0

    @property
    def mbox(self) -> Path:
        return self.folder / "list.mbox"

    def send(
        self, branch: str, *words: str, since: str = "1.0", thread: bool = True, author: str = AUTHOR
    ) -> list[Mail]:
        """Send the commits of a branch with ``git format-patch`` and those words; the mails in order."""
        self.made += 1
        name, address = re.fullmatch(r"(.*) <(.*)>", author).groups()  # type: ignore[union-attr]  # ours
        text = run_git(
            *("format-patch", "--stdout", "--thread=shallow", f"--from={author}", "--to=list@example.org", *words),
            f"{since}..{branch}",
            cwd=self.builder.path,
            GIT_COMMITTER_NAME=name,
            GIT_COMMITTER_EMAIL=address,
        )
        text = text.replace(".git.", f".{self.made}.git.")  # the same commit can be sent twice in a second
        if not thread:
            text = re.sub(r"(?m)^(In-Reply-To|References): .*\n", "", text)
        with self.mbox.open("ab") as file:
            file.write(text.encode("utf-8", "surrogateescape") + b"\n\n")
        return [Mail(each) for each in split_mbox(text.encode("utf-8", "surrogateescape") + b"\n\n")]

    def write(self, subject: str, body: str, *, answers: str = "", author: str = AUTHOR, date: str = "") -> Mail:
        """Somebody sends a mail."""
        self.made += 1
        when = date or f"Mon, 01 Jun 2026 12:{self.made:02}:00 +0000"
        head = f"From: {author}\nTo: list@example.org\nSubject: {subject}\n"
        head += f"Message-ID: <m{self.made}@example.org>\nDate: {when}\n"
        head += f"In-Reply-To: <{answers}>\n" if answers else ""
        raw = f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}\n".encode("utf-8", "surrogateescape")
        with self.mbox.open("ab") as file:
            file.write(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + re.sub(rb"(?m)^(>*From )", rb">\1", raw) + b"\n")
        return Mail(raw)

    def tracker(self) -> MailTracker:
        mirror = Mirror.of(self.builder.url, self.folder / "state")
        branches = PatchBranches(mirror=mirror, release=mirror.release("latest"))
        surroundings = Surroundings(
            patience=0, list_refs=mirror.list_refs, apply_patches=branches.apply, folder=self.folder
        )
        return MailTracker(Tracker(tracker="mail", url=str(self.mbox)), surroundings)

    def read(self) -> list[Ticket]:
        return list(self.tracker().read())

    def files(self, ticket: Ticket) -> set[str]:
        """Name the files that a ticket's branch changes, as the mirror fetches it."""
        mirror = Mirror.of(self.builder.url, self.folder / "state")
        release = mirror.release("latest")
        fetched = fetch_sound(mirror, release, {ticket.number: ticket.branch}, {ticket.number: ticket.repository})
        assert fetched.tips == {ticket.number: ticket.commit}
        return set(run_git("diff", "--name-only", "1.0", ticket.commit, cwd=mirror.repository.path).split())


@pytest.fixture
def project(builder: Builder, tmp_path: Path) -> MailedProject:
    builder.commit({"a": lines(), "b": lines()})
    builder.tag("1.0")
    (tmp_path / "list.mbox").touch()
    return MailedProject(builder, tmp_path)


def grow(builder: Builder, branch: str, *changes: tuple[str, str], start: str = "1.0") -> None:
    """Grow a branch by one commit for each (file, content)."""
    parent = start
    for place, (path, content) in enumerate(changes, start=1):
        parent = builder.commit({path: content}, parent, branch=branch, message=f"{branch}: change {path} {place}")


def test_a_series_with_its_cover_letter(project: MailedProject) -> None:
    grow(project.builder, "two", ("a", lines((5, "é"))), ("new", "1\n"))
    sent = project.send("two", "--cover-letter", "--subject-prefix=PATCH net-next", "--base=1.0")
    project.write(
        "Re: [PATCH net-next 0/2]",
        "Reviewed-by: Rea D. <rea@example.org>\n",
        answers=sent[0].message_id,
        author="Rea <rea@example.org>",
    )
    [ticket] = project.read()
    assert (ticket.title, ticket.authors, ticket.labels) == (
        "*** SUBJECT HERE ***",
        ("Åsa Ek",),
        ("net-next", "Reviewed-by"),
    )
    assert (ticket.held, ticket.depends, ticket.reviewers) == ("", (), ("Rea D.",))
    assert project.files(ticket) == {"a", "new"}
    repository = Mirror.of(project.builder.url, project.folder / "state").repository.path
    log = run_git("log", "--format=%an <%ae>%n%cn%n%B", "-1", ticket.commit, cwd=repository)
    assert log.strip() == "A <a@example.org>\nA\ntwo: change new 2\n\nReviewed-by: Rea D. <rea@example.org>"
    assert [each.commit for each in project.read()] == [ticket.commit]


def test_the_newest_version_counts_and_the_others_say_so(project: MailedProject) -> None:
    for version, word in ((1, "one"), (2, "two"), (3, "three")):
        grow(project.builder, f"v{version}", ("a", lines((5, word))))
        run_git("update-ref", "refs/heads/topic", f"v{version}", cwd=project.builder.path)
        project.builder.commit({"a": lines((5, word))}, "1.0", branch="topic", message="Count better", day=version)
        project.send("topic", f"--reroll-count={version}")
    first, second, third = project.read()
    assert [each.held for each in (first, second)] == [f"version 3 replaces it, #{third.number}"] * 2
    assert (third.held, first.branch, second.branch) == ("", "", "")
    assert project.files(third) == {"a"}
    repository = Mirror.of(project.builder.url, project.folder / "state").repository.path
    assert "three\n" in run_git("show", f"{third.commit}:a", cwd=repository)


@pytest.mark.parametrize("style", ["title", "change-id", "answer", "patches"])
def test_versions_belong_together_by_title_or_change_id_or_as_an_answer(project: MailedProject, style: str) -> None:
    grow(project.builder, "first", ("a", lines((5, "one"))))
    grow(project.builder, "second", ("a", lines((5, "two"))))
    patch = {each: run_git("diff", "1.0", each, cwd=project.builder.path) for each in ("first", "second")}
    titles = ("Count", "count") if style == "title" else ("Count", "Add")
    footer = "\nchange-id: 20260601-count-abc\n" if style == "change-id" else ""
    one = project.write(f"[PATCH] {titles[0]}", f"Text\n---\n{patch['first']}\n{footer}")
    answers = one.message_id if style == "answer" else ""
    if style == "patches":
        cover = project.write("[PATCH v2 0/1] Another title", "Text\n")
        project.write("[PATCH v2 1/1] COUNT", f"Text\n---\n{patch['second']}\n", answers=cover.message_id)
    else:
        project.write(f"[PATCH v2] {titles[1]}", f"Text\n---\n{patch['second']}\n{footer}", answers=answers)
    old, new = project.read()
    assert (old.held, new.held) == (f"version 2 replaces it, #{new.number}", "")
    # Of somebody else, the same is another series.
    project.write(
        f"[PATCH v3] {titles[1]}", f"Text\n---\n{patch['second']}\n{footer}", answers=answers, author="B <b@x.org>"
    )
    assert [each.held for each in project.read()] == [old.held, "", ""]


def test_a_companion_that_answers_a_series_replaces_nobody(project: MailedProject) -> None:
    grow(project.builder, "kernel", ("x", "1\n"), ("y", "1\n"))
    grow(project.builder, "tool", ("z", "1\n"))
    cover, *_ = project.send("kernel", "--cover-letter")
    patch = run_git("diff", "1.0", "tool", cwd=project.builder.path)
    project.write("[PATCH iproute2] tool: show x", f"Text\n---\n{patch}\n", answers=cover.message_id)
    assert [each.held for each in project.read()] == ["", ""]


def test_a_series_that_begins_with_the_same_patch_as_another_replaces_nobody(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    project.builder.commit({"y": "1\n"}, "one", branch="two", message="More")
    project.send("one")
    project.send("two")
    assert [each.held for each in project.read()] == ["", ""]


def test_missing_patches_hold_a_series_back(project: MailedProject) -> None:
    grow(project.builder, "three", ("x", "1\n"), ("y", "1\n"), ("z", "1\n"))
    project.send("three", "--cover-letter")
    mails = list(split_mbox(project.mbox.read_bytes()))
    project.mbox.write_bytes(
        b"".join(b"From x Mon Jan  1 00:00:00 2026\n" + each + b"\n" for each in (mails[0], mails[2]))
    )
    [ticket] = project.read()
    assert (ticket.held, ticket.branch) == ("2 of its 3 patches are missing: 1, 3", "")


def test_patches_without_threads_are_one_series_only_if_they_can_be_no_other(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"), ("y", "1\n"))
    project.send("one", thread=False)
    [ticket] = project.read()
    assert project.files(ticket) == {"x", "y"}
    grow(project.builder, "other", ("v", "1\n"), ("w", "1\n"))
    project.send("other", thread=False)
    assert {each.held for each in project.read()} == {
        "1 of its 2 patches are missing: 1",
        "1 of its 2 patches are missing: 2",
    }


def test_a_base_commit_beyond_the_release(project: MailedProject) -> None:
    base = project.builder.commit({"b": lines((5, "trunk"))})
    project.builder.commit({"b": lines((5, "topic"))}, base, branch="topic", message="Topic")
    project.send("topic", f"--base={base}", since=base)
    [ticket] = project.read()
    assert ticket.held == ""
    repository = Mirror.of(project.builder.url, project.folder / "state").repository.path
    assert run_git("rev-parse", f"{ticket.commit}^", cwd=repository) == base
    project.builder.commit({"b": lines((5, "the trunk moved"))})
    project.mbox.write_text(project.mbox.read_text().replace(base, "12" * 20))
    [ticket] = project.read()
    assert ticket.held.startswith(
        "it does not apply to 1.0 (the repository lacks its base-commit 1212121212): patch 1 of 1, "
    )
    assert ticket.held.endswith('"Topic": it conflicts in b')


def test_a_series_that_needs_another_is_applied_to_it(project: MailedProject) -> None:
    grow(project.builder, "below", ("n", "1\n2\n3\n"))
    [below] = project.send("below")
    project.builder.commit({"n": "1\n2\n3\n4\n"}, "below", branch="above", message="Above")
    project.send("above", since="below")
    content = project.mbox.read_bytes()
    for footer in (
        f"prerequisite-message-id: <{below.message_id}>",
        f"Based-on: <{below.message_id}>",
        f"Depends-on: https://lore.example/list/{below.message_id}/",
    ):
        before, _, after = content.rpartition(b"\n---\n")
        project.mbox.write_bytes(before + b"\n" + footer.encode() + b"\n---\n" + after)
        one, two = sorted(project.read(), key=lambda ticket: ticket.title, reverse=True)
        assert (one.title, two.depends, two.held) == ("below: change n 1", (one.number,), "")
        assert project.files(two) == {"n"}
    project.mbox.write_bytes(project.mbox.read_bytes().replace(below.message_id.encode(), b"gone@example.org", 1))
    [_, two] = sorted(project.read(), key=lambda ticket: ticket.title, reverse=True)
    assert two.held == f"it depends on <{below.message_id}>, which is not in the mailbox"


def test_only_who_has_the_address_gives_a_trailer(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"), ("y", "1\n"))
    _cover, first, second = project.send("one", "--cover-letter")
    project.write(
        "Re: x", "Reviewed-by: Rea <rea@example.org>", answers=first.message_id, author="M <mallory@example.org>"
    )
    project.write(
        "Re: x", "> Reviewed-by: Rea <rea@example.org>", answers=second.message_id, author="Rea <rea@example.org>"
    )
    project.write("Re: x", "acked-By: Rea <REA@example.org>", answers=first.message_id, author="Rea <rea@example.org>")
    assert project.read()[0].labels == ()  # one of two is not the series
    project.write(
        "Re: Re: x", "Acked-by: Rea <rea@example.org>", answers=second.message_id, author="Rea <rea@example.org>"
    )
    assert project.read()[0].labels == ("Acked-by",)


class Numbered:
    """The tracker, with the numbers and commits that the contract gives to tickets."""

    def __init__(self, tracker: MailTracker, numbers: dict[int, int]) -> None:
        self._tracker, self._numbers, self.url = tracker, numbers, tracker.url
        self._own = {mailed: number for number, mailed in numbers.items()}

    def read(self) -> tuple[Ticket, ...]:
        found = self._tracker.read()
        return tuple(replace(each, number=self._own[each.number], depends=self._of(each)) for each in found)

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        return self._tracker.tell(replace(account, number=self._numbers[account.number]), refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        return self._tracker.close(replace(ticket, number=self._numbers[ticket.number]), release, refused_before)

    def _of(self, ticket: Ticket) -> tuple[int, ...]:
        return tuple(self._own[number] for number in ticket.depends)


@dataclass
class MailForge(FileForge):
    """A mailbox, and what its patches come to."""

    kind: TrackerKind = MAIL
    commits: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def connect(self, patience: float = 0.0) -> TicketSource:  # noqa: ARG002
        def applied(series: PatchSeries) -> SeriesBranch:
            return SeriesBranch(commit=self.commits[series.number], branch="b", repository="r")

        tracker = MailTracker(Tracker(url=str(self.path)), Surroundings(patience=0, apply_patches=applied))
        return Numbered(tracker, self.numbers)

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        name = f"n{number}@example.org"
        self.numbers[number] = next(series_numbers(name))
        self.commits[self.numbers[number]] = commit
        needs = "".join(f"depends-on: <n{each}@example.org>\n" for each in depends)
        head = f"From: {AUTHOR}\nSubject: [PATCH] {title}\nMessage-ID: <{name}>\n"
        head += f"Date: Mon, 1 Jun 2026 12:00:{number:02} +0000\n"
        self.rows.append(f"From x Mon Jun  1 00:00:00 2026\n{head}\n{needs}---\n{diff_of('x')}\n")
        self.path.write_text("\n".join(self.rows), encoding="utf-8")

    @property
    def outbox(self) -> Path:
        return self.path.with_suffix(".outbox")

    def comments(self, number: int) -> list[str]:
        place = self.outbox / f"{self.numbers[number]}.eml"
        return [Mail(place.read_bytes()).text] if place.exists() else []

    def is_open(self, number: int) -> bool:
        return not (self.outbox / f"{self.numbers[number]}.closed.eml").exists()

    def writes(self) -> int:
        return sum(path.stat().st_mtime_ns for path in self.outbox.iterdir())


class TestMail(TrackerContract):
    @pytest.fixture
    def forge(self, tmp_path: Path) -> Forge:
        (tmp_path / "list.mbox").touch()
        return MailForge(tmp_path / "list.mbox")


SUBJECTS = [
    ("[PATCH] a: b", (1, 1, 1, "a: b", ())),
    ("[PATCH net-next v3 2/7] net: count", (3, 2, 7, "net: count", ("net-next",))),
    ("[RFC PATCH v2 00/12] all", (2, 0, 12, "all", ("RFC",))),
    ("[net-next,v4,RESEND] [PATCH 1/2] two [x] here", (4, 1, 2, "two [x] here", ("net-next", "RESEND"))),
    ("[PATCH bpf 1/1]  x", (1, 1, 1, "x", ("bpf",))),
    ("[rfc] x", (1, 1, 1, "x", ("RFC",))),
    ("[PATCH 2 of 3 STABLE V2] hg: x", (2, 2, 3, "hg: x", ("STABLE",))),  # as Mercurial sends
    ("[net,v2,1/2] x", (2, 1, 2, "x", ("net",))),  # as Patchwork stores
]


@pytest.mark.parametrize(("subject", "expected"), SUBJECTS)
def test_subjects(subject: str, expected: tuple[int, int, int, str, tuple[str, ...]]) -> None:
    found = read_patch_subject(subject)
    assert found
    assert (found.version, found.place, found.count, found.title, found.tags) == expected


@pytest.mark.parametrize(
    "subject",
    [
        "Re: [PATCH] x",
        "[ANNOUNCE] x",
        "[PULL 01/28] x",
        "[GIT PULL v2 1/1] x",
        "x",
        "",
        "[PATCH]",
        "[PATCH 3/2] x",
        "[PATCH 0/0] x",
        "Fwd: [PATCH 1/2] x",
    ],
)
def test_what_is_no_patch(subject: str) -> None:
    assert read_patch_subject(subject) is None


def diff_of(path: str, content: str = "evil\n", mode: str = "100644") -> str:
    """A patch that makes a file."""
    rows = "".join(f"+{row}\n" for row in content.splitlines())
    count = len(content.splitlines())
    names = f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
    return f"{names}@@ -0,0 +1,{count} @@\n{rows}"


@pytest.mark.parametrize(
    "patch",
    [
        diff_of("../outside"),
        diff_of("/etc/passwd-new"),
        diff_of(".git/hooks/post-checkout"),
        diff_of("a/../../outside"),
        diff_of("link", "/etc", "120000").replace("+/etc\n", "+/etc\n\\ No newline at end of file\n")
        + diff_of("link/passwd"),
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-not there\n+x\n",
        "diff --git a/a b/a\nGIT binary patch\nliteral 5\nnonsense\n",
        "--- a/a\n+++ b/a\n",
    ],
)
def test_a_hostile_patch_is_held_back_and_touches_nothing(project: MailedProject, patch: str) -> None:
    project.write("[PATCH] evil", f"Text\n---\n{patch}")
    grow(project.builder, "good", ("x", "1\n"))
    project.send("good")
    before = {path for path in project.folder.rglob("*") if "state" not in path.parts}
    evil, good = sorted(project.read(), key=lambda ticket: ticket.title)
    assert evil.held.startswith("it does not apply to 1.0: patch 1 of 1, ")
    assert "\n" not in evil.held
    assert (good.held, project.files(good)) == ("", {"x"})
    assert {path for path in project.folder.rglob("*") if "state" not in path.parts} == before
    assert not (project.folder.parent / "outside").exists()


def test_a_patch_that_adds_git_files_is_not_fetched(project: MailedProject) -> None:
    """What git itself applies is still held against what a checkout may write, as any other branch."""
    project.write("[PATCH] evil", f"Text\n---\n{diff_of('.GIT/config')}")
    [ticket] = project.read()
    mirror = Mirror.of(project.builder.url, project.folder / "state")
    if ticket.branch:
        fetched = fetch_sound(mirror, mirror.release("latest"), {1: ticket.branch}, {1: ticket.repository})
        assert list(fetched.faults) == [1]
    else:
        assert "it does not apply" in ticket.held


HOSTILE_MAILS = [
    b"",
    b"\x00\xff\xfe",
    b"Subject: =?utf-8?b?////?=\nMessage-ID: <a@b>\n\n",
    b"Subject: =?no-such-charset?q?x?= [PATCH]\nMessage-ID: <c@d>\nContent-Type: text/plain; charset=odd\n\n--- a\n",
    b"Subject: [PATCH] x\nMessage-ID: <e@f>\nDate: Mon, 99 Foo 99999 99:99:99 +9999\nFrom: \n\n--- a/x\n+++ b/x\n",
    b"Subject: [PATCH] x\nMessage-ID: <g@h>\nFrom: " + b"(" * 500 + b"\n\n--- a/x\n+++ b/x\n",
    b"Subject: [PATCH 1/9999] x\nMessage-ID: <i@j>\nIn-Reply-To: <i@j>\nReferences: <i@j> <k@l> <i@j>\n\n--- a/x\n",
    b"Subject: [PATCH 2/9999] x\nMessage-ID: <k@l>\nIn-Reply-To: <i@j>\nReferences: <k@l>\n\n--- a/x\n",
    b"Subject: [PATCH] x\nMessage-ID: <m@n>\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!\n",
    b"Subject: [PATCH] deep\nMessage-ID: <o@p>\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 3000,
    b"Subject: [PATCH] slashes\nMessage-ID: <q@r>\n\ndepends-on: http://" + b"/" * 200_000 + b"\n--- a/x\n",
    b'Subject: [PATCH] x\nMessage-ID: <s@t>\nReply-To: "a\\\nBcc: v@x.org" <x@y>, <\xc3\xa9@z>, b@[1.2.3.4]\n\n--- a\n',
]


def test_hostile_mails_are_read_and_harm_nobody(project: MailedProject) -> None:
    content = b"".join(b"From x Mon Jan  1 00:00:00 2026\n" + each + b"\n\n" for each in HOSTILE_MAILS)
    project.mbox.write_bytes(content)
    grow(project.builder, "good", ("x", "1\n"))
    project.send("good")
    tickets = project.read()
    assert [each.title for each in tickets if not each.held] == ["good: change x 1"]
    for each in map(Mail, HOSTILE_MAILS):
        draft = email.message_from_bytes(draft_answer(each, "Text"))
        assert "Bcc" not in draft
        assert draft.get_payload() == "Text\n"


def test_a_draft_answers_everybody_and_is_written_once(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    project.send("one", "--cc=Jörg <joerg@example.org>", "-v2")
    [ticket] = project.read()
    account = Account(
        number=ticket.number,
        verdict=Verdict.CULPRIT,
        commit=ticket.commit,
        summary="s",
        text="It bréaks.\n\n    From a",
    )
    assert project.tracker().tell(account).changed == (TicketPart.COMMENT,)
    outbox = project.folder / "list.outbox"
    draft = email.message_from_bytes((outbox / f"{ticket.number}.eml").read_bytes())
    head = Mail((outbox / f"{ticket.number}.eml").read_bytes())
    assert head.subject == "Re: [PATCH v2] one: change x 1"
    assert (draft["X-Unsent"], head.header("To")) == ("1", "Åsa Ek <asa@example.org>")
    assert head.header("Cc") == "list@example.org, Jörg <joerg@example.org>"
    sent = next(iter(split_mbox(project.mbox.read_bytes())))
    assert head.ancestors[0] == Mail(sent).message_id
    assert head.text.strip() == "It bréaks.\n\n    From a"
    assert project.tracker().tell(account) == WriteResult()
    (outbox / f"{ticket.number}.eml").unlink()  # it was sent
    assert project.tracker().tell(account) == WriteResult()
    assert project.tracker().tell(replace(account, text="All is well.")).changed == (TicketPart.COMMENT,)
    assert project.tracker().close(ticket, "1.1").changed == (TicketPart.CLOSING,)
    assert project.tracker().close(ticket, "1.1") == WriteResult()
    [refusal] = project.tracker().tell(replace(account, number=1)).refused
    assert refusal.why == "The mailbox has no series #1 any more."


def test_a_maildir_and_what_lies_in_it(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    [mail] = project.send("one")
    box = project.folder / "box"
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
    (box / "new" / "1.x").write_bytes(mail.raw)
    (box / "cur" / "2.y:2,S").write_bytes(mail.raw)  # the same, delivered twice
    (box / "tmp" / "3.z").write_bytes(b"Subject: half a ma")
    (box / "cur" / "4.w").symlink_to("/etc/passwd")
    assert [each.message_id for each in read_mailbox(str(box), 0)] == [mail.message_id]


def test_a_mail_that_was_saved_by_itself_and_patches_that_were_never_sent(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"), ("y", "2\n"))
    mails = project.send("one")
    project.mbox.write_bytes(mails[0].raw)
    assert [each.held for each in project.read()] == ["1 of its 2 patches are missing: 2"]
    unsent = [re.sub(rb"(?m)^(Message-Id|In-Reply-To|References): .*\n", b"", mail.raw) for mail in mails]
    project.mbox.write_bytes(b"".join(b"From x Mon Sep 17 00:00:00 2001\n" + each + b"\n" for each in unsent))
    [ticket] = project.read()
    assert project.files(ticket) == {"x", "y"}
    draft = email.message_from_bytes(draft_answer(Mail(unsent[0]), "T"))
    assert draft["In-Reply-To"] is draft["References"] is None


def test_a_patch_is_read_whatever_type_a_server_gave_it(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    [mail] = project.send("one")
    project.mbox.write_bytes(mail.raw.replace(b"\n\n", b"\nContent-Type: application/octet-stream\n\n", 1))
    [ticket] = project.read()
    assert project.files(ticket) == {"x"}


def test_patches_have_the_version_of_their_cover_letter(project: MailedProject) -> None:
    """Their author typed ``v3`` into the cover letter alone."""
    grow(project.builder, "one", ("x", "1\n"), ("y", "2\n"))
    project.send("one", "-v2", "--cover-letter")
    project.send("one", "--cover-letter")
    text = project.mbox.read_text().replace("Subject: [PATCH 0/2]", "Subject: [PATCH v3 0/2]")
    project.mbox.write_text(text)
    old, new = project.read()
    assert old.held == f"version 3 replaces it, #{new.number}"
    assert project.files(new) == {"x", "y"}


@pytest.mark.parametrize("name", ["missing.mbox", "folder", "text.mbox"])
def test_what_is_no_mailbox(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mbox").write_text("Hello\n")
    with pytest.raises(TrackerError, match=name):
        read_mailbox(str(tmp_path / name), 0)


def test_lines_that_begin_with_from_are_as_they_were_sent() -> None:
    first = b"A: b\n\n>From here\n>>From there\nFrom is not 2026 at the end\n\n"
    second = b"C: d\n\nx\n"
    content = b"From a Mon Jan  1 00:00:00 2026\n" + first + b"From b Tue Jan  2 00:00:00 2026\n" + second
    assert list(split_mbox(content)) == [first.replace(b">From", b"From"), second]
    assert list(split_mbox(b"")) == []


@contextmanager
def archive(answers: dict[str, bytes]) -> Iterator[str]:
    """A public-inbox, which answers what it is asked by method and path."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            content = answers.get(f"{self.command} {self.path}")
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/gzip")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        do_GET = do_POST = _serve  # noqa: N815  http.server's words

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def test_an_archive_is_read_by_a_query_or_a_thread(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    [mail] = project.send("one")
    packed = gzip.compress(project.mbox.read_bytes())
    name = "m@example.org"
    answers = {
        "POST /list/?q=s%3Acount+d%3A2.weeks.ago..&x=m&t=1": packed,
        f"GET /list/{name}/t.mbox.gz": packed,
        "POST /list/?q=cut&x=m&t=1": packed[: len(packed) // 2],
        "POST /list/?q=page&x=m&t=1": b"<html>",
    }
    with archive(answers) as base:
        for place in ("list/?q=s:count+d:2.weeks.ago..", f"list/{name}/", f"list/{name}/T/"):
            assert [each.message_id for each in read_mailbox(f"{base}/{place}", 0)] == [mail.message_id]
        wrong = {
            "list/?q=cut": "was cut off",
            "list/?q=page": "is it a public-inbox",
            "list/?q=none": r"has nothing at .* \(HTTP 404\)",
            "list/": "must name a query or a thread",
        }
        for place, sentence in wrong.items():
            with pytest.raises(TrackerError, match=sentence):
                read_mailbox(f"{base}/{place}", 0)
        tracker = MailTracker(Tracker(url=f"{base}/list/{name}/"), Surroundings(patience=0, folder=project.folder))
        [ticket] = tracker.read()
        assert ticket.url == f"{base}/list/{mail.message_id}/"
        assert ticket.held == "there is no repository at hand to which it could be applied"
        account = Account(number=ticket.number, verdict=Verdict.CONFLICT, commit="", summary="s", text="t")
        assert tracker.tell(account).changed
        assert (project.folder / "outbox" / f"{ticket.number}.eml").exists()


def test_addresses_are_recognised() -> None:
    for typed in ("list.mbox", "../list.mbox", "https://lore.kernel.org/netdev/?q=d:2.weeks.ago..", "~/Maildir"):
        found = recognise_address(typed)
        assert found
        assert (found.kind, found.url) == (MAIL, typed)


def test_init_takes_a_mailbox_and_the_plan_shows_its_series(project: MailedProject) -> None:
    grow(project.builder, "one", ("x", "1\n"))
    project.send("one")
    project.send("one", "--cover-letter", "-v2")
    folder = project.folder / "clone"
    run_git("clone", "--quiet", project.builder.url, str(folder), cwd=project.folder)
    assert run_init(("--tracker", "../list.mbox", "--tests", "true"), folder) is None
    tickets = load_config(folder / "integration.toml").tickets[0]
    assert (tickets.tracker, tickets.url, tickets.ready, tickets.milestone) == ("mail", "../list.mbox", (), "")
    words = ("--plan", "--date", "2026-11-23")
    record = integrate(
        parse_options(words, session="integrate", called_from=folder, home=folder), Console(to_stderr=True)
    )
    assert sorted(each.verdict for each in record.tickets) == ["ineligible", "integrated"]
    assert not (project.folder / "list.outbox").exists()


@pytest.mark.slow
def test_the_samples_day(tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path / "sample")
    tickets = {each.number: each for each in days_tickets(sample)}
    box = b"".join(_mail_ticket(ticket, tickets, sample.repository) for ticket in tickets.values())
    (tmp_path / "list.mbox").write_bytes(box)
    numbers = {number: next(series_numbers(f"t{number}.1@example.org")) for number in tickets}
    options = day_options(
        tmp_path,
        sample,
        tracker="mail",
        url="list.mbox",
        milestone="",
        ready=["positive-review"],
        never=["needs-work", "disputed", "for-1.2"],
    )
    console = Console(to_stderr=True)
    record = integrate(options, console)
    verdicts = {each.number: each.verdict for each in record.tickets}
    # Without a branch there is nothing to mail.
    expected = {number: str(expectations()[number].verdict) for number in tickets.keys() - {122, 123}}
    expected |= {124: "integrated"} if 124 in expected else {}  # what was reviewed is what was mailed
    assert {number: verdicts[numbers[number]] for number in expected} == expected
    report(options, console)
    drafts = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "list.outbox").iterdir()}
    assert len(drafts) == sum(verdict != "ineligible" for verdict in expected.values()) + 1  # and the register
    text = Mail((tmp_path / "list.outbox" / f"{numbers[114]}.eml").read_bytes()).text
    assert text.startswith("CULPRIT with release 1.1.beta1, as of commit ")
    tomorrow = replace(options, date=options.date + dt.timedelta(days=1))
    assert integrate(tomorrow, console).timings.probes_run == 0
    report(tomorrow, console)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "list.outbox").iterdir()} == drafts


def _mail_ticket(ticket: Ticket, tickets: dict[int, Ticket], repository: Path) -> bytes:
    """The mails of a ticket of the sample: its commits beyond what it depends on or was branched from."""
    tip = run_git("rev-parse", "-q", "--verify", f"refs/heads/{ticket.branch or '-'}", cwd=repository, ok=(0, 1))
    if not tip:
        return b""
    below = [tickets[number].branch for number in ticket.depends]
    since = run_git("merge-base", "develop", tip, cwd=repository)
    since = f"{tip}^" if since == tip else since  # it is merged
    commits = run_git("rev-list", tip, cwd=repository).split()  # the newest first
    since = next(
        (each for each in commits if each in {run_git("rev-parse", name, cwd=repository) for name in below}), since
    )
    states = [label.partition(": ")[2] or label for label in ticket.labels if label[:3] not in ("p: ", "t: ", "c: ")]
    tags = [*states, *(["for-1.2"] if ticket.milestone == "1.2" else [])]
    prefix = " ".join(("PATCH", *(tag.replace(" ", "-") for tag in tags)))
    author = run_git("log", "-1", "--format=%an <%ae>", tip, cwd=repository)
    words = ("format-patch", "--stdout", "--no-thread", f"--subject-prefix={prefix}", f"--from={author}")
    text = run_git(*words, f"--base={since}", f"{since}..{tip}", cwd=repository)
    mails = list(split_mbox(text.encode("utf-8", "surrogateescape") + b"\n\n"))
    needs = "".join(f"depends-on: <t{number}.1@example.org>\n" for number in ticket.depends).encode()
    found = b""
    for place, mail in enumerate(mails, start=1):
        answers = f"In-Reply-To: <t{ticket.number}.1@example.org>\n" if place > 1 else ""
        head = (
            f"From x Mon Nov 23 00:00:00 2026\nMessage-ID: <t{ticket.number}.{place}@example.org>\n{answers}".encode()
        )
        before, _, after = mail.partition(b"\n---\n")
        found += head + before + b"\n" + needs + b"\n---\n" + after + b"\n"
    return found
