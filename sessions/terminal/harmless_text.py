"""Make untrusted text safe to show: a ticket's title or a log may hold codes that control a terminal or a CI runner."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"  # control sequences of a terminal
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters, but tab and line feed
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # characters that change the direction of writing
    r"|[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164]"
    r"|[\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"  # with the line above: invisible characters
)
# Commands of CI runners: GitHub's at the start of a line, and its old form and similar ones (##vso[…]) anywhere.
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
_CI_COMMAND = re.compile(r"^(?P<start>\s*):(?=:)|#(?=#[a-z]*\[)", re.MULTILINE | re.IGNORECASE)


def harmless(text: str) -> str:
    """Remove control sequences, control characters and invisible characters; keep tabs and line feeds.

    Bytes that were not UTF-8 (lone surrogates) become escapes.
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n")).encode("utf-8", "backslashreplace").decode()


def harmless_lines(text: str, most: int) -> list[str]:
    """Return the first lines of an untrusted text, and a last one that says how many there are more."""
    rows = harmless(text).strip("\n").splitlines()
    return [*rows[:most], *([f"… {len(rows) - most} more lines"] if len(rows) > most else [])]


def harmless_line(text: str) -> str:
    """Put untrusted text on one line that neither a terminal nor a CI runner obeys."""
    return break_ci_commands(" ".join(harmless(text).split()))


def harmless_json(text: str) -> str:
    """Escape what a CI runner would take for a command in JSON text; the value stays the same.

    Only the old form has to be escaped: no line of JSON starts with a colon.
    """
    return re.sub(r"#(?=#[a-z]*\[)", r"\\u0023", text, flags=re.IGNORECASE)


def break_ci_commands(text: str) -> str:
    """Insert a space into each command that a CI runner would obey; ``text`` consists of whole lines."""
    return _CI_COMMAND.sub(lambda found: f"{found['start']}: " if found["start"] is not None else "# ", text)
