"""Merge again what a release manager merged, beside the steps of `git releasemgr`.

    nox -s bench -- merges --repository sage.git --from 9.5 --to 9.6.beta2 --limit 100

Replayed are the first ``--limit`` first-parent commits of ``--from..--to`` that have two parents and name a ticket
in their subject; the second parent is the ticket's commit. Three parties merge the same tickets in the same order,
each into a head of its own, starting from ``--from``:

* Integrand: ``sessions.source.merging.Merger.merge``;
* git releasemgr: ``git merge --no-ff --no-commit``, ``git status``, ``git commit --file`` in a work tree;
* the pair ``git merge-tree --write-tree`` and ``git commit-tree``: what git's plumbing costs by itself.

They take turns within each ticket, and who begins changes from ticket to ticket, so a slow moment or a cold cache
hits all alike. Each works in its own ``--shared`` clone with a commit-graph: no party finds objects that another
has just written, and nothing is written into ``--repository`` (git may renew the time stamp of an object there that
a merge comes to again). No party fetches, as all objects are there. A time is that of one ticket, from the call to
the commit or the refusal; a conflict counts like a merge.

Between the merges lie commits that merge no ticket: "Updated SageMath version to 9.6.beta0". All parties take the
files that such a commit changed over as it left them, untimed, with it as second parent: later tickets were begun
on that beta, and have to find it. So a wrong file could be put right by the next bump, and then shows under
"differs meanwhile", not under "differs".

``--at 100,400,1400`` tells how the cost of a merge grows with the number of merges: for each of these numbers, the
median over all tickets up to there, and over the last hundred of them. Tickets differ, and a shared machine has
slow moments: read the growth beside that of the plain pair, which merges the same tickets at the same time.
``--releasemgr N`` lets `git releasemgr`, by far the slowest, merge the first N only.

The tree that we come to is compared with that of the last replayed merge in history. What they differ in is what
the release manager put into a merge by hand. In Sage these are files under ``build/pkgs/configure/`` (the last
merge before a release is amended with a new configure tarball): ``--ignore`` names such files, and all others must
be equal. They are listed all the same.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from benchmarks.command import bench_parser, folder, several, status, write_figures
from benchmarks.history import History, Step, read_history
from benchmarks.parties import Integrand, Party, Plumbing, Releasemgr, clone
from sessions.settings.options import at_least
from sessions.source.globs import matching
from sessions.source.repository import Repository
from sessions.terminal.harmless_text import harmless


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    start: str
    end: str
    limit: int
    at: tuple[int, ...]
    releasemgr: int | None
    ignore: str
    json: Path | None


@dataclass
class Score:
    """How one party did."""

    party: Party
    limit: int | None = None
    clean: list[bool] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    @property
    def merged(self) -> int:
        """How many tickets it merged."""
        return sum(self.clean)

    @property
    def conflicts(self) -> int:
        """How many it could not merge."""
        return len(self.clean) - self.merged

    @property
    def is_done(self) -> bool:
        """Whether it has merged as many tickets as it is to merge."""
        return self.limit is not None and len(self.ms) >= self.limit

    def growth(self, marks: Iterable[int]) -> dict[str, dict[str, float]]:
        """For each number of tickets that it came to: the median of all so far, and of the last hundred of them."""
        return {
            str(mark): {
                "all": round(statistics.median(self.ms[:mark]), 2),
                "last": round(statistics.median(self.ms[max(mark - 100, 0) : mark]), 2),
            }
            for mark in marks
            if mark <= len(self.ms)
        }

    @property
    def times(self) -> dict[str, float]:
        """Median, mean and 90th percentile (nearest rank), in milliseconds."""
        p90 = sorted(self.ms)[math.ceil(0.9 * len(self.ms)) - 1]
        times = {"median": statistics.median(self.ms), "mean": statistics.fmean(self.ms), "p90": p90}
        return {name: round(value, 2) for name, value in times.items()}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Our trees beside history's.

    ``since`` are the paths that differ at the end, each with the commit of history from which on it does;
    ``meanwhile`` those that differed after some step, but not at the end.
    """

    since: dict[str, str]
    meanwhile: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="integrand-merges-") as folder:
        ours = clone(options.repository, Path(folder, "integrand.git"), bare=True)
        history = read_history(ours, options.start, options.end, options.limit)
        plain = clone(options.repository, Path(folder, "plumbing.git"), bare=True)
        work = clone(options.repository, Path(folder, "work"), bare=False)
        start = history.start
        releasemgr = Score(Releasemgr(work, start), limit=options.releasemgr)
        scores = (Score(Integrand(ours, start)), releasemgr, Score(Plumbing(plain, start)))
        comparison = compare(ours, history, replay(history, scores))
        record = _record(options, ours, history, scores, comparison)
    _show(record, scores, comparison, options.at)
    write_figures(options.json, record)


def replay(history: History, scores: Sequence[Score]) -> list[str]:
    """Let all parties merge all tickets; the first party's tree after each step."""
    trees = []
    console = Console(stderr=True)
    steps = track(history.steps, "Merging", console=console, transient=True, disable=not console.is_terminal)
    for turn, step in enumerate(steps):
        first = turn % len(scores)
        for score in (*scores[first:], *scores[:first]):
            if score.is_done:
                continue
            if step.number is None:
                score.party.carry(step)
            else:
                _time(score, step)
        trees.append(scores[0].party.tree)
    return trees


def _time(score: Score, step: Step) -> None:
    begun = time.perf_counter()
    clean = score.party.merge(step)
    score.ms.append((time.perf_counter() - begun) * 1000)
    score.clean.append(clean)


def compare(repository: Repository, history: History, trees: Iterable[str]) -> Comparison:
    """Return where our ``trees`` differ from history's, step by step."""
    since: dict[str, str] = {}
    ever: set[str] = set()
    for step, tree in zip(history.steps, trees, strict=True):
        arguments = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", tree, step.commit)
        since = {path: since.get(path, step.subject) for path in repository.git(*arguments).fields()}
        ever |= since.keys()
    return Comparison(since=since, meanwhile=tuple(sorted(ever - since.keys())))


def _record(
    options: Options, repository: Repository, history: History, scores: Sequence[Score], comparison: Comparison
) -> dict[str, object]:
    ours, releasemgr, plumbing = scores
    differs = sorted(comparison.since)
    return {
        "merged": ours.merged,
        "conflicts": ours.conflicts,
        "tree_equal": set(differs) == set(matching([options.ignore], differs)),
        "differs": differs,
        "differs_since": comparison.since,
        "differs_meanwhile": list(comparison.meanwhile),
        "ignore": options.ignore,
        "parties_agree": len({score.party.tree for score in scores if len(score.ms) == len(ours.ms)}) == 1,
        "ms_per_merge": ours.times["median"],
        "releasemgr_ms_per_merge": releasemgr.times["median"],
        "plumbing_ms_per_merge": plumbing.times["median"],
        "parties": {
            score.party.name: {"merged": score.merged, "conflicts": score.conflicts, **score.times} for score in scores
        },
        "growth": {score.party.name: score.growth(options.at) for score in scores},
        "releasemgr_ratio": _ratio(releasemgr, ours),
        "load": round(os.getloadavg()[0], 1),
        "git": repository.git("version").text,
        "repository": str(options.repository),
        "head": repository.git("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1)).text,
        "from": {"tag": options.start, "commit": history.start.commit},
        "to": {"tag": options.end, "commit": history.end},
        "limit": options.limit,
        "commits": [step.commit for step in history.merges],
        "carried": [step.commit for step in history.steps if step.number is None],
    }


def _ratio(other: Score, ours: Score) -> float:
    """Return how many times ours another party takes, over the tickets that both merged."""
    both = min(len(other.ms), len(ours.ms))
    return round(statistics.median(other.ms[:both]) / statistics.median(ours.ms[:both]), 2)


def _show(record: dict[str, object], scores: Sequence[Score], comparison: Comparison, at: Sequence[int]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=f"Milliseconds per ticket, {record['git']}", title_justify="left")
    table.add_column("")
    for column in ("merged", "conflicts", "median", "mean", "p90", "ratio"):
        table.add_column(column, justify="right")
    for score in scores:
        times = [f"{value:.1f}" for value in score.times.values()]
        ratio = _ratio(score, scores[0])
        table.add_row(score.party.name, str(score.merged), str(score.conflicts), *times, f"{ratio:.2f}")
    console.print(table, soft_wrap=False)
    for score in scores:
        for mark, growth in score.growth(at).items():
            console.print(
                f"{score.party.name}, {mark} tickets: {growth['all']:.1f}; the last hundred {growth['last']:.1f}"
            )
    equal = f"equal to history's but for {record['ignore']}" if record["tree_equal"] else "NOT equal to history's"
    others = "the others came to the same" if record["parties_agree"] else "the others came to ANOTHER one"
    console.print(escape(harmless(f"Our tree is {equal}; {others}.")))
    for path, subject in sorted(comparison.since.items()):
        console.print(escape(harmless(f"  differs: {path}, since “{subject}”")))
    for path in comparison.meanwhile:
        console.print(escape(harmless(f"  differs meanwhile: {path}")))


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "Merge again what a release manager merged, beside the steps of `git releasemgr`."
    parser = bench_parser("merges", about)
    parser.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a clone; it is only read")
    parser.add_argument("--from", dest="start", required=True, metavar="TAG", help="the release to merge into")
    parser.add_argument("--to", dest="end", required=True, metavar="TAG", help="where its history is read from")
    parser.add_argument("--limit", type=at_least(1), default=100, metavar="N", help="merge N tickets (100)")
    parser.add_argument(
        "--at", type=several(at_least(1)), default=(), metavar="N,N", help="tell the cost at so many merges"
    )
    parser.add_argument("--releasemgr", type=at_least(1), metavar="N", help="let git releasemgr merge the first N only")
    parser.add_argument(
        "--ignore",
        default="build/pkgs/configure/*",
        metavar="GLOB",
        help="files that release managers change within merges (%(default)s)",
    )
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
