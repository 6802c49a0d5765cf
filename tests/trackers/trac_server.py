"""A real Trac with its XML-RPC plugin, on the Python 2.7 that it needs, and what is done to it between us and it."""

from __future__ import annotations

import base64
import configparser
import hashlib
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import pytest
import requests
from filelock import FileLock

from sessions.tickets.model import Ticket

PACKAGES = ("Trac==1.2.6", "TracXMLRPC==1.1.9", "Genshi==0.7.12")
USERS = {"bot": "sesame", "jane": "jane's"}
TOKEN = "opensesame"
REALM = "trac"
FIELDS = ("branch", "commit", "dependencies", "author", "reviewer")
STATUSES = {"s: positive review": "positive_review", "s: needs work": "needs_work", "s: needs review": "needs_review"}
# Sage's way: a ticket that has a positive review goes back by `needs_work`.
WORKFLOW = {
    "leave": "* -> *",
    "leave.operations": "leave_status",
    "leave.default": "1",
    "create": "<none> -> new",
    "create.default": "1",
    "needs_review": "new,needs_work -> needs_review",
    "positive_review": "needs_review -> positive_review",
    "needs_work": "needs_review,positive_review -> needs_work",
    "needs_work.permissions": "TICKET_MODIFY",
}
# Sage's Trac took tokens by a plugin; this is one.
BEARER = f"""
from trac.core import Component, implements
from trac.web.api import IAuthenticator


class Bearer(Component):
    implements(IAuthenticator)

    def authenticate(self, req):
        return "bot" if req.get_header("Authorization") == "Bearer {TOKEN}" else None
"""


@dataclass
class Trac:
    """A Trac that is served at ``url``; ``folder`` is its environment."""

    url: str
    folder: Path

    def call(self, method: str, *params: Any, user: str = "bot") -> Any:
        """Call a method as that user."""
        body = xmlrpc.client.dumps(params, method)
        reply = requests.post(
            f"{self.url}/login/xmlrpc",
            data=body.encode(),
            headers={"Content-Type": "text/xml"},
            auth=(user, USERS[user]),
            timeout=30,
        )
        [value], _ = xmlrpc.client.loads(reply.content, use_builtin_types=True)
        return value

    def fields(self, number: int) -> dict[str, str]:
        fields: dict[str, str] = self.call("ticket.get", number)[3]
        return fields

    def comments(self, number: int) -> list[tuple[str, str]]:
        """Author and text of each comment."""
        rows = self.call("ticket.changeLog", number)
        return [(row[1], row[4]) for row in rows if row[2] == "comment" and row[4]]

    def history(self) -> list[tuple[Any, ...]]:
        """All that was ever changed, as Trac's own database has it."""
        with sqlite3.connect(self.folder / "db" / "trac.db") as db:
            return db.execute("SELECT * FROM ticket_change ORDER BY 1, 2, 3, 4").fetchall()

    def page(self, number: int) -> str:
        return requests.get(f"{self.url}/ticket/{number}", timeout=30).text

    def load(self, tickets: tuple[Ticket, ...]) -> None:
        """Create the tickets, under their own numbers."""
        for milestone in sorted({ticket.milestone for ticket in tickets} - {""}):
            self.call("ticket.milestone.create", milestone, {})
        for ticket in sorted(tickets, key=lambda each: each.number):
            # Trac gives the number after the highest; a row below it makes that the one that is wanted.
            with sqlite3.connect(self.folder / "db" / "trac.db") as db:
                db.execute("INSERT OR IGNORE INTO ticket (id, status) VALUES (?, 'closed')", (ticket.number - 1,))
            attributes = _attributes(ticket)
            assert self.call("ticket.create", ticket.title, ticket.description, attributes) == ticket.number
            # These two begin as Trac has them.
            self.call("ticket.update", ticket.number, "", {key: attributes[key] for key in ("status", "resolution")})


def _attributes(ticket: Ticket) -> dict[str, str]:
    words = list(ticket.labels)
    priorities = [word.removeprefix("p: ").split(" /")[0] for word in words if word.startswith("p: ")]
    return {
        "status": next((STATUSES[word] for word in words if word in STATUSES), "new"),
        "priority": priorities[0] if priorities else "",
        "resolution": "disputed" if "disputed" in words else "",
        "milestone": ticket.milestone,
        "branch": ticket.branch,
        "commit": ticket.commit,
        "dependencies": ", ".join(f"#{number}" for number in ticket.depends),
        "author": ", ".join(ticket.authors),
        "reviewer": ", ".join(ticket.reviewers),
    }


def python2() -> Path:
    """The Python 2.7 of this machine. Skips the test where there is none."""
    home = pwd.getpwuid(os.getuid()).pw_dir  # not `~`: tests have no home folder
    pyenv = Path(os.environ.get("PYENV_ROOT") or f"{home}/.pyenv") / "versions"
    for place in (shutil.which("python2.7"), *(str(p / "bin" / "python2.7") for p in sorted(pyenv.glob("2.7.*")))):
        if place and Path(place).exists():
            done = subprocess.run([place, "-m", "pip", "--version"], capture_output=True, check=False)
            if done.returncode == 0:
                return Path(place)
    pytest.skip("Trac's XML-RPC plugin needs Python 2.7 with pip, and there is none")


def library(python: Path) -> Path:
    """The folder in which Trac is installed; made once a machine. Skips the test where it cannot be had."""
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"integrand-trac-{os.getuid()}-{name}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            words = [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--target",
                str(half),
            ]
            done = subprocess.run([*words, *PACKAGES], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Trac cannot be installed: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
            half.rename(folder)
    return folder


def environment(folder: Path) -> Path:
    """A new Trac environment with Sage's fields and workflow."""
    python = python2()
    env = {**os.environ, "PYTHONPATH": str(library(python))}

    def admin(*words: str) -> None:
        command = [str(python), "-m", "trac.admin.console", str(folder), *words]
        subprocess.run(command, env=env, check=True, capture_output=True)

    admin("initenv", "Sage", "sqlite:db/trac.db")
    ini = configparser.RawConfigParser(comment_prefixes=("#",))
    ini.read(folder / "conf" / "trac.ini", encoding="utf-8")
    ini["components"] = {"tracrpc.*": "enabled", "bearer.*": "enabled"}
    ini["ticket-custom"] = dict.fromkeys(FIELDS, "text")
    ini["ticket-workflow"] = WORKFLOW
    with (folder / "conf" / "trac.ini").open("w", encoding="utf-8") as file:
        ini.write(file)
    (folder / "plugins" / "bearer.py").write_text(BEARER)
    basic = [f"{u}:{{SHA}}{base64.b64encode(hashlib.sha1(p.encode()).digest()).decode()}" for u, p in USERS.items()]  # noqa: S324
    (folder / "htpasswd").write_text("\n".join(basic) + "\n")
    digest = [f"{u}:{REALM}:{hashlib.md5(f'{u}:{REALM}:{p}'.encode()).hexdigest()}" for u, p in USERS.items()]  # noqa: S324
    (folder / "htdigest").write_text("\n".join(digest) + "\n")
    admin("permission", "add", "anonymous", "XML_RPC")
    admin("permission", "add", "authenticated", "XML_RPC")
    admin("permission", "add", "bot", "TICKET_ADMIN", "MILESTONE_ADMIN")
    return folder


@contextmanager
def served(folder: Path, auth: str = "basic") -> Iterator[Trac]:
    """The environment, served on a free port of this machine."""
    python = python2()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    way = {
        "basic": f"--basic-auth={folder.name},{folder / 'htpasswd'},{REALM}",
        "digest": f"--auth={folder.name},{folder / 'htdigest'},{REALM}",
    }
    command = [
        str(python),
        "-m",
        "trac.web.standalone",
        "-s",
        "-b",
        "127.0.0.1",
        "-p",
        str(port),
        way[auth],
        str(folder),
    ]
    env = {**os.environ, "PYTHONPATH": str(library(python))}
    with (folder / "log" / f"{auth}.txt").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            trac = Trac(f"http://127.0.0.1:{port}", folder)
            _wait_for(trac, process)
            yield trac
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(trac: Trac, process: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        with suppress(requests.ConnectionError):
            requests.get(f"{trac.url}/about", timeout=30)
            return
        assert process.poll() is None, "Trac did not start"
        time.sleep(0.1)
    raise AssertionError("Trac did not answer")


Answer = Callable[[str, bytes], tuple[int, Mapping[str, str], bytes] | None]


@dataclass
class Proxy:
    """Stands between us and a Trac. ``meddle`` gets each call's method and body and may answer in Trac's place.

    ``spoil`` gets what Trac answered and returns what arrives of it.
    """

    url: str
    meddle: Answer = lambda _method, _body: None
    spoil: Callable[[str, bytes], bytes] = lambda _method, body: body
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.seen]


@contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """A server that hands every call on to ``target``, unless a test meddles."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                method = xmlrpc.client.loads(body)[1] or ""
            except ExpatError:
                method = self.command
            proxy.seen.append((method, dict(self.headers)))
            answer = proxy.meddle(method, body)
            if answer is None:
                passed = {k: v for k, v in self.headers.items() if k in ("Authorization", "Content-Type")}
                reply = requests.request(self.command, target + self.path, data=body, headers=passed, timeout=30)
                kept = {k: v for k, v in reply.headers.items() if k in ("Content-Type", "WWW-Authenticate")}
                answer = (reply.status_code, kept, proxy.spoil(method, reply.content))
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
