"""Prepares the folder in which a local probe runs, with its jail and environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sessions.engines.local.confinement import Confinement
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.engines.local.step import LocalStepRunner
from sessions.engines.local.workspace import Workspace, put_file
from sessions.engines.machine import DiskWatch
from sessions.engines.probe import Probe

# The variables of the user's environment that a probe's commands may see; no token is among them.
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def prepare_workspace(probe: Probe, confinement: Confinement, python: PythonEnvironment) -> Iterator[LocalStepRunner]:
    """Write a probe's files into a folder of its own, and yield the runner of its steps there.

    Raises :class:`InfrastructureError` if the folder cannot be written.
    """
    bounds, release = confinement.bounds, confinement.release(probe.image.id.removeprefix("local:"))
    with (
        confinement.translate_errors(),
        confinement.temporary_folder() as folder,
        Workspace.of(folder, release, confinement.layers, bounds) as workspace,
    ):
        for file in probe.overlay:
            put_file(workspace.view.folder, file)
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
