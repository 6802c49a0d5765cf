from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from sessions.terminal.errors import TrackerError
from sessions.tickets.trackers.forge.rest import RestClient, reason_in
from sessions.tickets.trackers.http import Caller

Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b'{"fine": true}')
SECRET = "hunter2"


@dataclass
class Script:
    """A server that gives the answers it was told to, then ``OK``; ``None`` hangs up."""

    url: str = ""
    answers: list[Answer | None] = field(default_factory=list)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def scripted() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.heard.append((self.command, {name.lower(): value for name, value in self.headers.items()}))
            answer = script.answers.pop(0) if script.answers else OK
            if answer is None:
                self.close_connection = True
                return
            status, headers, text = answer
            (self.send_response_only if "Date" in headers else self.send_response)(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)
            self.close_connection = int(headers.get("Content-Length", 0)) > len(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  http.server's words

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/path"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as made:
        yield made


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def caller(clock: Clock, patience: float = 300.0, pause: float = 0.0) -> Caller:
    auth = HTTPBasicAuth("me", SECRET)
    return Caller("The tracker", auth, patience, pause, timeout=1, now=clock.now, sleep=clock.sleep)


AGAIN: dict[str, Answer | None] = {
    "500": (500, {}, b"oops"),
    "502": (502, {}, b""),
    "429": (429, {}, b""),
    "secondary limit": (403, {}, b'{"message": "You have exceeded a secondary rate limit."}'),
    "limit in GraphQL": (200, {"Retry-After": "1"}, b'{"errors": []}'),
    "primary limit": (403, {"x-ratelimit-remaining": "0"}, b"{}"),
    "cut": (200, {"Content-Length": "100"}, b"{"),
    "hung up": None,
}


@pytest.mark.parametrize("kind", AGAIN)
def test_reading_is_tried_again(script: Script, clock: Clock, kind: str) -> None:
    script.answers = [AGAIN[kind], AGAIN[kind]]
    assert caller(clock).read("POST", script.url, json={}).json() == {"fine": True}
    assert len(script.heard) == 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 422])
def test_what_repeating_does_not_mend_is_returned(script: Script, clock: Clock, status: int) -> None:
    script.answers = [(status, {}, b"{}")]
    assert caller(clock).read("GET", script.url).status_code == status
    assert clock.slept == []


@pytest.mark.parametrize("kind", AGAIN)
def test_patience_ends_in_one_sentence(script: Script, clock: Clock, kind: str) -> None:
    script.answers = [AGAIN[kind]] * 400
    with pytest.raises(
        TrackerError, match=r"^The tracker refused for [^.]*: what is known is kept, run again later\.$"
    ):
        caller(clock, patience=60).read("GET", script.url)
    assert 29 < clock.time <= 60


def test_a_wait_is_as_long_as_asked(script: Script, clock: Clock) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    reset = str(int((datetime.now(UTC) + timedelta(seconds=50)).timestamp()))
    script.answers = [
        (429, {"Retry-After": "7"}, b""),
        (503, {"Retry-After": later}, b""),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, b""),
        (429, {"Retry-After": "soon"}, b""),
    ]
    caller(clock).read("GET", script.url)
    seconds, until, limit, unclear = clock.slept
    assert seconds == 7
    assert 27 <= until <= 30
    assert 47 <= limit <= 50
    assert unclear == 8  # as after three troubles that ask for nothing


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_a_wait_until_a_moment_is_measured_by_the_servers_clock(script: Script, clock: Clock, hours: int) -> None:
    """Our own clock may be wrong."""
    servers = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    date = {"Date": format_datetime(servers, usegmt=True)}
    later = servers + timedelta(seconds=30)
    script.answers = [
        (503, {**date, "Retry-After": format_datetime(later, usegmt=True)}, b""),
        (403, {**date, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(later.timestamp()))}, b""),
    ]
    caller(clock).read("GET", script.url)
    assert clock.slept == [30, 30]


@pytest.mark.parametrize("asked", ["1 Jan 99999999999999999999 00:00:00 GMT", "-5", "nan", "tomorrow"])
def test_a_wait_that_makes_no_sense_is_none(script: Script, clock: Clock, asked: str) -> None:
    script.answers = [(503, {"Retry-After": asked, "Date": asked}, b"")]
    assert caller(clock).read("GET", script.url).status_code == 200
    assert clock.slept == [1]


@pytest.mark.parametrize("asked", ["301", "9" * 400])
def test_a_wait_beyond_all_patience_is_not_begun(script: Script, clock: Clock, asked: str) -> None:
    script.answers = [(429, {"Retry-After": asked}, b"")]
    with pytest.raises(TrackerError, match=r"refused \(HTTP 429: too many requests, and asks for .* more\)"):
        caller(clock).read("GET", script.url)
    assert clock.slept == []


@pytest.mark.parametrize("kind", ["429", "secondary limit", "limit in GraphQL", "primary limit"])
def test_writing_is_tried_again_where_nothing_was_done(script: Script, clock: Clock, kind: str) -> None:
    script.answers = [AGAIN[kind]]
    assert caller(clock).write("POST", script.url, json={}).status_code == 200
    assert len(script.heard) == 2


@pytest.mark.parametrize("kind", ["500", "502", "cut", "hung up"])
def test_what_may_have_been_done_is_not_done_twice(script: Script, clock: Clock, kind: str) -> None:
    script.answers = [AGAIN[kind]]
    with pytest.raises(TrackerError, match=r"may or may not have heard a change .*: it was not sent twice"):
        caller(clock).write("POST", script.url, json={})
    assert len(script.heard) == 1


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["500", "cut", "hung up"])
def test_what_is_the_same_done_twice_is_tried_again(script: Script, clock: Clock, method: str, kind: str) -> None:
    script.answers = [AGAIN[kind]]
    assert caller(clock).write(method, script.url).status_code == 200
    assert len(script.heard) == 2


def test_nobody_there(clock: Clock) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        for call in (caller(clock).read, caller(clock).write):
            with pytest.raises(
                TrackerError, match=r"could not be reached for 4m\d\ds \(it cannot be reached\): check the network"
            ):
                call("POST", url)


def test_writes_are_paced(script: Script, clock: Clock) -> None:
    slow = caller(clock, pause=2)
    slow.write("POST", script.url)
    slow.read("GET", script.url)
    assert clock.slept == []
    slow.write("POST", script.url)
    clock.time += 1.5
    slow.write("POST", script.url)
    clock.time += 5
    slow.write("POST", script.url)
    assert clock.slept == [2, 0.5]


def test_what_did_not_change_is_not_sent_again(script: Script, clock: Clock) -> None:
    script.answers = [(200, {"ETag": '"1"'}, b"[1]"), (304, {}, b""), (200, {"ETag": '"2"'}, b"[2]"), (304, {}, b"")]
    asked = caller(clock)
    assert [asked.read("GET", script.url, params={"page": 1}).json() for _ in range(4)] == [[1], [1], [2], [2]]
    assert [headers.get("if-none-match") for _, headers in script.heard] == [None, '"1"', '"1"', '"2"']
    asked.read("GET", script.url, params={"page": 2})
    assert "if-none-match" not in script.heard[-1][1]


@pytest.mark.parametrize("body", [b"<html>", b'{"a": [', b"[" * 100_000, b"9" * 5000])
def test_what_is_not_json(script: Script, clock: Clock, body: bytes) -> None:
    script.answers = [(200, {}, body)]
    asked = caller(clock)
    with pytest.raises(TrackerError, match=r"The tracker answered with something that is not JSON \(HTTP 200\)"):
        asked.json(asked.read("GET", script.url))


def test_a_list_whose_pages_are_all_the_same_has_an_end(script: Script, clock: Clock) -> None:
    """A proxy in between drops the number of the page; not every forge tells how long a list is."""
    script.answers = [(200, {}, b'[{"iid": 7}]')] * 2
    rest = RestClient(forge="GitLab", name="a/b", base=script.url, caller=caller(clock), tokens="GITLAB_TOKEN")
    with pytest.raises(TrackerError, match=r"GitLab gives the same page of a/b's list for every number"):
        rest.pages("merge_requests")


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".netrc"
    path.write_text("machine 127.0.0.1 login someone password from-netrc\ndefault login x password from-netrc\n")
    path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
def test_netrc_is_not_asked_who_we_are(script: Script) -> None:
    Caller("The tracker", None).read("GET", script.url)
    assert "authorization" not in script.heard[0][1]


@pytest.mark.usefixtures("netrc")
def test_another_host_gets_no_secret(script: Script, clock: Clock) -> None:
    with scripted() as other:
        script.answers = [(302, {"Location": other.url}, b"")]
        caller(clock).read("GET", script.url)
        assert "authorization" in script.heard[0][1]
        assert "authorization" not in other.heard[0][1]


def test_another_host_cannot_ask_for_a_digest(script: Script, clock: Clock) -> None:
    challenge = 'Digest realm="x", nonce="y", qop="auth"'
    with scripted() as other:
        script.answers = [(302, {"Location": other.url}, b"")]
        other.answers = [(401, {"WWW-Authenticate": challenge}, b"")]
        asked = Caller("The tracker", HTTPDigestAuth("me", SECRET), now=clock.now, sleep=clock.sleep)
        assert asked.read("GET", script.url).status_code == 401
        assert len(other.heard) == 1


def test_a_digest_is_given_where_it_belongs(script: Script) -> None:
    script.answers = [(401, {"WWW-Authenticate": 'Digest realm="x", nonce="y", qop="auth"'}, b"")]
    assert Caller("The tracker", HTTPDigestAuth("me", SECRET)).read("GET", script.url).status_code == 200
    assert script.heard[1][1]["authorization"].startswith("Digest ")


def test_a_change_that_a_redirect_turns_into_a_question_is_refused(script: Script, clock: Clock) -> None:
    script.answers = [(301, {"Location": script.url}, b"")]
    with pytest.raises(TrackerError, match=r"has moved: a change was not heard"):
        caller(clock).write("POST", script.url)


def _bad_header(asked: Caller, script: Script) -> None:
    asked.read("GET", script.url, headers={"Authorization": f"Bearer {SECRET}\nX: y"}, auth=lambda request: request)


def _bad_address(asked: Caller, _script: Script) -> None:
    asked.read("GET", f"http://me:{SECRET}@[nowhere/")


def _hung_up(asked: Caller, script: Script) -> None:
    script.answers = [None]
    asked.write("POST", script.url.replace("//", f"//me:{SECRET}@"))


def _loop(asked: Caller, script: Script) -> None:
    script.answers = [(302, {"Location": f"/{SECRET}"}, b"")] * 40
    asked.read("GET", script.url)


def _no_certificate(asked: Caller, script: Script) -> None:
    asked.read("GET", script.url.replace("http://", f"https://me:{SECRET}@"))


@pytest.mark.parametrize("act", [_bad_header, _bad_address, _hung_up, _loop, _no_certificate])
def test_no_sentence_holds_a_secret(
    script: Script, clock: Clock, caplog: pytest.LogCaptureFixture, act: Callable[[Caller, Script], None]
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(TrackerError) as caught:
        act(caller(clock), script)
    assert SECRET not in str(caught.value) + caplog.text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


class Token(AuthBase):
    """Sends a token as forges want it."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {SECRET}"
        return request


@pytest.mark.parametrize("auth", [Token(), HTTPBasicAuth("we", SECRET)], ids=["token", "password"])
@pytest.mark.parametrize("padding", ["", "x" * 197], ids=["whole", "cut off"])
def test_a_refusal_that_repeats_a_secret_is_shown_without_it(auth: AuthBase, padding: str) -> None:
    with scripted() as script:
        sent = f'{{"message": "{padding}{SECRET} is not allowed"}}'.encode()
        script.answers = [(404, {}, sent)]
        reason = reason_in(Caller("A forge", auth).read("GET", script.url))
    assert (reason, SECRET[:3] in reason) == (f"{padding}*** is not allowed"[:200], False)
