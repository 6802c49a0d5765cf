"""Which engine runs the probes of a session: the one that was asked for, else Docker, else this machine in a jail."""

from __future__ import annotations

import os
from pathlib import Path

from sessions.engines import Engine, Listen
from sessions.engines.docker.daemon import connect
from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

# Is in a state folder where Docker ran probes.
_MARK = "docker-was-here"


def choose_engine(
    config: Config, kind: str, state: Path, warn: Listen = lambda _text: None, *, trusted: bool = False
) -> Engine:
    """The engine that was asked for; ``auto`` takes Docker where a daemon answers.

    Where none does, ``auto`` takes the local engine only at a desk where Docker was never used, and in a jail, unless
    the code is ``trusted``, as the bundled sample's is. What an earlier call left behind when it was killed is cleaned
    away. ``warn`` is told what goes wrong without harm.

    Raises :class:`InfrastructureError` where there is no such engine.
    """
    if kind == "local":
        return _locally(config, state, "it was asked for")
    client, trouble = connect()
    if client is not None:
        why = "it was asked for" if kind == "docker" else "a daemon answers"
        state.mkdir(parents=True, exist_ok=True)
        (state / _MARK).touch()
        return DockerEngine(config, state, client, why=why, warn=warn)
    nobody = f"No Docker daemon answers ({trouble})"
    if kind == "docker":
        raise InfrastructureError(f"{nobody}: start it, or run with --engine local.")
    if reason := _against_falling_back(state):
        raise InfrastructureError(f"{nobody}, and {reason}: start it, or run with --engine local.")
    openness = LocalEngine(config, state, why="").openness
    if openness and not trusted:
        raise InfrastructureError(
            f"{nobody}, and {openness}, which would keep the tickets' code from your files: start Docker, "
            "install bubblewrap, or run with --engine local."
        )
    return _locally(config, state, f"no Docker daemon answers ({trouble})")


def _locally(config: Config, state: Path, why: str) -> LocalEngine:
    openness = LocalEngine(config, state, why=why).openness
    jail = f"nothing shuts its commands off, as {openness}" if openness else "bubblewrap shuts its commands off"
    return LocalEngine(config, state, why=f"{why}; {jail}")


def _against_falling_back(state: Path) -> str:
    """Why ``auto`` means Docker, as a clause; empty where it may mean the local engine."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return "in CI nothing takes its place by itself"
    if (state / _MARK).exists():
        return f"it was used with {state} before"
    return ""
