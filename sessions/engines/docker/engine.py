"""Probes in containers, and images of candidates to look into."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from sessions.engines import Export, Listen
from sessions.engines.bounds import Bounds, ExceededError
from sessions.engines.collecting import outcome_of
from sessions.engines.disk_space import check_disk, engine_root
from sessions.engines.docker.baseline_image import BaselineImage, ImageSource
from sessions.engines.docker.container import PROBE, NoSourceError, ProbeContainer
from sessions.engines.docker.daemon import LABEL, legal_name, reason, told
from sessions.engines.docker.registry import Registry
from sessions.engines.docker.step import StepRunner
from sessions.engines.machine import DiskWatch, memory_size
from sessions.engines.probe import Image, Inspection, Outcome, Probe, Step, StepOutcome
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

# A container ends by itself so many seconds after its steps must have ended.
_GRACE = 3600


@dataclass(frozen=True)
class DockerEngine:
    """An engine of containers; not ``alone`` where others use its state folder too."""

    config: Config
    state: Path
    client: docker.DockerClient
    why: str
    name: str = "docker"
    warn: Listen = lambda _text: None
    alone: bool = True

    def __post_init__(self) -> None:
        if not self.alone:
            return
        with told("Removing what a killed call left behind"):
            ours = _labelled(PROBE, self._owner)
            for container in self.client.containers.list(all=True, filters=ours, ignore_removed=True):
                container.remove(force=True, v=True)

    @property
    def registry(self) -> Registry:
        """Where the images go that are published."""
        return Registry.of(self.config.engine.image, self.config, self.client)

    @property
    def baseline(self) -> BaselineImage:
        """Where the image of a release comes from."""
        return BaselineImage(config=self.config, client=self.client, warn=self.warn)

    @cached_property
    def bounds(self) -> Bounds:
        """What probes may take, of the daemon's machine."""
        return Bounds.of(self.config.engine, int(self.client.info().get("MemTotal") or memory_size()))

    def room(self, release: str, source: int) -> str:
        """How much disk candidates and logs need, and how much there is."""
        return check_disk(self.client, self.baseline.name_of(release), self.state, source)

    def prepare(self, release: str, commit: str, tree: str, export: Export) -> Image:
        """The baseline image, with the configured layers on it where there are any."""
        return self.baseline.prepare(ImageSource(tag=release, commit=commit, tree=tree, export=export))

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe in a container of its own."""
        start = time.monotonic()
        with told("The Docker engine"), self._candidate(probe, listen) as (runner, first):
            steps = [first]
            for step in probe.steps[1:]:
                if steps[-1].is_failure:
                    break
                reports = probe.reports if step is probe.steps[-1] else ()
                steps.append(_run_step(runner, step, reports, listen))
            return outcome_of(probe, steps, runner.box, self.bounds, start=start, trouble=runner.disk.find_trouble)

    def inspection(self, wanted: Inspection, listen: Listen) -> Image | None:
        """The image to look into, made where it is not here yet; ``None`` where its candidate does not build."""
        with told(f"Making the image {wanted.name}"):
            if there := self._there(wanted.name, wanted.inputs):
                return there
            with self._candidate(wanted.candidate, listen) as (runner, built):
                container = runner.box
                if built.is_failure:
                    return None
                container.take_away(wanted.without)
                with tempfile.TemporaryDirectory() as scratch:
                    container.put_folders(wanted.fill(Path(scratch)))
                names = {"kind": "inspection", "built": "", "inputs": wanted.inputs}
                labels = self._labels(wanted.candidate.image, names) | dict(wanted.labels)
                return container.commit(wanted.name, labels, command=wanted.command)

    def store(self, name: str, inputs: str, archive: Callable[[], IO[bytes]]) -> None:
        """Keep an archive as an image that holds nothing else, if none of the same ``inputs`` is here."""
        with told(f"Making the image {name}"):
            if self._there(name, inputs):
                return
            repository, tag = name.rsplit(":", 1)
            labels = _own({"inputs": inputs, "project": self._project})
            changes = [*(f"LABEL {key}={value}" for key, value in labels.items()), 'CMD ["none"]']
            with archive() as stream:
                reply = str(self.client.api.import_image_from_data(stream, changes=changes))
            if not (made := re.search(r"sha256:[0-9a-f]{64}", reply)):
                raise DockerException(reply)
            self.client.images.get(made[0]).tag(repository, tag)  # podman takes no name with the archive

    def stored(self, name: str, folder: str) -> IO[bytes]:
        """The ``folder`` of an archive that is kept as an image here: a stream to read and to close."""
        with told(f"Reading the image {name}"):
            container = self.client.containers.create(name, ["none"], labels={PROBE: self._owner})
            try:
                chunks, _ = container.get_archive(f"/{folder}")
                stream = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
                stream.writelines(chunks)
                stream.seek(0)
                return stream
            finally:
                container.remove(force=True, v=True)

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
        line = [client, "run", "--rm", *terminal, *limits, *shell]
        subprocess.run(line, check=False)

    def prune(self, *, keep: frozenset[str], before: str) -> int:
        """Remove builds kept for candidates, and images to look into of days before a date as in 2026-11-23.

        Only those of this state folder: another one may have days of a project of the same name. Those whose candidate
        or name is in ``keep`` stay, and so does what a container still uses. Returns how many were removed.
        """
        removed = 0
        with told("Removing old images"):
            for image in self.client.images.list(filters=_labelled(f"{LABEL}.state", self._owner)):
                built, day = (image.labels.get(f"{LABEL}.{key}", "") for key in ("built", "date"))
                wanted = built in keep or not keep.isdisjoint(image.tags)
                mine = image.labels.get(f"{LABEL}.project") == self._project
                if mine and not wanted and (built or (day and day < before)):
                    removed += self._remove(image.tags or [str(image.id)])
        return removed

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    @contextmanager
    def _candidate(self, probe: Probe, listen: Listen) -> Iterator[tuple[StepRunner, StepOutcome]]:
        """A container in which the first step is done: of the image that was kept when it was, if there is one."""
        kept = self._kept(probe)
        first = probe.steps[0]
        with ProbeContainer.of(
            self.client,
            kept or probe.image,
            self.config.engine,
            self.bounds,
            owner=self._owner,
            environment=probe.environment,
            seconds=sum(step.timeout for step in probe.steps) + _GRACE,
        ) as container:
            disk = DiskWatch(self._disks, self.bounds.disk, container.written)
            runner = StepRunner(container, disk)
            if kept:
                yield runner, _enter_kept(container, probe)
                return
            container.put_overlay(probe.overlay)
            container.put_scripts(probe.steps)
            done = _run_step(runner, first, probe.reports if len(probe.steps) == 1 else (), listen)
            if probe.keep and not done.is_failure:
                names = {"kind": "built", "built": probe.candidate, "inputs": ""}
                container.commit(self._kept_name(probe), self._labels(probe.image, names))
            yield runner, done

    def _labels(self, base: Image, own: Mapping[str, str]) -> dict[str, str]:
        """What an image made on ``base`` says of itself; what it does not say anew, it would say of that one."""
        digests = self.client.images.get(base.id).attrs.get("RepoDigests") or [""]
        return {
            "org.opencontainers.image.base.name": base.name,
            "org.opencontainers.image.base.digest": digests[0].partition("@")[2],
            **_own({"state": self._owner, "project": self._project, "base": base.id, **own}),
        }

    def _kept(self, probe: Probe) -> Image | None:
        try:
            return Image(id=str(self.client.images.get(self._kept_name(probe)).id), name=probe.image.name)
        except ImageNotFound:
            return None

    def _kept_name(self, probe: Probe) -> str:
        return f"integrand/{self._project}:built-{probe.candidate}"

    def _there(self, name: str, inputs: str) -> Image | None:
        try:
            found = self.client.images.get(name)
        except ImageNotFound:
            return None
        return Image(id=str(found.id), name=name) if found.labels.get(f"{LABEL}.inputs") == inputs else None

    def _remove(self, names: list[str]) -> int:
        try:
            for name in names:
                self.client.images.remove(name)
        except APIError as error:
            if error.status_code != 409:  # somebody is looking into it
                raise InfrastructureError(f"{names[0]} cannot be removed: {reason(error)}.") from None
            return 0
        return 1

    @cached_property
    def _disks(self) -> tuple[Path, ...]:
        root = engine_root(self.client)
        return (root,) if root else ()

    @property
    def _owner(self) -> str:
        return hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]

    @property
    def _project(self) -> str:
        return legal_name(self.config.project.name)


def _enter_kept(container: ProbeContainer, probe: Probe) -> StepOutcome:
    """Go on where a probe's first step ended, which may have left anything."""
    done = StepOutcome(name=probe.steps[0].name, status=0, log="(done before, and kept)\n")
    try:
        container.put_scripts(probe.steps)
    except NoSourceError as error:
        return done.stopped("unusable", str(error).rstrip("."))
    return done


def _run_step(runner: StepRunner, step: Step, reports: tuple[str, ...], listen: Listen) -> StepOutcome:
    """Run a step without the reports that are there before it."""
    try:
        runner.box.delete_matching(reports)
    except ExceededError as exceeded:
        return StepOutcome(name=step.name, status=1, log="").stopped(exceeded.ending, str(exceeded))
    return runner.run(step, listen)


def _own(names: Mapping[str, str]) -> dict[str, str]:
    return {f"{LABEL}.{key}": name for key, name in names.items()}


def _labelled(label: str, value: str) -> dict[str, str | list[str] | bool]:
    return {"label": f"{label}={value}"}
