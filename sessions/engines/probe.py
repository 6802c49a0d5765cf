"""A probe is data: an image, the files that differ, commands. What comes of it is data too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sessions.source.overlays import Overlay

# Fills {name} in a gate's command, and nothing else: ${HOME} and awk's braces stay as they are.
PLACES = ("files", "results", "jobs", "seed")


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a probe starts from. ``id`` changes whenever its content does; ``name`` is for people."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One shell command of a probe, and how many seconds it may take."""

    name: str
    command: str
    timeout: float


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Commands to run, in order until one fails, on the release's image with some files replaced.

    The commands find the path of the file to write their results to in ``$INTEGRAND_RESULTS``. ``environment``
    is added to theirs. ``artifacts`` are globs of files to bring out, relative to the source.
    """

    image: Image
    overlay: Overlay
    steps: tuple[Step, ...]
    environment: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


Ending = Literal["exited", "timeout", "out of memory"]


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """How one step ended: its exit status (137 where it had to be killed), and all it printed."""

    name: str
    status: int
    log: str
    ending: Ending = "exited"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a probe came to. ``steps`` ends with the first that failed; ``results`` is what it wrote, if anything."""

    steps: tuple[StepOutcome, ...]
    results: bytes | None
    artifacts: dict[str, bytes]
    seconds: float
