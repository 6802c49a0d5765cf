"""Find who breaks the build on simulated days: how many builds that takes, and how often chance is taken for a culprit.

    nox -s bench -- builds --days 200

A day has a merge line of n tickets whose head does not build, each time with the same first error, while the release
builds. The search is the real one (``sessions.culprits.finder``), as ``sessions.day.culprit_finders`` opens it for a
build whose two runs on the head end alike. What is counted are the builds after the second looks at head and release,
up to the head that builds, which is made anyway and is not counted.

The second table has builds that nobody broke: they fail by chance at some rate, on the release as well, always with
the same ordinary error. Most such days never come to a search, as the second looks differ. Those that do are drawn
here, and weighted with how often they come. A day counts as wrong if a ticket is out at its end.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.command import bench_parser, several, status, up_to, write_figures
from sessions.culprits.evidence import Repeatable, is_new
from sessions.culprits.finder import CulpritFinder
from sessions.culprits.findings import Answer, Blame, Query, Subset
from sessions.culprits.suspicion import suspicion_of_build
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.settings.options import at_least

_BUILD = "build"
_RELEASE: Subset = frozenset()


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    days: int
    tickets: int
    chance_tickets: int
    rates: tuple[float, ...]
    seconds: float
    seed: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of day: how many break the build alone, whether two do together, and who touches the file that is named.

    ``names`` are places in the sorted culprits (0 is the earliest in the line); ``strangers`` touch the file as well.
    """

    title: str
    culprits: int = 1
    is_pair: bool = False
    names: tuple[int, ...] = ()
    strangers: int = 0


KINDS = (
    Kind(title="one ticket changes the named file", names=(0,)),
    Kind(title="two tickets change it, one is the culprit", names=(0,), strangers=1),
    Kind(title="no file is named"),
    Kind(title="the file is named, and its ticket is innocent", strangers=1),
    Kind(title="two culprits, both files named", culprits=2, names=(0, 1)),
    Kind(title="two culprits, no file is named", culprits=2),
    Kind(title="a pair, no file is named", is_pair=True),
    Kind(title="a pair, the file of the earlier is named", is_pair=True, names=(0,)),
    Kind(title="a pair, the file of the later is named", is_pair=True, names=(1,)),
)


@dataclass(frozen=True, kw_only=True)
class World:
    """One day: who breaks the build (each group by itself), and which file each group's error names, if any."""

    line: tuple[int, ...]
    causes: Mapping[Subset, str]
    touched: Mapping[int, frozenset[str]]
    seconds: float
    rate: float = 0.0

    def error(self, tickets: Subset, chance: random.Random) -> str | None:
        """Return the file that the first error of one build names ("": none), or ``None`` if it builds."""
        found = [name for group, name in self.causes.items() if group <= tickets]
        if found or chance.random() >= self.rate:
            return found[0] if found else None
        return "src/race.c"


@dataclass(kw_only=True)
class Bill:
    """What a day came to."""

    builds: int = 0
    waits: int = 0
    out: set[int] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    groups: set[Subset] = field(default_factory=set)


def make_world(kind: Kind, tickets: int, seconds: float, seed: int) -> World:
    """Return a day of this kind: the same for the same seed."""
    draw = random.Random(f"{kind} {seed}")  # noqa: S311
    line = tuple(range(1, tickets + 1))
    chosen = sorted(draw.sample(line, (2 if kind.is_pair else kind.culprits) + kind.strangers))
    strangers = set(draw.sample(chosen, kind.strangers))
    guilty = [number for number in chosen if number not in strangers]
    touched = {number: {f"doc/{number}.txt"} for number in line}
    files = {at: f"src/{guilty[at]}.c" for at in kind.names}
    for at, file in files.items():
        touched[guilty[at]].add(file)
    named = files[min(files)] if files else "src/strange.c" if strangers else ""
    for number in strangers:
        touched[number].add(named)
    causes = (
        {frozenset(guilty): named}
        if kind.is_pair
        else {frozenset([number]): files.get(at, named) for at, number in enumerate(guilty)}
    )
    paths = {number: frozenset(files) for number, files in touched.items()}
    return World(line=line, causes=causes, touched=paths, seconds=seconds)


def unsteady_world(rate: float, tickets: int, seconds: float, seed: int, *, is_named: bool) -> World:
    """Return a day whose build fails by chance at this rate; ``is_named``: a ticket changes the file of its error."""
    draw = random.Random(f"{rate} {seed}")  # noqa: S311
    line = tuple(range(1, tickets + 1))
    touched = {number: frozenset([f"doc/{number}.txt"]) for number in line}
    if is_named:
        touched[draw.choice(line)] |= {"src/race.c"}
    return World(line=line, causes={}, touched=touched, seconds=seconds, rate=rate)


def find(world: World, chance: random.Random) -> Bill:
    """Find the head that builds, as ``sessions.day.green_head`` does, after second looks that agree."""
    bill, line, known = Bill(), world.line, dict[Query, dict[str, Answer]]()
    named = world.error(frozenset(line), chance) if world.causes else "src/race.c"
    while named is not None and line:
        blame = _search(world, line, named, known, bill, chance)
        if blame is None:
            bill.out.clear()  # the search saw that the error comes by chance
            break
        bill.out |= set(blame.culprits)
        bill.errors.add(named)
        bill.groups.add(frozenset((*blame.culprits, *blame.partners)))
        line = tuple(number for number in line if number not in blame.culprits)
        named, is_flaky = _new_error(world, frozenset(line), bill, chance)
        if is_flaky:
            bill.out.clear()  # the same error comes by chance, so nobody leaves for it
    return bill


def _search(
    world: World,
    line: Sequence[int],
    named: str,
    known: dict[Query, dict[str, Answer]],
    bill: Bill,
    chance: random.Random,
) -> Blame | None:
    suspicion = suspicion_of_build(world.touched, [named] if named else [], [])
    repeatable = Repeatable.at(world.seconds)
    finder = CulpritFinder(
        line=line,
        needs={},
        tests=(_BUILD,),
        known=known,
        suspicion={_BUILD: {number: weight for number, weight in suspicion.items() if number in line}},
        repeatable={_BUILD: repeatable if named not in bill.errors else repeatable.contradicted()},
    )
    while queries := finder.queries():
        bill.waits += 1
        for query, _ in queries:
            bill.builds += 1
            fails = world.error(query.tickets, chance) is not None
            finder.learn(query, {_BUILD: "fails" if fails else "passes"})
    found = finder.findings()[_BUILD]
    return found if isinstance(found, Blame) else None


def _new_error(world: World, head: Subset, bill: Bill, chance: random.Random) -> tuple[str | None, bool]:
    """Build the smaller head, more than once if it fails; the error if it is broken, and whether it is flaky."""
    named = world.error(head, chance)
    if named is None:
        return None, False
    bill.builds += 1
    counts = [RunCounts(fails=1), RunCounts(passes=1)]
    while (decision := is_new(counts[0], counts[1], RunHistory())) is None or counts[0].total == 1:
        for place, tickets in enumerate((head, _RELEASE)):
            fails = world.error(tickets, chance) is not None
            counts[place] += RunCounts(fails=fails, passes=not fails)
            bill.builds += 1
    return named if decision else None, not decision


def measure_kind(kind: Kind, options: Options) -> dict[str, float]:
    """Return what days of one kind came to."""
    bills = []
    wrong = missed = 0
    for day in range(options.days):
        world = make_world(kind, options.tickets, options.seconds, options.seed + day)
        bill = find(world, random.Random(day))  # noqa: S311
        guilty = frozenset[int]().union(*world.causes)
        wrong += not bill.out <= guilty
        missed += bill.groups != set(world.causes)
        bills.append(bill)
    builds = [bill.builds for bill in bills]
    return {
        "median": statistics.median(builds),
        "most": max(builds),
        "waits": statistics.median(bill.waits for bill in bills),
        "wrong": wrong,
        "missed": missed,
    }


def measure_chance(rate: float, options: Options, *, is_named: bool) -> dict[str, float]:
    """Return how often a build that fails by chance comes to a search, and how often that takes a ticket out."""
    bills = [
        find(
            unsteady_world(rate, options.chance_tickets, options.seconds, options.seed + day, is_named=is_named),
            random.Random(f"{rate} {is_named} {options.seed + day}"),  # noqa: S311
        )
        for day in range(options.days)
    ]
    wrong = sum(bool(bill.out) for bill in bills)
    # The first run and the second look of the head fail, those of the release pass.
    searched = rate**2 * (1 - rate) ** 2
    return {
        "searched": searched,
        "wrong": wrong,
        "wrong_days": searched * wrong / len(bills),
        "builds": statistics.median(bill.builds for bill in bills),
        "most": max(bill.builds for bill in bills),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(words)))


def _run(options: Options) -> None:
    console = Console(stderr=True)
    quiet = not console.is_terminal
    steps = track(KINDS, "Broken builds", console=console, transient=True, disable=quiet)
    broken = {kind.title: measure_kind(kind, options) for kind in steps}
    pairs = [(rate, is_named) for is_named in (False, True) for rate in options.rates]
    chances = track(pairs, "Unsteady builds", console=console, transient=True, disable=quiet)
    unsteady = [
        {"rate": rate, "is_named": is_named, **measure_chance(rate, options, is_named=is_named)}
        for rate, is_named in chances
    ]
    _show(options, broken, unsteady)
    given = {key: value for key, value in asdict(options).items() if key != "json"}
    write_figures(options.json, {**given, "broken": broken, "unsteady": unsteady})


def _show(options: Options, broken: Mapping[str, Mapping[str, float]], unsteady: Sequence[Mapping[str, float]]) -> None:
    console = Console(highlight=False)
    console.width = max(console.width, 100)
    table = Table(title=f"Builds to name who breaks it, {options.tickets} tickets, {options.days} days of each kind")
    table.add_column("")
    for column in ("median", "most", "waits", "wrong", "missed"):
        table.add_column(column, justify="right")
    for title, figures in broken.items():
        table.add_row(title, *(f"{figures[key]:g}" for key in ("median", "most", "waits", "wrong", "missed")))
    console.print(table)
    table = Table(title=f"Builds that fail by chance, {options.days} searches of each rate")
    for column in ("rate", "file of a ticket named", "days searched", "wrong searches", "wrong days", "builds", "most"):
        table.add_column(column, justify="right")
    for each in unsteady:
        table.add_row(
            f"{each['rate']:g}",
            "yes" if each["is_named"] else "no",
            f"{each['searched']:.1%}",
            f"{each['wrong']:.0f}",
            f"{each['wrong_days']:.2%}",
            f"{each['builds']:g}",
            f"{each['most']:g}",
        )
    console.print(table)


def _parse(words: Sequence[str] | None) -> Options:
    arguments = bench_parser("builds", "Find who breaks the build on simulated days.")
    arguments.add_argument("--days", type=at_least(1), default=100, metavar="N", help="days of each kind (%(default)s)")
    arguments.add_argument(
        "--tickets", type=at_least(8), default=58, metavar="N", help="tickets in the line (%(default)s)"
    )
    arguments.add_argument(
        "--rates",
        type=several(up_to(0.99)),
        default=(0.1, 0.3, 0.5, 0.7, 0.9),
        metavar="R,R",
        help="rates of builds that fail by chance (0.1,0.3,0.5,0.7,0.9)",
    )
    arguments.add_argument(
        "--chance-tickets", type=at_least(8), default=14, metavar="N", help="the same on days of chance (%(default)s)"
    )
    arguments.add_argument(
        "--seconds", type=up_to(1e9), default=3600.0, metavar="S", help="what a build takes (%(default)s)"
    )
    arguments.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="other days (%(default)s)")
    return Options(**vars(arguments.parse_args(words)))


if __name__ == "__main__":
    sys.exit(main())
