"""Baselines: each gate's results on the release, with which the head is compared to find new failures."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions.day.advice import advice, last_words
from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.question import Question
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.terminal.errors import GatePendingError, InfrastructureError
from sessions.tickets.model import Ticket, name_tickets


def release_question(day: Day, gate: Gate, candidate: Candidate | None = None, name: str = "") -> Question:
    """Return the question for a gate's results on the release, or on another ``candidate`` to compare with."""
    why = f"on {name or f'{day.release.tag} itself'}"
    return Question(gate=gate, candidate=candidate or day.base, why=why, purpose=Purpose.RELEASE, keep=True)


@dataclass(frozen=True, kw_only=True)
class GateBaseline:
    """A gate's results on the release, or on the release with the tickets that fix the gate (``candidate.tickets``)."""

    candidate: Candidate
    probe_result: ProbeResult


@dataclass(kw_only=True)
class Baselines:
    """The baseline of each gate on ``start``, which is what the merge line starts with, or another candidate.

    ``fixes`` are tickets that mend the release: ``start`` has them. ``mending`` are other tickets that may let a gate
    measure something at all.
    """

    day: Day
    runner: ProbeRunner
    mending: tuple[Ticket, ...] = ()
    fixes: tuple[Ticket, ...] = ()
    start: Candidate = field(init=False)
    name: str = field(init=False)
    _known: dict[str, GateBaseline | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start, self.name = self.day.base, self.day.start
        merged = self.day.merger.combine(self.fixes)
        if self.fixes and isinstance(merged, Candidate):
            name = self.day.start if self.day.merger.trunk else self.day.release.tag
            self.start, self.name = merged, f"{name} with {name_tickets(merged.tickets)}"

    @property
    def alone(self) -> str:
        """What a candidate without other tickets is, as a phrase."""
        trunk = self.day.merger.trunk
        start = f"the release and {trunk.name}" if trunk else "the release"
        return f"{start} with {name_tickets(self.start.tickets)}" if self.start.tickets else f"{start} alone"

    @classmethod
    def of_release(cls, day: Day, runner: ProbeRunner) -> Baselines:
        """Return the baselines of the bare release, without the target branch's commits that tickets contain."""
        release = cls(day=day, runner=runner)
        release.start, release.name = day.merger.bare, f"{day.release.tag} itself"
        return release

    def measure(self, gates: tuple[Gate, ...]) -> None:
        """Run gates on the release, and on what the merge line starts with, all at once.

        Gates that measured nothing in an earlier session run again. Raises the errors of :meth:`ProbeRunner.results`.
        """
        release = Baselines.of_release(self.day, self.runner)
        starts = [release, self] if self.start != release.start else [self]
        for each in starts:
            self.day.ledger.forget_unmeasured(each.start.tree)
        self.runner.results([each._question(gate, each.start) for each in starts for gate in gates])  # noqa: SLF001

    def check(self, gates: tuple[Gate, ...]) -> dict[str, GateBaseline]:
        """Return the baselines of several gates. Raises the errors of :meth:`of`."""
        return {gate.name: self.of(gate) for gate in gates}

    def of(self, gate: Gate) -> GateBaseline:
        """Return the baseline of a gate.

        Raises :class:`InfrastructureError` if the start does not build, or if the gate measures nothing on it, even
        with the tickets that may fix it. Raises the errors of :meth:`ProbeRunner.result`.
        """
        if found := self.find(gate):
            return found
        if gate not in self.day.asked_gates():
            raise GatePendingError(f"{gate.name} measured nothing on {self.name} when it ran last")
        raise self._unusable(gate, self.look(gate))

    def find(self, gate: Gate) -> GateBaseline | None:
        """Return the baseline of a gate; ``None`` if there is none."""
        if gate.name not in self._known:
            self._known[gate.name] = self._find(gate)
        return self._known[gate.name]

    def look(self, gate: Gate) -> ProbeResult:
        """Return a gate's results on the start, even if they cannot be a baseline."""
        return self.runner.result(self._question(gate, self.start))

    def _find(self, gate: Gate) -> GateBaseline | None:
        release = self.look(gate)
        if _measures(release):
            return GateBaseline(candidate=self.start, probe_result=release)
        mended = self.day.merger.combine((*self.fixes, *self.mending)) if self.mending else None
        if not isinstance(mended, Candidate):
            return None
        tried = self.runner.result(self._question(gate, mended))
        if not _measures(tried):
            return None
        mending = name_tickets(each.number for each in self.mending)
        self.day.console.detail(f"{gate.name} measures nothing on {self.name}, but with {mending}")
        return GateBaseline(candidate=mended, probe_result=tried)

    def _question(self, gate: Gate, candidate: Candidate) -> Question:
        mending = [number for number in candidate.tickets if number not in self.start.tickets]
        with_ = f" with {name_tickets(mending)}, to mend the gate" if mending else ""
        return release_question(self.day, gate, candidate, f"{self.name}{with_}")

    def _unusable(self, gate: Gate, probe_result: ProbeResult) -> InfrastructureError:
        log, text = self.day.state / probe_result.log, self.day.read_log(probe_result)
        if not probe_result.built:
            return InfrastructureError(
                f"{self.name} does not build here, so no ticket can be judged; the log ends: "
                f"{last_words(text).rstrip('.')}. {advice(text, '[build] run or the image')} Then type the same "
                f"command (the whole log is {log})"
            )
        seen = f"{probe_result.results.trouble or 'no test passed'}, status {probe_result.results.status}"
        return InfrastructureError(
            f"Gate {gate.name} measures nothing on {self.name} ({seen}), so no ticket can be judged; its log ends: "
            f"{last_words(text).rstrip('.')}. {advice(text, f'`run` of gate {gate.name}')} Then type the same command "
            f"(the whole log is {log}); a ticket that fixes it is let through by --only, or by a label of [tickets] "
            "fixes"
        )


def _measures(probe_result: ProbeResult) -> bool:
    return probe_result.built and probe_result.results.can_be_baseline
