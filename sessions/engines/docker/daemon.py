"""Connect to the Docker daemon, and translate its errors into ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from sessions.terminal.errors import InfrastructureError

# Seconds. `commit` and `put_archive` of a large image take minutes, and the daemon finishes them in any case.
_PATIENCE = 1800


def connect() -> tuple[docker.DockerClient | None, str]:
    """Return a client of the daemon, or ``None`` and why no daemon answers."""
    try:
        client = docker.from_env(timeout=10)
        client.ping()
        client.api.timeout = _PATIENCE
        return client, ""
    except (DockerException, RequestException) as error:
        return None, reason(error)
    except ValueError as error:  # docker-py does not translate it
        return None, f"docker's config.json cannot be read: {error}"


@contextmanager
def translate_docker_errors(what: str) -> Iterator[None]:
    """Raise the errors of docker-py as :class:`InfrastructureError`: ``what`` failed."""
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise InfrastructureError(f"{what} failed: {reason(error)}. Run again: what is known is kept.") from None


def reason(error: Exception) -> str:
    """Return the daemon's message, without the texts that libraries put around it."""
    text = str(error.explanation) if isinstance(error, APIError) and error.explanation else str(error)
    inner = re.findall(r"(?:FileNotFoundError|ConnectionRefusedError|PermissionError)\([^)]*'([^']+)'\)", text)
    inner = inner or re.findall(r"\[Errno -?\d+\] ([^'\")]+)", text)  # of a daemon at a TCP address
    return " ".join((inner[-1] if inner else text).split()).rstrip(".")[:300]


def raise_stream_error(event: Mapping[str, Any]) -> None:
    """Raise the error in an event of a stream. docker-py does not, because the status was sent before the stream."""
    if "error" in event:
        raise DockerException(str(event["error"]))


def names_of(image: Mapping[str, Any], kind: str = "RepoTags") -> list[str]:
    """Return the names of an image as the daemon lists it, which writes ``<none>`` where there are none."""
    return [name for name in image.get(kind) or () if "<none>" not in name]
