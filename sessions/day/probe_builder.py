"""What a probe runs: the release's image, a candidate's files, the build and a gate's shell command."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sessions.day.gate_files import GateFiles
from sessions.day.probe_outcomes import BUILD, BUILD_STEP, GATE_STEP
from sessions.day.question import Question
from sessions.engines.probe import PLACES, Image, Probe, Start, Step
from sessions.gates.seeds import seed_of
from sessions.settings.configuration import Config, Gate
from sessions.source.overlays import differing_paths, overlay_between
from sessions.terminal.durations import parse_duration

# A soak runs many probes on one tree.
_overlay_of_newest = functools.lru_cache(maxsize=1)(overlay_between)
# A probe brings the differences to so many kept builds: an engine may have removed the nearest one for lack of disk.
_STARTS = 2


@dataclass(frozen=True, kw_only=True)
class ProbeBuilder:
    """Describes probes on one release's image, in which the source of ``release_tree`` lies.

    ``jobs`` is how many jobs a gate's command may start.
    """

    config: Config
    files: GateFiles
    image: Image
    release_tree: str
    jobs: int

    def command(
        self, gate: Gate, files: tuple[str, ...] | None, tree: str, attempt: int = 1, jobs: int | None = None
    ) -> str:
        """Return the gate's shell command with its places filled in."""
        selected = self.files.select(gate, tree, files)
        places = {
            # Where a name begins with a dash, a program would take it for an option.
            "files": " ".join(shlex.quote(f"./{path}" if path.startswith("-") else path) for path in selected),
            "results": '"$INTEGRAND_RESULTS"',
            "jobs": str(jobs or self.jobs),
            "seed": str(seed_of(tree, attempt)),
        }
        return re.sub(rf"\{{({'|'.join(PLACES)})\}}", lambda found: places[found[1]], gate.run)

    def candidate(self, tree: str, seconds_left: float | None = None, *, built: bool = True) -> Probe:
        """Return the probe that only builds a candidate, in the seconds that are left; or does not even build it."""
        build = self.config.build
        command = (build.run if built else "") or ":"
        overlay = _overlay_of_newest(
            self.files.repository, self.release_tree, tree, submodules=self.config.project.submodules
        )
        timeout = _timeout(build.timeout, seconds_left)
        return Probe(
            image=self.image, overlay=overlay, steps=(Step(name=BUILD_STEP, command=command, timeout=timeout),)
        )

    def probe(
        self, question: Question, seconds_left: float | None, jobs: int, kept: Mapping[str, str] = MappingProxyType({})
    ) -> Probe:
        """Return the probe that answers a question: the build, and then the gate with so many jobs.

        ``kept`` are trees whose builds may be kept, with their candidates: an incremental question starts from the
        nearest ones. Where the build itself is in question, no kept one takes its place.
        """
        gate, tree = question.gate, question.candidate.tree
        starts = self._starts(tree, kept) if question.incremental else ()
        build = replace(self.candidate(tree, seconds_left), starts=starts)
        if gate is BUILD:
            return replace(build, reuse=False)
        command = self.command(gate, question.files, tree, question.attempt, jobs)
        step = Step(name=GATE_STEP, command=command, timeout=_timeout(gate.timeout, seconds_left))
        return replace(
            build,
            steps=(*build.steps, step),
            artifacts=gate.artifacts,
            reports=gate.reports,
            outdated=gate.outdated,
            keep=question.keep and bool(self.config.build.run),
        )

    def _starts(self, tree: str, kept: Mapping[str, str]) -> tuple[Start, ...]:
        """Return the kept builds that differ from ``tree`` in the fewest files, and not in more than the release."""
        repository, submodules = self.files.repository, self.config.project.submodules
        most = len(differing_paths(repository, self.release_tree, tree))
        distances = {each: len(differing_paths(repository, each, tree)) for each in kept if each != tree}
        near = sorted((each for each in distances if distances[each] <= most), key=distances.__getitem__)
        return tuple(
            Start(candidate=kept[each], overlay=overlay_between(repository, each, tree, submodules=submodules))
            for each in near[:_STARTS]
        )


def _timeout(configured: str, seconds_left: float | None) -> float:
    seconds = parse_duration(configured)
    return seconds if seconds_left is None else min(seconds, seconds_left)
