"""Choose the engine of a session: the one that the user names, or else the first that may be used here."""

from __future__ import annotations

import os
from pathlib import Path

from sessions.engines import Engine, EngineUnavailableError, Listen, Opening, ignore
from sessions.engines.registry import AUTO, ENGINES, engine_class
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

# A file in the state folder for each engine that ran probes with it.
_MARK = "{}-was-here"


def choose_engine(config: Config, kind: str, state: Path, warn: Listen = ignore, *, trusted: bool = False) -> Engine:
    """Open the engine of that name; ``auto`` opens the first of the registry that may be used here.

    ``auto`` skips an engine that is unavailable, except in CI, and except if that engine was used with this state
    folder before: a day must not change its engine unnoticed. It does not use an engine that exposes the user's files
    to the tickets' code, unless that code is ``trusted``, like that of the bundled sample.

    Raises :class:`InfrastructureError` if no engine can be used.
    """
    state.mkdir(parents=True, exist_ok=True)
    if kind == AUTO:
        engine = _first_usable(config, state, warn, trusted=trusted)
    else:
        try:
            engine = engine_class(kind).open(config, state, Opening(why="it was asked for", warn=warn))
        except EngineUnavailableError as error:
            raise _unusable(kind, error, "") from None
    (state / _MARK.format(engine.name)).touch()
    return engine


def open_preferred(config: Config, kind: str, state: Path, *, alone: bool) -> Engine:
    """Open the engine of that name, for ``auto`` the first of the registry, whatever it exposes.

    Where this session is ``alone`` in the state folder, the engine deletes what a killed one left.

    Raises :class:`EngineUnavailableError`.
    """
    name = next(iter(ENGINES)) if kind == AUTO else kind
    return engine_class(name).open(config, state, Opening(why="", alone=alone))


def _first_usable(config: Config, state: Path, warn: Listen, *, trusted: bool) -> Engine:
    skipped: tuple[str, EngineUnavailableError] | None = None
    for name in ENGINES:
        opening = Opening(why=skipped[1].reason if skipped else "", warn=warn)
        try:
            engine = engine_class(name).open(config, state, opening)
        except EngineUnavailableError as error:
            if reason := _against_falling_back(name, state):
                raise _unusable(name, error, f", and {reason}") from None
            skipped = skipped or (name, error)
            continue
        if not engine.exposure or trusted:
            return engine
        engine.close()
        unavailable = f"{skipped[1].reason}, and " if skipped else ""
        raise InfrastructureError(
            f"{_sentence(unavailable + engine.exposure)}, which would keep the tickets' code from your files: fix one "
            f"of these, or run with --engine {name}."
        )
    raise InfrastructureError("No engine can be used here: see docs/security.md for what they need.")


def _unusable(name: str, error: EngineUnavailableError, consequence: str) -> InfrastructureError:
    others = " or ".join(f"--engine {other}" for other in ENGINES if other != name)
    return InfrastructureError(f"{_sentence(error.reason)}{consequence}: {error.remedy}, or run with {others}.")


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]


def _against_falling_back(name: str, state: Path) -> str:
    """Return a clause on why ``auto`` must not replace an engine by another one; empty if it may."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return "in CI no other engine is used automatically"
    if (state / _MARK.format(name)).exists():
        return f"it was used with {state} before"
    return ""
