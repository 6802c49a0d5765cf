"""The tracker that is a list of branches."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from sessions.settings.ticket_settings import Tracker
from sessions.settings.toml_text import read_edited_text
from sessions.terminal.errors import SourceError, TrackerError
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, WriteResult
from sessions.tickets.trackers.branches.entries import BranchEntry, read_branch_list
from sessions.tickets.trackers.kind import Surroundings
from sessions.tickets.trackers.verdict_folder import VerdictFolder

_OF_A_PATTERN = 1000
"""A pattern with the number 4 has the tickets 4001, 4002, …, up to 4999."""


@dataclass(frozen=True)
class BranchList:
    """The list at ``config.url``. A branch's number is its place in the list, unless the list gives it another.

    Verdicts are written into the folder ``<name>.told`` beside the list, one file for each branch.
    """

    config: Tracker
    surroundings: Surroundings

    @property
    def url(self) -> str:
        """The path of the list."""
        return self.config.url

    def read(self) -> tuple[Ticket, ...]:
        """Return a ticket for each branch, in the list's order, pinned to the branch's tip.

        A branch that does not exist, or whose repository cannot be read, is not pinned: the day says why it cannot be
        fetched.

        Raises :class:`TrackerError` if the list is not valid, or the repository of a pattern cannot be read.
        """
        try:
            text = read_edited_text(Path(self.url))
        except (OSError, ValueError) as error:
            raise TrackerError(f"The list of branches {self.url} cannot be read: {error}.") from None
        entries = read_branch_list(text, self.url)
        numbered: dict[int, BranchEntry] = {}
        groups: dict[str, tuple[int, ...]] = {}
        for place, entry in enumerate(entries, start=1):
            expanded = dict(self._expand(entry.number or place, entry))
            if twice := sorted(expanded.keys() & numbered.keys()):
                raise TrackerError(f"{self.url}: two branches have the number {twice[0]}; write `number` for one.")
            numbered |= expanded
            groups[entry.name] = tuple(expanded)
        return tuple(self._ticket(number, entry, groups) for number, entry in numbered.items())

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002  no forge
        """Write the account to ``<name>.told/<number>.md``, unless it says that already."""
        return VerdictFolder(self.url).tell(str(account.number), account)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002
        """Write ``<name>.told/<number>.closed`` with the reason. The list itself stays; its owner changes it."""
        return VerdictFolder(self.url).close(str(ticket.number), ticket, release)

    def _expand(self, number: int, entry: BranchEntry) -> list[tuple[int, BranchEntry]]:
        """Return the numbered branches of an entry: one, or those that match its pattern, sorted by name."""
        if not entry.is_pattern:
            return [(number, entry)]
        try:
            refs = self.surroundings.list_refs(self._remote(entry))
        except SourceError as error:
            raise TrackerError(f"{self.url}: the pattern {entry.name} cannot be looked up: {error}") from None
        found = sorted(ref for ref in refs if fnmatchcase(ref, entry.full_ref) and not ref.endswith("^{}"))
        if len(found) >= _OF_A_PATTERN:
            raise TrackerError(f"{self.url}: {entry.name} matches {len(found)} branches, and 999 are the most.")
        return [
            (_OF_A_PATTERN * number + at, replace(entry, name=re.sub("^refs/heads/", "", ref), branch=ref))
            for at, ref in enumerate(found, start=1)
        ]

    def _ticket(self, number: int, entry: BranchEntry, groups: Mapping[str, tuple[int, ...]]) -> Ticket:
        remote = self._remote(entry)
        commit = entry.commit
        if entry.branch and not commit:
            with suppress(SourceError):
                refs = self.surroundings.list_refs(remote)
                commit = refs.get(f"{entry.full_ref}^{{}}") or refs.get(entry.full_ref, "")
        return Ticket(
            number=number,
            title=entry.name,
            branch=entry.full_ref if entry.branch else "",
            repository=remote,
            commit=commit,
            labels=entry.labels,
            milestone=entry.milestone,
            authors=entry.authors,
            depends=tuple(each for name in entry.depends for each in groups[name] if each != number),
            held=entry.reason or self._unsigned(entry, remote),
        )

    def _unsigned(self, entry: BranchEntry, remote: str) -> str:
        """Why an entry that must be signed is not; nothing where it is, or where the day says that it is not there."""
        if not entry.signers:
            return ""
        try:
            return self.surroundings.check_tag(remote, entry.full_ref, Path(self.url).parent / entry.signers)
        except SourceError as error:
            return f"who signed it cannot be known: {str(error).rstrip('.')}"

    def _remote(self, entry: BranchEntry) -> str:
        """Return the address of an entry's repository; a path is relative to the list's folder."""
        place = Path(self.url).parent / entry.remote
        return str(place.resolve()) if entry.remote and "://" not in entry.remote and place.exists() else entry.remote
