"""The commits that show failures, taken to another machine: fetched from the project, or from a bundle.

A bundle is one file that git can fetch from, see https://git-scm.com/docs/git-bundle. It holds only the commits that
the release lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sessions.source.bundles import fetch_from_bundle
from sessions.source.mirror import Mirror
from sessions.source.refusals import first_words
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError

BUNDLE = "evidence.bundle"
_REFS = "refs/integrand/reproduce/"


def write_bundle(repository: Repository, commits: Iterable[str], release: str, path: Path) -> None:
    """Write ``commits`` and all that they need and the commit ``release`` lacks; no file where there are none.

    Raises :class:`SourceError` where git cannot write it.
    """
    missing = sorted(set(commits))
    if not missing:
        path.unlink(missing_ok=True)
        return
    refs = [f"{_REFS}{commit}" for commit in missing]
    updates = "".join(f"update {ref} {commit}\n" for ref, commit in zip(refs, missing, strict=True))
    repository.git("update-ref", "--stdin", put=updates.encode())
    half = path.with_name(f"{path.name}.half")
    words = "".join(f"{ref}\n" for ref in refs) + f"^{release}\n"
    # Git takes the prerequisites from the history of the refs; --stdin, as there may be thousands of refs.
    repository.git("bundle", "create", "--quiet", str(half), "--stdin", put=words.encode())
    half.replace(path)


def fetch_release(mirror: Mirror, commit: str, tag: str) -> None:
    """Bring a release's commit into the mirror: by itself, with its tag, or with all branches and tags.

    Raises :class:`SourceError` where the repository does not have it.
    """
    if mirror.present([commit]):
        return
    refs = {ref: ref for ref in mirror.remote if ref == f"refs/tags/{tag}"}
    everything = {ref: ref for ref in mirror.remote if ref.startswith(("refs/heads/", "refs/tags/"))}
    if fetch_commits(mirror, [commit]):
        return
    for wanted in (refs, {f"refs/integrand/remote/{ref}": ref for ref in everything}):
        mirror.fetch(wanted)
        if mirror.present([commit]):
            return
    raise SourceError(
        f"{mirror.url} does not have the commit {commit[:10]} that {tag} was in the record: name the repository that "
        "the day was run on with --repository URL."
    )


def fetch_commits(mirror: Mirror, commits: Iterable[str]) -> bool:
    """Fetch commits by their ids from the project's repository; return whether all are in the mirror now.

    Not every server gives out a commit that no branch ends with, and most candidates were never pushed: that is no
    error here.
    """
    missing = sorted(set(commits) - mirror.present(commits := list(commits)))
    if missing:
        put = "".join(f"+{commit}:{_REFS}{commit}\n" for commit in missing).encode()
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--stdin", "--")
        mirror.repository.git(*words, mirror.url, put=put, ok=(0, 1, 128), online=True)
    return len(mirror.present(commits)) == len(set(commits))


def fetch_bundle(mirror: Mirror, commits: Iterable[str], path: Path) -> None:
    """Bring ``commits`` into the mirror from a bundle; the release that it builds on must be there.

    Raises :class:`SourceError` where the bundle is missing, damaged, or of other commits.
    """
    missing = sorted(set(commits) - mirror.present(commits := list(commits)))
    if not path.is_file():
        raise SourceError(
            f"The commit {missing[0][:10]} was not pushed to {mirror.url}, and there is no {BUNDLE} beside the "
            "record: copy it from the folder of the report."
        )
    reply = fetch_from_bundle(mirror.repository, (f"{_REFS}{commit}" for commit in missing), path)
    if reply.status or len(mirror.present(commits)) < len(set(commits)):
        raise SourceError(
            f"{path.name} cannot be used ({first_words(reply)}): copy it again from the folder of the report; it must "
            "be of the same day as the record."
        )
