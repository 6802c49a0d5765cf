"""The part of a long output that people need to see, as plain text."""

from __future__ import annotations

import re

# What Docker's build (`#25 1211.0 `), GitHub's raw logs (a time) and Sage's make (`[package-1.0] `) put first.
_PREFIX = re.compile(
    r"^\ufeff?(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?: |$))?(?:#\d+ \d+\.\d+(?: |$))?"
    r"(?P<writer>\[[a-z][\w.+]*-[\w.+-]+\](?: |$))?",
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def plain_lines(text: str) -> list[str]:
    r"""The lines of a log, without colours and carriage returns.

    ``str.splitlines`` would also part lines at form feeds and the like, which tests may well print.
    """
    return [line.rstrip("\r") for line in _ANSI.sub("", text).split("\n")]


def without_prefix(line: str) -> tuple[str, str]:
    """A line as its command wrote it, and before that what Sage's make put first to say which of several wrote it."""
    found = _PREFIX.match(line)
    return ((found["writer"] or "").strip(), line[found.end() :]) if found else ("", line)


def shorten(text: str, limit: int = 2000) -> str:
    """The text's beginning and, for a traceback tells the reason last, its end: about ``limit`` characters."""
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2].rstrip()}\n[…]\n{text[-limit // 2 :].lstrip()}"


def last_lines(text: str, count: int = 30) -> str:
    """The last lines of a log, without empty ones at its end."""
    return "\n".join(plain_lines(text.rstrip())[-count:])
