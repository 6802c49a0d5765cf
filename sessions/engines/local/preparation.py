"""Prepares the folder in which a local probe runs, with its jail and environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.engines.local.confinement import Confinement
from sessions.engines.local.kept_builds import Beginning
from sessions.engines.local.layers import Lowers
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.engines.local.step import LocalStepRunner
from sessions.engines.local.workspace import Workspace, put_file
from sessions.engines.machine import DiskWatch
from sessions.engines.probe import Probe

# The variables of the user's environment that a probe's commands may see; no token is among them.
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def prepare_workspace(
    probe: Probe, place: Path, confinement: Confinement, python: PythonEnvironment, beginning: Beginning | None = None
) -> Iterator[LocalStepRunner]:
    """Write a probe's files into the empty folder ``place``, and yield the runner of its steps there.

    The workspace begins as the release's, or with a kept build. Raises :class:`OSError` if it cannot be written.
    """
    bounds, release = confinement.bounds, confinement.release(probe.image.id.removeprefix("local:"))
    begin = beginning or Beginning(kept=None, overlay=probe.overlay)
    lowers = Lowers(release=release, kept=begin.kept, caches=begin.caches if confinement.cache else ())
    with Workspace.of(place, lowers, confinement.layers, bounds, confinement.cache) as workspace:
        if not begin.is_built:
            (workspace.folder / "results").unlink(missing_ok=True)
        for file in begin.overlay:
            put_file(workspace.view.source, file)
        before = workspace.size()
        yield LocalStepRunner(
            workspace=workspace,
            jail=confinement.jail,
            readable=python.readable,
            environment=_environment(python) | workspace.environment() | probe.environment,
            disk=DiskWatch((confinement.state,), bounds.disk, lambda: workspace.size() - before),
        )


def _environment(python: PythonEnvironment) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PATH": f"{python.programs}:{os.environ.get('PATH', os.defpath)}"}
