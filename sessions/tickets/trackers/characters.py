"""Characters that some forges do not store."""

from __future__ import annotations

import re

_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def in_basic_plane(text: str) -> str:
    """Replace each character beyond Unicode's basic plane by its number, such as ``U+1F41B``.

    GitHub refuses a commit status with such a character in its description (422, "description doesn't accept 4-byte
    Unicode", https://github.com/ouzi-dev/commit-status-updater/issues/526), but accepts it in comments. A Trac on MySQL
    with the character set ``utf8`` (at most three bytes per character) refuses the change, or, in MySQL's lenient mode,
    silently cuts the comment off there (https://dev.mysql.com/doc/refman/8.0/en/charset-unicode-utf8mb3.html).
    """
    return _BEYOND.sub(lambda found: f"U+{ord(found[0]):X}", text)
