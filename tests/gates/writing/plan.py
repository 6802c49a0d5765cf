"""What a run is planned to do, and what is common to all that write it down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sessions.gates.results import TestId

Outcome = Literal["passed", "failed", "error", "skipped"]
Ending = Literal["normal", "interrupted", "killed", "nothing", "garbage", "cut"]
Plan = Mapping[TestId, Outcome]

KILLED = 137  # 128 and the signal's number, as shells say it
GARBAGE = b"\x89PNG\r\n\x1a\n\x00\x00Segmentation fault <oops & \xff\xfe"
ESCAPE = "\x1b[31mred\x1b[0m \x08 text"


class Quirk(StrEnum):
    """What real reporters do that the format's description does not foresee."""

    SHUFFLED = "tests come in another order"
    RAW_CONTROLS = "raw ESC and other control characters"
    ESCAPED_CONTROLS = "control characters as references, which XML forbids, too"
    WRONG_ENCODING = "an encoding declared that is not the one used"
    UNKNOWN_ENCODING = "an encoding declared that does not exist"
    LATIN_1 = "ISO 8859-1 while UTF-8 is declared"
    BYTE_ORDER_MARK = "UTF-8 with a byte order mark"
    UTF_16 = "UTF-16 with a byte order mark"
    TWO_DOCUMENTS = "two documents in one file"
    BLANK_FIRST = "blank lines before the declaration"
    BARE_MARKUP = "unescaped & and < in attributes"
    CDATA_END = "the end of a CDATA section within one"
    NAMESPACE = "a default namespace"
    RERUNS = "tests that failed at first and passed in the end"
    SEVERAL_FILES = "a report in several files"
    NOISE = "lines of other programs in between"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What ran and how it ended, to be written in a dialect."""

    dialect: str
    plan: Plan
    ending: Ending
    quirks: frozenset[Quirk]
    gate: str

    @property
    def order(self) -> list[tuple[TestId, Outcome]]:
        """The tests in the order in which they are written; after an interrupt, the first half of them."""
        items = list(self.plan.items())
        if Quirk.SHUFFLED in self.quirks:
            items.sort(key=lambda item: hashlib.sha256(repr(item[0]).encode()).digest())
        return items[: len(items) // 2] if self.ending in {"interrupted", "killed"} else items

    @property
    def is_failing(self) -> bool:
        """Whether a test that ran has failed."""
        return any(outcome in {"failed", "error"} for _, outcome in self.order)

    def status(self, *, failing: int = 1, interrupted: int = 130) -> int:
        """What the runner ends with, by the numbers that it uses."""
        if self.ending in {"killed", "nothing"}:
            return {"killed": KILLED, "nothing": 0}[self.ending]
        if self.ending == "interrupted":
            return interrupted
        return failing if self.is_failing else 0

    def cut(self, content: bytes) -> bytes:
        """The content as the ending leaves it."""
        if self.ending == "garbage":
            return GARBAGE
        return content[: max(1, len(content) * 2 // 3)] if self.ending == "cut" else content
