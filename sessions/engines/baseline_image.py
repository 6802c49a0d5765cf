"""The image of a release: pulled, and layered where the configuration has more to put on it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import BuildError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from sessions.config import Config
from sessions.engines import Export
from sessions.engines.daemon import LABEL, legal_tag, reason, told
from sessions.engines.probe import Image
from sessions.errors import InfrastructureError


@dataclass(frozen=True)
class BaselineImage:
    """Where the image of a release comes from."""

    config: Config
    client: docker.DockerClient

    def prepare(self, release: str, tree: str, export: Export) -> Image:
        """The baseline image, with the configured layers on it where there are any."""
        wanted = self.config.engine.baseline.replace("{release}", legal_tag(release))
        if not wanted:
            raise InfrastructureError(
                "[engine] baseline is empty: name the release's image, or run with --engine local."
            )
        base = self._have(wanted)
        if not self.config.engine.dockerfile:
            return base
        return self._layer(base, release, tree, export)

    def _have(self, name: str) -> Image:
        try:
            try:
                found = self.client.images.get(name)
            except ImageNotFound:
                found = self.client.images.pull(name, tag=None if ":" in name.rsplit("/", 1)[-1] else "latest")
        except (DockerException, RequestException) as error:
            raise InfrastructureError(
                f"The image {name} is not here, and pulling it failed ({reason(error)}): "
                "build or load it, set [engine] baseline, or run with --engine local."
            ) from None
        return Image(id=str(found.id), name=name)

    def _layer(self, base: Image, release: str, tree: str, export: Export) -> Image:
        dockerfile = Path(self.config.engine.dockerfile)
        try:
            recipe = dockerfile.read_bytes()
        except OSError as error:
            raise InfrastructureError(f"[engine] dockerfile {dockerfile} cannot be read: {error.strerror}.") from None
        inputs = hashlib.sha256(b"\0".join((recipe, base.id.encode(), tree.encode()))).hexdigest()
        project = re.sub(r"[^a-z0-9]+", "-", self.config.project.name.lower()).strip("-") or "project"
        name = f"integrand/{project}:{legal_tag(release)[:100]}-{inputs[:12]}"
        with told(f"Building {name}"):
            try:
                return Image(id=str(self.client.images.get(name).id), name=name)
            except ImageNotFound:
                return self._build(name, dockerfile, base, export)

    def _build(self, name: str, dockerfile: Path, base: Image, export: Export) -> Image:
        with tempfile.TemporaryDirectory() as scratch:
            context = Path(scratch) / "source"
            export(context)
            try:
                built, _ = self.client.images.build(
                    path=str(context),
                    dockerfile=str(dockerfile),
                    buildargs={"BASELINE": base.name},
                    labels={f"{LABEL}.baseline": base.id},
                    tag=name,
                    rm=True,
                    forcerm=True,
                )
            except BuildError as error:
                last = [str(line.get("stream", "")).strip() for line in error.build_log if line.get("stream")][-3:]
                raise InfrastructureError(f"{dockerfile} does not build: {error.msg} ({' / '.join(last)})") from None
        return Image(id=str(built.id), name=name)
