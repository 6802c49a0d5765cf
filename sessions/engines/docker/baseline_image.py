"""The image of a release: pulled, or built from the project's own Dockerfile, with the configured layers on it."""

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

from sessions.engines import Export, Listen
from sessions.engines.docker.daemon import LABEL, legal_name, legal_tag, told
from sessions.engines.docker.image_build import Order, choose_builder
from sessions.engines.docker.registry import AbsentImageError, Registry, RegistryError
from sessions.engines.probe import Image
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
_OCI = "org.opencontainers.image"


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """What an image is made of: a tag, its tree, how to write its files, and its commit where that is known."""

    tag: str
    tree: str
    export: Export
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """An image that may have to be built: the whole of it, or the layers on it.

    ``inputs`` changes whenever what it is made of does, and with nothing else: not with the builder, nor the time.
    """

    kind: Literal["baseline", "layers"]
    name: str
    inputs: str
    base: DockerImage | None = None
    base_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Built:
    """An image that was built and not pulled, and the names under which others look for it.

    The first is for this image alone, and what has it needs no push; the second moves, for its layers are a cache.
    """

    id: str
    names: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class BaselineImage:
    """Where the image of a release comes from. ``warn`` is told what goes wrong without harm."""

    config: Config
    client: docker.DockerClient
    warn: Listen
    listen: Listen = lambda _line: None

    def prepare(self, release: ImageSource) -> Image:
        """The baseline image, with the configured layers on it where there are any.

        Raises :class:`InfrastructureError` where it cannot be had.
        """
        wanted = self.name_of(release.tag)
        if not wanted:
            raise InfrastructureError(
                "[engine] baseline is empty: name the release's image, or run with --engine local."
            )
        with told(f"Preparing the image of {release.tag}"):
            base = self._base(wanted, release)
            # What was built here is of the release, whatever its Dockerfile says.
            revision = "" if f"{LABEL}.inputs" in base.labels else base.labels.get(f"{_OCI}.revision", "")
            if not self.config.engine.dockerfile:
                return Image(id=str(base.id), name=wanted, revision=revision)
            plan = self._layers(base, wanted, release)
            return Image(id=str(self._made(plan, release).id), name=plan.name, revision=revision)

    def name_of(self, tag: str) -> str:
        """The baseline's configured name for a release."""
        return self.config.engine.baseline.replace("{release}", legal_tag(tag))

    def built_here(self, image: Image) -> tuple[Built, ...]:
        """What `[engine] image` should hold of a prepared image: what was built, the image below first."""
        if not self.config.engine.image:
            return ()
        found: list[Built] = []
        seek = image.id
        while seek and (here := self._find(seek)):
            labels = here.labels
            if f"{LABEL}.inputs" not in labels:
                break
            kind = labels[f"{LABEL}.kind"]
            names = self._published(labels[f"{LABEL}.release"], labels[f"{LABEL}.inputs"]), self._cache(kind)
            found.insert(0, Built(id=str(here.id), names=names))
            seek = labels[f"{LABEL}.base"]
        return tuple(found)

    def local_names(self, image: str) -> dict[str, str]:
        """The ids of a prepared image and of those below it that were built here, by the names that they have here."""
        names: dict[str, str] = {}
        while image and (here := self._find(image)) and f"{LABEL}.inputs" in here.labels:
            names |= dict.fromkeys(here.tags, str(here.id))
            image = here.labels[f"{LABEL}.base"]
        return names

    def _base(self, wanted: str, release: ImageSource) -> DockerImage:
        engine = self.config.engine
        plan = _Plan(kind="baseline", name=wanted, inputs=_hash(engine.recipe, engine.target, release.tree))
        here = self._find(wanted)
        if here and (not engine.recipe or here.labels.get(f"{LABEL}.inputs", plan.inputs) == plan.inputs):
            return here
        if engine.recipe and "/" not in wanted:
            return self._made(plan, release)  # a name without a place is Docker Hub's own, never a project's
        registry = Registry.of(wanted, self.config, self.client)
        try:
            return self.client.images.get(registry.pull(wanted))
        except AbsentImageError:
            if engine.recipe:
                return self._made(plan, release)
            raise InfrastructureError(
                f"The image {wanted} is neither here nor at {registry.host}: set [engine] recipe to have it built from "
                "the project's Dockerfile, build or load it, set [engine] baseline, or run with --engine local."
            ) from None
        except RegistryError as error:
            raise type(error)(f"The image {wanted} is not here: {error}") from None

    def _layers(self, base: DockerImage, base_name: str, release: ImageSource) -> _Plan:
        dockerfile = Path(self.config.engine.dockerfile)
        try:
            recipe = dockerfile.read_bytes()
        except OSError as error:
            raise InfrastructureError(f"[engine] dockerfile {dockerfile} cannot be read: {error.strerror}.") from None
        inputs = _hash(recipe, str(base.id), release.tree)
        name = f"integrand/{legal_name(self.config.project.name)}:{legal_tag(release.tag)[:100]}-{inputs[:12]}"
        return _Plan(kind="layers", name=name, inputs=inputs, base=base, base_name=base_name)

    def _made(self, plan: _Plan, release: ImageSource) -> DockerImage:
        """The image of a plan: as it is here, as somebody built it before, or built."""
        here = self._find(plan.name)
        if here and here.labels.get(f"{LABEL}.inputs") == plan.inputs:
            return here
        found, cache = self._elsewhere(plan, release)
        return found or self._build(plan, release, cache)

    def _elsewhere(self, plan: _Plan, release: ImageSource) -> tuple[DockerImage | None, str]:
        """What `[engine] image` has: this image, if somebody built it before, else the name of its cache, if any."""
        if not self.config.engine.image:
            return None, ""
        name, cache = self._published(release.tag, plan.inputs), self._cache(plan.kind)
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
        with told(f"Building {plan.name}"), self._source(plan, release) as (context, dockerfile):
            order = Order(
                name=plan.name,
                what=engine.dockerfile if plan.kind == "layers" else f"{engine.recipe} of {release.tag}",
                dockerfile=dockerfile,
                context=context,
                target=engine.target if plan.kind == "baseline" else "",
                arguments={"BASELINE": plan.base_name} if plan.base else {},
                labels=self._labels(plan, release),
                cache=cache,
            )
            return self.client.images.get(builder.build(order, registry, self.warn, self.listen))

    @contextmanager
    def _source(self, plan: _Plan, release: ImageSource) -> Iterator[tuple[Path, Path]]:
        """The release's files, and the Dockerfile to build from."""
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
                    "nowhere else: mend it, or load that image."
                )
            yield context.resolve(), recipe

    def _readable(self, cache: str, registry: Registry) -> str:
        try:
            return cache if registry.digest_of(cache) else ""
        except RegistryError as error:
            self.warn(f"The cache {cache} cannot be read: {error}")
            return ""

    def _labels(self, plan: _Plan, release: ImageSource) -> dict[str, str]:
        base, project = plan.base, self.config.project
        # What an image says of itself is inherited, and would be said of ours.
        inherited = dict.fromkeys((key for key in base.labels if key.startswith(f"{_OCI}.")), "") if base else {}
        ours = {
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
            ours[f"{_OCI}.revision"] = release.commit
        if re.fullmatch(r"https?://[^@\s]+", project.repository):
            ours[f"{_OCI}.source"] = project.repository
        if base:
            ours[f"{_OCI}.base.name"] = plan.base_name
            digests = [str(each).partition("@")[2] for each in base.attrs.get("RepoDigests") or ()]
            ours |= {f"{_OCI}.base.digest": digest for digest in digests[:1]}
        return inherited | ours

    def _published(self, release: str, inputs: str) -> str:
        return f"{self.config.engine.image}:{legal_tag(release)[:100]}-baseline-{inputs[:12]}"

    def _cache(self, kind: str) -> str:
        return f"{self.config.engine.image}:{kind}-cache"

    def _find(self, name: str) -> DockerImage | None:
        try:
            return self.client.images.get(name)
        except ImageNotFound:
            return None


def _hash(*inputs: str | bytes) -> str:
    parts = (each.encode() if isinstance(each, str) else each for each in inputs)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
