"""Which ticket makes one test fail, alone or with others. Pure: it asks for probes, and is sent what they showed.

First come the signature rounds, which are the same for all tests of a day and wait for nothing. What they and all
later runs showed of the test is weighed: that one ticket breaks it, or a pair, or chance, or something else. The most
likely is put to the test by itself: it fails with just this group, and passes without any of its members, again and
again until the odds against everything else are great enough. Where several are about as likely, a subset is asked
about that tells one half of them from the other; where none is, the line is bisected.

A search depends on its own answers alone. So it goes the same way however many of its questions are asked at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import comb, exp, log

from sessions.culprits.bisection import Bisection, bisect_line
from sessions.culprits.evidence import ODDS, by_chance, seldom, steady, together
from sessions.culprits.findings import Answer, Ask, Blame, Flaky, Subset, Weighed, weigh
from sessions.culprits.signatures import signature_rounds
from sessions.gates.results import RunHistory
from sessions.tickets.order import Needs, closure

Batch = tuple[Ask, ...]
Search = Generator[Batch, Mapping[Ask, Answer], Blame | Flaky]
Asking = Generator[Batch, Mapping[Ask, Answer], None]

# How likely explanations are before any run: a pair breaks one test in ten of those that tickets break, more than a
# pair one in a thousand; two causes each by itself one in a hundred. For ten tickets that break a test, one brings a
# new one that fails by chance.
_SINGLE, _PAIR, _OTHER, _BESIDE, _BROUGHT = log(0.9), log(0.1), log(0.001), log(0.01), log(0.1)
_FLAKY_ODDS = 50.0
_COIN = log(0.5)
# One subset is not run more often, and one search does not ask more: what is open then is told as flaky.
_ATTEMPTS, _RUNS = 24, 150
# The whole line is looked at so often before chance is believed in.
_LOOKS = 8


def search(
    line: Sequence[int],
    needs: Needs,
    *,
    rounds: Sequence[Subset] | None = None,
    suspicion: Mapping[int, float] | None = None,
    history: RunHistory | None = None,
) -> Search:
    """Find who makes a test fail on the whole ``line`` (merge order) that passes on the release.

    It yields what can be asked at once and is sent all answers. ``rounds`` are those of the day, ``suspicion`` (0 and
    above) decides what is tried first, ``history`` how many runs are needed.
    """
    inside = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    case = _Case(line=line, needs=inside, suspicion=suspicion or {}, history=history or RunHistory())
    at_first = signature_rounds(line, needs) if rounds is None else rounds
    yield from case.ask(Ask(tickets=each) for each in at_first)
    while len(case.answers) < _RUNS:
        view = case.weigh()
        if (view.is_by_chance or case.is_flaky(view)) and case.runs(case.whole) < _LOOKS:
            # What tickets break fails here most of the time, however seldom elsewhere.
            yield from case.ask(case.again(case.whole, 2))
        elif case.is_flaky(view):
            return case.flaky()
        elif view.best is None or (view.is_other and not case.is_begun(view.best.group)):
            # What speaks against the likeliest is looked at again, before something rarer is believed in.
            if not (asks := case.doubts(view.best)):
                break
            yield from case.ask(asks)
        elif (parting := case.parting(view)) is not None:
            yield from case.ask((Ask(tickets=parting),))
        elif (blame := case.blame(view.best.group)) is None or case.is_tired(blame):
            if blame and view.best.brought > view.best.shown:
                return case.flaky()
            case.closed.add(view.best.group)
        elif asks := case.unsure(blame, view):
            yield from case.ask(asks)
        else:
            return blame
    return (yield from _fall_back(case))


def _fall_back(case: _Case) -> Search:
    """Bisect the line; the second time without drawing conclusions from one subset to another."""
    most = len(case.answers) + _RUNS
    for known in (case.implied, case.settled):
        blame = yield from _answered(case, bisect_line(case.line, case.needs, known), most)
        while blame and (asks := case.doubtful(blame)):
            yield from case.ask(asks)
        if blame and case.is_shown(blame):
            return blame
    return case.flaky()


def _answered(case: _Case, steps: Bisection, most: int) -> Generator[Batch, Mapping[Ask, Answer], Blame | None]:
    """What a bisection finds; nothing where it takes too many runs, as that of a test that fails by chance may."""
    answer: Weighed | None = None
    while True:
        try:
            ask = next(steps) if answer is None else steps.send(answer)
        except StopIteration as end:
            found: Blame = end.value
            return found
        while (answer := case.settled(ask.tickets)) is None:
            if len(case.answers) > most:
                return None
            yield from case.ask(case.again(ask.tickets, 1))


@dataclass(frozen=True, kw_only=True)
class _Guess:
    """That these tickets break the test. Weights are logarithms: of the runs if it is they ``alone``, or also others
    (``shown``), and ``likely`` with suspicion; ``brought`` if they bring a test that fails by chance.
    """

    group: Subset
    alone: float
    shown: float
    likely: float
    brought: float


@dataclass(frozen=True, kw_only=True)
class _View:
    """All explanations with their weights (logarithms), the likeliest first."""

    guesses: tuple[_Guess, ...]
    chance: float
    other: float

    @property
    def best(self) -> _Guess | None:
        return self.guesses[0] if self.guesses else None

    @property
    def is_other(self) -> bool:
        return self.other >= together([guess.likely for guess in self.guesses[:8]])

    @property
    def is_by_chance(self) -> bool:
        return self.chance > together([self.other, *(guess.likely for guess in self.guesses)])


@dataclass(kw_only=True)
class _Case:
    """All that is known of one test."""

    line: Sequence[int]
    needs: Needs
    suspicion: Mapping[int, float]
    history: RunHistory
    whole: Subset = field(init=False)
    answers: dict[Ask, Weighed] = field(init=False)
    # Groups that cannot be shown to be at fault.
    closed: set[Subset] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.whole = frozenset(self.line)
        # Where the search began: the line fails, and the release passes, else the failure would not be new.
        self.answers = {Ask(tickets=self.whole): "fails", Ask(tickets=frozenset()): "passes"}

    def ask(self, asks: Iterable[Ask]) -> Asking:
        """Ask what is not known yet.

        A test that did not run, as nobody in the subset brings it, does not fail there: that is all a search needs.
        """
        if batch := tuple(ask for ask in dict.fromkeys(asks) if ask not in self.answers):
            answers = yield batch
            for ask in batch:
                self.answers[ask] = weigh(answers[ask])

    def runs(self, subset: Subset) -> int:
        """How often a subset was asked about."""
        return next(n for n in range(len(self.answers) + 1) if Ask(tickets=subset, attempt=n + 1) not in self.answers)

    def again(self, subset: Subset, times: int) -> Iterator[Ask]:
        """The next runs of a subset."""
        done = self.runs(subset)
        return (Ask(tickets=subset, attempt=done + 1 + more) for more in range(times))

    def doubts(self, guess: _Guess | None) -> Batch:
        """Once more what speaks against a guess, until one answer is two runs ahead: a run that erred leads astray."""
        if guess is None:
            return ()
        tally = [
            (each, passes if guess.group <= each else fails, fails - passes) for each, fails, passes in self.tally()
        ]
        against = [each for each, wrong, lead in tally if each and wrong and abs(lead) < 2 and self.runs(each) < _LOOKS]
        return tuple(ask for each in against for ask in self.again(each, 1))

    def seen(self, subset: Subset, answer: Weighed) -> int:
        """In how many runs of a subset."""
        runs = range(1, self.runs(subset) + 1)
        return sum(self.answers[Ask(tickets=subset, attempt=attempt)] == answer for attempt in runs)

    def told(self, subset: Subset) -> Weighed | None:
        """What most runs of a subset showed."""
        fails, passes, unclear = self.seen(subset, "fails"), self.seen(subset, "passes"), self.seen(subset, "unclear")
        if fails or passes:
            return "fails" if fails > passes else "passes"
        return "unclear" if unclear else None

    def settled(self, subset: Subset) -> Weighed | None:
        """What a subset showed, unless it has to be run again: of a test that errs, two runs more must say so."""
        told, lead = self.told(subset), abs(self.seen(subset, "fails") - self.seen(subset, "passes"))
        known = subset in (self.whole, frozenset())
        is_open = told in ("fails", "passes") and self.errs() and lead < 2 and not known
        return None if is_open and self.runs(subset) < _LOOKS else told

    def errs(self) -> bool:
        """Whether the test is known to show different things on the same tickets."""
        return bool(self.history.odd) or self.differed()

    def differed(self) -> bool:
        """Whether the same tickets gave different answers in this search."""
        return any(fails and passes for _, fails, passes in self.tally())

    def implied(self, subset: Subset) -> Weighed | None:
        """The same, or what follows from other subsets where no ticket mends what another one breaks."""
        if told := self.settled(subset):
            return told
        others = {ask.tickets: self.settled(ask.tickets) for ask in self.answers}
        fails = any(answer == "fails" and other <= subset for other, answer in others.items())
        passes = any(answer == "passes" and other >= subset for other, answer in others.items())
        return None if fails == passes else "fails" if fails else "passes"

    def tally(self) -> list[tuple[Subset, int, int]]:
        """Each subset with how often it failed and passed."""
        counts = Counter((ask.tickets, answer) for ask, answer in self.answers.items())
        subsets = dict.fromkeys(subset for subset, answer in counts if answer != "unclear")
        return [(subset, counts[subset, "fails"], counts[subset, "passes"]) for subset in subsets]

    def weigh(self) -> _View:
        """All explanations in the light of all runs."""
        tally = self.tally()
        fails, passes = sum(f for _, f, _ in tally), sum(p for _, _, p in tally)
        odd = sum(min(f, p) for _, f, p in tally)
        other = _OTHER + _COIN * self._surprises(tally) + steady(odd, fails + passes - odd, self.history)
        groups = [frozenset([number]) for number in self.line]
        guesses = self._guesses(groups, _SINGLE, tally)
        if not any(self._is_plain(group, tally) for group in groups if group not in self.closed):
            guesses += self._guesses(self._pairs, _PAIR, tally)
        guesses.sort(key=lambda guess: -guess.likely)
        return _View(guesses=tuple(guesses), chance=by_chance(fails, passes, self.history), other=other)

    @staticmethod
    def _surprises(tally: Sequence[tuple[Subset, int, int]]) -> int:
        """How many subsets told what no other one implies, if no ticket mends what another one breaks."""
        failing = [subset for subset, fails, passes in tally if fails > passes]
        passing = [subset for subset, fails, passes in tally if fails <= passes]
        least = [subset for subset in failing if not any(other < subset for other in failing)]
        most = [subset for subset in passing if not any(other > subset for other in passing)]
        return len(least) + len(most) - 2

    def _guesses(
        self, groups: Sequence[Subset], prior: float, tally: Sequence[tuple[Subset, int, int]]
    ) -> list[_Guess]:
        fair = prior - log(len(groups)) if groups else 0.0
        made = []
        for group in groups:
            if group not in self.closed:
                alone, beside, brought = (fair + each for each in self._likelihoods(group, tally))
                shown = max(alone, beside)
                likely = shown + sum(map(self._suspect, group))
                made.append(_Guess(group=group, alone=alone, shown=shown, likely=likely, brought=brought))
        return made

    def _likelihoods(self, group: Subset, tally: Sequence[tuple[Subset, int, int]]) -> tuple[float, float, float]:
        """Of all runs, if the group breaks the test: nobody else does, or others do as well, whoever they are; or if
        the test fails by chance where the group is, and only there.
        """
        runs = wrong = stray = odd = free = broken = 0
        for subset, fails, passes in tally:
            runs += fails + passes
            if group <= subset:
                wrong += passes
                broken += fails
            elif not subset:
                wrong += fails
            else:
                stray += fails
                odd += min(fails, passes)
                free += 1
        alone = steady(wrong + stray, runs - wrong - stray, self.history)
        beside = _BESIDE + _COIN * free + steady(wrong + odd, runs - wrong - odd, self.history)
        return alone, beside, self._brought(len(group), broken, wrong, stray, runs - broken - wrong - stray)

    def _brought(self, size: int, fails: int, passes: int, stray: int, right: int) -> float:
        """Of runs with a group of a size, which ``fails`` or ``passes`` by chance, and of those without it."""
        # A new test may be flaky; one that was steady until today hardly became so by a ticket.
        steady_before = self.history.runs if 5 * self.history.odd <= self.history.runs else 0
        rare = _BROUGHT - size * log(1 + steady_before)
        return rare + seldom(fails, passes) + steady(stray, right, self.history)

    @staticmethod
    def _is_plain(group: Subset, tally: Sequence[tuple[Subset, int, int]]) -> bool:
        return all(not passes if group <= subset else not fails for subset, fails, passes in tally)

    @cached_property
    def _pairs(self) -> list[Subset]:
        """All pairs but those of which one needs the other: these are always together where that one is."""
        below = {number: closure(frozenset([number]), self.needs) for number in self.line}
        return [frozenset(pair) for pair in combinations(self.line, 2) if pair[0] not in below[pair[1]]]

    def _suspect(self, number: int) -> float:
        return log(1 + self.suspicion.get(number, 0.0))

    def is_begun(self, group: Subset) -> bool:
        """Whether the group was seen to break the test by itself."""
        return self.told(closure(group, self.needs)) == "fails"

    def is_flaky(self, view: _View) -> bool:
        """Whether the same tickets gave different answers, and chance explains all answers best by far."""
        rest = together([view.other, *(guess.likely for guess in view.guesses)])
        chance = together([view.chance, *(guess.brought for guess in view.guesses)])
        return self.differed() and chance - rest >= log(_FLAKY_ODDS)

    def flaky(self) -> Flaky:
        """The test, told as flaky."""
        tally = self.tally()
        tickets = next((subset for subset, fails, passes in tally if fails and passes), self.whole)
        fails, passes = sum(f for _, f, _ in tally), sum(p for _, _, p in tally)
        return Flaky(tickets=tickets, fails=fails, runs=fails + passes)

    def parting(self, view: _View) -> Subset | None:
        """A subset that parts the likely guesses into halves; none where one is as likely as all others together."""
        top = view.guesses[:64]
        total = together([guess.likely for guess in top])
        if top[0].likely - total >= log(0.5):
            return None
        weights = [(guess.group, exp(guess.likely - total)) for guess in top]
        best, distance = None, 0.45
        for subset in self._chains([guess.group for guess in top]):
            mass = sum(weight for group, weight in weights if group <= subset)
            if abs(mass - 0.5) < distance and Ask(tickets=subset) not in self.answers:
                best, distance = subset, abs(mass - 0.5)
        return best

    def _chains(self, groups: Sequence[Subset]) -> Iterator[Subset]:
        """Nested subsets: starts of the line where other subsets were unclear, as these always merge."""
        if "unclear" in self.answers.values():
            yield from (frozenset(self.line[:length]) for length in range(1, len(self.line)))
            return
        place = {number: at for at, number in enumerate(self.line)}
        for order in (sorted(groups, key=lambda group: sorted(map(place.__getitem__, group))), groups):
            whole: Subset = frozenset()
            for group in order:
                whole |= closure(group, self.needs)
                yield whole

    def blame(self, group: Subset) -> Blame | None:
        """How a group can be shown to be at fault: by itself, or else at its place in the line."""
        *partners, culprit = sorted(group, key=self.line.index)
        start = frozenset(self.line[: self.line.index(culprit) + 1])
        for fails in (closure(group, self.needs), start):
            # What a member needs stays: else it would be blamed for that.
            passes = tuple(fails - self._above(member) for member in (*partners, culprit))
            if not any(self.told(subset) == "unclear" for subset in (fails, *passes)):
                return Blame(culprits=(culprit,), partners=tuple(partners), fails=fails, passes=passes)
        return None

    def _above(self, member: int) -> Subset:
        return frozenset(number for number in self.line if member in closure(frozenset([number]), self.needs))

    def unsure(self, blame: Blame, view: _View) -> Batch:
        """The runs that a blame still needs: none when it is shown beyond doubt."""
        group = frozenset((*blame.culprits, *blame.partners))
        if asks := tuple(self._twice(blame)):
            # A guess that some run speaks against is tried with one run first.
            plain = self._is_plain(group, self.tally())
            return asks if plain else asks[:1]
        mine = view.guesses[0]
        # At its place in the line, a partner of the culprit's would be there as well: it would leave all the same.
        alone = blame.fails == closure(group, self.needs)
        rivals = [guess.alone for guess in view.guesses[1:] if alone or not guess.group > group]
        likely = self._agree(blame) and mine.shown - together([view.chance, *rivals]) >= log(ODDS)
        brought = together([guess.brought for guess in view.guesses])
        if (likely and mine.shown - brought >= log(ODDS)) or (alone and self.is_shown(blame)):
            return ()
        return self._once_more(blame)

    def is_tired(self, blame: Blame) -> bool:
        """Whether more runs of these subsets would tell no more."""
        return max(map(self.runs, (blame.fails, *blame.passes))) >= _ATTEMPTS

    def _once_more(self, blame: Blame) -> Batch:
        return tuple(ask for subset in (blame.fails, *blame.passes) for ask in self.again(subset, 1))

    def _twice(self, blame: Blame) -> Iterator[Ask]:
        """Each run of a blame is seen at least twice; that the release passes is known."""
        yield from self.again(blame.fails, 2 - min(2, self.seen(blame.fails, "fails")))
        for subset in blame.passes:
            if subset:
                yield from self.again(subset, 2 - min(2, self.seen(subset, "passes")))

    def _agree(self, blame: Blame) -> bool:
        return self.told(blame.fails) == "fails" and all(self.told(subset) == "passes" for subset in blame.passes)

    def is_shown(self, blame: Blame) -> bool:
        """Whether the runs of a blame by themselves show it: against chance, and against runs that erred.

        Of all groups of that size it was picked: the more there are, the surer must its failing be.
        """
        fails, lost = self.seen(blame.fails, "fails"), self.seen(blame.fails, "passes")
        right = fails + sum(self.seen(subset, "passes") for subset in blame.passes)
        wrong = lost + sum(self.seen(subset, "fails") for subset in blame.passes)
        held = steady(wrong, right, self.history)
        chance = by_chance(fails + wrong - lost, right - fails + lost, self.history)
        mistake = steady(wrong - lost + fails, right - fails + lost, self.history)
        groups = comb(len(self.line), 1 + len(blame.partners))
        brought = self._brought(1 + len(blame.partners), fails, lost, wrong - lost, right - fails)
        surer = held - chance >= log(ODDS) and held - mistake >= log(ODDS) + log(groups)
        return self._agree(blame) and held - brought >= log(ODDS) and surer

    def doubtful(self, blame: Blame) -> Batch:
        """The runs that a blame found by bisecting still needs; none when it is shown, or cannot be."""
        if self.is_tired(blame):
            return ()
        return tuple(self._twice(blame)) or (() if self.is_shown(blame) else self._once_more(blame))
