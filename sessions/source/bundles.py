"""Fetching from a bundle, a file with commits and refs, see https://git-scm.com/docs/git-bundle.

A bundle may come from a machine that ran tickets' code. It holds only commits that the release lacks, so that git can
check all of them strictly without stumbling over an old history.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sessions.source.command import GitReply
from sessions.source.fetching import fetch_refspecs
from sessions.source.repository import Repository

# Author and committer lines that git calls errors (https://git-scm.com/docs/git-fsck#_fsck_messages). They do no harm,
# no session refuses a ticket for them, and so a head may contain them.
_HARMLESS = (
    *("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail"),
    *("missingSpaceBeforeDate", "missingSpaceBeforeEmail", "zeroPaddedDate"),
)
# Tree entries that no checkout may write; git only warns of them unless told otherwise.
_HARMFUL = ("fullPathname", "hasDot", "hasDotdot", "hasDotgit", "nullSha1")


def fetch_from_bundle(repository: Repository, refs: Iterable[str], bundle: Path) -> GitReply:
    """Fetch ``refs`` of a bundle under the same names, if git finds no fault with any of its objects.

    Return git's reply, which may be a failure: status 1 or 128.
    """
    checked = _check_objects(repository, bundle)
    if checked.status:
        return checked
    # All objects are here now, so that this only sets refs.
    return fetch_refspecs(repository, str(bundle.resolve()), (f"+{ref}:{ref}" for ref in refs))


def _check_objects(repository: Repository, bundle: Path) -> GitReply:
    """Add the objects of a bundle, if all are sound: ``git fetch`` checks none in a bundle before git 2.46."""
    levels = dict.fromkeys(_HARMLESS, "ignore") | dict.fromkeys(_HARMFUL, "error")
    strict = ",".join(f"{fault}={level}" for fault, level in levels.items())
    with bundle.open("rb") as file:
        while file.readline().strip():  # the header, which ends with an empty line; the pack follows
            pass
        pack = file.read()
    words = ("index-pack", "--stdin", "--fix-thin", f"--strict={strict}")
    return repository.git(*words, put=pack, ok=(0, 1, 128), may_complain=True)
