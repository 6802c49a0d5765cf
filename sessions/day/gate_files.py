"""Which files a gate tests in a tree, and which of them hold given tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sessions.gates.locating import Locator
from sessions.gates.results import TestId
from sessions.settings.configuration import Gate
from sessions.source.globs import matching
from sessions.source.overlays import files_of
from sessions.source.repository import Repository


@dataclass(frozen=True)
class GateFiles:
    """Finds gates' files in the trees of a repository. ``globs`` narrow every gate down, as ``--files`` does."""

    repository: Repository
    globs: tuple[str, ...] = ()
    _locators: dict[tuple[str, str], Locator] = field(default_factory=dict, repr=False)

    def select(self, gate: Gate, tree: str, files: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return the files that a gate tests in a tree, or those of ``files`` among them.

        A test that failed elsewhere may be in a file that this tree does not have. Empty for a gate without files.
        """
        if not gate.files:
            return ()
        present = matching(gate.files, files_of(self.repository, tree))
        present = matching(self.globs, present) if self.globs else present
        return present if files is None else tuple(path for path in present if path in files)

    def files_with(self, gate: Gate, tests: Iterable[TestId], tree: str) -> tuple[str, ...] | None:
        """Return the files of a gate that hold ``tests``; ``None`` if only the whole gate is sure to run all."""
        if not gate.files:
            return None
        locator = self.locator(gate, tree)
        found = {test: None if test.is_whole_gate else locator.locate(test.file) for test in tests}
        files = {file for file in found.values() if file}
        return tuple(sorted(files)) if all(found.values()) else None

    def locator(self, gate: Gate, tree: str) -> Locator:
        """Return the locator of tests' files in a tree: among the gate's files, or all files if the gate names none."""
        if (gate.name, tree) not in self._locators:
            self._locators[gate.name, tree] = Locator(self.select(gate, tree)) if gate.files else self.tracked(tree)
        return self._locators[gate.name, tree]

    def tracked(self, tree: str) -> Locator:
        """Return the locator of all files of a tree."""
        if ("", tree) not in self._locators:
            self._locators["", tree] = Locator(files_of(self.repository, tree))
        return self._locators["", tree]
