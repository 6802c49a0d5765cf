"""The engines by their names in ``[engine] kind`` and ``--engine``, in the order in which ``auto`` tries them.

An engine is a class, named as ``module:class`` and imported when it is first used: listing the options needs no engine.
This module imports nothing of ``sessions`` at run time, so that ``settings`` can read the names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessions.engines import Engine

AUTO = "auto"
ENGINES = {
    "docker": "sessions.engines.docker.engine:DockerEngine",
    "local": "sessions.engines.local.engine:LocalEngine",
}


def engine_choices() -> tuple[str, ...]:
    """Return the values of ``--engine`` and ``[engine] kind``."""
    return (AUTO, *ENGINES)


def engine_class(name: str) -> type[Engine]:
    """Import the engine of that name, which must be registered."""
    module, _, attribute = ENGINES[name].partition(":")
    engine: type[Engine] = getattr(import_module(module), attribute)
    return engine
