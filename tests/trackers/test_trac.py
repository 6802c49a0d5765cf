from __future__ import annotations

import re
import shutil
import sqlite3
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sessions.ledger.record_file import parse_record
from sessions.reporting.account import render_account
from sessions.sample.history import expectations
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration import Tracker
from sessions.terminal.errors import TrackerError
from sessions.terminal.harmless_text import harmless
from sessions.tickets.dialects.wiki import WIKI
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import TicketPart, WriteResult
from sessions.tickets.trackers.file import FileTracker
from sessions.tickets.trackers.trac.tracker import TracTracker
from tests.reporting.test_markdown import record
from tests.reporting.test_wiki import BITS, hostile
from tests.stories.desk import Desk, new_desk, verdicts
from tests.trackers.trac_server import TOKEN, USERS, Proxy, Trac, environment, proxied, served

ROOT = Path(__file__).resolve().parents[2]
READY = ("positive_review",)


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ticket, ...]:
    return FileTracker(Tracker(url=str(unpack_sample(tmp_path_factory.mktemp("sample")).tickets))).read()


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory, listed: tuple[Ticket, ...]) -> Path:
    """A Trac with the sample's tickets, to be copied."""
    folder = environment(tmp_path_factory.mktemp("trac") / "env")
    with served(folder) as trac:
        trac.load(listed)
    return folder


@pytest.fixture(scope="session")
def copied(master: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    def copy() -> Path:
        return Path(shutil.copytree(master, tmp_path_factory.mktemp("trac") / "env"))

    return copy


@pytest.fixture(scope="module")
def trac(copied: Callable[[], Path]) -> Iterator[Trac]:
    """A Trac whose tickets tests change, each its own."""
    with served(copied()) as running:
        yield running


@pytest.fixture
def proxy(trac: Trac) -> Iterator[Proxy]:
    with proxied(trac.url) as between:
        yield between


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAC_USER", "bot")
    monkeypatch.setenv("TRAC_PASSWORD", USERS["bot"])


def tracker(
    url: str, *, milestone: str = "current", at_fault: str = "needs_work", patience: float = 0.0
) -> TracTracker:
    config = Tracker(tracker="trac", url=url, ready=READY, milestone=milestone, at_fault=at_fault)
    return TracTracker(config, patience=patience)


def told(trac: Trac, number: int, verdict: Verdict = Verdict.CULPRIT, **other: Any) -> Account:
    words = {"commit": trac.fields(number)["commit"], "summary": "it breaks a test", "text": "It breaks '''a''' test."}
    return Account(number=number, verdict=verdict, **{**words, **other})


def edited_by_jane(trac: Trac, number: int, **changes: str) -> None:
    trac.call("ticket.update", number, "I was faster.", changes, user="jane")


# Reading


def test_the_tickets_are_those_of_the_sample(trac: Trac, listed: tuple[Ticket, ...]) -> None:
    found = {each.number: each for each in tracker(trac.url).read()}
    assert list(found) == sorted(each.number for each in listed)
    for each in listed:
        expected = replace(each, url=f"{trac.url}/ticket/{each.number}", labels=found[each.number].labels)
        assert replace(found[each.number], description=each.description) == expected
        assert found[each.number].description.split() == each.description.split()
    assert found[101].labels == ("positive_review", "blocker")
    assert found[121].labels == ("positive_review", "major", "disputed")


@pytest.fixture
def many(copied: Callable[[], Path]) -> Iterator[Trac]:
    """A Trac with 250 more tickets, one of them for a milestone that is none."""
    folder = copied()
    with closing(sqlite3.connect(folder / "db" / "trac.db")) as db, db:
        rows = [(n, "new", "sage-pending" if n == 1007 else "1.1", f"Ticket {n}") for n in range(1001, 1251)]
        db.executemany("INSERT INTO ticket (id, status, milestone, summary) VALUES (?, ?, ?, ?)", rows)
        db.execute("UPDATE ticket SET time = 1, changetime = 1, description = '' WHERE id > 1000")
        branch = [(1001, "branch", "c" * 40), (1002, "branch", " u/jane/x "), (1002, "commit", "--all")]
        db.executemany("INSERT INTO ticket_custom VALUES (?, ?, ?)", branch)
    with served(folder) as running:
        yield running


def test_all_are_read_in_few_requests_or_none(many: Trac) -> None:
    def change(method: str, sql: str) -> Callable[[str, bytes], None]:
        def meddle(called: str, _body: bytes) -> None:
            if called == method:
                with closing(sqlite3.connect(many.folder / "db" / "trac.db")) as db, db:
                    db.execute(sql)

        return meddle

    with proxied(many.url) as proxy:
        found = {each.number: each for each in tracker(proxy.url).read()}
        assert len(found) == 277
        assert proxy.methods == ["ticket.query", *["system.multicall"] * 3]
        assert (found[1001].branch, found[1002].branch, found[1002].commit) == ("", "u/jane/x", "0" * 40)
        anywhere = {each.number for each in tracker(proxy.url, milestone="").read()}
        assert found.keys() - anywhere == {1007}
        # Closed or deleted between the query and the reading of the tickets:
        proxy.meddle = change("system.multicall", "UPDATE ticket SET status = 'closed' WHERE id = 1010")
        assert len(tracker(proxy.url).read()) == 276
        proxy.meddle = change("system.multicall", "DELETE FROM ticket WHERE id = 1200")
        with pytest.raises(TrackerError, match=r"refuses ticket\.get .*Ticket 1200 does not exist"):
            tracker(proxy.url).read()


# Who asks


def test_nobody_may_read_but_not_tell(trac: Trac) -> None:
    assert len(tracker(trac.url).read()) == 27
    with pytest.raises(TrackerError, match=r"needs TRAC_USER, with TRAC_PASSWORD or TRAC_TOKEN\.$"):
        tracker(trac.url).tell(told(trac, 101))


@pytest.mark.usefixtures("bot")
def test_basic_credentials_go_to_the_login_page_alone(proxy: Proxy) -> None:
    assert len(tracker(proxy.url).read()) == 27
    assert all(headers["Authorization"].startswith("Basic ") for _, headers in proxy.seen)


@pytest.mark.usefixtures("bot")
def test_digest_credentials(copied: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAC_AUTH", "digest")
    with served(copied(), "digest") as running, proxied(running.url) as proxy:
        assert len(tracker(proxy.url).read()) == 27
        assert all(headers.get("Authorization", "Digest ").startswith("Digest ") for _, headers in proxy.seen)
        monkeypatch.setenv("TRAC_PASSWORD", "sesam")
        with pytest.raises(TrackerError, match=r"refuses access \(HTTP 401\)"):
            tracker(running.url).read()


def test_a_token_reads_and_tells(trac: Trac, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAC_USER", "bot")
    monkeypatch.setenv("TRAC_TOKEN", TOKEN)
    assert tracker(trac.url).tell(told(trac, 102)).changed
    assert tracker(trac.url).tell(told(trac, 102)) == WriteResult()
    assert [author for author, _ in trac.comments(102)] == ["bot"]
    monkeypatch.setenv("TRAC_USER", "robot")
    with pytest.raises(TrackerError, match="not under the name robot: set TRAC_USER to the name"):
        tracker(trac.url).tell(told(trac, 103))


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"TRAC_USER": "bot", "TRAC_PASSWORD": "sesam"},
            r"refuses access \(HTTP 401\): .* TRAC_USER and TRAC_PASSWORD",
        ),
        ({"TRAC_USER": "bot"}, "half of them is set"),
        ({"TRAC_PASSWORD": "sesame"}, "half of them is set"),
        ({"TRAC_USER": "bot", "TRAC_PASSWORD": "sesame", "TRAC_AUTH": "kerberos"}, "basic or digest, not 'kerberos'"),
    ],
)
def test_wrong_credentials_are_one_sentence_without_them(
    trac: Trac, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], sentence: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrackerError, match=sentence) as caught:
        tracker(trac.url).read()
    assert "sesam" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://trac.example",
        "https://bot:sesame@trac.example",
        "https://",
        "https://[",
        "trac.toml",
        "https://trac.example?token=sesame",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(TrackerError, match="must be Trac's address") as caught:
        tracker(url)
    assert "sesame" not in str(caught.value)


# What is no Trac

BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><methodResponse>&b;'


def response(value: Any) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"<html><body>Welcome</body></html>", "something that is not XML-RPC"),
        (200, b"", "something that is not XML-RPC"),
        (200, b"\xff\xfe\x00", "something that is not XML-RPC"),
        (
            200,
            b"<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
            "not XML",
        ),
        (200, BOMB, "XML that defines entities"),
        (404, b"<html>no such page</html>", "HTTP 404"),
        (200, response("hello"), "does not answer"),
        (200, response([1, "2"]), "does not answer"),
        (200, response([-1]), "does not answer"),
        (200, response({"faultString": "x"}), "does not answer"),
    ],
)
def test_what_is_no_trac_is_told_so(proxy: Proxy, status: int, body: bytes, sentence: str) -> None:
    proxy.meddle = lambda _method, _body: (status, {"Content-Type": "text/xml"}, body)
    with pytest.raises(TrackerError, match=sentence) as caught:
        tracker(proxy.url).read()
    assert str(caught.value).count(proxy.url) == 1


def test_members_that_are_no_tickets_are_no_tickets() -> None:
    row = [101, 1, 1, {"_ts": "1", "status": "new", "summary": "x"}]
    wrong = [[], [[]], [[[102, *row[1:]]]], [[[*row[:3], {"status": "new"}]]], [[row], [row]], [row], ["x"], [{}]]
    for each in wrong:
        with proxied("http://127.0.0.1:9") as fake:
            replies = {"ticket.query": response([101]), "system.multicall": response(each)}
            fake.meddle = lambda method, _body, replies=replies: (200, {}, replies[method])  # type: ignore[misc]
            with pytest.raises(TrackerError, match="does not answer"):
                tracker(fake.url).read()


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("method", ["ticket.get", "ticket.changeLog", "ticket.getActions"])
@pytest.mark.parametrize("value", ["x", 7, {}, {"a": 1}, [7], [[]], [{}]])
def test_a_change_is_not_decided_on_nonsense(trac: Trac, proxy: Proxy, method: str, value: Any) -> None:
    it = told(trac, 125)
    proxy.meddle = lambda called, _body: (200, {}, response(value)) if called == method else None
    with pytest.raises(TrackerError, match=f"does not answer {method}"):
        tracker(proxy.url).tell(it)
    assert "ticket.update" not in proxy.methods


# Telling


@pytest.mark.usefixtures("bot")
def test_a_culprit_is_told_once_and_sent_back_once(trac: Trac) -> None:
    mine, it = tracker(trac.url), told(trac, 104)
    assert mine.tell(it).changed == (TicketPart.COMMENT, TicketPart.STATUS)
    assert [mine.tell(it), tracker(trac.url).tell(it)] == [WriteResult(), WriteResult()]
    [(author, text)] = trac.comments(104)
    assert author == "bot"
    assert "It breaks '''a''' test." in text
    assert trac.fields(104)["status"] == "needs_work"
    # Its author disagrees, and nobody fights about it; another reason is news.
    trac.call("ticket.update", 104, "No.", {"status": "positive_review"}, user="jane")
    assert mine.tell(it) == WriteResult()
    assert trac.fields(104)["status"] == "positive_review"
    assert mine.tell(replace(it, summary="it breaks another test", url="https://ci.example/run/7?x=1")).changed
    assert trac.fields(104)["status"] == "needs_work"
    assert "[https://ci.example/run/7?x=1 The full report]" in trac.comments(104)[-1][1]


@pytest.mark.usefixtures("bot")
def test_being_integrated_again_tomorrow_is_no_news(trac: Trac) -> None:
    mine, it = tracker(trac.url), told(trac, 105, Verdict.INTEGRATED, summary="integrated in 1.1+2026-11-23")
    assert mine.tell(it).changed
    assert mine.tell(replace(it, summary="integrated in 1.1+2026-11-24", text="other")) == WriteResult()
    assert trac.fields(105)["status"] == "positive_review"
    assert mine.tell(replace(it, commit="1" * 40)).changed
    assert mine.tell(replace(it, verdict=Verdict.CULPRIT)).changed


@pytest.mark.usefixtures("bot")
def test_one_who_pushed_since_is_told_of_the_tested_commit_and_keeps_the_status(trac: Trac) -> None:
    it = told(trac, 106)
    trac.call("ticket.update", 106, "Pushed.", {"commit": "a" * 40}, user="jane")
    assert tracker(trac.url).tell(it).changed
    assert f"{{{{{{{it.commit[:10]}}}}}}}. The ticket has moved on since" in trac.comments(106)[-1][1]
    assert trac.fields(106)["status"] == "positive_review"


@pytest.mark.usefixtures("bot")
def test_a_comment_of_ours_is_one_by_us(trac: Trac) -> None:
    it = told(trac, 107)
    assert tracker(trac.url).tell(it).changed
    [(_, forged)] = trac.comments(107)
    other = replace(it, summary="another reason")
    assert tracker(trac.url).tell(other).changed
    trac.call("ticket.update", 107, trac.comments(107)[-1][1], {}, user="jane")
    trac.call("ticket.update", 107, forged, {}, user="jane")
    assert tracker(trac.url).tell(other) == WriteResult()
    assert tracker(trac.url).tell(it).changed


@pytest.mark.usefixtures("bot")
def test_without_an_action_the_status_stays(trac: Trac) -> None:
    assert tracker(trac.url, at_fault="").tell(told(trac, 109)).changed
    assert trac.fields(109)["status"] == "positive_review"
    assert tracker(trac.url).tell(told(trac, 119)).changed  # it needs work already
    done = tracker(trac.url, at_fault="reject").tell(told(trac, 110))
    assert done.changed == (TicketPart.COMMENT,)
    [refusal] = done.refused
    assert re.search(r"Ticket 110 .* no action 'reject', only leave, needs_work: send it back by hand", refusal.why)
    assert (refusal.change.part, refusal.may_be_setup) == (TicketPart.STATUS, True)
    assert (len(trac.comments(110)), trac.fields(110)["status"]) == (1, "positive_review")


@pytest.mark.usefixtures("bot")
def test_a_concurrent_edit_is_kept_and_the_change_decided_anew(trac: Trac, proxy: Proxy) -> None:
    edits = [{"keywords": "first"}, {"commit": "b" * 40}]

    def meddle(method: str, _body: bytes) -> None:
        if method == "ticket.update" and edits:
            edited_by_jane(trac, number, **edits.pop())

    proxy.meddle = meddle
    number = 111
    edits.pop(0)
    assert tracker(proxy.url).tell(told(trac, 111)).changed
    assert proxy.methods.count("ticket.update") == 2
    assert [author for author, _ in trac.comments(111)] == ["jane", "bot"]
    assert "moved on since" in trac.comments(111)[-1][1]
    assert (trac.fields(111)["commit"], trac.fields(111)["status"]) == ("b" * 40, "positive_review")
    number, edits = 112, [{"keywords": "second"}, {"keywords": "first"}]
    with pytest.raises(
        TrackerError, match=r"^Ticket 112 of .* was changed by somebody else twice .*--publish` again\.$"
    ):
        tracker(proxy.url).tell(told(trac, 112))
    assert [author for author, _ in trac.comments(112)] == ["jane", "jane"]
    assert tracker(proxy.url).tell(told(trac, 112)).changed
    assert trac.fields(112)["status"] == "needs_work"


@pytest.mark.usefixtures("bot")
def test_a_refusal_for_another_reason_is_told_in_tracs_words(trac: Trac) -> None:
    long, gone = told(trac, 113, text="x" * 300_000), replace(told(trac, 113), number=99999)
    for account, why in (
        (long, r"refuses ticket\.update .*too long"),
        (gone, r"refuses ticket\.get .*99999 "),
    ):
        done = tracker(trac.url).tell(account)
        assert done.changed == ()
        [refusal] = done.refused
        assert re.search(why, refusal.why)
        assert not refusal.may_be_setup
    refused = [each.change for each in tracker(trac.url).tell(long).refused]
    before = trac.history()
    assert tracker(trac.url).tell(long, refused).skipped == tuple(refused)
    assert trac.history() == before
    assert tracker(trac.url).tell(replace(long, text="short", summary="other"), refused).changed


@pytest.mark.usefixtures("bot")
def test_an_action_that_is_refused_leaves_the_comment(trac: Trac, proxy: Proxy) -> None:
    forbidden = xmlrpc.client.dumps(xmlrpc.client.Fault(403, "TICKET_MODIFY privileges are required"))
    number = 123

    def meddle(method: str, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        return (200, {}, forbidden.encode()) if method == "ticket.update" and b"needs_work" in body else None

    trac.call("ticket.update", number, "", {"status": "positive_review"})
    proxy.meddle = meddle
    done = tracker(proxy.url).tell(told(trac, number))
    assert done.changed == (TicketPart.COMMENT,)
    [refusal] = done.refused
    assert (refusal.change.part, refusal.may_be_setup) == (TicketPart.STATUS, True)
    assert "TICKET_MODIFY privileges" in refusal.why
    assert (trac.fields(number)["status"], len(trac.comments(number))) == ("positive_review", 1)
    assert tracker(trac.url).tell(told(trac, number)) == WriteResult()


@pytest.mark.usefixtures("bot")
def test_characters_that_a_trac_on_mysql_does_not_store_are_spelt_out(trac: Trac) -> None:
    assert tracker(trac.url).tell(told(trac, 126, text="It breaks {{{test_\U0001f41b[\U0001d538]}}}.")).changed
    assert "It breaks {{{test_U+1F41B[U+1D538]}}}." in trac.comments(126)[-1][1]


# Faults at each request in turn

FAULTS: dict[str, tuple[int, dict[str, str], bytes] | None] = {
    "500": (500, {}, b"oops"),
    "busy": (503, {"Retry-After": "600"}, b""),
    "limited": (429, {}, b""),
    "html": (200, {}, b"<html>Maintenance</html>"),
    "shorter than said": (200, {"Content-Length": "5000"}, b"<?xml version='1.0'?><methodResponse>"),
    "cut": None,
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("bot")
def test_a_fault_anywhere_never_gives_a_part_nor_a_second_comment(trac: Trac, proxy: Proxy, fault: str) -> None:
    number = (114, 115, 116, 117, 118, 122)[list(FAULTS).index(fault)]
    reference = tracker(trac.url).read()
    it = told(trac, number, commit="")
    for method in ("ticket.query", "system.multicall", "ticket.get", "ticket.changeLog", "ticket.getActions"):
        proxy.meddle, proxy.spoil = _fault_at(method, fault)
        with pytest.raises(TrackerError) as caught:
            (
                tracker(proxy.url).read()
                if method in ("ticket.query", "system.multicall")
                else tracker(proxy.url).tell(it)
            )
        assert "\n" not in str(caught.value)
        assert trac.comments(number) == []
    proxy.meddle, proxy.spoil = _fault_at("ticket.update", fault)
    with pytest.raises(TrackerError):
        tracker(proxy.url).tell(it)
    was_heard = fault == "cut"  # Trac did it, and we never heard of it
    assert len(trac.comments(number)) == was_heard
    proxy.meddle, proxy.spoil = (lambda _method, _body: None), (lambda _method, body: body)
    assert bool(tracker(proxy.url).tell(it).changed) is not was_heard
    assert len(trac.comments(number)) == 1
    assert [each.number for each in tracker(proxy.url).read()] == [each.number for each in reference]


def _fault_at(at: str, fault: str) -> Any:
    answer = FAULTS[fault]
    return (
        lambda method, _body: answer if method == at else None,
        lambda method, body: body[: len(body) // 2] if method == at and answer is None else body,
    )


@pytest.mark.usefixtures("bot")
def test_a_server_that_recovers_is_asked_again(trac: Trac, proxy: Proxy) -> None:
    busy = ["ticket.query", "ticket.update"]

    def meddle(method: str, _body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if method in busy:
            busy.remove(method)
            return 429, {"Retry-After": "0"}, b""
        return None

    proxy.meddle = meddle
    assert len(tracker(proxy.url, patience=9.0).read()) == 27
    assert tracker(proxy.url, patience=9.0).tell(told(trac, 120)).changed
    assert busy == []
    assert len(trac.comments(120)) == 1


# What a reader sees


class Shape(HTMLParser):
    """The elements of a page, without words; monospaced or not is no difference."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "of a ticket that is not there")
        assert not {name for name, _ in attrs} - {"class", "href", "title"}, attrs
        if tag not in ("code", "br"):
            self.tags.append(tag)


def shapes(trac: Trac, texts: list[str]) -> list[Shape]:
    calls = [{"methodName": "wiki.wikiToHtml", "params": [text]} for text in texts]
    return [Shape(html) for [html] in trac.call("system.multicall", calls)]


def comments_of(text: str) -> list[str]:
    day = parse_record(record(text))
    return [render_account(day, ticket, WIKI) for ticket in day.tickets[1:3]]


def test_hostile_texts_change_nothing_in_a_rendered_comment(trac: Trac) -> None:
    texts = [*BITS, *(f"}}}}}} {bit}\n{{{{{{\n{bit}" for bit in BITS), " ".join(BITS)]
    texts = [text for text in texts if harmless(text).split()]
    assert len(texts) > 50
    _same_shape(trac, texts)


@given(hostile)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate]
)
def test_nor_do_they_in_any_mixture(trac: Trac, text: str) -> None:
    if harmless(text).split():
        _same_shape(trac, [text])


def _same_shape(trac: Trac, texts: list[str]) -> None:
    quiet = shapes(trac, comments_of("words"))
    assert quiet[0].links == ["of a ticket that is not there"] * 2  # our own words may name the partner
    found = shapes(trac, [comment for text in texts for comment in comments_of(text)])
    for place, shape in enumerate(found):
        expected = quiet[place % len(quiet)]
        assert (shape.tags, shape.links) == (expected.tags, expected.links), texts[place // len(quiet)]


# The sample's day


def configured(desk: Desk, trac: Trac) -> dict[str, str]:
    """Write the configuration of the sample's project with its tickets in Trac; who tells them."""
    text = (ROOT / "integration.toml").read_text()
    head, rest = text.split("[tickets]\n")
    mine = f"""[tickets]
tracker = "trac"
url = "{trac.url}"
milestone = "current"
ready = ["positive_review"]
never = ["needs_work", "disputed"]
priorities = ["blocker", "critical", "major", "minor", "trivial"]
at_fault = "needs_work"

"""
    (desk.folder / "integration.toml").write_text(head + mine + rest[rest.index("[engine]") :])
    return {"TRAC_USER": "bot", "TRAC_PASSWORD": USERS["bot"]}


@pytest.fixture(scope="module")
def days_trac(copied: Callable[[], Path]) -> Iterator[Trac]:
    with served(copied()) as running:
        yield running


def test_a_plan_is_the_same_whichever_tracker_has_the_tickets(
    days_trac: Trac, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files, tracs = new_desk(tmp_path_factory), new_desk(tmp_path_factory)
    configured(tracs, days_trac)
    before = days_trac.history()
    assert files.type("integrate", "--plan").returncode == 0
    done = tracs.type("integrate", "--plan", "--config", "integration.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(tracs.record()) == verdicts(files.record())
    assert tracs.record()["order"] == files.record()["order"]
    assert days_trac.history() == before


@pytest.mark.slow
def test_the_samples_day_is_told_to_trac_once(days_trac: Trac, tmp_path_factory: pytest.TempPathFactory) -> None:
    trac, desk = days_trac, new_desk(tmp_path_factory)
    bot = configured(desk, trac)
    words = ("--config", "integration.toml")
    done = desk.type("integrate", *words, "--engine", "local", "--gates", "doctest,doc-pdf")
    assert done.returncode == 0, done.stdout + done.stderr
    expected = {number: str(each.verdict) for number, each in expectations().items()}
    assert verdicts(desk.record()) == expected
    before = trac.history()
    assert desk.type("report", *words, **bot).returncode == 0
    assert trac.history() == before  # nothing leaves without --publish
    done = desk.type("report", *words, "--publish", **bot)
    assert done.returncode == 0, done.stdout + done.stderr
    for number, verdict in expected.items():
        comments = trac.comments(number)
        assert len(comments) == (verdict != "ineligible"), number
        assert all(f"'''{verdict}'''" in text for _, text in comments)
    back = {number for number in expected if trac.fields(number)["status"] == "needs_work"}
    assert back == {n for n, verdict in expected.items() if verdict in ("culprit", "conflict")} | {119}
    told = trac.history()
    done = desk.type("report", *words, "--publish", **bot)
    assert "0 of 22 tickets told something new" in done.stdout
    assert trac.history() == told
    _check_pages(trac)


def _check_pages(trac: Trac) -> None:
    page = trac.page(118)
    [comment] = re.findall(r'<div class="comment searchable">(.*?)</div>', page, re.DOTALL)
    assert "integrated" in comment
    assert "integrand" not in re.sub(r"<.*?>", "", comment), "the marker is not shown"
    assert set(Shape(comment).tags) <= {"p", "strong"}
    assert Shape(comment).links == []
    culprit = trac.page(116)
    assert 'href="/ticket/115"' in culprit


@pytest.mark.usefixtures("bot")
def test_closing_is_done_once_and_not_to_a_ticket_that_moved(copied: Callable[[], Path]) -> None:
    with served(copied()) as trac:
        merged, moved = (ticket for ticket in tracker(trac.url).read() if ticket.number in (101, 102))
        trac.call("ticket.update", 102, "Pushed.", {"commit": "a" * 40}, user="jane")
        assert tracker(trac.url).close(merged, "1.1").changed
        assert {trac.fields(101)[key] for key in ("status", "resolution")} == {"closed", "fixed"}
        assert "1.1" in trac.comments(101)[-1][1]
        assert tracker(trac.url).close(merged, "1.1") == WriteResult()
        [refusal] = tracker(trac.url).close(moved, "1.1").refused
        assert refusal.why == "#102 has moved since it was merged into 1.1: it is left open."
        assert trac.fields(102)["status"] == "positive_review"
