"""The images of a Docker daemon: made for inspection, pushed, pulled and pruned."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from sessions.engines.bounds import Bounds
from sessions.engines.docker.archive_store import DockerArchiveStore, find_image
from sessions.engines.docker.baseline_image import images_built_here
from sessions.engines.docker.candidates import Candidates
from sessions.engines.docker.daemon import names_of, reason, translate_docker_errors
from sessions.engines.docker.image_transfer import DockerImageTransfer
from sessions.engines.docker.registry import Registry
from sessions.engines.image_names import LABEL
from sessions.engines.images import Built, Inspection, Pushed
from sessions.engines.probe import Image, Listen
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class DockerImageStore:
    """The images of one daemon, and the registry of ``[engine] image``."""

    config: Config
    client: docker.DockerClient
    candidates: Candidates
    bounds: Bounds
    warn: Listen

    @cached_property
    def _registry(self) -> Registry:
        return Registry.of(self.config.engine.image, self.config, self.client)

    @property
    def transfer(self) -> DockerImageTransfer:
        """The images of this daemon, for another one."""
        return DockerImageTransfer(self.client)

    @property
    def archives(self) -> DockerArchiveStore:
        """The archives that are kept as images."""
        return DockerArchiveStore(self.client, project=self.candidates.project, owner=self.candidates.owner)

    def check_login(self) -> None:
        """Ask the daemon whether the registry accepts our login."""
        self._registry.check_login()

    def make(self, inspection: Inspection, listen: Listen) -> Image | None:
        """Return the image to inspect, made if it is not here; ``None`` if its candidate does not build."""
        candidate = inspection.candidate
        with translate_docker_errors(f"Making the image {inspection.name}"):
            if present := find_image(self.client, inspection.name, inspection.inputs):
                return present
            with self.candidates.start(candidate, self.bounds, listen) as (runner, built):
                container = runner.box
                if built.is_failure:
                    return None
                container.take_away(inspection.without)
                with tempfile.TemporaryDirectory() as scratch:
                    container.put_folders(inspection.fill(Path(scratch)))
                own = {"kind": "inspection", "built": "", "inputs": inspection.inputs}
                labels = self.candidates.labels(candidate.image, own) | dict(inspection.labels)
                return container.commit(inspection.name, labels, command=inspection.command)

    def enter(self, image: Image) -> None:
        """Open a shell in a container of ``image``, with a probe's limits, on this terminal."""
        client = shutil.which("docker") or shutil.which("podman")
        if client is None:
            raise InfrastructureError(
                f"No docker or podman client is here to open a shell with: install one, or run {image.name} elsewhere."
            )
        terminal = ["-it"] if sys.stdin.isatty() else ["-i"]
        limits = ["--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        shell = ["--entrypoint", "sh", image.name, "-c", "command -v bash > /dev/null && exec bash; exec sh"]
        subprocess.run([client, "run", "--rm", *terminal, *limits, *shell], check=False)

    def prune(self, *, keep: frozenset[str], before: str) -> int:
        """Remove old images of this state folder. Those of other state folders stay, even for the same project."""
        removed = 0
        with translate_docker_errors("Removing old images"):
            filters: dict[str, Any] = {"label": f"{LABEL}.state={self.candidates.owner}"}
            for image in self.client.api.images(filters=filters):  # `images.list` fails if one is removed meanwhile
                labels, names = image["Labels"], names_of(image)
                built, day = (labels.get(f"{LABEL}.{key}", "") for key in ("built", "date"))
                needed = built in keep or not keep.isdisjoint(names)
                is_ours = labels.get(f"{LABEL}.project") == self.candidates.project
                if is_ours and not needed and (built or (day and day < before)):
                    removed += _remove(self.client, names or [image["Id"]])
        return removed

    def push(self, name: str) -> Pushed:
        """Push the image called ``name`` unless the registry has it, and pull it again by its digest."""
        repository, tag = name.rsplit(":", 1)
        registry = self._registry
        try:
            image = self.client.images.get(name)
            digest = registry.digest_of(name)
            if digest and f"{repository}@{digest}" in image.attrs.get("RepoDigests", []):
                return Pushed(reference=f"{repository}@{digest}", is_new=False)
            # The call never raises: errors are among the events of its stream.
            events: list[dict[str, Any]] = list(
                self.client.api.push(repository, tag, stream=True, decode=True, auth_config=registry.auth_config)
            )
            digest = _pushed_digest(name, events)
            pulled = registry.pull(f"{repository}@{digest}")
        except (DockerException, RequestException) as error:
            raise _push_error(name, reason(error)) from None
        if pulled != image.id:
            raise _push_error(name, f"what comes back as {digest} is another image")
        return Pushed(reference=f"{repository}@{digest}", is_new=True)

    def pull(self, name: str) -> Image:
        """Pull an image."""
        return Image(id=self._registry.pull(name), name=name)

    def digest(self, name: str) -> str | None:
        """Return the digest of an image in the registry; ``None`` if it does not have it."""
        return self._registry.digest_of(name)

    def built_here(self, image: Image) -> tuple[Built, ...]:
        """Return the images of a prepared release that were built here, the lowest one first."""
        return images_built_here(image, self.config.engine.image, self.client)

    def tag(self, image: str, name: str) -> None:
        """Give the image with this id another name."""
        with translate_docker_errors(f"Tagging the image {name}"):
            self.client.images.get(image).tag(*name.rsplit(":", 1))


def _remove(client: docker.DockerClient, names: list[str]) -> int:
    """Remove an image, and return how many were removed: 0 where a container uses it."""
    try:
        for name in names:
            client.images.remove(name)
    except APIError as error:
        if error.status_code not in (404, 409):  # somebody else has removed it, or a container uses it
            raise InfrastructureError(f"{names[0]} cannot be removed: {reason(error)}.") from None
        return 0
    return 1


def _pushed_digest(name: str, events: list[dict[str, Any]]) -> str:
    """Return the digest that the daemon reports at the end of a push."""
    if error := next((event["error"] for event in events if "error" in event), ""):
        raise _push_error(name, error)
    statuses = " ".join(str(event.get("status", "")) for event in events)
    if not (found := re.search(r"digest: (sha256:[0-9a-f]{64})", statuses)):
        raise _push_error(name, "the daemon reported no digest")
    return found[1]


def _push_error(name: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Pushing the image {name} failed ({why.strip().rstrip('.')}): nothing of it can be seen there yet. Mend that, "
        "then run the same command again: it goes on from here."
    )
