"""A guide read as a newcomer reads it: files to write, commands to type, in the order in which they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<word>.+?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Write:
    """A file that the guide shows."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Type:
    """A line that the guide has typed; ``not_run`` says why a test cannot."""

    line: str
    not_run: str = ""


def steps(guide: str) -> Iterator[Write | Type]:
    """All that a guide wants done; of a block of commands, its lines that begin with ``$``."""
    for block in _BLOCK.finditer(guide):
        if block["mark"] == "file":
            yield Write(path=block["word"], text=block["text"])
        elif block["language"] == "console":
            why = block["word"] if block["mark"] == "not run" else ""
            yield from (
                Type(line=line[2:], not_run=why) for line in block["text"].splitlines() if line.startswith("$ ")
            )


def script(guide: str) -> str:
    """The commands that can run, as one shell script that stops at the first that fails."""
    typed = (step for step in steps(guide) if isinstance(step, Type) and not step.not_run)
    return "set -e\n" + "".join(f"{step.line}\n" for step in typed)
