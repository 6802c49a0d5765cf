"""The address of a project on GitLab, and the token for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from sessions.terminal.errors import TrackerAccessError
from sessions.tickets.trackers.forge.hosts import origin_of, split_address, split_origin, wrong_address
from sessions.tickets.trackers.forge.token import read_token

if TYPE_CHECKING:
    from sessions.tickets.trackers.forge.token_auth import TokenAuth

GITLAB_TOKENS = ("GITLAB_TOKEN",)
_JOB_TOKEN = "CI_JOB_TOKEN"  # noqa: S105  the name of a variable
# Servers without "gitlab" in their name, on which large projects live.
_KNOWN = frozenset({"salsa.debian.org", "invent.kde.org", "code.videolan.org", "framagit.org", "foss.heptapod.net"})
_PATH = r"[\w.+-]+(?:/[\w.+-]+)+"


@dataclass(frozen=True, kw_only=True)
class GitLabAddress:
    """A project: ``root`` is the server's web address, ``project`` its path with all groups, or its numeric id."""

    host: str
    root: str
    project: str

    @property
    def rest(self) -> str:
        """The project in the REST interface."""
        return f"{self.root}/api/v4/projects/{quote(self.project, safe='')}"

    @property
    def url(self) -> str:
        """The address that ``[tickets] url`` should name."""
        return self.rest if self.project.isdecimal() else f"{self.root}/{self.project}"


def locate_project(url: str) -> GitLabAddress:
    """The project behind an address.

    Known are that of the web (``https://HOST/GROUP/…/NAME``), that of the REST interface
    (``https://HOST/api/v4/projects/GROUP%2FNAME``, or with its id), for a server below a path the latter only, and
    ``GROUP/…/NAME``, which is on ``GITLAB_HOST``, else on the server whose CI runs this job, else on gitlab.com.

    Raises :class:`TrackerError` for anything else, and where a token would travel in the clear.
    """
    example = "https://HOST/GROUP/NAME"
    parts = split_address(url if "://" in url else f"{_home()}/{url}", "GitLab", example)
    root = f"{parts.scheme}://{parts.netloc}"
    if rest := re.fullmatch(r"(?P<below>.*)/api/v4/projects/(?P<id>[^/]+)", parts.path):
        root, project = root + rest["below"], unquote(rest["id"])
    else:
        project = parts.path.partition("/-/")[0].strip("/").removesuffix(".git")
    if not re.fullmatch(_PATH if not rest else rf"\d+|{_PATH}", project):
        raise wrong_address("GitLab", example)
    return GitLabAddress(host=parts.hostname or "", root=root, project=project)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who asks: with the token in the variable ``tokens``, with that of a CI job, which may do little, or with none."""

    auth: TokenAuth | None
    is_job: bool = False
    tokens: str = GITLAB_TOKENS[0]

    def check_may_write(self) -> None:
        """Raise :class:`TrackerAccessError` where the token can only read."""
        if self.auth is None or self.is_job:
            why = "GitLab lets nobody write without a token, and the token of a CI job may only read"
            raise TrackerAccessError(f"{why}: set {self.tokens}.")


def access_to(place: GitLabAddress, names: tuple[str, ...] = GITLAB_TOKENS) -> Access:
    """Return how a project is asked, with a token in one of the variables ``names``.

    The token of a CI job is sent to no server but the one that made it.

    Raises :class:`TrackerAccessError` where a variable holds something else than a token.
    """
    from sessions.tickets.trackers.forge.token_auth import TokenAuth

    if token := read_token(names):
        return Access(auth=TokenAuth(token), tokens=names[0])
    if place.host == os.environ.get("CI_SERVER_HOST") and (token := read_token([_JOB_TOKEN])):
        return Access(auth=TokenAuth(token, "JOB-TOKEN", ""), is_job=True, tokens=names[0])
    return Access(auth=None, tokens=names[0])


def recognise_project(typed: str) -> str:
    """Return the address of a project where it can only be one on GitLab, else nothing."""
    if "/api/v4/projects/" in typed or "/-/" in typed or _is_gitlab(urlsplit(typed).hostname or ""):
        return typed
    return ""


def project_of_origin(origin: str) -> str:
    """The web address of a project on GitLab, from that of a clone's origin; empty where it is elsewhere.

    >>> project_of_origin("git@gitlab.gnome.org:GNOME/gtk.git")
    'https://gitlab.gnome.org/GNOME/gtk'
    """
    found = split_origin(origin)
    return origin_of(found) if found and _is_gitlab(found.host) and re.fullmatch(_PATH, found.path) else ""


def _is_gitlab(host: str) -> bool:
    own = {os.environ.get("GITLAB_HOST"), os.environ.get("CI_SERVER_HOST")}
    return host in own | _KNOWN or "gitlab" in host.split(".")


def _home() -> str:
    """The web address of the server of short addresses."""
    host = os.environ.get("GITLAB_HOST")
    return f"https://{host}" if host else os.environ.get("CI_SERVER_URL") or "https://gitlab.com"
