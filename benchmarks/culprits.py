"""Find the culprits of simulated days, beside the policies of others.

    nox -s bench -- culprits --days 1000
    nox -s bench -- culprits --build         # who breaks the build: benchmarks.builds

A day has a merge line of n tickets, and k failing tests, each in a file of its own and each broken by one ticket, all
different; ``pair`` is one test that two tickets break together. One ticket in five depends on an earlier one with
``--needs 0.2``; the anchors that are known from elsewhere have none. With flakes, every look at such a test errs with
that probability, in every run (but the first red run, which is what a day begins with), and with that probability
again each day has a test that fails by chance, at a rate between 0.1 and 0.9, and that nobody broke.

All parties see the same days; each day draws its errors anew for each party. Integrand is the real search code:
``sessions.culprits.finder.CulpritFinder``, its queries answered, what it blames taken out, the rest looked at again.
The others, by their documentation (``docs/benchmarks.md``), know only whether a run is red, as they do:

* bors: a red batch is halved and both halves are run, red ones are halved again; a red one of one ticket leaves;
* prefix bisect: git bisect over starts of the line for the first bad ticket, which leaves; then the rest is run again;
* batch4: groups of four, tickets of a red one run one by one;
* one by one: each ticket by itself.

None of them repeats a run, nor looks at what one test says.

What is counted:

* **probes**: runs of anything, between the first red run and the last green one;
* **runs**: each probe counted as a whole run, with the first red and the last green one: the strictest reading (bors
  lands what is green at once, and batch4 and one by one begin with no run of all: they have fewer of these);
* **equivalents**: a probe of Integrand's runs only the failing tests' files; it counts ``--build`` (0.1 of a whole run,
  for building) and for the rest the share of these files in ``--files`` (200). Whole runs count 1. The looks at the
  head and the release again before a search, and at the failing files after it, are counted as well, in all three.
* **waits**: how often it waits for results where all that can run at once does;
* **with 4**, 16: how long the day waits with so many machines, in whole runs; with one, **equivalents** (bors: all red
  batches of one size are halved at once; batch4: one group after the other).
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import builds
from benchmarks.command import bench_parser, several, status, up_to, write_figures
from sessions.culprits.evidence import is_new
from sessions.culprits.finder import CulpritFinder, blames_to_act_on
from sessions.culprits.findings import Answer, Blame, Finding, Flaky, Query, Subset
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.settings.options import at_least
from sessions.tickets.order import Needs, closure

DICE = "dice"
_MACHINES = (4, 16)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    days: int
    sizes: tuple[int, ...]
    flakes: tuple[float, ...]
    files: int
    build: float
    needs: float
    history: int
    seed: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of day: a line of ``tickets``, tests that one breaks and that two break, and the rate of errors."""

    tickets: int
    culprits: int
    pairs: int = 0
    flakes: float = 0.0
    history: int = 0
    needs: float = 0.0


@dataclass(frozen=True, kw_only=True)
class World:
    """What is really the matter on one day. ``truth`` are the tickets that break each test; ``dice`` a test's rate."""

    line: tuple[int, ...]
    needs: Needs
    truth: Mapping[str, Subset]
    flakes: float
    dice: float | None
    histories: Mapping[str, RunHistory]

    def answer(self, tickets: Subset, test: str, chance: random.Random) -> Answer:
        """Return what one run shows of a test."""
        if test == DICE:
            return "fails" if chance.random() < (self.dice or 0.0) else "passes"
        broken = self.truth[test] <= tickets
        return "fails" if broken != (chance.random() < self.flakes) else "passes"

    def is_red(self, tickets: Subset, chance: random.Random) -> bool:
        """Return what one run shows of all tests together."""
        tests = [*self.truth, *([DICE] if self.dice is not None else [])]
        return any(self.answer(tickets, test, chance) == "fails" for test in tests)


@dataclass(kw_only=True)
class Bill:
    """What one party needed for one day, and what it came to."""

    probes: int = 0
    whole: float = 0.0
    waits: int = 0
    out: list[int] = field(default_factory=list)
    wrong: int = 0
    pairs: int = 0
    flaky: int = 0
    # Runs of all: the first red one, and the last green one where the policy makes it.
    ends: int = 2
    # What its probes cost, in rounds of those that can run at once.
    rounds: list[list[float]] = field(default_factory=lambda: [[]])

    def begin_round(self) -> None:
        """Note that the next probes wait for the results of those before."""
        self.rounds.append([])

    def waiting(self, machines: int) -> float:
        """Return how long the day waits, in whole runs, with so many machines: the longest probes start first."""
        total = float(self.ends)
        for costs in self.rounds:
            loads = [0.0] * machines
            for cost in sorted(costs, reverse=True):
                loads[loads.index(min(loads))] += cost
            total += max(loads)
        return total


def make_world(case: Case, seed: int) -> World:
    """Return a day of this kind: the same for the same seed."""
    draw = random.Random(f"{case} {seed}")  # noqa: S311
    line = tuple(range(1, case.tickets + 1))
    needs = {
        n: frozenset([draw.randrange(1, n)]) if n > 1 and draw.random() < case.needs else frozenset() for n in line
    }
    chosen = draw.sample(line, case.culprits)
    truth = {f"t{number}": frozenset([number]) for number in chosen}
    for at in range(case.pairs):
        while True:
            first, second = sorted(draw.sample(sorted(set(line) - set(chosen)), 2))
            if first not in closure(frozenset([second]), needs):
                break
        truth[f"p{at}"] = frozenset([first, second])
    rates = dict.fromkeys(truth, case.flakes)
    dice = draw.uniform(0.1, 0.9) if draw.random() < case.flakes else None
    if dice is not None:
        rates[DICE] = dice
    histories = {
        test: RunHistory(runs=case.history, odd=sum(draw.random() < min(rate, 1 - rate) for _ in range(case.history)))
        for test, rate in rates.items()
    }
    return World(line=line, needs=needs, truth=truth, flakes=case.flakes, dice=dice, histories=histories)


def integrand(world: World, chance: random.Random, share: Callable[[int], float]) -> Bill:
    """Return the product's way: `sessions.day.green_head`, with the simulated day in place of candidates and gates."""
    bill = Bill(whole=2)  # the first red run, and the last green one
    line, known = world.line, dict[Query, dict[str, Answer]]()
    failing = _steady(world, chance, share, bill)
    while failing and line:
        finder = CulpritFinder(line=line, needs=world.needs, tests=failing, known=known, histories=world.histories)
        while queries := finder.queries():
            bill.waits += 1
            bill.begin_round()
            for query, tests in queries:
                _count(bill, share(len(tests)))
                finder.learn(query, {test: world.answer(query.tickets, test, chance) for test in tests})
        findings = finder.findings()
        blames = blames_to_act_on(findings)
        _judge(world, blames, findings, bill)
        out = {number for blame in blames.values() for number in blame.culprits}
        line = tuple(n for n in line if not out & closure(frozenset([n]), world.needs))
        left = [test for test in failing if not isinstance(findings[test], Flaky)]
        if left:
            bill.begin_round()
            _count(bill, share(len(left)))
            bill.waits += 1
        failing = [test for test in left if blames and world.answer(frozenset(line), test, chance) == "fails"]
    return bill


def _steady(world: World, chance: random.Random, share: Callable[[int], float], bill: Bill) -> list[str]:
    """New failures are looked at again, on the head and on the release."""
    whole = frozenset(world.line)
    failing = list(world.truth)
    if world.dice is not None and world.answer(whole, DICE, chance) == "fails":
        failing.append(DICE)
    if not failing:
        return []
    counts = {test: [RunCounts(fails=1), RunCounts(passes=1)] for test in failing}
    open_ = failing
    kept = []
    while open_:
        bill.waits += 1
        bill.begin_round()
        for place, tickets in enumerate((whole, frozenset[int]())):
            _count(bill, share(len(open_)))
            for test in open_:
                passes = world.answer(tickets, test, chance) == "passes"
                counts[test][place] += RunCounts(fails=not passes, passes=passes)
        new = {test: is_new(counts[test][0], counts[test][1], world.histories[test]) for test in open_}
        kept += [test for test in open_ if new[test]]
        open_ = [test for test in open_ if new[test] is None]
    bill.flaky += len(failing) - len(kept)
    return kept


def _count(bill: Bill, cost: float) -> None:
    bill.probes += 1
    bill.whole += cost
    bill.rounds[-1].append(cost)


def _judge(world: World, blames: Mapping[str, Blame], findings: Mapping[str, Finding], bill: Bill) -> None:
    bill.flaky += sum(isinstance(found, Flaky) for found in findings.values())
    for test, blame in blames.items():
        truth = world.truth.get(test, frozenset())
        named = {*blame.culprits, *blame.partners}
        bill.out += blame.culprits
        bill.wrong += not named <= truth
        bill.pairs += len(truth) == 2 and named == truth and blame.culprits == (max(truth),)


def halving(world: World, chance: random.Random, _share: Callable[[int], float]) -> Bill:
    """bors-ng: both halves of a red batch are run again."""
    bill = Bill(whole=1, ends=1)  # what is green lands at once
    batches = [world.line]
    while batches:
        bill.begin_round()
        red = []
        for batch in batches:
            if len(batch) == 1:
                bill.out += batch
                continue
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                _count(bill, 1)
                if world.is_red(_with_needs(half, world, bill), chance):
                    red.append(half)
        batches = red
    return _convict(world, bill)


def prefix_bisect(world: World, chance: random.Random, _share: Callable[[int], float]) -> Bill:
    """Git bisect: the first bad ticket leaves, and the rest is run again."""
    bill, line, low = Bill(whole=2), world.line, 0
    while line:
        high = len(line)
        while high - low > 1:
            middle = (low + high) // 2
            bill.begin_round()
            _count(bill, 1)
            if world.is_red(frozenset(line[:middle]), chance):
                high = middle
            else:
                low = middle
        bill.out.append(line[high - 1])
        line = tuple(n for n in line if line[high - 1] not in closure(frozenset([n]), world.needs))
        low = min(high - 1, len(line))
        if low >= len(line) or not world.is_red(frozenset(line), chance):
            break
        bill.begin_round()
        _count(bill, 1)
    return _convict(world, bill)


def batch4(world: World, chance: random.Random, _share: Callable[[int], float]) -> Bill:
    """Groups of four; each ticket of a red one by itself."""
    bill = Bill(ends=0)
    for start in range(0, len(world.line), 4):
        batch = world.line[start : start + 4]
        _count(bill, 1)
        if world.is_red(_with_needs(batch, world, bill), chance):
            bill.begin_round()
            _each(world, batch, chance, bill)
            bill.begin_round()
    return _convict(world, bill)


def one_by_one(world: World, chance: random.Random, _share: Callable[[int], float]) -> Bill:
    """Return each ticket by itself, with what it needs: no first run of all."""
    bill = Bill(ends=0)
    _each(world, world.line, chance, bill)
    return _convict(world, bill)


def _each(world: World, batch: Sequence[int], chance: random.Random, bill: Bill) -> None:
    for number in batch:
        _count(bill, 1)
        if world.is_red(_with_needs((number,), world, bill), chance):
            bill.out.append(number)


def _with_needs(batch: Sequence[int], world: World, bill: Bill) -> Subset:
    return closure(frozenset(batch), world.needs) - frozenset(bill.out)


def _convict(world: World, bill: Bill) -> Bill:
    bill.waits = bill.probes
    guilty = {number for group in world.truth.values() for number in group}
    bill.wrong = len(set(bill.out) - guilty)
    return bill


PARTIES: dict[str, Callable[[World, random.Random, Callable[[int], float]], Bill]] = {
    "Integrand": integrand,
    "bors halving": halving,
    "prefix bisect": prefix_bisect,
    "batch4": batch4,
    "one by one": one_by_one,
}


def cases(options: Options) -> list[Case]:
    """Return all kinds of days that were asked for."""
    rest = {"history": options.history, "needs": options.needs}
    return [
        Case(tickets=size, culprits=k, pairs=pairs, flakes=flakes, **rest)  # type: ignore[arg-type]
        for size in options.sizes
        for flakes in options.flakes
        for k, pairs in ((0, 0), (1, 0), (2, 0), (3, 0), (5, 0), (0, 1), (2, 1))
    ]


def measure(case: Case, options: Options) -> dict[str, dict[str, float]]:
    """Return all parties on all days of one kind: means per day, and sums of what must not happen."""

    def share(files: int) -> float:
        return options.build + (1 - options.build) * files / options.files

    worlds = [make_world(case, options.seed + day) for day in range(options.days)]
    figures = {}
    for name, party in PARTIES.items():
        bills = [
            party(world, random.Random(f"{name} {options.seed + day}"), share)  # noqa: S311
            for day, world in enumerate(worlds)
        ]
        # A day on which nothing failed is one whole run, for everybody.
        idle = [not world.truth and world.dice is None for world in worlds]
        figures[name] = {
            "probes": _mean([0 if free else bill.probes for bill, free in zip(bills, idle, strict=True)]),
            "runs": _mean([1 if free else bill.probes + bill.ends for bill, free in zip(bills, idle, strict=True)]),
            "equivalents": _mean([1 if free else bill.whole for bill, free in zip(bills, idle, strict=True)]),
            "waits": _mean([0 if free else bill.waits for bill, free in zip(bills, idle, strict=True)]),
            **{
                f"with {count}": _mean(
                    [1 if free else bill.waiting(count) for bill, free in zip(bills, idle, strict=True)]
                )
                for count in _MACHINES
            },
            "wrong": sum(0 if free else bill.wrong for bill, free in zip(bills, idle, strict=True)),
            "wrong_days": sum(bool(bill.wrong) and not free for bill, free in zip(bills, idle, strict=True)),
            "pairs": sum(bill.pairs for bill in bills),
            "pairs_there": sum(len(group) == 2 for world in worlds for group in world.truth.values()),
            "flaky": sum(bill.flaky for bill in bills),
        }
    return figures


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status. ``--build`` without a number is the benchmark of failing builds."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--build" in given and not any(word[:1].isdigit() for word in given[given.index("--build") + 1 :][:1]):
        given.remove("--build")
        return builds.main(given)
    return status(lambda: _run(_parse(given)))


def _run(options: Options) -> None:
    console = Console(stderr=True)
    all_cases = cases(options)
    steps = track(all_cases, "Days", console=console, transient=True, disable=not console.is_terminal)
    measured = [(case, measure(case, options)) for case in steps]
    _show(measured)
    settings = {key: value for key, value in asdict(options).items() if key != "json"}
    record = {**settings, "cases": [{**asdict(case), "parties": figures} for case, figures in measured]}
    write_figures(options.json, record)


def _show(measured: Sequence[tuple[Case, Mapping[str, Mapping[str, float]]]]) -> None:
    table = Table(title="Means per day; wrong blames in all days together", title_justify="left")
    for column in ("n", "k", "pairs", "flakes", ""):
        table.add_column(column)
    for column in (
        "equivalents",
        "runs",
        "probes",
        "waits",
        "with 1",
        "with 4",
        "with 16",
        "wrong",
        "found as pair",
        "told flaky",
    ):
        table.add_column(column, justify="right")
    for case, parties in measured:
        for name, seen in parties.items():
            found = f"{seen['pairs']:.0f} of {seen['pairs_there']:.0f}" if seen["pairs_there"] else ""
            what = (str(case.tickets), str(case.culprits), str(case.pairs), f"{case.flakes:.0%}")
            costs = [f"{seen[key]:.1f}" for key in ("equivalents", "runs", "probes", "waits", "with 4", "with 16")]
            ours = name == "Integrand"
            rest = (f"{seen['wrong']:.0f}", found if ours else "", f"{seen['flaky']:.0f}" if ours else "")
            table.add_row(*(what if ours else ("",) * 4), name, *costs, *rest)
    console = Console(highlight=False)
    # Narrower than this, the table could not be read.
    console.width = max(console.width, 150)
    console.print(table)


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "Find the culprits of simulated days, beside the policies of others."
    parser = bench_parser("culprits", about)
    parser.add_argument("--days", type=at_least(1), default=100, metavar="N", help="days of each kind (%(default)s)")
    parser.add_argument(
        "--sizes", type=several(at_least(8)), default=(10, 20, 40, 60), metavar="N,N", help="tickets (10,20,40,60)"
    )
    parser.add_argument(
        "--flakes", type=several(up_to(0.99)), default=(0.0, 0.01, 0.05), metavar="R,R", help="rates (0,0.01,0.05)"
    )
    parser.add_argument("--files", type=at_least(1), default=200, metavar="N", help="files with tests (%(default)s)")
    parser.add_argument(
        "--build", type=up_to(0.99), default=0.1, metavar="R", help="building, of a whole run (%(default)s)"
    )
    parser.add_argument(
        "--needs", type=up_to(0.99), default=0.0, metavar="R", help="of tickets that need one (%(default)s)"
    )
    help_ = "runs of each test that the ledger knows from before (%(default)s; 0: a new ledger)"
    parser.add_argument("--history", type=at_least(0), default=40, metavar="N", help=help_)
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="other days (%(default)s)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
