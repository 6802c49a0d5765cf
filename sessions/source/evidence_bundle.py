"""Bring the commits that show failures to another machine: from the project's repository, or from a bundle.

A bundle is a file that git can fetch from, see https://git-scm.com/docs/git-bundle. Ours has only the commits that the
release lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from sessions.source.bundles import fetch_from_bundle
from sessions.source.fetching import fetch_refspecs
from sessions.source.mirror import Mirror
from sessions.source.refusals import first_words
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError

BUNDLE = "evidence.bundle"
_REFS = "refs/integrand/reproduce/"


def write_bundle(repository: Repository, commits: Iterable[str], release: str, path: Path) -> None:
    """Write ``commits`` and those of their ancestors that ``release`` lacks; no file if there are none.

    Raises :class:`SourceError` if git cannot write the bundle.
    """
    missing = sorted(set(commits))
    if not missing:
        path.unlink(missing_ok=True)
        return
    refs = [f"{_REFS}{commit}" for commit in missing]
    if _bundled(path) == {f"{commit} {ref}" for ref, commit in zip(refs, missing, strict=True)}:
        return
    updates = "".join(f"update {ref} {commit}\n" for ref, commit in zip(refs, missing, strict=True))
    repository.git("update-ref", "--stdin", put=updates.encode())
    half = path.with_name(f"{path.name}.half")
    revisions = "".join(f"{ref}\n" for ref in refs) + f"^{release}\n"
    # git finds the prerequisites in the history of the refs. There may be thousands of refs, hence --stdin.
    repository.git("bundle", "create", "--quiet", str(half), "--stdin", put=revisions.encode())
    half.replace(path)


def _bundled(path: Path) -> set[str]:
    """Return the lines ``ID REF`` in the header of a bundle (gitformat-bundle(5)); empty without a bundle."""
    if not path.is_file():
        return set()
    with path.open("rb") as bundle:
        header = takewhile(lambda line: line.strip(), bundle)
        return {line.decode("ascii", "replace").strip() for line in header if line[:1] not in b"#-@"}


def fetch_release(mirror: Mirror, commit: str, tag: str) -> None:
    """Fetch a release's commit into the mirror: by its id, else with its tag, else with all branches and tags.

    Raises :class:`SourceError` if the repository does not have it.
    """
    if mirror.present([commit]):
        return
    refs = {ref: ref for ref in mirror.remote if ref == f"refs/tags/{tag}"}
    everything = {ref: ref for ref in mirror.remote if ref.startswith(("refs/heads/", "refs/tags/"))}
    if fetch_commits(mirror, [commit]):
        return
    for attempt in (refs, {f"refs/integrand/remote/{ref}": ref for ref in everything}):
        mirror.fetch(attempt)
        if mirror.present([commit]):
            return
    raise SourceError(
        f"{mirror.url} does not have the commit {commit[:10]}, which is {tag} in the record: name the repository that "
        "the day was run on with --repository URL."
    )


def fetch_commits(mirror: Mirror, commits: Iterable[str]) -> bool:
    """Fetch commits by their ids from the project's repository; return whether all are in the mirror now.

    It is no error if some are missing: not every server gives out a commit that is not the tip of a branch, and most
    candidates were never pushed.
    """
    missing = sorted(set(commits) - mirror.present(commits := list(commits)))
    if missing:
        fetch_refspecs(mirror.repository, mirror.url, (f"+{commit}:{_REFS}{commit}" for commit in missing))
    return len(mirror.present(commits)) == len(set(commits))


def fetch_bundle(mirror: Mirror, commits: Iterable[str], path: Path) -> None:
    """Fetch ``commits`` from a bundle into the mirror, which must have the release that they are built on.

    Raises :class:`SourceError` if the bundle is missing, damaged, or does not have the commits.
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
