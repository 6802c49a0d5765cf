"""Make a small copy of a repository: a head, and all commits since the release."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sessions.source.releases import Release
from sessions.source.repository import Repository


def copy_since(repository: Repository, release: Release, head: str, branch: str, folder: Path) -> None:
    """Write a ``.git`` folder in which ``branch`` is checked out at ``head``.

    It has the commits of ``head`` that the release lacks, and their parents as the shallow ends of the history, so
    that ``git show`` works for each. It has no remote, so no address leaks.
    """
    rows = repository.git("rev-list", "--boundary", head, f"^{release.commit}").lines()
    ends = [row[1:] for row in rows if row.startswith("-")] or [release.commit]
    with tempfile.TemporaryDirectory() as scratch:
        # git makes the copy from a temporary repository that borrows all objects and has the same shallow ends.
        lender = Repository.open(Path(scratch) / "lender.git")
        (lender.path / "objects" / "info" / "alternates").write_text(f"{repository.path / 'objects'}\n")
        (lender.path / "shallow").write_text("".join(f"{commit}\n" for commit in ends))
        lender.git("update-ref", f"refs/heads/{branch}", head)
        lender.git("update-ref", f"refs/tags/{release.tag}", release.commit)
        lender.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        lender.git("clone", "--quiet", "--bare", "--template=", f"file://{lender.path}", str(folder))
    copy = Repository.open(folder)
    copy.git("remote", "remove", "origin")
    copy.git("config", "core.bare", "false")
    copy.git("read-tree", "HEAD")
