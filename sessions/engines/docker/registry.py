"""Access a registry of images: log in, look up and pull images, and translate refusals into our errors.

All requests go through the daemon, because it pulls: it knows mirrors, certificates and which registries may use plain
HTTP. Credentials are docker's own (``docker login``, credential helpers), or ``REGISTRY_USER`` and ``REGISTRY_TOKEN``
from the environment, for one host only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import docker
import requests
from docker import auth
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag
from requests.exceptions import RequestException

from sessions.engines.docker.daemon import raise_stream_error, reason
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

HUB = "docker.io"
# Messages of the Docker engine and podman about registries: the reference implementation, Docker Hub, GitHub's, others.
_REFUSED = re.compile(
    r"no basic auth credentials|unauthorized|authentication required|docker login|(?<!permission )denied|\b40[13]\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"(manifest|name)[ _]unknown|not found: |no such (manifest|image)|does not exist", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"connection (refused|reset)|dial tcp|no such host|time-?out|timed out|deadline exceeded|\bEOF\b|x509|tls:"
    r"|HTTP response to HTTPS|no route to host|unreachable|\b50[0234]\b",
    re.IGNORECASE,
)


class RegistryError(InfrastructureError):
    """A registry failed in some other way."""


class NotLoggedInError(RegistryError):
    """The registry demands a login."""


class LoginRefusedError(RegistryError):
    """The registry refuses our login."""


class UnreachableRegistryError(RegistryError):
    """The registry does not answer, or answers with a server error."""


class AbsentImageError(RegistryError):
    """The registry works, but has no such image."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user name and a secret, which is never shown."""

    user: str
    token: str = field(repr=False)


def host_of(reference: str) -> str:
    """Return the registry in an image's name, as docker reads it: ``abacus:1.0`` and ``me/abacus`` are Docker Hub's."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB


def environments_login(config: Config, host: str, environment: Mapping[str, str] = os.environ) -> Login | None:
    """Return ``REGISTRY_USER`` and ``REGISTRY_TOKEN``, if ``host`` is the registry that they are for.

    That is the host of `[engine] image`, or, without that, of `[engine] baseline`.
    """
    user, token = environment.get("REGISTRY_USER", ""), environment.get("REGISTRY_TOKEN", "")
    ours = host == host_of(config.engine.image or config.engine.baseline)
    return Login(user=user, token=token) if user and token and ours else None


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry, accessed through a daemon. Without a ``login``, docker's own configuration is used."""

    client: docker.DockerClient
    host: str
    login: Login | None = None

    @classmethod
    def of(cls, reference: str, config: Config, client: docker.DockerClient) -> Registry:
        """Return the registry in an image's name."""
        host = host_of(reference)
        return cls(client=client, host=host, login=environments_login(config, host))

    @property
    def auth_config(self) -> dict[str, str] | None:
        """The login in docker-py's format; ``None`` makes docker-py use docker's configuration."""
        return {"username": self.login.user, "password": self.login.token} if self.login else None

    def check_login(self) -> None:
        """Check that the registry accepts our login, before anything that takes long.

        This does not show whether the login has the permission to upload.

        Raises :class:`NotLoggedInError`, :class:`LoginRefusedError` or :class:`UnreachableRegistryError`.
        """
        try:
            known = self.login or self._configured()
            if known is None:
                return  # an identity token, which only docker itself can use
            address = auth.INDEX_URL if self.host == HUB else self.host
            self.client.login(known.user, known.token, registry=address, reauth=True)
        except (DockerException, RequestException) as error:
            raise self._translate(error, "") from None
        if not known.user and self._demands_a_login():
            raise self._not_logged_in()

    def digest_of(self, reference: str) -> str | None:
        """Return the digest of an image in the registry, ``sha256:…``; ``None`` if it has no such image.

        An engine that cannot look it up without pulling (podman) pulls.

        Raises :class:`RegistryError` if the registry fails.
        """
        try:
            return str(self.client.images.get_registry_data(reference, auth_config=self.auth_config).id)
        except (DockerException, RequestException) as error:
            if reason(error) == "Not Found":
                return self._digest_pulled(reference)
            trouble = self._translate(error, reference)
        if isinstance(trouble, AbsentImageError):
            return None
        raise trouble

    def pull(self, reference: str) -> str:
        """Pull an image, and return its id.

        Raises :class:`AbsentImageError` if the registry does not have it, or another :class:`RegistryError`.
        """
        repository, tag = parse_repository_tag(reference)
        try:
            # Not `images.pull`, which does not notice errors during the transfer.
            events = self.client.api.pull(
                repository, tag=tag or "latest", stream=True, decode=True, auth_config=self.auth_config
            )
            for event in events:
                raise_stream_error(event)
            return str(self.client.images.get(reference).id)
        except (DockerException, RequestException) as error:
            raise self._translate(error, reference) from None

    def _digest_pulled(self, reference: str) -> str | None:
        try:
            digests = self.client.images.get(self.pull(reference)).attrs.get("RepoDigests") or []
        except AbsentImageError:
            return None
        except ImageNotFound as error:
            raise self._translate(error, reference) from None
        repository = parse_repository_tag(reference)[0]
        return next((each.partition("@")[2] for each in digests if each.startswith(f"{repository}@")), None)

    def _configured(self) -> Login | None:
        """Return the login of docker's configuration or credential helpers for this host; empty if there is none."""
        found = auth.load_config().resolve_authconfig(self.host) or {}
        entries = {key.lower(): str(value) for key, value in found.items() if value}
        if "identitytoken" in entries:
            return None
        return Login(user=entries.get("username", ""), token=entries.get("password", ""))

    def _demands_a_login(self) -> bool:
        """Whether the registry itself answers 401 without a login.

        Registries with tokens (Docker Hub, GitHub) give one to anybody, which the daemon takes as a login.
        """
        for scheme in ("https", "http") if self.host.startswith(("localhost", "127.")) else ("https",):
            host = "registry-1.docker.io" if self.host == HUB else self.host
            try:
                # With an `auth` that adds nothing, requests does not read ~/.netrc.
                return requests.get(f"{scheme}://{host}/v2/", timeout=20, auth=lambda plain: plain).status_code == 401
            except RequestException:
                continue
        return False  # the daemon reaches it and we do not: the daemon's answer counts

    def _translate(self, error: Exception, reference: str) -> RegistryError:
        said = " ".join(reason(error).split())
        if self.login:
            said = said.replace(self.login.token, "***")
        what = f" for {reference}" if reference else ""
        if "credentials store error" in said.lower():
            return NotLoggedInError(
                f"Docker's credential helper fails for {self.host} ({said}): repair it or docker's config.json, or set "
                "REGISTRY_USER and REGISTRY_TOKEN, then run again."
            )
        if _REFUSED.search(said):
            return self._refused(what, said)
        if reference and _ABSENT.search(said):
            return AbsentImageError(f"{self.host} has no image {reference}.")
        if _UNREACHABLE.search(said) or isinstance(error, RequestException):
            return UnreachableRegistryError(
                f"{self.host} cannot be reached{what} ({said}): see that it runs and that the daemon reaches it, then "
                "run again."
            )
        return RegistryError(f"{self.host} failed{what} ({said}): fix that, then run again; what is known is kept.")

    def _refused(self, what: str, said: str) -> RegistryError:
        try:
            known = self.login or self._configured()
        except DockerException:
            known = Login(user="", token="")
        if known is not None and not known.user:
            return self._not_logged_in()
        user = f"the login of {known.user}" if known else "our login"
        where = " in REGISTRY_USER and REGISTRY_TOKEN" if self.login else f", or type `docker login {self.host}` again"
        return LoginRefusedError(
            f"{self.host} refuses {user}{what} ({said}): fix it{where}, see that it may read and write there, and run "
            "again."
        )

    def _not_logged_in(self) -> NotLoggedInError:
        return NotLoggedInError(
            f"Not logged in to {self.host}: type `docker login {self.host}`, or set REGISTRY_USER and REGISTRY_TOKEN, "
            "then run again."
        )
