"""The connection to the Docker daemon, and its errors as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from sessions.terminal.errors import InfrastructureError

# `commit` and `put_archive` of a large image take minutes, and the daemon finishes them even when the client hangs up.
_PATIENCE = 1800


def connect() -> tuple[docker.DockerClient | None, str]:
    """Return a client of the daemon that answers, or ``None`` and why none does."""
    try:
        client = docker.from_env(timeout=10)
        client.ping()
        client.api.timeout = _PATIENCE
        return client, ""
    except (DockerException, RequestException) as error:
        return None, reason(error)
    except ValueError as error:  # as docker-py lets it through
        return None, f"docker's config.json cannot be read: {error}"


@contextmanager
def translate_docker_errors(what: str) -> Iterator[None]:
    """Raise the errors of docker-py as :class:`InfrastructureError`: ``what`` failed."""
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise InfrastructureError(f"{what} failed: {reason(error)}. Run again: what is known is kept.") from None


def reason(error: Exception) -> str:
    """Return the daemon's own message, without what the libraries between wrap around it."""
    text = str(error.explanation) if isinstance(error, APIError) and error.explanation else str(error)
    inner = re.findall(r"(?:FileNotFoundError|ConnectionRefusedError|PermissionError)\([^)]*'([^']+)'\)", text)
    return " ".join((inner[-1] if inner else text).split()).rstrip(".")[:300]


def raise_stream_error(event: Mapping[str, Any]) -> None:
    """Raise the error in an event of a stream: docker-py does not, as the stream's status was sent before."""
    if "error" in event:
        raise DockerException(str(event["error"]))
