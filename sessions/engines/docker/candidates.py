"""Start containers of candidates: write the changed files, run the first step, and keep its build if requested."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException

from sessions.engines.bounds import Bounds, ExceededError, bytes_of
from sessions.engines.collecting import outcome_of
from sessions.engines.docker.cached_builds import CACHE, CachedBuilds
from sessions.engines.docker.container import PROBE, RESULTS, NoSourceError, ProbeContainer
from sessions.engines.docker.daemon import names_of, translate_docker_errors
from sessions.engines.docker.disk_needs import engine_root
from sessions.engines.docker.step import StepRunner
from sessions.engines.image_names import LABEL, legal_name
from sessions.engines.machine import DiskWatch
from sessions.engines.probe import DONE_BEFORE, Image, Listen, Outcome, Probe, Step, StepOutcome
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

# A container stops by itself this many seconds after the latest moment at which its steps can end.
_GRACE = 3600


@dataclass(frozen=True)
class Candidates:
    """Starts containers of candidates for one project and one state folder."""

    config: Config
    state: Path
    client: docker.DockerClient

    @property
    def owner(self) -> str:
        """Identifies the state folder in labels of containers and images."""
        return hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]

    @property
    def project(self) -> str:
        """The project's name in a form that is legal in repositories and labels."""
        return legal_name(self.config.project.name)

    @cached_property
    def builds(self) -> CachedBuilds:
        """The builds and the compilers' caches that are kept as images."""
        return CachedBuilds(
            client=self.client,
            project=self.project,
            owner=self.owner,
            limit=bytes_of(self.config.build.keep),
            variables=self.config.build.cache,
        )

    def remove_leftovers(self) -> None:
        """Remove the containers that a killed call left behind."""
        with translate_docker_errors("Removing what a killed call left behind"):
            filters: dict[str, Any] = {"label": f"{PROBE}={self.owner}"}
            for container in self.client.containers.list(all=True, filters=filters, ignore_removed=True):
                container.remove(force=True, v=True)
        self.remove_unnamed()

    def remove_unnamed(self) -> None:
        """Remove this state folder's images whose name a newer one has, or whose session was killed before it gave one.

        An image that a container uses stays.
        """
        with translate_docker_errors("Removing images without a name"):
            filters: dict[str, Any] = {"dangling": True, "label": f"{LABEL}.state={self.owner}"}
            for image in self.client.api.images(filters=filters):  # `images.list` fails if one is removed meanwhile
                try:
                    for name in names_of(image, "RepoDigests") or [image["Id"]]:
                        self.client.images.remove(name)
                except APIError as error:
                    if error.status_code not in (404, 409):  # removed meanwhile, or in use
                        raise

    def leave(self, warn: Listen) -> None:
        """Remove them as far as that is possible; the next call removes the rest."""
        try:
            self.remove_unnamed()
        except InfrastructureError as error:
            warn(str(error))

    def run(self, probe: Probe, bounds: Bounds, listen: Listen) -> Outcome:
        """Run a probe in a container of its own."""
        start = time.monotonic()
        with translate_docker_errors("The Docker engine"), self.start(probe, bounds, listen) as (runner, first):
            steps = [first]
            for step in probe.steps[1:]:
                if steps[-1].is_failure:
                    break
                steps.append(_run_step(runner, step, probe.deletes_before(step), listen))
            files, trouble = runner.box.files, runner.disk.find_trouble
            return outcome_of(probe, steps, files, bounds, start=start, trouble=trouble)

    @contextmanager
    def start(self, probe: Probe, bounds: Bounds, listen: Listen) -> Iterator[tuple[StepRunner, StepOutcome]]:
        """Start a container in which the first step is done; use the kept image of that step, if there is one.

        Otherwise it begins with the nearest kept build that the probe may start from, or with the probe's image.
        """
        with ExitStack() as borrowed:
            kept = self.builds.lend(probe.candidate, borrowed) if probe.reuse else None
            near = None if kept else self._start_near(probe, bounds, borrowed)
            base = kept or self.builds.lend_cache(probe, borrowed) or probe.image
            container = near or borrowed.enter_context(self._container(probe, base, bounds))
            runner = StepRunner(container, DiskWatch(self._disks, bounds.disk, container.written))
            if kept:
                yield runner, _enter_kept(container, probe)
                return
            if not near:
                container.put_overlay(probe.overlay)
            container.put_scripts(probe.steps)
            done = _run_step(runner, probe.steps[0], probe.deletes_before(probe.steps[0]), listen)
            is_whole = not near and not done.is_failure
            if is_whole and probe.of_release == probe:
                self.builds.keep_cache(container, probe, lambda labels: self.labels(probe.image, labels))
            if probe.keep and is_whole and self.builds.make_room(container.written()):
                labels = {"kind": "built", "built": probe.candidate, "inputs": ""}
                container.commit(self.builds.name_of(probe.candidate), self.labels(probe.image, labels))
            yield runner, done

    def _start_near(self, probe: Probe, bounds: Bounds, borrowed: ExitStack) -> ProbeContainer | None:
        """Start a container of the nearest kept build with the candidate's files.

        Return ``None`` if none is kept, or if it does not take the files: a build may leave anything in their place.
        """
        if not (start := self.builds.lend_start(probe, borrowed)):
            return None
        image, overlay = start
        with ExitStack() as started:
            container = started.enter_context(self._container(probe, image, bounds))
            try:
                container.take_away([RESULTS, CACHE])
                container.put_overlay(overlay)
            except (DockerException, InfrastructureError):
                return None
            borrowed.callback(started.pop_all().close)
            return container

    def _container(self, probe: Probe, image: Image, bounds: Bounds) -> AbstractContextManager[ProbeContainer]:
        return ProbeContainer.of(
            self.client,
            image,
            self.config.engine,
            bounds,
            owner=self.owner,
            environment=probe.environment | self.builds.cache_folders,
            seconds=sum(step.timeout for step in probe.steps) + _GRACE,
        )

    def labels(self, base: Image, own: Mapping[str, str]) -> dict[str, str]:
        """Return the labels of an image made on ``base``, which would inherit the labels that it does not set."""
        digests = self.client.images.get(base.id).attrs.get("RepoDigests") or [""]
        return {
            "org.opencontainers.image.base.name": base.name,
            "org.opencontainers.image.base.digest": digests[0].partition("@")[2],
            **own_labels({"state": self.owner, "project": self.project, "base": base.id, **own}),
        }

    @cached_property
    def _disks(self) -> tuple[Path, ...]:
        root = engine_root(self.client)
        return (root,) if root else ()


def own_labels(values: Mapping[str, str]) -> dict[str, str]:
    """Return labels under Integrand's prefix."""
    return {f"{LABEL}.{key}": value for key, value in values.items()}


def _run_step(runner: StepRunner, step: Step, outdated: tuple[str, ...], listen: Listen) -> StepOutcome:
    """Delete the outdated files that exist, and run a step."""
    try:
        runner.box.delete_matching(outdated)
    except ExceededError as exceeded:
        return StepOutcome(name=step.name, status=1, log="").stopped(exceeded.ending, str(exceeded))
    return runner.run(step, listen)


def _enter_kept(container: ProbeContainer, probe: Probe) -> StepOutcome:
    """Continue where a probe's first step ended, which may have left the source in any state."""
    done = StepOutcome(name=probe.steps[0].name, status=0, log=DONE_BEFORE)
    try:
        container.put_scripts(probe.steps)
    except NoSourceError as error:
        return done.stopped("unusable", str(error).rstrip("."))
    return done
