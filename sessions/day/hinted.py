"""What the hints of a day do to its tickets and tests, and which of them are used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sessions.gates.results import TestId
from sessions.settings.configuration import Config
from sessions.settings.hint_settings import HintLabels
from sessions.settings.hints import HINTS, Hint, load_hints
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.eligibility import URGENT_RANK, has_label, priority_rank
from sessions.tickets.model import Ticket
from sessions.tickets.order import Needs, find_cycles, merge_order


@dataclass(frozen=True)
class DayHints:
    """The hints of a day; none is past its end."""

    hints: Sequence[Hint] = ()

    def with_labels(self, tickets: Iterable[Ticket], settings: HintLabels) -> DayHints:
        """Add a hint for each of the labels in ``settings`` that a ticket has."""
        tickets = tuple(tickets)
        by_label = list[Hint]()
        for action, labels in asdict(settings).items():
            for label in labels:
                values: dict[str, Any] = {action: tuple(each.number for each in tickets if has_label(each, [label]))}
                if values[action]:
                    by_label.append(Hint(line=0, owner=f"label {label}", reason="set in the tracker", **values))
        return DayHints((*self.hints, *by_label))

    @classmethod
    def beside(cls, config: Path) -> DayHints:
        """Read the hints beside a configuration file. Raises what :func:`load_hints` raises."""
        return cls(load_hints(config.with_name(HINTS)))

    def kept_out(self, number: int) -> str:
        """Return why a ticket is left out, or an empty text."""
        return next((f"kept out by {hint}" for hint in self.hints if number in hint.keep_out), "")

    def let_in(self, number: int) -> str:
        """Return why a ticket is taken although a rule is against it, or an empty text."""
        return next((f"let in by {hint}" for hint in self.hints if number in hint.let_in), "")

    def rank(self, ticket: Ticket, config: Config) -> int:
        """Return the rank of a ticket: 0 for the highest priority, less for urgent tickets and for fixes."""
        tracker = config.tracker_of(ticket.number)
        usual = priority_rank(ticket, tracker.priorities, tracker.fixes)
        usual = usual if usual < len(tracker.priorities) else len(config.priorities)
        return min(usual, URGENT_RANK) if any(ticket.number in hint.urgent for hint in self.hints) else usual

    def order(self, tickets: Sequence[Ticket], needs: Needs, config: Config) -> tuple[int, ...]:
        """Return the numbers of ``tickets``, which are in their trackers' order, in merge order.

        Of equals, those of the first tracker come first.

        Raises :class:`UsageError` where an order that a hint gives contradicts a dependency, or another given order.
        """
        listed = [ticket.number for ticket in tickets]
        if config.order == "number":
            trackers = [tracker.prefix for tracker in config.tickets]
            listed.sort(key=lambda number: (trackers.index(config.tracker_of(number).prefix), number))
        places = {number: place for place, number in enumerate(listed)}
        by_number = {ticket.number: ticket for ticket in tickets}
        return merge_order(
            self._ordered({number: needs[number] & places.keys() for number in places}),
            rank=lambda number: self.rank(by_number[number], config),
            place=places.__getitem__,
        )

    def _ordered(self, needs: Needs) -> Needs:
        """Return ``needs`` with each ticket of a given order needing the one before it: for sorting alone."""
        ordered = dict(needs)
        for hint in self.hints:
            present = [number for number in hint.order if number in needs]
            for first, second in pairwise(present):
                ordered[second] |= {first}
            if cycles := find_cycles(ordered):
                path = " → ".join(name_ticket(number) for number in reversed(cycles[0]))
                raise UsageError(
                    f"hints.toml, line {hint.line}: this order contradicts dependencies or another order ({path}): "
                    "change or remove it."
                )
        return ordered

    def remark(self, number: int, refusal: str) -> str:
        """Return what the hints did to a ticket that is merged; ``refusal`` is what the rules say against it."""
        clauses = [self.let_in(number) if refusal else ""]
        clauses += [f"urgent, says {hint}" for hint in self.hints if number in hint.urgent]
        clauses += [f"in this order, says {hint}" for hint in self.hints if number in hint.order]
        return "; ".join(filter(None, clauses))

    def ignored(self, gate: str, tests: Iterable[TestId]) -> frozenset[TestId]:
        """Return those of a gate's tests for whose failures no ticket leaves. A gate as a whole is never one."""
        return frozenset(test for test in tests if any(_ignores(hint, gate, test) for hint in self.hints))

    def used(self, open_tickets: Collection[int], ignored: Mapping[str, Collection[TestId]]) -> tuple[UsedHint, ...]:
        """Return the hints about tickets that are open, and about tests that were ``ignored``, by gate."""
        found = list[UsedHint]()
        for hint in self.hints:
            present = tuple(number for number in hint.tickets if number in open_tickets)
            tests = {str(test) for gate, each in ignored.items() for test in each if _ignores(hint, gate, test)}
            if present or tests:
                found.append(UsedHint(hint=hint, tickets=present, tests=tuple(sorted(tests))))
        return tuple(found)


NO_HINTS = DayHints()


@dataclass(frozen=True, kw_only=True)
class UsedHint:
    """A hint, and those of its tickets and tests that the day has."""

    hint: Hint
    tickets: tuple[int, ...]
    tests: tuple[str, ...]

    def __str__(self) -> str:
        """A clause such as ``#12 kept out: Jane, until 2026-12-24: it needs a new compiler``."""
        return f"{', '.join([*map(name_ticket, self.tickets), *self.tests])} {self.hint.effect}: {self.hint}"


def _ignores(hint: Hint, gate: str, test: TestId) -> bool:
    return str(test) in hint.ignore and hint.gate in ("", gate) and not test.is_whole_gate
