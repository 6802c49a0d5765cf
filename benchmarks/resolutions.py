"""Learn how a project solved its conflicts, and make later merges with that: how many are as the project made them.

    nox -s bench -- resolutions --repository DIR --learn v2.50.0..v2.51.0 --merges v2.51.0..v2.52.0

The first-parent merges of ``--merges`` are made again, each onto its own first parent: by git alone, then with what the
merges of ``--learn`` teach. With ``--go-on``, each merge teaches those that come after it, as git rerere would. ``DIR``
is a clone; merges write objects there. The status is 1 where a merge made with the memory is not the project's own.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.command import bench_parser, folder, status, write_figures
from sessions.resolutions.history import PastMerge, learn_from, list_merges
from sessions.resolutions.memory import ResolutionMemory
from sessions.resolutions.model import About
from sessions.resolutions.recording import learn
from sessions.source.merge_tree import MergeTree
from sessions.source.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    learn: str
    merges: str
    go_on: bool
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How many merges there are, and of those with conflicts how many the memory makes.

    ``clean`` are made by git alone, ``clean_equal`` of them with the project's tree: the others have changes that git
    did not make. ``solved`` are made with the memory, ``solved_equal`` with the project's tree. ``files`` are the files
    in conflict, ``files_known`` those that the memory decides.
    """

    taught: int
    merges: int
    clean: int
    clean_equal: int
    conflicts: int
    solved: int
    solved_equal: int
    files: int
    files_known: int
    seconds: float


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(words)))


def _run(options: Options) -> int:
    found = measure(Repository.open(options.repository), options.learn, options.merges, go_on=options.go_on)
    for name, value in asdict(found).items():
        print(f"{name:13}{value:>8}")
    write_figures(options.json, asdict(found))
    return int(found.solved != found.solved_equal)


def measure(repository: Repository, taught: str, merges: str, *, go_on: bool) -> Figures:
    """Learn from the range ``taught``, and make the first-parent merges of the range ``merges`` again."""
    start = time.monotonic()
    past = learn_from(repository, taught)
    memory = ResolutionMemory(repository=repository, resolutions={each.name: each for each in past.resolutions})
    count = Counter[str]()
    with closing(MergeTree(repository)) as git:
        for merge in list_merges(repository, merges, "--first-parent"):
            count.update(_judge(git, memory, merge))
            if go_on:
                memory = _taught(git, memory, merge)
    return Figures(
        taught=len(past.resolutions),
        merges=count["merge"],
        clean=count["clean"],
        clean_equal=count["clean equal"],
        conflicts=count["merge"] - count["clean"],
        solved=count["solved"],
        solved_equal=count["solved equal"],
        files=count["file"],
        files_known=count["file known"],
        seconds=round(time.monotonic() - start, 1),
    )


def _judge(git: MergeTree, memory: ResolutionMemory, merge: PastMerge) -> list[str]:
    """Make a merge again, and return what is to be counted."""
    ours, theirs = merge.parents
    plain = git.merge(ours, theirs)
    unmerged = git.unmerged(plain, ours, theirs, f"{ours}^{{tree}}")
    if unmerged is None:
        return ["merge", "clean", *(["clean equal"] if plain.tree == merge.tree else [])]
    found = ["merge"]
    for path in unmerged.stages:
        found += ["file", *(["file known"] if memory.decide(unmerged, path) else [])]
    if solved := memory.solve(unmerged, 1):
        found += ["solved", *(["solved equal"] if solved.tree == merge.tree else [])]
    return found


def _taught(git: MergeTree, memory: ResolutionMemory, merge: PastMerge) -> ResolutionMemory:
    """Return the memory with what a merge teaches."""
    ours, theirs = merge.parents
    unmerged = git.unmerged(git.merge(ours, theirs), ours, theirs, f"{ours}^{{tree}}")
    if unmerged is None:
        return memory
    about = About(author=merge.author, date=merge.date, origin=merge.commit)
    lesson = learn(memory.repository, unmerged, merge.tree, about)
    resolutions = {**memory.resolutions, **{each.name: each for each in lesson.resolutions}}
    return ResolutionMemory(repository=memory.repository, resolutions=resolutions)


def _parse(words: Sequence[str] | None) -> Options:
    arguments = bench_parser("resolutions", "Merges of a project, made again with what its earlier merges teach.")
    arguments.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a clone of the project")
    arguments.add_argument("--learn", required=True, metavar="FROM..TO", help="learn from the merges of this range")
    arguments.add_argument("--merges", required=True, metavar="FROM..TO", help="make the merges of this range again")
    arguments.add_argument("--go-on", action="store_true", help="learn from each merge that was made again, too")
    return Options(**vars(arguments.parse_args(words)))


if __name__ == "__main__":
    sys.exit(main())
