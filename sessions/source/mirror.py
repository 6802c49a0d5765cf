"""The one local copy of a project's repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sessions.errors import SourceError
from sessions.source.command import Reply, call_git, git_version
from sessions.source.refusals import failed_fetch, first_words, is_of_one_branch, unreadable, without_secret
from sessions.source.releases import Release, merged_numbers, newest_release
from sessions.source.repository import Repository

_DEFAULT = "refs/integrand/default"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The commits that tickets' branches are at, by number, and why the others could not be fetched."""

    tips: dict[int, str]
    faults: dict[int, str]


@dataclass(frozen=True)
class Mirror:
    """A bare repository under the state folder, and what the remote said it has.

    ``remote`` maps full ref names to full hex ids, as of one moment: all decisions of a call rest on it.
    """

    repository: Repository
    url: str
    remote: dict[str, str]

    @classmethod
    def of(cls, url: str, state: Path) -> Mirror:
        """The mirror of ``url`` in the state folder; asks the remote for its refs, and fetches nothing yet.

        Raises :class:`SourceError` where ``url`` is no repository, or cannot be reached.
        """
        git_version()
        reply = call_git("ls-remote", "--", url, git_dir=None, online=True)
        if reply.status:
            raise SourceError(unreadable(url, reply))
        lines = (line.split("\t", 1) for line in reply.lines())
        # `1.0^{}` is what the tag 1.0 points to, not a ref that can be fetched.
        remote = {ref: commit for commit, ref in lines if not ref.endswith("^{}")}
        name = re.sub(r"[^A-Za-z0-9]+", "-", url.removesuffix(".git"))[-40:].strip("-")
        digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        # Git tells by their length alone how ids are made: 40 digits of SHA-1, or 64 of SHA-256.
        is_sha256 = any(len(commit) == 64 for commit in remote.values())
        path = state / "mirrors" / f"{name}-{digest}{'-sha256' if is_sha256 else ''}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        repository = Repository.open(path, "sha256" if is_sha256 else "sha1", origin=url)
        return cls(repository, url, remote)

    def tip(self, branch: str) -> str | None:
        """The commit at a branch of the remote: a short name, or a full ref such as ``refs/pull/7/head``."""
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        return self.remote.get(ref)

    def release(self, wanted: str) -> Release:
        """The newest or the ``wanted`` release, with its objects here."""
        tags = [ref.removeprefix("refs/tags/") for ref in self.remote if ref.startswith("refs/tags/")]
        release = newest_release(tags, wanted)
        ref = f"refs/tags/{release.tag}"
        self.fetch({ref: ref, _DEFAULT: "HEAD"} if "HEAD" in self.remote else {ref: ref})
        commit = self.repository.git("rev-parse", "--verify", f"{ref}^{{commit}}").text
        tree = self.repository.git("rev-parse", "--verify", f"{ref}^{{tree}}").text
        return Release(tag=release.tag, version=release.version, commit=commit, tree=tree)

    def fetch_tickets(self, branches: dict[int, str]) -> dict[int, str]:
        """The ``tips`` that :meth:`fetch_branches` tells."""
        return self.fetch_branches(branches).tips

    def fetch_branches(self, branches: dict[int, str]) -> Fetched:
        """Fetch the branches of all tickets in one call, or in a few where what is at one of them fails.

        A ticket is left out of the answer where the remote does not have its branch, or something else than a
        commit under that name.

        Raises :class:`SourceError` where the remote does not answer, or nothing can be fetched.
        """
        there = {number: branch for number, branch in branches.items() if self.tip(branch)}
        locals_ = {f"refs/integrand/tickets/{number}": number for number in there}
        refs = {
            local: there[number] if there[number].startswith("refs/") else f"refs/heads/{there[number]}"
            for local, number in locals_.items()
        }
        failed = self._fetch_apart(refs)
        have = self._local("refs/integrand/tickets/")
        tips = {number: have[local] for local, number in locals_.items() if local not in failed}
        commits = self.present(tips.values())
        return Fetched(
            tips={number: tip for number, tip in tips.items() if tip in commits},
            faults={locals_[local]: why for local, why in failed.items()},
        )

    def fetch(self, refs: dict[str, str]) -> None:
        """Bring the remote refs (values) here under the names of the keys, in one call; none where all is here.

        Raises :class:`SourceError` where one of them cannot be had.
        """
        reply = self._fetch(refs)
        if reply.status or self._missing(refs):
            raise SourceError(failed_fetch(self.url, reply))

    def _fetch_apart(self, refs: dict[str, str]) -> dict[str, str]:
        """Fetch refs without those that fail by themselves; which these are (by local name), and why.

        Halves are tried of halves, so that one of 1,000 costs some 20 calls, and none cost one.
        """
        reply = self._fetch(refs)
        missing = self._missing(refs)
        if not missing:
            return {}
        if not reply.status:
            why = "its history ends at a commit whose parents the repository lacks, as it is a shallow clone"
            return dict.fromkeys(missing, why)
        if not is_of_one_branch(reply):
            raise SourceError(failed_fetch(self.url, reply))
        if len(missing) == 1:
            return dict.fromkeys(missing, without_secret(f"it cannot be fetched: {first_words(reply)}"))
        items = list(missing.items())
        half = len(items) // 2
        return self._fetch_apart(dict(items[:half])) | self._fetch_apart(dict(items[half:]))

    def _fetch(self, refs: dict[str, str]) -> Reply:
        """Fetch what is not here yet, whatever git replies.

        Only exact ref names that the remote listed are ever asked for, so a hostile branch name is no refspec.
        """
        missing = self._missing(refs)
        if not missing:
            return Reply(0, b"", "")
        wanted = "".join(f"+{ref}:{local}\n" for local, ref in missing.items()).encode("utf-8", "surrogateescape")
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--stdin", "--")
        reply = self.repository.git(*words, self.url, put=wanted, ok=(0, 1, 128), online=True)
        if not reply.status:
            # 1 s for Sage, and merges are seven times faster with it.
            self.repository.git("commit-graph", "write", "--reachable", "--no-progress")
        return reply

    def _missing(self, refs: dict[str, str]) -> dict[str, str]:
        have = self._local("refs/")
        return {local: ref for local, ref in refs.items() if have.get(local) != self.remote[ref]}

    def present(self, commits: Iterable[str]) -> frozenset[str]:
        """Those of ``commits`` that are here."""
        asked = "".join(f"{commit}\n" for commit in commits).encode()
        reply = self.repository.git("cat-file", "--batch-check", put=asked)
        return frozenset(line.split()[0] for line in reply.text.splitlines() if line.split()[1] == "commit")

    def new_commits(self, commits: Iterable[str], release: Release) -> dict[str, tuple[str, ...]]:
        """All that ``commits`` bring, each with its parents, and neither the release nor the default branch has."""
        known = [release.commit, *self._local(_DEFAULT).values()]
        lines = "".join(f"{commit}\n" for commit in commits) + "".join(f"^{commit}\n" for commit in known)
        reply = self.repository.git("rev-list", "--parents", "--stdin", put=lines.encode())
        rows = (line.split() for line in reply.text.splitlines())
        return {commit: tuple(parents) for commit, *parents in rows}

    def in_release(self, commits: Iterable[str], release: Release) -> frozenset[str]:
        """Those of ``commits`` that the release contains."""
        asked = list(commits)
        lines = "".join(f"{commit}\n" for commit in asked) + f"^{release.commit}\n"
        new = set(self.repository.git("rev-list", "--stdin", put=lines.encode()).text.split())
        return frozenset(commit for commit in asked if commit not in new)

    def released_numbers(self, release: Release) -> frozenset[int]:
        """The tickets that the release's first-parent history names as merged."""
        words = ("log", "-z", "--first-parent", "--format=%s", release.commit)
        return merged_numbers(self.repository.git(*words).out.decode("utf-8", "replace").split("\0"))

    def merged_tickets(self, release: Release) -> dict[str, int]:
        """The commits that the release's first-parent history merged, and the tickets that its subjects name.

        0 where a subject names none. That a release merely contains a commit says little: so it does the tip of a
        branch on which nothing was done yet.
        """
        words = ("log", "-z", "--first-parent", "--merges", "--format=%P%x09%s", release.commit)
        rows = self.repository.git(*words).out.decode("utf-8", "replace").split("\0")
        merges = (row.split("\t", 1) for row in rows if row)
        return {
            commit: max(merged_numbers([subject]), default=0) for ids, subject in merges for commit in ids.split()[1:]
        }

    def keep(self, name: str, commit: str) -> None:
        """Give a commit of ours a name under ``refs/integrand/``, so that it stays and can be fetched from here."""
        self.repository.git("update-ref", f"refs/integrand/{name}", commit)

    def _local(self, prefix: str) -> dict[str, str]:
        reply = self.repository.git("for-each-ref", "--format=%(objectname)%09%(refname)", prefix)
        return {ref: commit for commit, ref in (line.split("\t", 1) for line in reply.lines())}
