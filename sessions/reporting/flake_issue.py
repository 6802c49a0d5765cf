"""Write what is known about a flaky test as the text of an issue."""

from __future__ import annotations

import hashlib
import re

from sessions.reporting.flakes import FlakeFile
from sessions.reporting.project_flakes import ProjectFlake
from sessions.reporting.templates import Filters, render
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.dialects import Dialect
from sessions.tickets.trackers.issues import IssueText

# Forges take titles of 255 characters, Gitea's in bytes.
_LONGEST_TITLE = 120
_LINES = re.compile(r"\A<!-- integrand-flake:\w+ -->\r?\n<!-- integrand-lines: ([\w. -]+) -->")


def flake_marker(flake: FlakeFile) -> str:
    """Return the first line of an issue, hidden on its page, by which the issue of a test is found again."""
    digest = hashlib.sha256(f"{flake.gate}\0{flake.test}".encode("utf-8", "replace")).hexdigest()[:16]
    return f"<!-- integrand-flake:{digest} -->"


def lines_in(body: str) -> frozenset[str]:
    """Return the release lines in which a test is flaky by its issue."""
    found = _LINES.search(body)
    return frozenset(found[1].split()) if found else frozenset()


def flake_issue(found: ProjectFlake, dialect: Dialect) -> IssueText:
    """Return title and body, which names of tests and logs cannot give orders to the tracker with."""
    described, flake = found.described, found.described.flake
    filters: Filters = {"plain": dialect.escape, "fenced": dialect.fence}
    body = render("flake_issue.jinja", filters, described=described, flake=flake, found=found).strip()
    name = harmless_line(f"{flake.test} ({flake.gate})").replace("@", "@\u200b").replace("#", "#\u200b")
    title = f"Flaky test: {name}"
    title = title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
    lines = f"<!-- integrand-lines: {' '.join(found.flaky_lines)} -->\n" if found.flaky_lines else ""
    return IssueText(title=title, body=f"{flake_marker(flake)}\n{lines}{body}\n")
