"""Merge any two commits with `git merge-tree` and the attributes of the tree that is merged onto.

In a checkout, git reads ``.gitattributes`` from the work tree. Few projects have attributes that affect merges;
without them, one process makes all merges.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from sessions.source.merge_process import Merge, MergeProcess
from sessions.source.repository import Repository
from sessions.source.tree_reader import Found, TreeReader
from sessions.source.unmerged import Unmerged, read_unmerged
from sessions.terminal.errors import SourceError

# A process has the attributes of one tree. The merge line rarely needs more than one set of attributes at a time.
_MOST_PROCESSES = 4
# The states of the attribute and git's built-in drivers, see gitattributes(5). All others need a user's configuration.
_BUILT_IN = frozenset({"unspecified", "set", "unset", "text", "binary", "union"})


@dataclass
class MergeTree:
    """Merges pairs of commits of one repository."""

    repository: Repository
    trees: TreeReader = field(init=False)
    _processes: dict[tuple[Found, ...], MergeProcess] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.trees = TreeReader(self.repository)

    def merge(self, ours: str, theirs: str, tree: str = "") -> Merge:
        """Merge two commits, by full hex id, in memory. ``tree`` is the tree of ``ours``, if it is known.

        Raises :class:`SourceError` if git fails.
        """
        try:
            return self._process(tree or f"{ours}^{{tree}}").merge(ours, theirs)
        except SourceError:
            self.close()
            raise

    def unmerged(self, merge: Merge, ours: str, theirs: str, tree: str) -> Unmerged | None:
        """Return the conflicts of ``merge``, which is that of two commits; ``None`` if there are none.

        ``tree`` is the tree of ``ours``. Raises :class:`SourceError` as :meth:`merge` does.
        """
        return None if merge.clean else read_unmerged(self._process(tree).conflicts(ours, theirs), merge.tree)

    def unknown_drivers(self, ours: str, theirs: str, tree: str) -> dict[str, str]:
        """Return the files whose merge driver is unknown here, with its name; git merged them line by line.

        The program of such a driver is defined in each user's configuration, which is not used here.
        """
        if not self.trees.mentions(tree, b"merge="):
            return {}
        process = self._process(tree)
        drivers = process.merge_attributes(process.auto_merged(ours, theirs))
        return {path: driver for path, driver in drivers.items() if driver not in _BUILT_IN}

    def close(self) -> None:
        """End all processes. The next merge starts another."""
        for process in self._processes.values():
            process.close()
        self._processes.clear()
        self.trees.close()

    def _process(self, tree: str) -> MergeProcess:
        files = self.trees.merge_attributes(tree)
        if files not in self._processes:
            if len(self._processes) >= _MOST_PROCESSES:
                self._processes.pop(next(iter(self._processes))).close()
            folder = Path(tempfile.mkdtemp(prefix="integrand-"))
            self._processes[files] = process = MergeProcess(self.repository, folder)
            weakref.finalize(process, shutil.rmtree, folder, ignore_errors=True)
            self.trees.write(files, folder)
        return self._processes[files]
