"""The drafts of answers: files that a mail program can open and send. Nothing here sends anything."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr
from pathlib import Path

from sessions.terminal.errors import TrackerError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.trackers.mail.message import Mail, read_addresses

_MOST_COPIES = 50
_SPECIAL = set(' <>,;:"()[]\\')
_REGISTER = ".written.json"


@dataclass(frozen=True)
class Outbox:
    """The folder of drafts, one file ``<number>.eml`` each.

    A register beside them has a hash of what was written: a draft that its owner sent or deleted is not written again
    until there is something else to say.
    """

    folder: Path

    def put(self, name: str, content: bytes) -> bool:
        """Write a draft, unless the last one of that name was the same; whether it was written.

        Raises :class:`TrackerError` where the folder cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        try:
            known = self._read()
            if known.get(name) == digest:
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
            (self.folder / _REGISTER).write_text(json.dumps(known | {name: digest}, indent=1, sort_keys=True))
        except OSError as error:
            raise TrackerError(f"{self.folder} cannot be written ({error.strerror}): correct that.") from None
        return True

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads((self.folder / _REGISTER).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def draft_answer(mail: Mail, text: str) -> bytes:
    """An answer to everybody whom a mail is addressed to; ``X-Unsent`` lets mail programs open it as a draft."""
    draft = EmailMessage()
    subject = harmless_line(mail.subject)[:200]
    draft["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    draft["X-Unsent"] = "1"
    to = _addresses(mail.header("Reply-To") or mail.header("From"))
    copies = [each for each in _addresses(mail.header("To"), mail.header("Cc")) if each not in to]
    for name, addresses in (("To", to), ("Cc", copies[:_MOST_COPIES])):
        if addresses:
            draft[name] = ", ".join(addresses)
    if mail.was_sent:
        draft["In-Reply-To"] = f"<{mail.message_id}>"
        draft["References"] = " ".join(f"<{each}>" for each in (*reversed(mail.ancestors[:20]), mail.message_id))
    draft.set_content(f"{text.strip()}\n", cte="8bit")
    return draft.as_bytes()


def _addresses(*headers: str) -> list[str]:
    """The addresses of headers that are surely addresses, and nothing that could be another header."""
    pairs = read_addresses(*headers)
    sound = [(harmless_line(name), address) for name, address in pairs if _is_address(address)]
    return list(dict.fromkeys(formataddr(pair) for pair in sound))


def _is_address(address: str) -> bool:
    user, at, host = address.rpartition("@")
    return (
        bool(user and at and host)
        and address.isascii()
        and address.isprintable()
        and not set(address) & set(' <>,;:"()\\')
    )
