"""Runs a probe in a folder, and keeps its build or begins with a kept one where that is possible."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from sessions.engines.collecting import outcome_of
from sessions.engines.local.confinement import Confinement
from sessions.engines.local.kept_builds import Beginning
from sessions.engines.local.preparation import prepare_workspace
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.engines.local.step import LocalStepRunner, run_steps
from sessions.engines.probe import DONE_BEFORE, Listen, Outcome, Probe, StepOutcome


@dataclass(frozen=True, kw_only=True)
class ProbeRun:
    """One run of a probe, on the release's files or a kept build, without a change to either."""

    probe: Probe
    confinement: Confinement
    python: PythonEnvironment
    listen: Listen
    start: float = field(default_factory=time.monotonic)

    def run(self) -> Outcome:
        """Run the probe. Raises :class:`InfrastructureError` if its folder cannot be written."""
        with self.confinement.translate_errors():
            built = self._build_to_keep() if self._is_to_keep() else None
            if isinstance(built, Outcome):
                return built
            with self.confinement.builds.lend(self.probe, is_built=built is not None) as beginning:
                try:
                    return self._begin_with(beginning, built)
                except OSError:
                    # A build may leave anything in the place of the candidate's files. Then the release must do.
                    if beginning.kept is None:
                        raise
            with self.confinement.builds.lend(self._whole, is_built=False) as beginning:
                return self._begin_with(beginning, None)

    def _begin_with(self, beginning: Beginning, built: StepOutcome | None) -> Outcome:
        done: tuple[StepOutcome, ...] = ()
        if beginning.is_built:
            first = StepOutcome(name=self.probe.steps[0].name, status=0, log=DONE_BEFORE)
            done = (built or first,)
        with (
            self.confinement.temporary_folder() as place,
            prepare_workspace(self.probe, place, self.confinement, self.python, beginning) as runner,
        ):
            return self._outcome((*done, *run_steps(self.probe, runner, self.listen, skip=len(done))), runner)

    @property
    def _whole(self) -> Probe:
        """The probe, as it begins with the release."""
        return replace(self.probe, reuse=False, starts=())

    def _is_to_keep(self) -> bool:
        """Whether this run makes a build that is kept: one that is asked for, or the release's to fill the cache.

        Without a jail, a process that the build has left behind could change it later.
        """
        probe, confinement = self.probe, self.confinement
        is_possible = confinement.jail is not None and confinement.layers.stacks
        fills_cache = bool(confinement.cache) and probe.of_release == probe
        is_useful = (probe.keep or fills_cache) and not probe.starts
        return is_useful and is_possible and not confinement.builds.has(probe.candidate)

    def _build_to_keep(self) -> StepOutcome | Outcome:
        """Run the first step, and keep what it makes; return the probe's outcome if it fails."""
        only = replace(self.probe, steps=self.probe.steps[:1], reports=(), outdated=())
        with self.confinement.temporary_folder() as place:
            with (
                self.confinement.builds.lend(self._whole, is_built=False) as beginning,
                prepare_workspace(self.probe, place, self.confinement, self.python, beginning) as runner,
            ):
                steps = run_steps(only, runner, self.listen)
                if steps[-1].is_failure:
                    return self._outcome(steps, runner)
            self.confinement.builds.keep(self.probe.candidate, place)
        return steps[-1]

    def _outcome(self, steps: tuple[StepOutcome, ...], runner: LocalStepRunner) -> Outcome:
        place, trouble = runner.workspace, runner.disk.find_trouble
        return outcome_of(self.probe, steps, place, runner.bounds, start=self.start, trouble=trouble)
