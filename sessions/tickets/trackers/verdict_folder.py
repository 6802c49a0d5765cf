"""The folder of verdicts next to a tracker that is a file: one text for each ticket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sessions.terminal.errors import TrackerError
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import TicketPart, WriteResult


@dataclass(frozen=True)
class VerdictFolder:
    """The folder ``<name>.told`` beside the file at ``path``. The caller names its texts, by plain file names."""

    path: str

    def tell(self, name: str, account: Account) -> WriteResult:
        """Write the account to ``<name>.md``, unless the file says the same.

        Raises :class:`TrackerError` if it cannot be written.
        """
        return WriteResult(changed=(TicketPart.COMMENT,) if self._keep(f"{name}.md", account.text) else ())

    def close(self, name: str, ticket: Ticket, release: str) -> WriteResult:
        """Write ``<name>.closed`` with the reason, unless it exists. Raises as :meth:`tell`."""
        text = f"Release {release} contains it, as of commit {ticket.commit}.\n"
        return WriteResult(changed=(TicketPart.CLOSING,) if self._keep(f"{name}.closed", text) else ())

    def _keep(self, name: str, text: str) -> bool:
        """Write a text to a file unless it has that text; return whether it was written."""
        place = Path(self.path).with_suffix(".told") / name
        content = text.encode("utf-8", "backslashreplace")
        try:
            if place.exists() and (place.suffix == ".closed" or place.read_bytes() == content):
                return False
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
        except OSError as error:
            raise TrackerError(f"{place} cannot be written ({error.strerror}): fix that.") from None
        return True
