"""One mail: its headers and its text, whatever was sent. Pure.

Headers and texts come from anybody. Nothing here fails on them: what cannot be decoded is shown with replacement
characters.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from hashlib import sha256

_MESSAGE_ID = re.compile(r"<([!-;=?-~]{1,500})>")
_NO_ID = "@unsent.invalid"
_LONGEST_HEADER = 10_000
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mail:
    """A mail as it was sent."""

    raw: bytes

    @cached_property
    def _parsed(self) -> Message:
        try:
            return message_from_bytes(self.raw)
        except RecursionError:  # parts in parts in parts: nobody writes such a mail
            return message_from_bytes(self.raw.partition(b"\n\n")[0] + b"\n\n")

    @cached_property
    def message_id(self) -> str:
        """Its id without the angle brackets; one of its content where it has none, as files of ``git format-patch``."""
        return next(iter(_MESSAGE_ID.findall(self.header("Message-ID"))), f"{sha256(self.raw).hexdigest()}{_NO_ID}")

    @property
    def was_sent(self) -> bool:
        """Whether it has an id that others know."""
        return not self.message_id.endswith(_NO_ID)

    @cached_property
    def ancestors(self) -> tuple[str, ...]:
        """The ids of the mails that it answers, the nearest first."""
        references = reversed(_MESSAGE_ID.findall(self.header("References")))
        return tuple(dict.fromkeys((*_MESSAGE_ID.findall(self.header("In-Reply-To"))[:1], *references)))

    @property
    def subject(self) -> str:
        """The subject on one line."""
        return self.header("Subject")

    @cached_property
    def author(self) -> tuple[str, str]:
        """The name and the address of the author, each possibly empty."""
        name, address = next(iter(read_addresses(self.header("From"))), ("", ""))
        return name, address.lower()

    @cached_property
    def date(self) -> datetime:
        """When it was sent, by its author's clock; 1970 where it does not say."""
        try:
            date = parsedate_to_datetime(self.header("Date"))
        except (ValueError, TypeError, OverflowError):
            return _NO_DATE
        return date if date.tzinfo else date.replace(tzinfo=UTC)

    @cached_property
    def text(self) -> str:
        """The text of its plain parts, or of all of it if it has no parts, with plain line ends."""
        is_whole = not self._parsed.is_multipart()  # whatever type a server gave it, git reads the patch in it
        parts = (part for part in self._parsed.walk() if is_whole or part.get_content_type() == "text/plain")
        return "\n".join(map(_decoded, parts)).replace("\r\n", "\n")

    def header(self, name: str) -> str:
        """A header's text on one line, empty where it is not there."""
        values = (value for key, value in self._parsed.raw_items() if key.lower() == name.lower())
        value = next(values, "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        with suppress(ValueError, LookupError):  # else it is shown as it was sent
            value = str(make_header(decode_header(value)))
        return " ".join(value.encode("utf-8", "replace").decode().split())


def read_addresses(*headers: str) -> list[tuple[str, str]]:
    """The names and addresses in headers; none where they are written so that Python cannot read them."""
    try:
        return [pair for pair in getaddresses([header[:_LONGEST_HEADER] for header in headers]) if pair[1]]
    except (RecursionError, ValueError, IndexError):  # comments in comments in comments, and the like
        return []


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
