"""Images, pushed to a registry."""

from __future__ import annotations

from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

from sessions.engines.daemon import reason
from sessions.engines.registry import Registry
from sessions.errors import InfrastructureError
from sessions.narrator import Narrator


def publish_image(registry: Registry, name: str, narrator: Narrator) -> str:
    """Push the image called ``name`` (repository:tag), and pull it again; its ``repository@sha256:…``.

    A registry shows an image under its name only when all of it has arrived: a push that was cut short leaves
    nothing to see, and the next one sends only what is missing. What is there already is not pushed again.

    Raises :class:`InfrastructureError` where it is refused, or what comes back is not what was sent.
    """
    repository, tag = name.rsplit(":", 1)
    client = registry.client
    try:
        image = client.images.get(name)
        there = registry.digest_of(name)
        if there and f"{repository}@{there}" in image.attrs.get("RepoDigests", []):
            narrator.detail(f"image {name} is there already")
            return f"{repository}@{there}"
        # The call itself never raises: what went wrong is in what the daemon tells meanwhile.
        told: list[dict[str, Any]] = list(
            client.api.push(repository, tag, stream=True, decode=True, auth_config=registry.auth_config)
        )
        if wrong := next((line["error"] for line in told if "error" in line), ""):
            raise _refused(name, wrong)
        digest = next((line["aux"]["Digest"] for line in told if "Digest" in line.get("aux", {})), "")
        digest = digest or registry.digest_of(name) or ""
        pulled = registry.pull(f"{repository}@{digest}")
    except (DockerException, RequestException) as error:
        raise _refused(name, reason(error)) from None
    if pulled != image.id:
        raise _refused(name, f"what comes back as {digest} is another image")
    narrator.detail(f"image {name} pushed as {digest}")
    return f"{repository}@{digest}"


def _refused(name: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Pushing the image {name} failed ({why.strip().rstrip('.')}): nothing of it can be seen there yet. Mend that, "
        "then run the same command again: it goes on from here."
    )
