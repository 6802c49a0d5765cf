"""A probe is data: an image, the files that differ, commands. What comes of it is data too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sessions.source.overlay_files import Overlay

# Hears each line that a probe prints.
Listen = Callable[[str], None]

# Fills {name} in a gate's command, and nothing else: ${HOME} and awk's braces stay as they are.
PLACES = ("files", "results", "jobs", "seed")


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a probe starts from. ``id`` changes whenever its content does; ``name`` is for people.

    ``revision`` is the commit whose source lies in it, where the image says that of itself; empty elsewhere.
    """

    id: str
    name: str
    revision: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One shell command of a probe, and how many seconds it may take."""

    name: str
    command: str
    timeout: float


@dataclass(frozen=True, kw_only=True)
class Start:
    """The kept build of another candidate, and the files in which a probe's candidate differs from that one."""

    candidate: str
    overlay: Overlay


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Commands to run, in order until one fails, on the release's image with some files replaced.

    The commands find the path of the file to write their results to in ``$INTEGRAND_RESULTS``. ``environment``
    is added to theirs. ``artifacts`` and ``reports`` are globs of files to bring out, relative to the source; reports
    that are there before the last step are deleted, so that only what that step wrote is read, and so are files that
    match ``outdated``. ``keep`` asks an engine
    that can to keep what the first step makes of these files, the build, for other probes of the same candidate. Such a
    kept build takes the place of the first step if the probe may ``reuse`` it. Otherwise the probe begins with the
    first of ``starts`` that the engine keeps; without any, with the image. Only a build that began with the image is
    kept.
    """

    image: Image
    overlay: Overlay
    steps: tuple[Step, ...]
    environment: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    keep: bool = False
    reuse: bool = True
    starts: tuple[Start, ...] = ()

    def deletes_before(self, step: Step) -> tuple[str, ...]:
        """Return the globs of files that are deleted before a step."""
        return (*self.reports, *self.outdated) if step is self.steps[-1] else ()

    def reached_last(self, done: Sequence[StepOutcome]) -> bool:
        """Whether the last step ran, which alone writes reports."""
        return len(done) == len(self.steps)

    @property
    def of_release(self) -> Probe:
        """The probe that builds the release in the same way."""
        return replace(self, overlay=())

    @property
    def candidate(self) -> str:
        """The same 16 hex digits for the same image, files and first step, and for no others."""
        digest = hashlib.sha256(f"{self.image.id}\0{self.steps[0].command}".encode("utf-8", "surrogateescape"))
        for file in self.overlay:
            path, content = file.path.encode("utf-8", "surrogateescape"), file.content or b""
            digest.update(b"\0%d %o %d " % (len(path), file.mode, -1 if file.content is None else len(content)))
            digest.update(path + content)
        return digest.hexdigest()[:16]


# The log of a first step whose kept build took its place.
DONE_BEFORE = "(done before, and kept)\n"

# How a step ended: by itself; because its time was up; because it, or what it left, exceeded a bound (see bounds.py);
# or because its own commands killed the container's process 1 ("killed"), or left a place in which no further command
# can run ("unusable"). Each is a result of the probe.
Ending = Literal[
    "exited",
    "timeout",
    "out of memory",
    "killed",
    "too much output",
    "too much disk",
    "too many processes",
    "too large",
    "unusable",
]


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """How one step ended, its exit status (137 if it had to be killed), and what it printed.

    Where it did not end by itself, the log's last line may say why in brackets.
    """

    name: str
    status: int
    log: str
    ending: Ending = "exited"

    @property
    def is_failure(self) -> bool:
        """Whether it failed, or was stopped."""
        return self.status != 0 or self.ending != "exited"

    def stopped(self, ending: Ending, why: str) -> StepOutcome:
        """Return the same step with another ending, and why in the log."""
        begin = self.log if self.log.endswith("\n") or not self.log else f"{self.log}\n"
        return replace(self, ending=ending, log=f"{begin}[{why}]\n" if why else self.log)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a probe came to.

    ``steps`` ends with the first that failed. ``results`` is what it wrote to ``$INTEGRAND_RESULTS``, if anything.
    ``artifacts`` and ``reports`` hold files by their paths in the source. ``trouble`` says what is wrong with the
    machine, as a clause ("the disk of /var has 0 B free"), and is empty if nothing is: engines fill it from what
    they measure themselves, never from what a probe writes.
    """

    steps: tuple[StepOutcome, ...]
    results: bytes | None
    artifacts: dict[str, bytes]
    reports: dict[str, bytes] = field(default_factory=dict)
    seconds: float
    trouble: str = ""

    @property
    def is_built_before(self) -> bool:
        """Whether a kept build took the place of the first step."""
        return self.steps[0].log == DONE_BEFORE
