"""Signature rounds: subsets that identify every culprit at once. Pure.

Each ticket gets a code of as many bits as there are rounds, and is in the rounds in which its code has a 1. A test that
one ticket breaks fails in exactly the rounds of that ticket, so the failing rounds spell the culprit's code. This is
non-adaptive group testing with binary splitting (Du and Hwang, Combinatorial Group Testing and Its Applications, 2000),
with two changes. A ticket is only in a round with its dependencies, so a dependency's code contains the codes of all
its dependants: dependencies get codes with many ones, dependants codes with few. And other codes have about as many
ones as zeros: then the rounds that a pair has in common are fewer than either's own, and rarely spell a third
ticket's code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sessions.culprits.findings import Subset
from sessions.tickets.order import Needs


def signature_rounds(line: Sequence[int], needs: Needs, suspicion: Mapping[int, float] | None = None) -> list[Subset]:
    """Return the rounds for a merge line of n tickets: at most ⌈log₂(n + 1)⌉, as code 0 means "no ticket".

    The tickets with the highest ``suspicion`` choose their codes first. Where chains of dependencies leave no unused
    code for a ticket, it shares one.
    """
    codes = _codes(line, needs, suspicion or {})
    rounds = [frozenset(number for number in line if codes[number] >> bit & 1) for bit in range(len(line).bit_length())]
    return [each for each in dict.fromkeys(rounds) if each and each != frozenset(line)]


def _codes(line: Sequence[int], needs: Needs, suspicion: Mapping[int, float]) -> dict[int, int]:
    inside = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    below: dict[int, int] = {}  # length of the longest chain of its dependencies
    above = dict.fromkeys(line, 0)  # length of the longest chain of its dependants
    for number in line:
        below[number] = max((below[other] + 1 for other in inside[number]), default=0)
    for number in reversed(line):
        for other in inside[number]:
            above[other] = max(above[other], above[number] + 1)
    held = dict.fromkeys(line, 0)  # the union of its dependants' codes
    codebook = _Codebook(len(line).bit_length())
    bound = [number for number in reversed(line) if above[number] or below[number]]
    free = sorted(set(line) - set(bound), key=lambda number: (-suspicion.get(number, 0.0), line.index(number)))
    codes: dict[int, int] = {}
    for number in (*bound, *free):
        share = (1 + above[number]) / (2 + above[number] + below[number])
        codes[number] = codebook.take(held[number], share)
        for other in inside[number]:
            held[other] |= codes[number]
    return codes


@dataclass
class _Codebook:
    """The unused codes, and how many tickets each round has so far."""

    bits: int
    left: set[int] = field(init=False)
    load: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.left = set(range(1, 1 << self.bits))
        self.load = [0] * self.bits

    def take(self, held: int, share: float) -> int:
        """Take a code that has all bits of ``held`` and about a ``share`` of ones, in the emptiest rounds."""
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
