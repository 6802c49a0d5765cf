"""The address of a repository on GitHub (github.com or an enterprise's server), and the token for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions.terminal.errors import TrackerAccessError
from sessions.tickets.trackers.forge.hosts import split_address, wrong_address
from sessions.tickets.trackers.forge.token import find_token

if TYPE_CHECKING:
    from sessions.tickets.trackers.forge.token_auth import TokenAuth

GITHUB_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


@dataclass(frozen=True, kw_only=True)
class GitHubAddress:
    """A repository: ``rest`` is its own address, ``graphql`` that of the whole server."""

    owner: str
    name: str
    host: str
    rest: str
    graphql: str


def address_of(url: str) -> GitHubAddress:
    """Return the repository at an address.

    The address may be that of the REST interface (``https://api.github.com/repos/OWNER/NAME``,
    ``https://HOST/api/v3/repos/OWNER/NAME``), that of the web page (``https://HOST/OWNER/NAME``), or ``OWNER/NAME`` on
    the host in ``GH_HOST``, or else on github.com.

    Raises :class:`TrackerError` for anything else, and if a token would be sent unencrypted.
    """
    full = url if "://" in url else f"https://{os.environ.get('GH_HOST') or 'github.com'}/{url}"
    example = "https://api.github.com/repos/OWNER/NAME"
    parts = split_address(full, "GitHub", example)
    found = re.fullmatch(
        r"(?P<before>(?:/[\w.-]+)*?)(?P<rest>/repos)?/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)", parts.path
    )
    if not found:
        raise wrong_address("GitHub", example)
    base = f"{parts.scheme}://{parts.netloc}{found['before']}" if found["rest"] else _interface(parts.netloc)
    name = found["name"] if found["rest"] else found["name"].removesuffix(".git")
    return GitHubAddress(
        owner=found["owner"],
        name=name,
        host=parts.hostname or "",
        rest=f"{base}/repos/{found['owner']}/{name}",
        graphql=f"{base.removesuffix('/v3')}/graphql",
    )


def auth_for(place: GitHubAddress, variable: str = "") -> TokenAuth:
    """Return the token of the environment, from ``variable`` if that is configured, else from those that ``gh`` reads.

    Raises :class:`TrackerAccessError` if there is none, because GitHub's GraphQL requires one.
    """
    is_enterprise = not re.fullmatch(r"(.+\.)?(github\.com|ghe\.com)", place.host)
    usual = (*_ENTERPRISE_TOKENS, *GITHUB_TOKENS) if is_enterprise else GITHUB_TOKENS
    if auth := find_token((variable,) if variable else usual):
        return auth
    names = variable or " or ".join(GITHUB_TOKENS)
    raise TrackerAccessError(f"GitHub tells pull requests only to those with a token: set {names}.")


def web_address(origin: str) -> str:
    """Return the web address of a repository on GitHub from a clone's origin; empty if it is not on GitHub.

    GitHub is github.com, and the host in ``GH_HOST``.

    >>> web_address("git@github.com:pypa/packaging.git")
    'https://github.com/pypa/packaging'
    """
    hosts = "|".join(map(re.escape, {"github.com", os.environ.get("GH_HOST") or "github.com"}))
    known = re.fullmatch(
        rf"(?:https://|ssh://|git://)?(?:[^@/]+@)?(?P<host>{hosts})(?::\d+)?[:/](?P<path>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
        origin,
    )
    return f"https://{known['host']}/{known['path']}" if known else ""


def _interface(netloc: str) -> str:
    """Return the address of a server's REST interface."""
    if re.fullmatch(r"(www\.)?github\.com", netloc):
        return "https://api.github.com"
    return f"https://api.{netloc}" if netloc.endswith(".ghe.com") else f"https://{netloc}/api/v3"
