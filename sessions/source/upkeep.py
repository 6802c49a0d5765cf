"""Keep a mirror small: delete refs of past days, and pack the objects."""

from __future__ import annotations

import datetime as dt

from sessions.source.command import call_git
from sessions.source.repository import Repository

# Merges write single files. With more files or packs than this, git becomes slow; git's own limits are 6,700 and 50.
_MOST_LOOSE = 2000
_MOST_PACKS = 20
# Seconds. Packing a mirror as large as Sage's takes some minutes. Leftovers of a stopped run are removed later.
_PATIENCE = 900.0


def tidy_mirror(repository: Repository, before: dt.date) -> None:
    """Delete refs of days before a date, and pack the objects if there are many files.

    Unreferenced objects are deleted only if they are older than an hour: another process may be writing.

    Raises :class:`SourceError` if git cannot read the refs.
    """
    kept = ("refs/integrand/days/", "refs/integrand/evidence/")
    # A merge has the date of its day.
    rows = repository.git("for-each-ref", "--format=%(committerdate:short)%09%(refname)", *kept).lines()
    old = [ref for day, ref in (row.split("\t", 1) for row in rows) if day < before.isoformat()]
    if old:
        repository.git("update-ref", "--stdin", put="".join(f"delete {ref}\n" for ref in old).encode())
    counts = dict(line.split(": ", 1) for line in repository.git("count-objects", "-v").lines())
    if int(counts["count"]) > _MOST_LOOSE or int(counts["packs"]) > _MOST_PACKS:
        # If packing fails or takes too long, the mirror stays as it was.
        call_git("gc", "--quiet", "--prune=1.hour.ago", git_dir=repository.git_dir, patience=_PATIENCE)
