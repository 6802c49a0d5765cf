"""Cut a long output to the part that people need to see, as plain text."""

from __future__ import annotations

import re

# Prefixes of lines in Docker's builds (`#25 1211.0 `), GitHub's raw logs (a time) and Sage's make (`[package-1.0] `).
_PREFIX = re.compile(
    r"^\ufeff?(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?: |$))?(?:#\d+ \d+\.\d+(?: |$))?"
    r"(?P<writer>\[[a-z][\w.+]*-[\w.+-]+\](?: |$))?",
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def plain_lines(text: str) -> list[str]:
    r"""Return the lines of a log without colours and carriage returns.

    ``str.splitlines`` would also split at form feeds and similar characters, which tests may print.
    """
    return [line.rstrip("\r") for line in _ANSI.sub("", text).split("\n")]


def without_prefix(line: str) -> tuple[str, str]:
    """Split a line into the prefix with which Sage's make names the command that wrote it, and the rest."""
    found = _PREFIX.match(line)
    return ((found["writer"] or "").strip(), line[found.end() :]) if found else ("", line)


def shorten(text: str, limit: int = 2000) -> str:
    """Return about ``limit`` characters of a text: its beginning and its end, where a traceback has the reason."""
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2].rstrip()}\n[…]\n{text[-limit // 2 :].lstrip()}"


def last_lines(text: str, count: int = 30) -> str:
    """Return the last lines of a log, without empty ones at its end."""
    return "\n".join(plain_lines(text.rstrip())[-count:])
