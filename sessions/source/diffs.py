"""What a ticket's diff does to the text of a file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from sessions.source.overlays import merge_base, touched_files
from sessions.source.repository import Repository


@dataclass(kw_only=True)
class Diff:
    """A ticket's changes, from where its branch left the release's history to its commit (full hex ids)."""

    repository: Repository
    release: str
    commit: str
    _texts: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    @cached_property
    def touched(self) -> frozenset[str]:
        """The paths that the ticket changes, adds or deletes."""
        return touched_files(self.repository, self.release, self.commit)

    @cached_property
    def _base(self) -> str:
        return merge_base(self.repository, self.release, self.commit)

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
        before, after = (Counter(text.splitlines()) for text in self._versions(path))
        return bool(before - after)

    def _counts(self, path: str, pattern: str) -> tuple[int, int]:
        if path not in self.touched:
            return 0, 0
        whole = re.compile(rf"(?<!\w){pattern}(?!\w)")
        before, after = (len(whole.findall(text)) for text in self._versions(path))
        return before, after

    def _versions(self, path: str) -> tuple[str, str]:
        """Return a file's text without and with the ticket; empty if the file does not exist."""
        known = self._texts.get(path)
        if known is None:
            names = [f"{commit}:{path}" for commit in (self._base, self.commit)]
            blobs = self.repository.read(names)
            before, after = (blobs.get(name, b"").decode("utf-8", "replace") for name in names)
            known = self._texts[path] = (before, after)
        return known
