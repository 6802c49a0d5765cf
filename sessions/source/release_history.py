"""Which commits a release contains and merged, and which commits it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sessions.source.fetching import local_refs
from sessions.source.releases import Naming, Release, namings_in
from sessions.source.repository import Repository
from sessions.tickets.merge_subjects import MergeSubjects

# The mirror's refs for the remote's default branch, and for the target branch of the tickets.
DEFAULT_REF = "refs/integrand/default"
TARGET_REF = "refs/integrand/target"


@dataclass(frozen=True)
class ReleaseHistory:
    """The commits of a release in ``repository``. Commits are full hex ids."""

    repository: Repository
    release: Release

    def contained(self, commits: Iterable[str]) -> frozenset[str]:
        """Return those of ``commits`` that the release contains."""
        listed = list(commits)
        lines = "".join(f"{commit}\n" for commit in listed) + f"^{self.release.commit}\n"
        new = set(self.repository.git("rev-list", "--stdin", put=lines.encode()).text.split())
        return frozenset(commit for commit in listed if commit not in new)

    def graph(self, commits: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return ``commits`` and their ancestors that the release lacks, each with its parents."""
        lines = "".join(f"{commit}\n" for commit in commits) + f"^{self.release.commit}\n"
        reply = self.repository.git("rev-list", "--parents", "--stdin", put=lines.encode())
        rows = (line.split() for line in reply.text.splitlines())
        return {commit: tuple(parents) for commit, *parents in rows}

    def new_commits(self, commits: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return :meth:`graph` without the commits of the default branch and of the tickets' target branch."""
        branches = [tip for ref in (DEFAULT_REF, TARGET_REF) for tip in local_refs(self.repository, ref).values()]
        return self.graph([*commits, *(f"^{commit}" for commit in branches)])

    def namings(self, subjects: MergeSubjects) -> dict[int, Naming]:
        """Return, for each ticket, the newest first-parent commit of the release whose message merges it."""
        rows = (row.split("\t", 1) for row in self._log("--format=%H%x09%B"))
        return namings_in(rows, subjects)

    def merges(self) -> dict[str, Naming]:
        """Return the commits that the release's first-parent history merged, with the merge of each.

        A release also contains commits that it never merged: the tip of a branch without a commit of its own.
        """
        return {
            commit: Naming(commit=merge, subject=subject)
            for ids, subject in (row.split("\t", 1) for row in self._log("--merges", "--format=%H %P%x09%s"))
            for merge, _, *others in [ids.split()]
            for commit in others
        }

    def _log(self, *options: str) -> list[str]:
        reply = self.repository.git("log", "-z", "--first-parent", *options, self.release.commit)
        return [row for row in reply.out.decode("utf-8", "replace").split("\0") if row]
