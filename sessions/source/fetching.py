"""Fetch refs of a remote repository in as few calls of git as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sessions.source.command import GitReply
from sessions.source.refusals import failed_fetch, first_words, is_of_one_branch, without_secret
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The commits of tickets' branches by ticket number, and why the others could not be fetched."""

    tips: dict[int, str]
    faults: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches from ``url``. ``remote`` are the refs that it listed, with full hex ids."""

    repository: Repository
    url: str
    remote: Mapping[str, str]

    def fetch(self, refs: Mapping[str, str]) -> None:
        """Fetch remote refs (values) under the names of the keys, in one call, or none if all are up to date.

        Raises :class:`SourceError` if one of them cannot be fetched.
        """
        absent = self._missing(refs)
        if not absent:
            return
        reply = self._fetch(absent)
        if reply.status or self._missing(refs):
            raise SourceError(failed_fetch(self.url, reply))

    def fetch_apart(self, refs: Mapping[str, str]) -> dict[str, str]:
        """Fetch refs one by one if needed; return those that cannot be fetched (by local name), and why.

        A call that fails is split in two halves, so that one bad ref of 1,000 costs some 20 calls.

        Raises :class:`SourceError` if the network, the remote or this disk fails rather than a ref.
        """
        absent = self._missing(refs)
        if not absent:
            return {}
        reply = self._fetch(absent)
        missing = self._missing(refs)
        if not missing:
            return {}
        if not reply.status:
            why = "its history ends at a commit whose parents the repository lacks, as it is a shallow clone"
            return dict.fromkeys(missing, why)
        self.check_refs()
        if not is_of_one_branch(reply):
            raise SourceError(failed_fetch(self.url, reply))
        if len(missing) == 1:
            return dict.fromkeys(missing, without_secret(f"it cannot be fetched: {first_words(reply)}"))
        items = list(missing.items())
        half = len(items) // 2
        return self.fetch_apart(dict(items[:half])) | self.fetch_apart(dict(items[half:]))

    def check_refs(self) -> None:
        """Raise :class:`SourceError` if a local ref points to a missing object, which is no ticket's fault."""
        ids = "".join(f"{commit}\n" for commit in local_refs(self.repository, "refs/").values()).encode()
        rows = self.repository.git("cat-file", "--batch-check", put=ids).lines()
        for row in rows:
            if row.endswith(" missing"):
                raise self.repository.lost(f"the object {row.split()[0]}")

    def _fetch(self, refs: Mapping[str, str]) -> GitReply:
        """Fetch the refs, and return git's reply, also if it is an error.

        Only exact ref names that the remote listed are requested, so a hostile branch name cannot act as a refspec.
        """
        reply = fetch_refspecs(self.repository, self.url, (f"+{ref}:{local}" for local, ref in refs.items()))
        if not reply.status:
            # Takes 1 s for Sage, and makes merges seven times faster.
            self.repository.git("commit-graph", "write", "--reachable", "--no-progress")
        return reply

    def _missing(self, refs: Mapping[str, str]) -> dict[str, str]:
        have = local_refs(self.repository, "refs/")
        return {local: ref for local, ref in refs.items() if have.get(local) != self.remote[ref]}


def fetch_refspecs(repository: Repository, source: str, refspecs: Iterable[str]) -> GitReply:
    """Fetch refspecs from an address or a bundle in one call.

    Return git's reply, which may be a failure: status 1 or 128.
    """
    put = "".join(f"{refspec}\n" for refspec in refspecs).encode("utf-8", "surrogateescape")
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--stdin")
    return repository.git("fetch", *options, "--", source, put=put, ok=(0, 1, 128), online=True)


def local_refs(repository: Repository, prefix: str) -> dict[str, str]:
    """Return the refs below ``prefix`` in a local repository, with the objects that they point to.

    Raises :class:`SourceError` if git reports a broken ref.
    """
    reply = repository.git("for-each-ref", "--format=%(objectname)%09%(refname)", prefix)
    if "broken ref" in reply.err:
        raise repository.lost(f"a ref ({reply.last_words.removeprefix('warning: ignoring ')})")
    return {ref: commit for commit, ref in (line.split("\t", 1) for line in reply.lines())}
