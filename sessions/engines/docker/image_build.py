"""Building an image from a Dockerfile: by BuildKit where a docker client has it, by the engine's classic API where not.

docker-py has no BuildKit, and of the docker clients on PATH some have (with the buildx plugin, or by themselves until
version 22) and some have not: each is asked to show it, on the daemon that we talk to.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import docker
from docker.errors import DockerException, ImageNotFound
from docker.utils import build as contexts
from requests.exceptions import RequestException

from sessions.engines import Listen
from sessions.engines.docker.daemon import raise_stream_error, reason
from sessions.engines.docker.registry import Registry, RegistryError
from sessions.terminal.errors import InfrastructureError

# Docker Hub's credentials stand under this name in docker's configuration.
_HUB_KEY = "https://index.docker.io/v1/"
_DOCKERFILE = ".integrand.Dockerfile"


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """An image to build: ``name`` is its tag, ``context`` the folder that the Dockerfile copies from.

    ``what`` is the Dockerfile in words that its writer knows.
    ``cache`` is the name of an image whose layers may be taken where they fit, if there is one.
    """

    name: str
    what: str
    dockerfile: Path
    context: Path
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cache: str = ""


class Builder(Protocol):
    """Builds images, and tells what it prints line by line."""

    @property
    def name(self) -> str:
        """Its word in the configuration."""
        ...

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build an image and return its id. ``registry`` is the one that we may have to log in to.

        Raises :class:`InfrastructureError` with the build's last words.
        """
        ...


def choose_builder(kind: Literal["auto", "buildkit", "classic"], client: docker.DockerClient) -> Builder:
    """The builder that was asked for; ``auto`` takes BuildKit where a docker client on PATH has it.

    Raises :class:`InfrastructureError` where BuildKit was asked for and no client has it.
    """
    if kind == "classic":
        return Classic(client)
    tried = []
    for program in _clients():
        trouble = _lacks_buildkit(program, client)
        if not trouble:
            return BuildKit(program, client)
        tried.append(f"{program}: {trouble}")
    if kind == "auto":
        return Classic(client)
    raise InfrastructureError(
        f"[engine] builder is buildkit, and no docker client has it ({'; '.join(tried) or 'none is on PATH'}): "
        "install the buildx plugin, or set builder to auto or classic."
    )


def _clients() -> list[str]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    paths = [Path(folder) / "docker" for folder in folders if folder]
    found = [path for path in paths if path.is_file() and os.access(path, os.X_OK)]
    return [str(path) for path in {path.resolve(): path for path in reversed(found)}.values()][::-1]


def _lacks_buildkit(program: str, client: docker.DockerClient) -> str:
    """Why a docker client is of no use for BuildKit on our daemon; empty if it is."""
    try:
        info = _call([program, "info", "--format", "{{.ID}}"])
        if info.stdout.strip() != client.info().get("ID"):
            return "it talks to another daemon"
        with tempfile.TemporaryDirectory() as scratch:
            # Only BuildKit can write to a folder instead of making an image.
            (Path(scratch) / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
            shown = _call([program, "build", "--progress=plain", f"--output=type=local,dest={scratch}/out", scratch])
    except (OSError, subprocess.TimeoutExpired, DockerException, RequestException) as error:
        return reason(error)
    lines = [line.strip() for line in shown.stdout.splitlines() if line.strip()]
    return " ".join([line for line in lines if "ERROR" in line][-1:] or lines[-1:])[:200] if shown.returncode else ""


def _call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=_environment(), text=True, errors="replace", timeout=60, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _environment(**more: str) -> dict[str, str]:
    # Without a builder of its own name, the client takes the daemon's, which knows the images that are here.
    ours = ("REGISTRY_USER", "REGISTRY_TOKEN", "BUILDX_BUILDER")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"} | more


@dataclass(frozen=True)
class BuildKit:
    """BuildKit in the daemon, asked by a docker client."""

    program: str
    client: docker.DockerClient
    name: str = "buildkit"

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build; where the cache alone is what fails, build without it."""
        status, said = self._run(order, registry, listen)
        if order.cache and (trouble := _cache_trouble(said)):
            warn(f"The cache {order.cache} cannot be read ({trouble}): building without it.")
            if status:
                status, said = self._run(replace(order, cache=""), registry, listen)
        if status:
            raise _failed(order, _last_words(said))
        return _built(order, self.client)

    def _run(self, order: BuildOrder, registry: Registry, listen: Listen) -> tuple[int, list[str]]:
        command = [self.program, "build", "--progress=plain", f"--file={order.dockerfile}", f"--tag={order.name}"]
        command += [f"--label={key}={value}" for key, value in order.labels.items()]
        # An argument of this name has BuildKit write its cache into the image; it is not in the image's environment.
        arguments = {**order.arguments, "BUILDKIT_INLINE_CACHE": "1"}
        command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
        command += [f"--target={order.target}"] if order.target else []
        command += [f"--cache-from={order.cache}"] if order.cache else []
        said: deque[str] = deque(maxlen=2000)
        with (
            _configuration(registry) as more,
            subprocess.Popen(
                [*command, str(order.context)], env=_environment(**more), text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            ) as process,
        ):  # fmt: skip
            try:
                for line in process.stdout or ():
                    said.append(line.rstrip())
                    listen(line)
            except BaseException:
                process.kill()
                raise
        return process.returncode, list(said)


@contextmanager
def _configuration(registry: Registry) -> Iterator[dict[str, str]]:
    """The environment in which a docker client is logged in: a configuration for this one call, if we have a login.

    It is the user's own, with contexts and plugins, so that the client talks to the same daemon.
    """
    if registry.login is None:
        yield {}
        return
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        entries: dict[str, Any] = json.loads((own / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        entries = {}
    host = _HUB_KEY if registry.host == "docker.io" else registry.host
    secret = base64.b64encode(f"{registry.login.user}:{registry.login.token}".encode()).decode()
    entries["auths"] = {**entries.get("auths", {}), host: {"auth": secret}}
    entries["credHelpers"] = {**entries.get("credHelpers", {}), host: ""}  # this host's login is in the file
    with tempfile.TemporaryDirectory(prefix="integrand-login-") as scratch:
        folder = Path(scratch)
        for each in own.iterdir() if own.is_dir() else ():
            if each.name != "config.json":
                (folder / each.name).symlink_to(each.resolve())
        (folder / "config.json").touch(mode=0o600)
        (folder / "config.json").write_text(json.dumps(entries), encoding="utf-8")
        yield {"DOCKER_CONFIG": scratch}


@dataclass(frozen=True)
class Classic:
    """The engine's classic API: without BuildKit's syntax, but wherever an engine answers."""

    client: docker.DockerClient
    name: str = "classic"

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build, with the cache pulled where that goes."""
        if registry.login:
            self._log_in(registry, warn)
        with self._cache(order, registry, warn) as cache:
            said: deque[str] = deque(maxlen=2000)
            try:
                self._run(order, cache, said, listen)
            except (DockerException, RequestException, OSError) as error:
                last = [line for line in said if not line.startswith(("Step ", "--->", "Removing intermediate"))]
                raise _failed(order, [*last[-3:], reason(error)]) from None
            return _built(order, self.client)

    def _log_in(self, registry: Registry, warn: Listen) -> None:
        # What docker-py sends with a build are the logins that it saw succeed.
        try:
            registry.check_login()
        except RegistryError as error:
            warn(str(error))

    @contextmanager
    def _cache(self, order: BuildOrder, registry: Registry, warn: Listen) -> Iterator[list[str]]:
        if not order.cache:
            yield []
            return
        try:
            self.client.images.get(order.cache)
            yield [order.cache]
            return
        except ImageNotFound:
            pass
        try:
            registry.pull(order.cache)
        except RegistryError as error:
            warn(f"The cache {order.cache} cannot be read: {error}")
            yield []
            return
        try:
            yield [order.cache]
        finally:
            self.client.images.remove(order.cache)

    def _run(self, order: BuildOrder, cache: list[str], said: deque[str], listen: Listen) -> None:
        with _context(order) as (stream, dockerfile):
            events = self.client.api.build(
                fileobj=stream,
                custom_context=True,
                dockerfile=dockerfile,
                tag=order.name,
                buildargs=dict(order.arguments),
                labels=dict(order.labels),
                target=order.target or None,
                cache_from=cache or None,
                use_config_proxy=True,  # as the docker client does
                rm=True,
                forcerm=True,
                decode=True,
            )
            for event in events:
                for line in str(event.get("stream", "")).splitlines():
                    said.append(line.strip())
                    listen(line)
                raise_stream_error(event)


@contextmanager
def _context(order: BuildOrder) -> Iterator[tuple[Any, str]]:
    """The context as the classic API takes it, as a file, and the Dockerfile's name in it.

    A Dockerfile from elsewhere must be in it too, and the daemon takes it out again as `.dockerignore` says: under one
    name always, as docker-py's own, random one would keep every `COPY . .` from being found in the cache.
    """
    ignored = _ignored(order)
    extra: list[tuple[str, str]] = []
    if order.dockerfile.is_relative_to(order.context):
        name = str(order.dockerfile.relative_to(order.context))
    else:
        name = _DOCKERFILE
        hidden = [*ignored, name] if (order.context / ".dockerignore").is_file() else [".dockerignore", name]
        text = order.dockerfile.read_text(encoding="utf-8", errors="surrogateescape")
        extra = [(".dockerignore", "\n".join(hidden)), (name, text)]
    sent = contexts.exclude_paths(str(order.context), [*ignored, "!.dockerignore"], dockerfile=name)
    with tempfile.TemporaryFile() as stream:
        contexts.create_archive(str(order.context), files=sorted(sent), fileobj=stream, extra_files=extra)
        yield stream, name


def _ignored(order: BuildOrder) -> list[str]:
    """The patterns of what `COPY` does not see, sought where BuildKit seeks them."""
    places = (order.dockerfile.with_name(order.dockerfile.name + ".dockerignore"), order.context / ".dockerignore")
    place = next((each for each in places if each.is_file()), None)
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines() if place else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _built(order: BuildOrder, client: docker.DockerClient) -> str:
    return str(client.images.get(order.name).id)


def _failed(order: BuildOrder, last: list[str]) -> InfrastructureError:
    message = " / ".join(" ".join(line.split()) for line in last if line.strip())
    return InfrastructureError(f"{order.what} does not build: {message[-600:]}. Mend that, then run again.")


_VERTEX = re.compile(r"#(\d+) (?:(\d+\.\d+) )?(.*)")


def _last_words(said: list[str]) -> list[str]:
    """Of BuildKit's plain progress, what the step that failed printed last, and how it failed.

    Lines are ``#5 [2/3] RUN …``, ``#5 0.386 what it printed``, ``#5 ERROR: …``; after the last step come excerpts.
    """
    printed: dict[str, list[str]] = {}
    errors: list[tuple[str, str]] = []
    for line in said:
        if not (found := _VERTEX.fullmatch(line)):
            continue
        number, second, text = found.groups()
        if second:
            printed.setdefault(number, []).append(text)
        elif text.startswith("ERROR:"):
            errors.append((number, text.removeprefix("ERROR:").strip()))
    if not errors:
        return [line for line in said if line.strip()][-1:]
    number, how = errors[-1]
    return [*printed.get(number, [])[-3:], how]


def _cache_trouble(said: list[str]) -> str:
    """Why BuildKit could not import its cache, if it says so; some versions go on then, some fail."""
    importing = {found[1] for line in said if (found := re.match(r"#(\d+) importing cache manifest", line))}
    for line in said:
        found = _VERTEX.fullmatch(line)
        if found and found[1] in importing and found[3].startswith("ERROR:"):
            return found[3].removeprefix("ERROR:").strip()
        if re.search(r"failed to configure \S+ cache importer", line):
            return line.strip()[:200]
    return ""
