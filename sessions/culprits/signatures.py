"""Rounds that name every culprit at once. Pure.

Each ticket gets a code of as many bits as there are rounds, and is in the rounds in which its code has a 1. A test
that one ticket breaks fails in just the rounds of that ticket: it spells the culprit's code. This is the binary
splitting of non-adaptive group testing (Du and Hwang, Combinatorial Group Testing and Its Applications, 2000), with
two turns of its own. A ticket is only in a round with what it depends on, so a code holds those of all that depend on
it: what is needed gets heavy codes, what needs gets light ones. And codes are about half ones where they can be: then
the rounds that a pair has in common are fewer than either's own, and a pair seldom spells a third ticket's code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sessions.culprits.findings import Subset
from sessions.tickets.order import Needs


def signature_rounds(line: Sequence[int], needs: Needs, suspicion: Mapping[int, float] | None = None) -> list[Subset]:
    """The rounds for a merge line: ⌈log₂(n + 1)⌉ of them, as nobody is a suspect too.

    ``suspicion``: the most suspect choose their codes first. Where chains of dependencies leave no code of its own
    to a ticket, it shares one.
    """
    codes = _codes(line, needs, suspicion or {})
    rounds = [frozenset(number for number in line if codes[number] >> bit & 1) for bit in range(len(line).bit_length())]
    return [each for each in dict.fromkeys(rounds) if each and each != frozenset(line)]


def _codes(line: Sequence[int], needs: Needs, suspicion: Mapping[int, float]) -> dict[int, int]:
    inside = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    below: dict[int, int] = {}  # the longest chain of tickets that it needs
    above = dict.fromkeys(line, 0)  # the longest chain of those that need it
    for number in line:
        below[number] = max((below[wanted] + 1 for wanted in inside[number]), default=0)
    for number in reversed(line):
        for wanted in inside[number]:
            above[wanted] = max(above[wanted], above[number] + 1)
    held = dict.fromkeys(line, 0)  # the codes of those that need it, together
    book = _Book(len(line).bit_length())
    bound = [number for number in reversed(line) if above[number] or below[number]]
    free = sorted(set(line) - set(bound), key=lambda number: (-suspicion.get(number, 0.0), line.index(number)))
    codes: dict[int, int] = {}
    for number in (*bound, *free):
        share = (1 + above[number]) / (2 + above[number] + below[number])
        codes[number] = book.take(held[number], share)
        for wanted in inside[number]:
            held[wanted] |= codes[number]
    return codes


@dataclass
class _Book:
    """The codes that are left, and how many tickets each round has so far."""

    bits: int
    left: set[int] = field(init=False)
    load: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.left = set(range(1, 1 << self.bits))
        self.load = [0] * self.bits

    def take(self, held: int, share: float) -> int:
        """A code with all bits of ``held``, as near as there is to a ``share`` of ones, in the emptiest rounds."""
        fitting = [code for code in self.left if code & held == held] or [held or 1]
        code = min(fitting, key=lambda each: (abs(each.bit_count() - share * self.bits), self._loads(each), each))
        self.left.discard(code)
        for bit in _ones(code):
            self.load[bit] += 1
        return code

    def _loads(self, code: int) -> int:
        return sum(self.load[bit] for bit in _ones(code))


def _ones(code: int) -> Iterable[int]:
    return (bit for bit in range(code.bit_length()) if code >> bit & 1)
