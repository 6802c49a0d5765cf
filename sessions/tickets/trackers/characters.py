"""Characters that some forges do not store."""

from __future__ import annotations

import re

_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def in_basic_plane(text: str) -> str:
    """The text with each character beyond Unicode's basic plane as ``U+1F41B``.

    GitHub refuses a commit status whose description holds one (422, "description doesn't accept 4-byte Unicode",
    https://github.com/ouzi-dev/commit-status-updater/issues/526), though it takes them in comments. A Trac on MySQL
    with the character set ``utf8`` (three bytes a character) refuses the change, or, in MySQL's lenient mode, silently
    cuts the comment off at the character (https://dev.mysql.com/doc/refman/8.0/en/charset-unicode-utf8mb3.html).
    """
    return _BEYOND.sub(lambda found: f"U+{ord(found[0]):X}", text)
