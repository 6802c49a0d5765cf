"""The one local copy of a project's repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sessions.source.command import git_version
from sessions.source.fetching import Fetched, Fetcher
from sessions.source.listing import RemoteRefs, full_ref, is_ref, list_remote
from sessions.source.release_history import DEFAULT_REF, TARGET_REF
from sessions.source.releases import Release, releases_in_order
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.terminal.ticket_numbers import file_name


@dataclass(frozen=True)
class Mirror:
    """A bare repository in the state folder, and the refs of its remote.

    ``refs`` are the remote's refs, listed once, so that all decisions of a session agree. ``others`` are the refs of
    other repositories that have branches of tickets, by address.
    """

    repository: Repository
    url: str
    refs: RemoteRefs
    others: dict[str, Mapping[str, str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, url: str, state: Path) -> Mirror:
        """Open the mirror of ``url`` in the state folder, and list the remote's refs. Fetches nothing.

        Raises :class:`SourceError` if ``url`` is not a repository, or cannot be reached.
        """
        git_version()
        listed = list_remote(url)
        return cls(_open_repository(url, state, listed.refs), url, listed)

    @property
    def remote(self) -> dict[str, str]:
        """The remote's refs: full ref names with full hex ids."""
        return self.refs.refs

    def list_refs(self, repository: str) -> Mapping[str, str]:
        """Return the refs of another repository, listed once; those of the project's if the address is empty.

        An annotated tag is listed twice, as ``git ls-remote`` does: ``refs/tags/a``, and ``refs/tags/a^{}`` with the
        commit that it points to.

        Raises :class:`SourceError` if the repository cannot be read.
        """
        if repository not in self.others:
            listed = list_remote(repository) if repository else self.refs
            peeled = {f"{ref}^{{}}": commit for ref, commit in listed.peeled.items()}
            self.others[repository] = listed.refs | peeled
        return self.others[repository]

    def release(self, requested: str, pattern: str = "", name: str = "") -> Release:
        """Return the newest release, or the tag ``requested``, and fetch its objects.

        ``pattern`` is `[project] tags`, and ``name`` the project's name. Tags that do not point to a commit are
        skipped. A default branch that cannot be fetched is named in ``aside``.

        Raises :class:`SourceError` if there is no release, or it cannot be fetched.
        """
        odd = dict[str, str]()
        for release in releases_in_order(list(self.refs.tags), requested, pattern, name):
            ref = f"refs/tags/{release.tag}"
            headless = _fetch_with_default(self, ref)
            commit, kind, tree = _peel(self.repository, ref)
            if kind == "commit":
                passed = [f"the tag {tag} points to a {each} and was skipped" for tag, each in odd.items()]
                aside = "; ".join(filter(None, [*passed, release.aside, headless]))
                return replace(release, commit=commit, tree=tree, aside=aside)
            odd[release.tag] = kind
        tag, kind = next(iter(odd.items()))
        raise SourceError(f"The tag {tag} points to a {kind}, not to a commit: name another release.")

    def at(self, name: str, release: Release) -> Release:
        """Return ``release`` with the commit and the tree of ``name`` in the mirror."""
        commit = self.repository.git("rev-parse", "--verify", f"{name}^{{commit}}").text
        tree = self.repository.git("rev-parse", "--verify", f"{name}^{{tree}}").text
        return replace(release, commit=commit, tree=tree)

    def target(self, branch: str) -> str:
        """Fetch the target branch of the tickets, and return its commit.

        Raises :class:`SourceError` if the repository has no such branch, or it cannot be fetched.
        """
        ref = self.refs.head_ref(branch)
        if ref is None:
            raise SourceError(f"The repository has no branch {branch!r}: set [tickets] target to the one that it has.")
        try:
            self.fetch({TARGET_REF: ref})
        except SourceError as error:
            raise SourceError(f"The tickets' target branch {branch!r} cannot be fetched. {error}") from None
        return self.remote[ref]

    def fetch_branches(self, branches: dict[int, str], elsewhere: Mapping[int, str] | None = None) -> Fetched:
        """Fetch the branches of all tickets in one git call, or in a few calls if some cannot be fetched.

        ``elsewhere`` has the addresses of other repositories, for the tickets whose branches are there; each address
        costs one more call. The mirror names a branch after the ticket's number, wherever the branch comes from.

        The result lacks a ticket whose branch does not exist, or is not at a commit.

        Raises :class:`SourceError` if the project's remote does not answer, or nothing can be fetched from it.
        Another repository that does not answer is reported as a fault of its tickets.
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
        full = {number: full_ref(branch) for number, branch in branches.items()}
        numbers = {f"refs/integrand/tickets/{file_name(number)}": number for number in branches}
        refs = {
            local: full[number] for local, number in numbers.items() if full[number] in remote and is_ref(full[number])
        }
        fetcher = Fetcher(repository=self.repository, url=repository or self.url, remote=remote)
        failed = fetcher.fetch_apart(refs)
        fetched = [local for local in refs if local not in failed]
        tips = self._commits_at(fetched)
        if len(tips) < len(fetched):  # objects that are no commits, or missing
            self._fetcher.check_refs()
        return Fetched(
            tips={numbers[local]: tip for local, tip in tips.items()},
            faults={numbers[local]: why for local, why in failed.items()},
        )

    def _commits_at(self, refs: Sequence[str]) -> dict[str, str]:
        """Return the commits at local refs, or at the tags that they are; without those that are at none."""
        names = "".join(f"{ref}^{{commit}}\n" for ref in refs).encode()
        # git complains of a tag of something else, which is left out here.
        rows = self.repository.git("cat-file", "--batch-check", put=names, may_complain=True).lines() if refs else []
        return {ref: row.split()[0] for ref, row in zip(refs, rows, strict=True) if row.split()[1] == "commit"}

    def fetch(self, refs: dict[str, str]) -> None:
        """Fetch the remote refs (values) under the names of the keys, in one git call; in none if all are up to date.

        Raises :class:`SourceError` if one of them cannot be fetched.
        """
        self._fetcher.fetch(refs)

    def present(self, commits: Iterable[str]) -> frozenset[str]:
        """Return those of ``commits`` that the mirror has."""
        names = "".join(f"{commit}\n" for commit in commits).encode()
        reply = self.repository.git("cat-file", "--batch-check", put=names)
        return frozenset(line.split()[0] for line in reply.text.splitlines() if line.split()[1] == "commit")

    @property
    def _fetcher(self) -> Fetcher:
        return Fetcher(repository=self.repository, url=self.url, remote=self.remote)


def _fetch_with_default(mirror: Mirror, ref: str) -> str:
    """Fetch a tag and the default branch in one call; return a clause if only the branch cannot be fetched."""
    refs = {ref: ref, DEFAULT_REF: "HEAD"} if "HEAD" in mirror.remote else {ref: ref}
    try:
        mirror.fetch(refs)
    except SourceError:
        fetcher = Fetcher(repository=mirror.repository, url=mirror.url, remote=mirror.remote)
        failed = fetcher.fetch_apart(refs)
        if failed.keys() != {DEFAULT_REF}:
            raise
        return f"the default branch was left out: {failed[DEFAULT_REF]}"
    return ""


def _peel(repository: Repository, ref: str) -> tuple[str, str, str]:
    """Return the id and the kind of what a tag points to, and the id of a commit's tree."""
    put = f"{ref}^{{}}\n{ref}^{{tree}}\n".encode("utf-8", "surrogateescape")
    # git complains of a tag without a tree.
    rows = repository.git("cat-file", "--batch-check", put=put, may_complain=True).lines()
    (found, kind, *_), (tree, *_) = (row.split() for row in rows)
    if kind == "missing" or (kind == "commit" and rows[1].endswith(" missing")):
        raise repository.lost(f"what {ref} points to")
    return found, kind, tree


def _open_repository(url: str, state: Path, remote: Mapping[str, str]) -> Repository:
    """Open the local repository for ``url``. ``remote`` are the refs that it listed."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", url.removesuffix(".git"))[-40:].strip("-")
    digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    # Ids of SHA-1 have 40 digits, those of SHA-256 have 64.
    is_sha256 = any(len(commit) == 64 for commit in remote.values())
    path = state / "mirrors" / f"{name}-{digest}{'-sha256' if is_sha256 else ''}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    return Repository.open(path, "sha256" if is_sha256 else "sha1", origin=url)
