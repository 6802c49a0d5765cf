"""Decide on culprits: which tests a ticket breaks, the runs that prove it, and how to reproduce it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern

from sessions.culprits.findings import Answer, Blame, Query
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, called
from sessions.day.retest import Retester
from sessions.gates.results import Failure, TestId
from sessions.settings.configuration import Gate
from sessions.source.line import Queue
from sessions.source.merging import Candidate
from sessions.terminal.phrases import name_first
from sessions.terminal.ticket_numbers import file_name, name_ticket
from sessions.tickets.model import Breakage, Decision, Verdict, name_tickets


@dataclass(kw_only=True)
class Judge:
    """Turns the blames of a round into decisions.

    ``failing`` are the failures of each gate on the head, ``known`` all answers of the search, ``blames`` who broke
    which test of which gate.
    """

    day: Day
    retester: Retester
    queue: Queue
    failing: Mapping[str, tuple[Failure, ...]]
    known: Mapping[str, Mapping[Query, Mapping[TestId, Answer]]]
    blames: Mapping[tuple[str, TestId], Blame]
    _kept: set[tuple[int, str]] = field(default_factory=set)

    def decision(self, number: int, group: frozenset[int] = frozenset()) -> Decision:
        """Return the decision on a culprit, or on any ticket of a ``group`` that breaks tests together."""
        own = {
            key: blame
            for key, blame in self.blames.items()
            if number in blame.culprits or (group and group_of(blame) == group)
        }
        failures = {(name, each.test): each for name, failures in self.failing.items() for each in failures}
        broke = tuple(self._breakage(number, name, failures[name, test], blame) for (name, test), blame in own.items())
        tests = name_first([each.test for each in broke])
        others = {other for blame in own.values() for other in (*blame.partners, *(group and blame.culprits))}
        partners = sorted(others - {number})
        together = f" together with {name_tickets(partners)}" if partners else ""
        return Decision(verdict=Verdict.CULPRIT, reason=f"it breaks {tests}{together}", broke=broke)

    def _breakage(self, number: int, name: str, failure: Failure, blame: Blame) -> Breakage:
        gate = BUILD if name == BUILD.name else self.day.config.gate(name)
        numbers = {*blame.fails, *self.retester.base(gate).tickets}
        shown = self.day.merger.combine(each for each in self.queue.tickets if each.number in numbers)
        test = failure.test
        return Breakage(
            gate=called(name),
            is_build=name == BUILD.name,
            test=called(test.name) if test == BUILD_TEST else str(test),
            with_=tuple(sorted({*blame.partners, *blame.culprits} - {number})),
            message=failure.message,
            evidence=tuple(map(intern, self._evidence(gate, failure, blame))),  # 20,000 tests may have the same
            kind=failure.kind,
            expected=failure.expected,
            **(self._shown(number, name, test, shown) if isinstance(shown, Candidate) else {}),
        )

    def _evidence(self, gate: Gate, failure: Failure, blame: Blame) -> tuple[str, ...]:
        """Return a phrase for each run that proves the blame."""
        fails = {"gone": "does not run", "skipped": "is skipped"}.get(failure.kind, "fails")
        passes = {"gone": "runs", "skipped": "runs"}.get(failure.kind, "passes")
        alone = self.retester.baselines.alone
        phrases = [f"{fails}, twice, with {some_tickets(blame.fails)}"]
        for subset in blame.passes:
            answers = {seen.get(failure.test) for ask, seen in self.known[gate.name].items() if ask.tickets == subset}
            # The search may rest on what earlier runs of the release show.
            is_new = not (subset or answers or self.retester.runs_on_release(gate, failure.test))
            missing = is_new or "not run" in answers
            phrases.append(f"{'does not exist' if missing else passes} with {some_tickets(subset, alone)}")
        return tuple(phrases)

    def _shown(self, number: int, name: str, test: TestId, shown: Candidate) -> dict[str, str]:
        """Return the candidate that shows a failure, the test's file, and the command that runs it."""
        self._keep(number, shown)
        gate = BUILD if name == BUILD.name else self.day.config.gate(name)
        files = None if gate is BUILD else self.retester.runner.cache.files.files_with(gate, [test], shown.tree)
        return {
            "file": (files or (test.file,))[0],
            "commit": shown.commit,
            "tree": shown.tree,
            "command": intern(self._command(gate, files, shown)),
        }

    def _command(self, gate: Gate, files: tuple[str, ...] | None, shown: Candidate) -> str:
        return (
            self.day.config.build.run
            if gate is BUILD
            else self.retester.runner.builder.command(gate, files, shown.tree)
        )

    def _keep(self, number: int, shown: Candidate) -> None:
        """Keep the commit that shows a failure, once for all tests that it shows."""
        if (number, shown.commit) not in self._kept:
            self._kept.add((number, shown.commit))
            self.day.mirror.repository.keep(f"evidence/{self.day.options.date}/{file_name(number)}", shown.commit)


def group_of(blame: Blame) -> frozenset[int]:
    """Return the tickets of which one must leave, and the best set may decide which; none if the culprits must."""
    is_choice = len(blame.culprits) == 1 and blame.partners
    return frozenset((*blame.culprits, *blame.partners)) if is_choice else frozenset()


def some_tickets(numbers: Iterable[int], alone: str = "the release alone") -> str:
    """Return a short phrase for the tickets of a candidate; ``alone`` is the phrase for no tickets."""
    chosen = sorted(numbers)
    if not chosen:
        return alone
    return name_tickets(chosen) if len(chosen) <= 4 else f"{len(chosen)} tickets up to {name_ticket(chosen[-1])}"
