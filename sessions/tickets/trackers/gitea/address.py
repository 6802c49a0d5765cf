"""The address of a repository on Forgejo or Gitea, and the token for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sessions.tickets.trackers.forge.hosts import origin_of, split_address, split_origin, wrong_address

_NAME = r"[\w.-]+"


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Where repositories of one of the two forges are, and which variables hold a token and a server's address.

    ``known`` are servers without the forge's name in their own; the first is that of short addresses.
    """

    title: str
    prefix: str
    known: tuple[str, ...]
    tokens: tuple[str, ...]
    server: str


FORGEJO_HOSTS = Hosts(
    title="Forgejo",
    prefix="fj#",
    known=("codeberg.org", "git.disroot.org", "git.fsfe.org"),
    tokens=("FORGEJO_TOKEN", "GITEA_TOKEN"),
    server="FORGEJO_SERVER_URL",
)
GITEA_HOSTS = Hosts(
    title="Gitea",
    prefix="gt#",
    known=("gitea.com", "opendev.org"),
    tokens=("GITEA_TOKEN", "FORGEJO_TOKEN"),
    server="GITEA_SERVER_URL",
)


@dataclass(frozen=True, kw_only=True)
class GiteaAddress:
    """A repository: ``root`` is the server's web address."""

    root: str
    owner: str
    name: str

    @property
    def api(self) -> str:
        """The server's REST interface."""
        return f"{self.root}/api/v1"

    @property
    def rest(self) -> str:
        """The repository in the REST interface."""
        return f"{self.api}/repos/{self.full_name}"

    @property
    def full_name(self) -> str:
        """``OWNER/NAME``."""
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        """The address that ``[tickets] url`` should name."""
        return f"{self.root}/{self.full_name}"


def locate_repository(url: str, hosts: Hosts) -> GiteaAddress:
    """The repository behind an address.

    Known are that of the web (``https://HOST/OWNER/NAME``, of a server below a path as well), that of the REST
    interface (``https://HOST/api/v1/repos/OWNER/NAME``), and ``OWNER/NAME``, which is on the server of the environment,
    else on codeberg.org or gitea.com.

    Raises :class:`TrackerError` for anything else, and where a token would travel in the clear.
    """
    example = "https://HOST/OWNER/NAME"
    home = os.environ.get(hosts.server) or f"https://{hosts.known[0]}"
    parts = split_address(url if "://" in url else f"{home.rstrip('/')}/{url}", hosts.title, example)
    path = re.sub(r"(/(pulls|issues)(/\d+)?)?/?$", "", parts.path)
    found = re.fullmatch(rf"(?P<below>.*?)(/api/v1/repos)?/(?P<owner>{_NAME})/(?P<name>{_NAME})", path)
    if not found:
        raise wrong_address(hosts.title, example)
    root = f"{parts.scheme}://{parts.netloc}{found['below']}"
    return GiteaAddress(root=root, owner=found["owner"], name=found["name"].removesuffix(".git"))


def recognise_repository(hosts: Hosts, typed: str) -> str:
    """Return the address of a repository where it can only be one on such a forge, else nothing.

    The address of a REST interface, which both forges share, is Gitea's.
    """
    is_interface = "/api/v1/repos/" in typed and hosts is GITEA_HOSTS
    return typed if is_interface or _is_at(hosts, urlsplit(typed).hostname or "") else ""


def repository_of_origin(hosts: Hosts, origin: str) -> str:
    """The web address of a repository, from that of a clone's origin; empty where it is elsewhere.

    >>> repository_of_origin(FORGEJO_HOSTS, "git@codeberg.org:forgejo/forgejo.git")
    'https://codeberg.org/forgejo/forgejo'
    """
    found = split_origin(origin)
    is_there = found and _is_at(hosts, found.host) and re.fullmatch(rf"{_NAME}/{_NAME}", found.path)
    return origin_of(found) if found and is_there else ""


def _is_at(hosts: Hosts, host: str) -> bool:
    own = urlsplit(os.environ.get(hosts.server, "")).hostname
    return host in {own, *hosts.known} - {None} or hosts.title.lower() in host.split(".")
