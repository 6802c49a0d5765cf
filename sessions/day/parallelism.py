"""How many probes run at once, from how much equal probes slow each other down. Pure.

A machine has a capacity of c probes: up to c of them at once take as long as one alone, and n > c take n / c times as
long. Where equal probes took r times as long in a company of m as in a smaller one, c is m / r. If they did not take
longer, c is m at least, and twice as many are tried.

Only the time that a day takes depends on this, and nothing that is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil
from statistics import median

# Equal probes differ by so much by themselves.
_NOISE = 1.1
# A capacity is worth one more probe at once if it exceeds a whole number by more than this.
_REST = 0.2
# Where probes mostly wait and do not compute, more of them than processors may run at once.
_MOST_PER_PROCESSOR = 2
# Shorter probes, in seconds, are made of the engine's own work, and say little.
_SHORTEST = 1.0

# The seconds of equal probes, by how many ran at once.
Times = Mapping[int, Iterable[float]]


@dataclass(kw_only=True)
class Parallelism:
    """The number of probes at once: ``processors`` until probes were measured, and then what suits them."""

    processors: int
    _times: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The most that ever run at once."""
        return self.processors * _MOST_PER_PROCESSOR

    @property
    def at_once(self) -> int:
        """How many probes should run at once now."""
        return min(self.most, best_number(self._times.values(), self.processors))

    def note(self, kind: str, company: int, seconds: float) -> None:
        """Note how long a probe took in a ``company`` of so many; probes of the same ``kind`` are equal."""
        if seconds >= _SHORTEST:
            self._times.setdefault(kind, {}).setdefault(company, []).append(seconds)


def best_number(kinds: Iterable[Times], otherwise: int) -> int:
    """Return how many probes at once these times speak for; ``otherwise`` if they say nothing."""
    pairs = [pair for times in kinds for pair in _pairs(times)]
    if capacities := [company / ratio for company, ratio in pairs if ratio >= _NOISE]:
        return max(1, ceil(median(capacities) - _REST))
    return max((2 * company for company, _ in pairs), default=otherwise)


def _pairs(times: Times) -> Iterator[tuple[int, float]]:
    """Yield each company, and how much longer equal probes took in it than in a smaller one."""
    typical = {company: median(seconds) for company, seconds in times.items()}
    for few, many in combinations(sorted(typical), 2):
        yield many, typical[many] / typical[few]
