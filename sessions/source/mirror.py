"""The one local copy of a project's repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sessions.source.command import git_version
from sessions.source.fetching import Fetched, Fetcher
from sessions.source.listing import list_remote
from sessions.source.releases import Naming, Release, namings_in, releases_in_order
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.tickets.merge_subjects import MergeSubjects

_DEFAULT = "refs/integrand/default"
_TARGET = "refs/integrand/target"


@dataclass(frozen=True)
class Mirror:
    """A bare repository under the state folder, and what the remote said it has.

    ``remote`` maps full ref names to full hex ids, as of one moment: all decisions of a call rest on it. ``peeled``
    tells for an annotated tag's ref what it points to, ``symbolic`` for a symbolic ref the ref that it stands for.
    ``others`` are the refs of other repositories in which tickets have their branches, by address.
    """

    repository: Repository
    url: str
    remote: dict[str, str]
    peeled: Mapping[str, str] = field(default_factory=dict)
    symbolic: Mapping[str, str] = field(default_factory=dict)
    others: dict[str, Mapping[str, str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, url: str, state: Path) -> Mirror:
        """The mirror of ``url`` in the state folder; asks the remote for its refs, and fetches nothing yet.

        Raises :class:`SourceError` where ``url`` is no repository, or cannot be reached.
        """
        git_version()
        listed = list_remote(url)
        return cls(_repository(url, state, listed.refs), url, listed.refs, listed.peeled, listed.symbolic)

    def list_refs(self, repository: str) -> Mapping[str, str]:
        """The refs of a repository elsewhere, as of the first call; of this one where the address is empty.

        Raises :class:`SourceError` where the repository cannot be read.
        """
        if not repository:
            return self.remote
        if repository not in self.others:
            self.others[repository] = list_remote(repository).refs
        return self.others[repository]

    def tip(self, branch: str) -> str | None:
        """The commit at a branch of the remote: a short name, or a full ref such as ``refs/pull/7/head``."""
        return self.remote.get(_full_ref(branch))

    def head_ref(self, branch: str) -> str | None:
        """Return the full ref of a branch; in a clone that stands for its origin, of the origin's branch."""
        names = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
        clone = "refs/remotes/origin/HEAD" in self.remote
        return next((name for name in (names if clone else reversed(names)) if name in self.remote), None)

    @property
    def default_branch(self) -> str:
        """Return the name of the repository's default branch (in a clone: its origin's), empty where it tells none."""
        for name, prefix in (("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")):
            if name in self.symbolic:
                return self.symbolic[name].removeprefix(prefix)
        same = (ref for ref in self.remote if ref.startswith("refs/heads/") and self.remote[ref] == self.remote["HEAD"])
        return next(same, "").removeprefix("refs/heads/") if "HEAD" in self.remote else ""

    @property
    def tags(self) -> dict[str, str]:
        """Return the remote's tags, and the object that each points to in the end."""
        refs = (ref for ref in self.remote if ref.startswith("refs/tags/"))
        return {ref.removeprefix("refs/tags/"): self.peeled.get(ref, self.remote[ref]) for ref in refs}

    def release(self, wanted: str, pattern: str = "", name: str = "") -> Release:
        """Return the newest release or the ``wanted`` tag, with its objects here.

        ``pattern`` is `[project] tags`, and ``name`` the project's. Of the newest tags, those that point to no commit
        are passed over.

        Raises :class:`SourceError` where there is none.
        """
        odd = dict[str, str]()
        for release in releases_in_order(list(self.tags), wanted, pattern, name):
            ref = f"refs/tags/{release.tag}"
            self.fetch({ref: ref, _DEFAULT: "HEAD"} if "HEAD" in self.remote else {ref: ref})
            kind = self.repository.git("cat-file", "-t", f"{ref}^{{}}").text
            if kind == "commit":
                passed = [f"the tag {tag} points to a {each} and is passed over" for tag, each in odd.items()]
                aside = "; ".join(filter(None, [*passed, release.aside]))
                return replace(self.at(f"{ref}^{{commit}}", release), aside=aside)
            odd[release.tag] = kind
        tag, kind = next(iter(odd.items()))
        raise SourceError(f"The tag {tag} points to a {kind}, not to a commit: name another release.")

    def at(self, name: str, release: Release) -> Release:
        """Return ``release`` with the commit and tree that are here under a name."""
        commit = self.repository.git("rev-parse", "--verify", f"{name}^{{commit}}").text
        tree = self.repository.git("rev-parse", "--verify", f"{name}^{{tree}}").text
        return replace(release, commit=commit, tree=tree)

    def target(self, branch: str) -> str:
        """Fetch the branch that tickets are for; its commit.

        Raises :class:`SourceError` where the repository has no such branch.
        """
        ref = self.head_ref(branch)
        if ref is None:
            raise SourceError(f"The repository has no branch {branch!r}: set [tickets] target to the one that it has.")
        self.fetch({_TARGET: ref})
        return self.remote[ref]

    def fetch_tickets(self, branches: dict[int, str]) -> dict[int, str]:
        """The ``tips`` that :meth:`fetch_branches` tells."""
        return self.fetch_branches(branches).tips

    def fetch_branches(self, branches: dict[int, str], elsewhere: Mapping[int, str] | None = None) -> Fetched:
        """Fetch the branches of all tickets in one call, or in a few where what is at one of them fails.

        ``elsewhere`` has the addresses of other repositories, for tickets whose branches are there: these cost a call
        each. Wherever a branch comes from, its name here is made of the ticket's number.

        A ticket is left out of the answer where the remote does not have its branch, or something else than a
        commit under that name.

        Raises :class:`SourceError` where the project's remote does not answer, or nothing can be fetched from it.
        Another repository that does not answer is a fault of its tickets.
        """
        places = {number: (elsewhere or {}).get(number, "") for number in branches}
        tips: dict[int, str] = {}
        faults: dict[int, str] = {}
        for place in sorted(set(places.values())):
            group = {number: branch for number, branch in branches.items() if places[number] == place}
            try:
                fetched = self._fetch_from(place, group)
            except SourceError as error:
                if not place:
                    raise
                faults |= dict.fromkeys(group, str(error).rstrip("."))
            else:
                tips |= fetched.tips
                faults |= fetched.faults
        return Fetched(tips=tips, faults=faults)

    def _fetch_from(self, repository: str, branches: Mapping[int, str]) -> Fetched:
        remote = self.list_refs(repository)
        full = {number: _full_ref(branch) for number, branch in branches.items()}
        refs = {f"refs/integrand/tickets/{number}": ref for number, ref in full.items() if ref in remote}
        fetcher = Fetcher(repository=self.repository, url=repository or self.url, remote=remote)
        failed = fetcher.fetch_apart(refs)
        have = self._local("refs/integrand/tickets/")
        tips = {local: have[local] for local in refs if local not in failed}
        commits = self.present(tips.values())
        return Fetched(
            tips={_number_of(local): tip for local, tip in tips.items() if tip in commits},
            faults={_number_of(local): why for local, why in failed.items()},
        )

    def fetch(self, refs: dict[str, str]) -> None:
        """Bring the remote refs (values) here under the names of the keys, in one call; none where all is here.

        Raises :class:`SourceError` where one of them cannot be had.
        """
        self._fetcher.fetch(refs)

    def present(self, commits: Iterable[str]) -> frozenset[str]:
        """Those of ``commits`` that are here."""
        asked = "".join(f"{commit}\n" for commit in commits).encode()
        reply = self.repository.git("cat-file", "--batch-check", put=asked)
        return frozenset(line.split()[0] for line in reply.text.splitlines() if line.split()[1] == "commit")

    def new_commits(self, commits: Iterable[str], release: Release) -> dict[str, tuple[str, ...]]:
        """Return all that ``commits`` bring and neither the release nor its branch has, each with its parents.

        Known are the repository's default branch, and the branch that tickets are for.
        """
        known = [release.commit, *self._local(_DEFAULT).values(), *self._local(_TARGET).values()]
        return self.graph([*commits, *(f"^{commit}" for commit in known)], release)

    def in_release(self, commits: Iterable[str], release: Release) -> frozenset[str]:
        """Those of ``commits`` that the release contains."""
        asked = list(commits)
        lines = "".join(f"{commit}\n" for commit in asked) + f"^{release.commit}\n"
        new = set(self.repository.git("rev-list", "--stdin", put=lines.encode()).text.split())
        return frozenset(commit for commit in asked if commit not in new)

    def graph(self, commits: Iterable[str], release: Release) -> dict[str, tuple[str, ...]]:
        """Return all that ``commits`` bring and the release lacks, each with its parents."""
        lines = "".join(f"{commit}\n" for commit in commits) + f"^{release.commit}\n"
        reply = self.repository.git("rev-list", "--parents", "--stdin", put=lines.encode())
        rows = (line.split() for line in reply.text.splitlines())
        return {commit: tuple(parents) for commit, *parents in rows}

    def namings(self, release: Release, subjects: MergeSubjects) -> dict[int, Naming]:
        """Return the newest commit of the release's first-parent history that names each ticket as merged."""
        words = ("log", "-z", "--first-parent", "--format=%H%x09%s", release.commit)
        rows = self.repository.git(*words).out.decode("utf-8", "replace").split("\0")
        told = (row.split("\t", 1) for row in rows if row)
        return namings_in((Naming(commit=commit, subject=subject) for commit, subject in told), subjects)

    def merges(self, release: Release) -> dict[str, Naming]:
        """Return the commits that the release's first-parent history merged, and the merge of each.

        That a release merely contains a commit says little: so it does the tip of a branch on which nothing was done
        yet.
        """
        words = ("log", "-z", "--first-parent", "--merges", "--format=%H %P%x09%s", release.commit)
        rows = self.repository.git(*words).out.decode("utf-8", "replace").split("\0")
        merges = (row.split("\t", 1) for row in rows if row)
        return {
            commit: Naming(commit=merge, subject=subject)
            for ids, subject in merges
            for merge, _, *others in [ids.split()]
            for commit in others
        }

    def keep(self, name: str, commit: str) -> None:
        """Give a commit of ours a name under ``refs/integrand/``, so that it stays and can be fetched from here."""
        self.repository.git("update-ref", f"refs/integrand/{name}", commit)

    def _local(self, prefix: str) -> dict[str, str]:
        return self._fetcher.here(prefix)

    @property
    def _fetcher(self) -> Fetcher:
        return Fetcher(repository=self.repository, url=self.url, remote=self.remote)


def _full_ref(branch: str) -> str:
    return branch if branch.startswith("refs/") else f"refs/heads/{branch}"


def _number_of(local: str) -> int:
    return int(local.rpartition("/")[2])


def _repository(url: str, state: Path, remote: Mapping[str, str]) -> Repository:
    """The local repository for what ``url`` listed."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", url.removesuffix(".git"))[-40:].strip("-")
    digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    # Git tells by their length alone how ids are made: 40 digits of SHA-1, or 64 of SHA-256.
    is_sha256 = any(len(commit) == 64 for commit in remote.values())
    path = state / "mirrors" / f"{name}-{digest}{'-sha256' if is_sha256 else ''}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    return Repository.open(path, "sha256" if is_sha256 else "sha1", origin=url)
