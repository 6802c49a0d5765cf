"""What tickets' diffs do to the text of files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.source.branch_files import branch_files
from sessions.source.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Diff:
    """A ticket's changes, from where its branch left the release's history to its commit (a full hex id)."""

    commit: str
    reader: DiffReader

    @property
    def touched(self) -> frozenset[str]:
        """The paths that the ticket changes, adds or deletes."""
        return self.reader.touched[self.commit]

    def adds(self, path: str, pattern: str) -> bool:
        """Whether a regular expression has more matches in a file with the ticket than without."""
        before, after = self._counts(path, pattern)
        return after > before

    def lessens(self, path: str, pattern: str) -> bool:
        """Whether a regular expression has fewer matches in a file with the ticket than without."""
        before, after = self._counts(path, pattern)
        return after < before

    def removes(self, path: str, pattern: str) -> bool:
        """Whether a regular expression matches in a file without the ticket, and not with it."""
        before, after = self._counts(path, pattern)
        return before > 0 and after == 0

    def had(self, path: str, pattern: str) -> bool:
        """Whether a regular expression matches in a file without the ticket."""
        return self._counts(path, pattern)[0] > 0

    def removes_lines(self, path: str) -> bool:
        """Whether a line that a file has without the ticket occurs less often in it with the ticket."""
        if path not in self.touched:
            return False
        before, after = (Counter(text.splitlines()) for text in self.reader.versions(self.commit, path))
        return bool(before - after)

    def _counts(self, path: str, pattern: str) -> tuple[int, int]:
        if path not in self.touched:
            return 0, 0
        whole = re.compile(rf"(?<!\w){pattern}(?!\w)")
        before, after = (len(whole.findall(text)) for text in self.reader.versions(self.commit, path))
        return before, after


@dataclass(kw_only=True)
class DiffReader:
    """Reads the diffs of several tickets together: one git process answers what one ticket at a time would cost each.

    ``release`` and ``commits`` are full hex ids.
    """

    repository: Repository
    release: str
    commits: tuple[str, ...]
    _texts: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def touched(self) -> Mapping[str, frozenset[str]]:
        """The paths that each commit changes."""
        return {commit: frozenset(files) for commit, files in self._files.items()}

    def versions(self, commit: str, path: str) -> tuple[str, str]:
        """Return a file's text without and with a ticket that touches it; empty if the file does not exist."""
        before, after = self._files[commit][path]
        if not {before, after} <= self._texts.keys():
            ids = {blob for files in self._files.values() if path in files for blob in files[path]}
            blobs = self.repository.read(ids - self._texts.keys())
            self._texts |= {blob: blobs.get(blob, b"").decode("utf-8", "replace") for blob in ids - self._texts.keys()}
        return self._texts[before], self._texts[after]

    @cached_property
    def _files(self) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        return branch_files(self.repository, self.release, self.commits)


def read_diffs(repository: Repository, release: str, commits: Mapping[int, str]) -> dict[int, Diff]:
    """Return the diff of each ticket's commit against a release, by the ticket's number; nothing is read yet."""
    reader = DiffReader(repository=repository, release=release, commits=tuple(dict.fromkeys(commits.values())))
    return {number: Diff(commit=commit, reader=reader) for number, commit in commits.items()}
