"""The head that a run record names: taken to another machine as a bundle, and checked before it is pushed.

See https://git-scm.com/docs/git-bundle.
"""

from __future__ import annotations

from pathlib import Path

from sessions.ledger.record import Record
from sessions.source.mirror import Mirror
from sessions.source.start import release_at
from sessions.terminal.errors import SourceError


def pack_head(mirror: Mirror, record: Record, bundle: Path) -> None:
    """Write the head and all commits that it has and the release does not as a bundle.

    Raises :class:`SourceError` where git cannot.
    """
    ref = f"refs/integrand/{_name(record)}"
    mirror.repository.keep(_name(record), record.head)
    mirror.repository.git("bundle", "create", "--quiet", str(bundle), ref, f"^{record.base}")


def fetch_head(mirror: Mirror, record: Record, bundle: Path) -> None:
    """Bring the record's head from a bundle into the mirror, where it is not there already.

    Raises :class:`SourceError` where the release cannot be fetched, or the bundle cannot be read.
    """
    if mirror.present([record.head]) or not bundle.is_file():
        return
    release_at(mirror, record.release, record.base)
    ref = f"refs/integrand/{_name(record)}"
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(bundle), f"+{ref}:{ref}")
    mirror.repository.git(*words, online=True)


def check_head(mirror: Mirror, record: Record) -> None:
    """Raise :class:`SourceError` unless the head is what the record says: its tree, its base, and each merge."""
    head = record.head
    if not mirror.present([head]):
        raise SourceError(
            f"The head {head[:10]} of the run record is not on this machine. Type `nox -s integrate` here, or with "
            "--pack on the machine that made it, then publish again."
        )
    tree = mirror.repository.git("rev-parse", "--verify", f"{head}^{{tree}}").text
    if tree != record.tree:
        raise _unlike(head, f"its tree is {tree[:10]}, not {record.tree[:10]}")
    if mirror.repository.git("merge-base", "--is-ancestor", record.base, head, ok=(0, 1)).status:
        raise _unlike(head, f"it does not contain the release {record.release}")
    commits = {ticket.number: ticket.commit for ticket in record.tickets}
    recorded = [commits[number] for number in record.order]
    words = ("rev-list", "--first-parent", "--parents", f"--max-count={len(recorded)}", head)
    rows = [line.split() for line in mirror.repository.git(*words).lines()] if recorded else []
    if [row[2] if len(row) == 3 else "" for row in reversed(rows)] != recorded:
        raise _unlike(head, "it merges other commits than those of the integrated tickets")


def _name(record: Record) -> str:
    return f"days/{record.branch}"


def _unlike(head: str, why: str) -> SourceError:
    return SourceError(
        f"The commit {head[:10]} is not the head that the run record describes ({why}), and is not pushed: type "
        "`nox -s integrate`, then publish again."
    )
