"""Plain ``git merge`` in a temporary work tree.

The merge line merges in memory with ``git merge-tree``, and keeps its own account of trees and attributes. This module
does neither, so that a mistake there does not repeat here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.source.command import GitReply, call_git
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError

# Files lie in the work tree as git holds them: a conversion would make some of them look modified, and git would refuse
# to merge. Attributes that bear on merges stay.
_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The tree that git made of a merge, and the files in which it left conflict markers or no decision."""

    tree: str
    conflicts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Replay:
    """A temporary repository that borrows another one's objects; made by :func:`open_replay`."""

    folder: Path

    def merge(self, onto: str, commits: Sequence[str]) -> Replayed:
        """Merge ``commits`` (full hex ids) into ``onto``.

        Raises :class:`SourceError` if git cannot check out or merge them.
        """
        # A squash merges like any other merge, and leaves nothing but the index and the files behind.
        return self._apply(onto, "merge", "--quiet", "--squash", "--allow-unrelated-histories", *commits)

    def merges_from_one_base(self, onto: str, commit: str) -> Iterator[tuple[str, Replayed]]:
        """Yield each merge base of two commits that have several, and the merge as if it were the only one.

        Git makes one base of several by merging them; others, such as forges, take one of them. See
        https://git-scm.com/docs/git-merge-base. Raises as :meth:`merge`.
        """
        bases = self.git("merge-base", "--all", onto, commit, ok=(0, 1)).lines()
        for base in bases if len(bases) > 1 else ():
            yield base, self.merge(self._on(base, onto), [self._on(base, commit)])

    def _on(self, base: str, commit: str) -> str:
        """Return a commit with the files of ``commit``, whose only parent is ``base``."""
        return self.git("commit-tree", f"{commit}^{{tree}}", "-p", base, "-m", "audit").text

    def pick(self, onto: str, commit: str) -> Replayed:
        """Apply to ``onto`` what one commit changes. Raises as :meth:`merge`."""
        return self._apply(onto, "cherry-pick", "--no-commit", "--keep-redundant-commits", commit)

    def _apply(self, onto: str, *arguments: str) -> Replayed:
        self.git("checkout", "--quiet", "--force", "--detach", onto)
        if not self.git(*arguments, ok=(0, 1)).status:
            return Replayed(tree=self.git("write-tree").text)
        unmerged = self.git("diff", "--name-only", "--diff-filter=U", "-z").fields()
        if not unmerged:
            raise SourceError(f"git {arguments[0]} failed in a work tree of the audit")
        self.git("add", "--all", "--force")
        tree = self.git("write-tree").text
        self.git("read-tree", "--reset", "-u", onto)
        self.git("clean", "-ffdxq")
        return Replayed(tree=tree, conflicts=frozenset(unmerged))

    def diff(self, before: str, after: str) -> str:
        """Return the diff of two trees, for :func:`sessions.auditing.patches.read_hunks`."""
        return self.git("diff-tree", "-r", "-p", "-U0", "--no-renames", "--no-ext-diff", before, after).text

    def read(self, tree: str, path: str) -> str:
        """Return the content of a file in a tree; empty if it does not exist."""
        return self.git("cat-file", "blob", f"{tree}:{path}", ok=(0, 128)).text

    def git(self, *arguments: str, ok: tuple[int, ...] = (0,), put: bytes = b"") -> GitReply:
        """Run git in the work tree. Raises :class:`SourceError` for a status that is not in ``ok``."""
        reply = call_git(*arguments, git_dir=self.folder / ".git", cwd=self.folder, put=put)
        if reply.status not in ok:
            raise SourceError(f"git {arguments[0]} failed in a work tree of the audit: {reply.last_words}")
        return reply


@contextmanager
def open_replay(repository: Repository) -> Iterator[Replay]:
    """Yield a temporary work tree that can merge any commits of ``repository``, and writes nothing into it."""
    with tempfile.TemporaryDirectory(prefix="integrand-audit-") as name:
        folder = Path(name)
        object_format = f"--object-format={repository.object_format}"
        reply = call_git("init", "--quiet", "--bare", "--template=", object_format, "--", f"{name}/.git", git_dir=None)
        if reply.status:
            raise SourceError(f"git cannot make a work tree in {folder.parent}: {reply.last_words}")
        info = folder / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
        alternates = folder / ".git" / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_bytes(os.fsencode(repository.git_dir.resolve() / "objects") + b"\n")
        shallow = repository.git_dir / "shallow"  # where a shallow history ends; git reads no further there
        if shallow.is_file():
            shutil.copyfile(shallow, folder / ".git" / "shallow")
        replay = Replay(folder)
        for key, value in (
            ("core.bare", "false"),
            ("user.name", "audit"),
            ("user.email", "audit@localhost"),
            ("gc.auto", "0"),
        ):
            replay.git("config", key, value)
        yield replay
