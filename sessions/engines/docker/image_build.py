"""Build an image from a Dockerfile: with BuildKit if a docker client has it, otherwise with the engine's classic API.

docker-py does not support BuildKit. Docker clients support it with the buildx plugin, or by themselves until version
22; each client on PATH is tried with our daemon.
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

# The name of Docker Hub's credentials in docker's configuration.
_HUB_KEY = "https://index.docker.io/v1/"
_DOCKERFILE = ".integrand.Dockerfile"


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """An image to build: ``name`` is its tag, ``context`` the folder that the Dockerfile copies from.

    ``what`` names the Dockerfile in messages. ``cache`` is the name of an image whose layers can be reused, or empty.
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
    """Builds images, and reports its output line by line."""

    @property
    def name(self) -> str:
        """The builder's name in the configuration."""
        ...

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build an image and return its id. ``registry`` is the one that we may have to log in to.

        Raises :class:`InfrastructureError` with the last lines of the build's output.
        """
        ...


def choose_builder(kind: Literal["auto", "buildkit", "classic"], client: docker.DockerClient) -> Builder:
    """Return the requested builder; ``auto`` uses BuildKit if a docker client on PATH has it.

    Raises :class:`InfrastructureError` if BuildKit is requested and no client has it.
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
    """Return why a docker client cannot use BuildKit with our daemon; empty if it can."""
    try:
        info = _call([program, "info", "--format", "{{.ID}}"])
        if info.stdout.strip() != client.info().get("ID"):
            return "it talks to another daemon"
        with tempfile.TemporaryDirectory() as scratch:
            # Only BuildKit can write the result to a folder instead of an image.
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
    # Without BUILDX_BUILDER, the client uses the daemon's own builder, which has the local images.
    ours = ("REGISTRY_USER", "REGISTRY_TOKEN", "BUILDX_BUILDER")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"} | more


@dataclass(frozen=True)
class BuildKit:
    """Builds with the daemon's BuildKit, through a docker client."""

    program: str
    client: docker.DockerClient
    name: str = "buildkit"

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build with the cache; if only the cache fails, build without it."""
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
        # With this argument, BuildKit writes its cache into the image. The image's environment does not have it.
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
    """Yield the environment in which a docker client is logged in: a temporary configuration, if we have a login.

    It is a copy of the user's configuration, with contexts and plugins, so that the client uses the same daemon.
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
    """Builds with the engine's classic API, which every engine has, but which lacks BuildKit's syntax."""

    client: docker.DockerClient
    name: str = "classic"

    def build(self, order: BuildOrder, registry: Registry, warn: Listen, listen: Listen) -> str:
        """Build; pull the cache first, if possible."""
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
        # With a build, docker-py sends only the logins that succeeded before.
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
    """Yield the build context as an archive for the classic API, and the Dockerfile's name in it.

    A Dockerfile outside of the context must be added; `.dockerignore` keeps it from being copied. Its name is constant:
    with docker-py's random name, a `COPY . .` would never be found in the cache.
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


# What the daemon, and programs that download, say without a network.
_OFFLINE = re.compile(
    r"no such host|could not resolve|temporary failure (in name )?resol|i/o timeout|network is unreachable|EAI_AGAIN",
    re.IGNORECASE,
)


def _ignored(order: BuildOrder) -> list[str]:
    """Return the patterns of ignored files, from the same places as BuildKit."""
    places = (order.dockerfile.with_name(order.dockerfile.name + ".dockerignore"), order.context / ".dockerignore")
    place = next((each for each in places if each.is_file()), None)
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines() if place else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _built(order: BuildOrder, client: docker.DockerClient) -> str:
    return str(client.images.get(order.name).id)


def _failed(order: BuildOrder, last: list[str]) -> InfrastructureError:
    message = " / ".join(" ".join(line.split()) for line in last if line.strip())
    remedy = "Correct it, then run again."
    if _OFFLINE.search(message):
        remedy = "What it starts from or downloads cannot be reached: check the network, or run with --engine local."
    return InfrastructureError(f"{order.what} does not build: {message[-600:]}. {remedy}")


_VERTEX = re.compile(r"#(\d+) (?:(\d+\.\d+) )?(.*)")


def _last_words(said: list[str]) -> list[str]:
    """Return the last output of the failed step in BuildKit's plain progress, and its error.

    Lines are ``#5 [2/3] RUN …``, ``#5 0.386 output``, ``#5 ERROR: …``; excerpts come after the last step.
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
    """Return why BuildKit could not import its cache; empty if it could. Some versions continue then, some fail."""
    importing = {found[1] for line in said if (found := re.match(r"#(\d+) importing cache manifest", line))}
    for line in said:
        found = _VERTEX.fullmatch(line)
        if found and found[1] in importing and found[3].startswith("ERROR:"):
            return found[3].removeprefix("ERROR:").strip()
        if re.search(r"failed to configure \S+ cache importer", line):
            return line.strip()[:200]
    return ""
