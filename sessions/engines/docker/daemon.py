"""The Docker daemon: reaching it, and telling its errors in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from sessions.terminal.errors import InfrastructureError

LABEL = "io.github.integrand"
# `commit` and `put_archive` of a large image take minutes, and the daemon finishes them even when we hang up.
_PATIENCE = 1800


def connect() -> tuple[docker.DockerClient | None, str]:
    """A client of the daemon that answers, or why none does."""
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
def told(what: str) -> Iterator[None]:
    """Docker's errors as one sentence of ours."""
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise InfrastructureError(f"{what} failed: {reason(error)}. Run again: what is known is kept.") from None


def reason(error: Exception) -> str:
    """What the daemon says, without the wrappings of the libraries between it and us."""
    text = str(error.explanation) if isinstance(error, APIError) and error.explanation else str(error)
    inner = re.findall(r"(?:FileNotFoundError|ConnectionRefusedError|PermissionError)\([^)]*'([^']+)'\)", text)
    return " ".join((inner[-1] if inner else text).split()).rstrip(".")[:300]


def raise_told(event: Mapping[str, Any]) -> None:
    """The error in an event of a stream, of which docker-py makes none: a stream's status was sent before it."""
    if "error" in event:
        raise DockerException(str(event["error"]))


def legal_tag(text: str) -> str:
    """A text as a legal image tag: ``+`` is legal in a git ref and not here."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text).lstrip("-.")[:128]


def legal_name(text: str) -> str:
    """A text as a part of a legal repository name: lower case, and nothing but letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "project"
