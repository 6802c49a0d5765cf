"""Prepares the image of a release: pulls it, or builds it from the project's Dockerfile, and adds configured layers."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import docker
from docker.errors import ImageNotFound

from sessions.engines import Listen
from sessions.engines.docker.daemon import translate_docker_errors
from sessions.engines.docker.image_build import BuildOrder, choose_builder
from sessions.engines.docker.registry import AbsentImageError, Registry, RegistryError
from sessions.engines.image_names import LABEL, legal_name, legal_tag
from sessions.engines.images import Built, ImageSource
from sessions.engines.probe import Image
from sessions.settings.configuration import Config, Project
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
_OCI = "org.opencontainers.image"


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """An image that may have to be built: a baseline, or layers on a baseline.

    ``inputs`` is a hash of all that the image is made of, and of nothing else, such as the builder or the time.
    """

    kind: Literal["baseline", "layers"]
    name: str
    inputs: str
    base: DockerImage | None = None
    base_name: str = ""


@dataclass(frozen=True, kw_only=True)
class BaselineImage:
    """Finds, pulls or builds images of releases. ``warn`` hears about failures that do no harm."""

    config: Config
    client: docker.DockerClient
    warn: Listen
    listen: Listen = lambda _line: None

    def prepare(self, release: ImageSource) -> Image:
        """Return the baseline image, with the configured layers on it, if there are any.

        Raises :class:`InfrastructureError` if it is neither here nor in a registry, and cannot be built.
        """
        name = self.name_of(release.tag)
        if not name:
            raise InfrastructureError(
                "[engine] baseline is empty: name the release's image, or run with --engine local."
            )
        with translate_docker_errors(f"Preparing the image of {release.tag}"):
            base = self._base(name, release)
            # An image that was built here holds the release, whatever its Dockerfile's labels say.
            revision = "" if f"{LABEL}.inputs" in base.labels else base.labels.get(f"{_OCI}.revision", "")
            if not self.config.engine.dockerfile:
                return Image(id=str(base.id), name=name, revision=revision)
            plan = self._layers(base, name, release)
            return Image(id=str(self._find_or_build(plan, release).id), name=plan.name, revision=revision)

    def name_of(self, tag: str) -> str:
        """Return the baseline's configured name for a release."""
        return self.config.engine.baseline.replace("{release}", legal_tag(tag))

    def _base(self, name: str, release: ImageSource) -> DockerImage:
        engine = self.config.engine
        plan = _Plan(kind="baseline", name=name, inputs=_hash(engine.recipe, engine.target, release.tree))
        present = _find(self.client, name)
        if present and (not engine.recipe or present.labels.get(f"{LABEL}.inputs", plan.inputs) == plan.inputs):
            return present
        if engine.recipe and "/" not in name:
            return self._find_or_build(plan, release)  # on Docker Hub, a name without a slash is never a project's
        registry = Registry.of(name, self.config, self.client)
        try:
            return self.client.images.get(registry.pull(name))
        except AbsentImageError:
            if engine.recipe:
                return self._find_or_build(plan, release)
            raise InfrastructureError(
                f"The image {name} is neither here nor at {registry.host}: set [engine] recipe to have it built from "
                "the project's Dockerfile, build or load it, set [engine] baseline, or run with --engine local."
            ) from None
        except RegistryError as error:
            raise type(error)(f"The image {name} is not here: {error}") from None

    def _layers(self, base: DockerImage, base_name: str, release: ImageSource) -> _Plan:
        dockerfile = Path(self.config.engine.dockerfile)
        try:
            recipe = dockerfile.read_bytes()
        except OSError as error:
            raise InfrastructureError(f"[engine] dockerfile {dockerfile} cannot be read: {error.strerror}.") from None
        inputs = _hash(recipe, str(base.id), release.tree)
        name = f"integrand/{legal_name(self.config.project.name)}:{legal_tag(release.tag)[:100]}-{inputs[:12]}"
        return _Plan(kind="layers", name=name, inputs=inputs, base=base, base_name=base_name)

    def _find_or_build(self, plan: _Plan, release: ImageSource) -> DockerImage:
        """Return the image of a plan: from here, from the registry, or built."""
        present = _find(self.client, plan.name)
        if present and present.labels.get(f"{LABEL}.inputs") == plan.inputs:
            return present
        found, cache = self._find_published(plan, release)
        return found or self._build(plan, release, cache)

    def _find_published(self, plan: _Plan, release: ImageSource) -> tuple[DockerImage | None, str]:
        """Look in `[engine] image` for this image, or else its build cache; return the image, or the cache's name."""
        if not self.config.engine.image:
            return None, ""
        repository = self.config.engine.image
        name = _published_name(repository, release.tag, plan.inputs)
        cache = _cache_name(repository, plan.kind)
        registry = Registry.of(name, self.config, self.client)
        try:
            found = self.client.images.get(registry.pull(name))
            if found.labels.get(f"{LABEL}.inputs") == plan.inputs:
                found.tag(plan.name)
                return found, ""
            self.warn(f"{name} was not made from what its name says: it is built anew.")
        except AbsentImageError:
            return None, self._readable(cache, registry)
        except RegistryError as error:
            self.warn(f"Whether {name} was built before cannot be seen, and no cache is read: {error}")
        return None, ""

    def _build(self, plan: _Plan, release: ImageSource, cache: str) -> DockerImage:
        engine = self.config.engine
        builder = choose_builder(engine.builder, self.client)
        registry = Registry.of(engine.image or engine.baseline, self.config, self.client)
        with translate_docker_errors(f"Building {plan.name}"), self._source(plan, release) as (context, dockerfile):
            order = BuildOrder(
                name=plan.name,
                what=engine.dockerfile if plan.kind == "layers" else f"{engine.recipe} of {release.tag}",
                dockerfile=dockerfile,
                context=context,
                target=engine.target if plan.kind == "baseline" else "",
                arguments={"BASELINE": plan.base_name} if plan.base else {},
                labels=_labels(plan, release, self.config.project),
                cache=cache,
            )
            return self.client.images.get(builder.build(order, registry, self.warn, self.listen))

    @contextmanager
    def _source(self, plan: _Plan, release: ImageSource) -> Iterator[tuple[Path, Path]]:
        """Write the release's files; yields their folder and the Dockerfile to build from."""
        with tempfile.TemporaryDirectory(prefix="integrand-source-") as scratch:
            context = Path(scratch) / "source"
            release.export(context)
            if plan.kind == "layers":
                yield context, Path(self.config.engine.dockerfile)
                return
            recipe = (context / self.config.engine.recipe).resolve()
            if not recipe.is_relative_to(context.resolve()) or not recipe.is_file():
                raise InfrastructureError(
                    f"[engine] recipe {self.config.engine.recipe} is no file of {release.tag}, and {plan.name} is "
                    "nowhere else: correct it, or load that image."
                )
            yield context.resolve(), recipe

    def _readable(self, cache: str, registry: Registry) -> str:
        try:
            return cache if registry.digest_of(cache) else ""
        except RegistryError as error:
            self.warn(f"The cache {cache} cannot be read: {error}")
            return ""


def _labels(plan: _Plan, release: ImageSource, project: Project) -> dict[str, str]:
    base = plan.base
    # Without these, the image would inherit the labels of its base.
    inherited = dict.fromkeys((key for key in base.labels if key.startswith(f"{_OCI}.")), "") if base else {}
    own = {
        f"{_OCI}.created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        f"{_OCI}.version": release.tag,
        f"{_OCI}.title": f"{project.name} {release.tag}, {plan.kind}",
        f"{LABEL}.kind": plan.kind,
        f"{LABEL}.inputs": plan.inputs,
        f"{LABEL}.base": str(base.id) if base else "",
        f"{LABEL}.release": release.tag,
        f"{LABEL}.tree": release.tree,
    }
    if release.commit:
        own[f"{_OCI}.revision"] = release.commit
    if re.fullmatch(r"https?://[^@\s]+", project.repository):
        own[f"{_OCI}.source"] = project.repository
    if base:
        own[f"{_OCI}.base.name"] = plan.base_name
        digests = [str(each).partition("@")[2] for each in base.attrs.get("RepoDigests") or ()]
        own |= {f"{_OCI}.base.digest": digest for digest in digests[:1]}
    return inherited | own


def images_built_here(image: Image, repository: str, client: docker.DockerClient) -> tuple[Built, ...]:
    """Return which of a prepared image and the images below it were built here, the lowest one first.

    ``repository`` is where they are published, as ``[engine] image`` says; if that is empty, none is published.
    """
    found: list[Built] = []
    seek = image.id
    while repository and seek and (present := _find(client, seek)):
        labels = present.labels
        if f"{LABEL}.inputs" not in labels:
            break
        name = _published_name(repository, labels[f"{LABEL}.release"], labels[f"{LABEL}.inputs"])
        cache = _cache_name(repository, labels[f"{LABEL}.kind"])
        found.insert(0, Built(id=str(present.id), names=(name, cache)))
        seek = labels[f"{LABEL}.base"]
    return tuple(found)


def local_names(image: Image, client: docker.DockerClient) -> dict[str, str]:
    """Return the ids of a prepared image and of those below it that were built here, by their names on this machine."""
    names: dict[str, str] = {}
    seek = image.id
    while seek and (present := _find(client, seek)) and f"{LABEL}.inputs" in present.labels:
        names |= dict.fromkeys(present.tags, str(present.id))
        seek = present.labels[f"{LABEL}.base"]
    return names


def _published_name(repository: str, release: str, inputs: str) -> str:
    return f"{repository}:{legal_tag(release)[:100]}-baseline-{inputs[:12]}"


def _cache_name(repository: str, kind: str) -> str:
    return f"{repository}:{kind}-cache"


def _find(client: docker.DockerClient, name: str) -> DockerImage | None:
    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


def _hash(*inputs: str | bytes) -> str:
    parts = (each.encode() if isinstance(each, str) else each for each in inputs)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
