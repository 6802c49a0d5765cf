"""Mails in an mbox, a maildir, or a public-inbox archive such as lore.kernel.org."""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sessions.terminal.errors import TrackerError
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.mail.message import Mail

# Bytes of one mail, and of a whole mailbox, and the number of mails: more is a mistake, or meant to do harm.
_LARGEST_MAIL = 20_000_000
_LARGEST_BOX = 1_000_000_000
_MOST_MAILS = 50_000
# The line between mails, https://www.rfc-editor.org/rfc/rfc4155, and how the format quotes such lines within a mail.
_FROM = re.compile(rb"(?m)^From \S+[^\n]*\d{4}[^\n]*\n")
# The headers of a mail that was saved by itself.
_SINGLE = re.compile(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?(?i:Subject):")
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")


def read_mailbox(url: str, patience: float) -> tuple[Mail, ...]:
    """Return the mails at an address or a path, each message id once.

    A mail of more than 20 MB is left out: a patch of that size is missed where its series is put together.

    Raises :class:`TrackerError` where it cannot be read, or is too large.
    """
    contents = split_mbox(_download(url, patience)) if "://" in url else _local_mails(Path(url))
    found: dict[str, Mail] = {}
    for content in contents:
        mail = Mail(content)
        if len(content) <= _LARGEST_MAIL:
            found.setdefault(mail.message_id, mail)
        if len(found) > _MOST_MAILS:
            raise TrackerError(f"{url} has more than {_MOST_MAILS} mails: name a query or a smaller mailbox.")
    return tuple(found.values())


def split_mbox(content: bytes) -> Iterator[bytes]:
    """The mails of an mbox, without the lines between them; lines that were quoted are as they were sent."""
    lines = _FROM.finditer(content)
    starts = [found for found in lines if content[max(0, found.start() - 2) : found.start()] in (b"", b"\n\n")]
    ends = [*(found.start() for found in starts[1:]), len(content)]
    for start, end in zip(starts, ends, strict=False):
        yield _QUOTED_FROM.sub(rb"\1", content[start.end() : end])


def _local_mails(path: Path) -> Iterator[bytes]:
    try:
        if path.is_dir():
            yield from _maildir(path)
            return
        if (size := path.stat().st_size) > _LARGEST_BOX:
            raise TrackerError(f"The mailbox {path} has {size} bytes, and {_LARGEST_BOX} are the most.")
        content = path.read_bytes()
    except OSError as error:
        raise TrackerError(f"The mailbox {path} cannot be read: {error.strerror or error}.") from None
    if _FROM.match(content) or not content.strip():
        yield from split_mbox(content)
    elif _SINGLE.match(content):
        yield content
    else:
        raise TrackerError(f"{path} is no mbox: it begins neither with a line `From …` nor with a mail's headers.")


def _maildir(path: Path) -> Iterator[bytes]:
    """The mails of a maildir, https://cr.yp.to/proto/maildir.html: only plain files, and no links out of it."""
    if not all((path / name).is_dir() for name in ("cur", "new")):
        raise TrackerError(f"{path} is no maildir: it lacks the folders cur and new.")
    for file in sorted((*(path / "cur").iterdir(), *(path / "new").iterdir()), key=lambda file: file.name):
        if stat.S_ISREG(file.lstat().st_mode):
            yield file.read_bytes()[: _LARGEST_MAIL + 1]


def _download(url: str, patience: float) -> bytes:
    """The mbox of a query (``https://HOST/INBOX/?q=…``) or of a thread (``https://HOST/INBOX/MESSAGE-ID/``).

    public-inbox answers a query with an mbox only if it is sent by POST: https://public-inbox.org/public-inbox-httpd.
    """
    parts = urlsplit(url)
    caller = Caller("The archive", None, patience)
    base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
    if query := parse_qs(parts.query).get("q"):
        response = caller.read("POST", base, params={"q": query[0], "x": "m", "t": "1"})
    elif "@" in parts.path:
        response = caller.read("GET", re.sub(r"/(t\.mbox\.gz|t|T|raw)/$", "/", base) + "t.mbox.gz")
    else:
        raise TrackerError(f"[tickets] url must name a query or a thread, such as {base}?q=d:2.weeks.ago..")
    if response.status_code != 200:
        raise TrackerError(f"The archive has nothing at {url} (HTTP {response.status_code}).")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(response.content, _LARGEST_BOX)
    except zlib.error:
        raise TrackerError(f"The archive did not answer with a mailbox at {url}: is it a public-inbox?") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        what = "is larger than a gigabyte" if unpacker.unconsumed_tail else "was cut off"
        raise TrackerError(f"The mailbox at {url} {what}: run again, or name a narrower query.")
    return content
