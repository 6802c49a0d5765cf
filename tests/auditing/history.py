"""A generated project whose tickets all merge, the line of their merges, and losses sown into that line."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions.auditing.branch_audit import Audit, audit_branch
from sessions.auditing.branch_steps import AllowedCommits
from sessions.source.merging import Candidate, Merger
from sessions.source.releases import Release
from sessions.source.repository import Repository
from sessions.tickets.trackers import merge_subjects
from tests.repositories import COMMITTER, DATE, Builder, Content, lines, run_git, ticket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILES, LENGTH, GAP = 8, 120, 6


@dataclass
class Project:
    """``hunks`` maps a ticket to the lines that it changes, as (file, line); ``new`` to the file that it adds."""

    builder: Builder
    chance: random.Random
    release: str = ""
    tips: dict[int, str] = field(default_factory=dict)
    hunks: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    new: dict[int, str] = field(default_factory=dict)

    @classmethod
    def grow(cls, path: Path, tickets: int, seed: int) -> Project:
        """Tickets in one or two commits each, some of them begun before the release."""
        made = cls(Builder(path), random.Random(seed))  # noqa: S311  a test that comes out the same each time
        files: dict[str, Content] = {f"src/f{n}": lines(count=LENGTH) for n in range(FILES)}
        early = made.builder.commit({"VERSION": "0.9\n", 'naïve "name"\t': "x\n", **files})
        made.release = made.builder.commit({"VERSION": "1.0\n"})
        slots = [(f"src/f{n}", line) for n in range(FILES) for line in range(3, LENGTH - 3, GAP)]
        made.chance.shuffle(slots)
        for number in range(1, tickets + 1):
            made._write(number, slots, made.chance.choice((early, made.release)))
        made.builder.tag("1.0", made.release)
        return made

    def _write(self, number: int, slots: list[tuple[str, int]], start: str) -> None:
        mine = self.hunks[number] = [slots.pop() for _ in range(min(2, len(slots)))]
        files: dict[str, Content] = {}
        for path in {path for path, _ in mine}:
            files[path] = lines(
                *((line, f"ticket {number}, line {line}") for p, line in mine if p == path), count=LENGTH
            )
        if number % 3 == 0 or not files:
            self.new[number] = f"new/of {number}"
            files[self.new[number]] = f"a file of {number}\nwith two lines\n"
        first, *rest = files.items()
        tip = self.builder.commit(dict([first]), start, branch=f"t{number}", message=f"begin {number}")
        self.tips[number] = self.builder.commit(dict(rest), tip, branch=f"t{number}") if rest else tip

    def line(self, numbers: Sequence[int], onto: str = "") -> list[str]:
        """The merge line of some tickets, as integrate makes it; the commit of each merge."""
        repository = Repository.open(self.builder.path)
        release = Release(tag="1.0", version=None, commit=self.release, tree=self.tree(self.release))
        merger = Merger(repository, release, DATE, COMMITTER)
        head = Candidate(commit=onto or self.release, tree=self.tree(onto or self.release))
        made = []
        for number in numbers:
            merged = merger.merge(head, ticket(number, commit=self.tips[number]))
            assert isinstance(merged, Candidate)
            head = merged
            made.append(head.commit)
        merger.close()
        return made

    def audit(self, end: str, numbers: Sequence[int], *, strict: bool) -> Audit:
        tips = {number: self.tips[number] for number in numbers}
        known = AllowedCommits(tickets=tips if strict else self.tips, subjects=merge_subjects(), strict=strict)
        return audit_branch(Repository.open(self.builder.path), self.release, end, known)

    def tree(self, commit: str) -> str:
        return self.builder.git("rev-parse", f"{commit}^{{tree}}")

    def read(self, commit: str, path: str) -> str:
        return self.builder.git("cat-file", "blob", f"{commit}:{path}") + "\n"

    def files(self, commit: str) -> list[str]:
        return self.builder.git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")[:-1]

    def changed(self, commit: str, files: Mapping[str, str | None]) -> str:
        """The tree of a commit with some files written or removed."""
        here, index = self.builder.path, str(self.builder.path / "index-of-tests")
        run_git("read-tree", commit, cwd=here, GIT_INDEX_FILE=index)
        for path, text in files.items():
            rest = ["--force-remove", "--", path]
            if text is not None:
                blob = self.builder.git("hash-object", "-w", "--stdin", put=text.encode())
                rest = ["--add", "--cacheinfo", f"100644,{blob},{path}"]
            run_git("--work-tree=.", "update-index", *rest, cwd=here, GIT_INDEX_FILE=index)
        tree = run_git("write-tree", cwd=here, GIT_INDEX_FILE=index)
        os.unlink(index)  # noqa: PTH108
        return tree

    def commit(self, tree: str, *parents: str, message: str) -> str:
        words = [word for parent in parents for word in ("-p", parent)]
        return self.builder.git("commit-tree", tree, *words, "-m", message)
