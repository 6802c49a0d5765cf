"""What each gate shows on the release: the yardstick for "new". A gate that measures nothing there is no yardstick."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions.advice import advice, last_words
from sessions.config import Gate
from sessions.day import Day
from sessions.errors import GatePendingError, InfrastructureError
from sessions.laboratory import Laboratory, Question
from sessions.ledger.ledger import Reading
from sessions.source.merging import Candidate
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Ticket, name_tickets


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """A gate's results on the release, or on the release with the tickets that mend the gate: ``candidate.tickets``."""

    candidate: Candidate
    reading: Reading


@dataclass(kw_only=True)
class Yardsticks:
    """The yardstick of each gate. ``mending`` are the tickets that may let a gate measure something at all."""

    day: Day
    laboratory: Laboratory
    mending: tuple[Ticket, ...] = ()
    _known: dict[str, Yardstick] = field(default_factory=dict)

    def measure(self, gates: tuple[Gate, ...]) -> dict[str, Yardstick]:
        """The yardsticks of several gates, whose runs on the release start at once.

        Raises what :meth:`of` raises.
        """
        self.day.ledger.forget_unmeasured(self.day.base.tree)
        self.laboratory.ask_all([self._question(gate, self.day.base) for gate in gates])
        return {gate.name: self.of(gate) for gate in gates}

    def of(self, gate: Gate) -> Yardstick:
        """The yardstick of a gate.

        Raises :class:`InfrastructureError` where the release does not build, or where the gate measures nothing on
        it, nor with the tickets that may mend it. Raises what :meth:`Laboratory.ask` raises.
        """
        if gate.name not in self._known:
            self._known[gate.name] = self._find(gate)
        return self._known[gate.name]

    def _find(self, gate: Gate) -> Yardstick:
        release = self._ask(gate, self.day.base)
        if _measures(release.reading):
            return release
        mended = self.day.merger.combine(self.mending) if self.mending else None
        if isinstance(mended, Candidate) and _measures((tried := self._ask(gate, mended)).reading):
            with_ = name_tickets(mended.tickets)
            self.day.narrator.detail(f"{gate.name} measures nothing on {self.day.release.tag} itself, but with {with_}")
            return tried
        if gate not in self.day.asked_gates():
            raise GatePendingError(f"{gate.name} measured nothing on {self.day.release.tag} when it ran last")
        raise self._unusable(gate, release.reading)

    def _ask(self, gate: Gate, candidate: Candidate) -> Yardstick:
        return Yardstick(candidate=candidate, reading=self.laboratory.ask(self._question(gate, candidate)))

    def _question(self, gate: Gate, candidate: Candidate) -> Question:
        with_ = f" with {name_tickets(candidate.tickets)}, to mend the gate" if candidate.tickets else " itself"
        return Question(gate=gate, candidate=candidate, why=f"on {self.day.release.tag}{with_}", keep=True)

    def _unusable(self, gate: Gate, reading: Reading) -> InfrastructureError:
        tag, log = self.day.release.tag, self.day.state / reading.log
        if not reading.built:
            return InfrastructureError(
                f"{tag} itself does not build here, so no ticket can be judged: see {log}, mend [build] run or the "
                "image, then type the same command."
            )
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        seen = f"{reading.results.trouble or 'no test passed'}, status {reading.results.status}"
        return InfrastructureError(
            f"Gate {gate.name} measures nothing on {tag} itself ({seen}), so no ticket can be judged; its last words: "
            f"{last_words(text).rstrip('.')}. {advice(text, f'`run` of gate {gate.name}')} Then type the same command "
            f"(the whole log is {log}); a ticket that mends it is let through by --only, or by a label of [tickets] "
            "fixes"
        )


def mending_tickets(day: Day, line: tuple[Ticket, ...]) -> tuple[Ticket, ...]:
    """The tickets of the merge line that may mend a gate: those named in ``--only``, and those labelled to do so."""
    labels = {plain(label) for label in day.config.tickets.fixes}
    return tuple(
        ticket
        for ticket in line
        if ticket.number in day.options.only or labels & {plain(label) for label in ticket.labels}
    )


def _measures(reading: Reading) -> bool:
    return reading.built and reading.results.is_measured and reading.results.has_passed
