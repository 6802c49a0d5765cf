"""The address of a project or a query on a Gerrit server, and the credentials for it."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit

from sessions.terminal.errors import TrackerAccessError, TrackerError

if TYPE_CHECKING:
    from requests.auth import HTTPBasicAuth

GERRIT_VARIABLES = ("GERRIT_USER", "GERRIT_PASSWORD")
_LOCAL = {"127.0.0.1", "::1", "localhost"}
_PLAIN_PROJECT = re.compile(r"[\w./-]+")


@dataclass(frozen=True, kw_only=True)
class GerritAddress:
    """A query on a server: ``base`` is the server's address, ``query`` finds the changes, open or not."""

    base: str
    query: str


def parse_gerrit_address(url: str) -> GerritAddress:
    """The server and the query behind an address.

    Known are that of a query as the browser shows it (``https://HOST/q/project:tools+branch:main``), and that of a
    project: ``https://HOST/PROJECT``, also as Gerrit names it for clones (``/a/PROJECT``) and on its pages
    (``/admin/repos/PROJECT``, ``/c/PROJECT``). A server below a path needs the form with ``/q/``, ``/c/`` or ``/a/``.

    Raises :class:`TrackerError` for anything else, and where a password would travel in the clear.
    """
    parts = urlsplit(url.rstrip("/"))
    found = re.fullmatch(r"(?P<before>(?:/[^/]+)*?)/(?P<kind>q|c|a|admin/repos)/(?P<rest>.+)", parts.path)
    before, kind, rest = (found["before"], found["kind"], found["rest"]) if found else ("", "", parts.path.strip("/"))
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.username or not rest:
        raise TrackerError(
            "[tickets] url names no project on Gerrit: write https://HOST/PROJECT or https://HOST/q/QUERY."
        )
    if parts.scheme == "http" and host not in _LOCAL:
        raise TrackerError(f"[tickets] url: a password would travel to {host} in the clear; write https.")
    base = f"{parts.scheme}://{_review_host(parts.netloc)}{before}"
    return GerritAddress(base=base, query=unquote_plus(rest) if kind == "q" else _of_project(unquote_plus(rest)))


def read_gerrit_credentials(variable: str = "") -> HTTPBasicAuth | None:
    """The user and the HTTP password of the environment, or ``None`` where neither is set.

    If a ``variable`` is configured, it holds both, as ``USER:PASSWORD``.

    Raises :class:`TrackerAccessError` where one of them is missing.
    """
    from requests.auth import HTTPBasicAuth

    pair = os.environ.get(variable, "").partition(":")[::2] if variable else map(os.environ.get, GERRIT_VARIABLES)
    user, password = ((each or "").strip() for each in pair)
    if bool(user) != bool(password):
        names = f"{variable}, as USER:PASSWORD" if variable else "GERRIT_USER with GERRIT_PASSWORD"
        raise TrackerAccessError(f"Credentials for Gerrit are {names}: half of them is set.")
    return HTTPBasicAuth(user.encode(), password.encode()) if user else None


def gerrit_project_address(origin: str) -> str:
    """The address of a project on Gerrit, from that of a clone's origin; empty where it is elsewhere.

    Gerrit's own port for ssh tells it, or a host that is called so.

    >>> gerrit_project_address("ssh://jane@review.example.org:29418/tools/one.git")
    'https://review.example.org/tools/one'
    >>> gerrit_project_address("https://android.googlesource.com/platform/art")
    'https://android-review.googlesource.com/platform/art'
    """
    found = re.fullmatch(
        r"(?P<scheme>ssh|https?)://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?/(?:a/)?(?P<path>.+?)(?:\.git)?/?",
        origin,
    )
    if not found or not (found["port"] == "29418" or _is_called_gerrit(found["host"])):
        return ""
    return f"https://{_review_host(found['host'])}/{found['path']}"


def read_gitreview(text: str) -> str:
    """The address of the project that a ``.gitreview`` names, the file of git-review; empty where it names none.

    Its keys are those of https://docs.opendev.org/opendev/git-review/latest/installation.html#gitreview-file-format.
    """
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        host, project = parser["gerrit"]["host"].strip(), parser["gerrit"]["project"].strip()
    except (configparser.Error, KeyError):
        return ""
    is_sound = re.fullmatch(r"[\w.-]+", host) and _PLAIN_PROJECT.fullmatch(project)
    return f"https://{_review_host(host)}/{project.removesuffix('.git').strip('/')}" if is_sound else ""


def _is_called_gerrit(host: str) -> bool:
    return bool(re.search(r"gerrit|^(code)?review\.|\.googlesource\.com$", host))


def _review_host(netloc: str) -> str:
    """Google's servers have one host for clones, and one for reviews."""
    found = re.fullmatch(r"([\w-]+)\.googlesource\.com", netloc)
    return f"{found[1].removesuffix('-review')}-review.googlesource.com" if found else netloc


def _of_project(name: str) -> str:
    name = name.removesuffix(".git")
    return f"project:{name}" if _PLAIN_PROJECT.fullmatch(name) else 'project:"' + name.replace('"', "") + '"'
