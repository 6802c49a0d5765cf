"""Bring the head of a run record to another machine as a bundle, and check it before it is pushed.

See https://git-scm.com/docs/git-bundle.
"""

from __future__ import annotations

from pathlib import Path

from sessions.ledger.record import Record
from sessions.source.bundles import fetch_from_bundle
from sessions.source.mirror import Mirror
from sessions.source.refusals import first_words
from sessions.source.start import release_at
from sessions.terminal.errors import SourceError


def pack_head(mirror: Mirror, record: Record, bundle: Path) -> None:
    """Write the head and all its commits that the release lacks as a bundle.

    Raises :class:`SourceError` if git cannot write it.
    """
    ref = f"refs/integrand/{_name(record)}"
    mirror.repository.keep(_name(record), record.head)
    mirror.repository.git("bundle", "create", "--quiet", str(bundle), ref, f"^{record.base}")


def fetch_head(mirror: Mirror, record: Record, bundle: Path) -> None:
    """Fetch the record's head from a bundle into the mirror, unless the mirror has it.

    Raises :class:`SourceError` if the release cannot be fetched, or the bundle cannot be read.
    """
    if mirror.present([record.head]) or not bundle.is_file():
        return
    release_at(mirror, record.release, record.base)
    ref = f"refs/integrand/{_name(record)}"
    reply = fetch_from_bundle(mirror.repository, [ref], bundle)
    if reply.status:
        raise SourceError(
            f"{bundle} cannot be used ({first_words(reply)}), and nothing of it is pushed: type `nox -s integrate` "
            "with --pack on the machine that made it, then publish again."
        )


def check_head(mirror: Mirror, record: Record) -> None:
    """Raise :class:`SourceError` unless tree, base and merges of the head agree with the record."""
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
    arguments = ("rev-list", "--first-parent", "--parents", f"--max-count={len(recorded)}", head)
    rows = [line.split() for line in mirror.repository.git(*arguments).lines()] if recorded else []
    if [row[2] if len(row) == 3 else "" for row in reversed(rows)] != recorded:
        raise _unlike(head, "it merges other commits than those of the integrated tickets")


def _name(record: Record) -> str:
    return f"days/{record.branch}"


def _unlike(head: str, why: str) -> SourceError:
    return SourceError(
        f"The commit {head[:10]} is not the head that the run record describes ({why}), and is not pushed: type "
        "`nox -s integrate`, then publish again."
    )
