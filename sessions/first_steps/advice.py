"""What to mend where a gate measured nothing, by what its command printed. Pure."""

from __future__ import annotations

import re

_SIGNS = (
    (r"No module named '?([\w.-]+)", "Add the Python package that has {0} to [engine] packages."),
    (r"PackageNotFoundError: (?:No package metadata was found for )?([\w.-]+)", "Install {0} itself in [build] run."),
    (r"(?:sh|bash): (?:\d+|line \d+): ([^\s:]+): (?:not found|command not found)", "Install {0}, or mend {what}."),
    (r"([^\s:]+): command not found", "Install {0}, or mend {what}."),
    (r"unrecognized arguments: (\S+)", "Add the plugin that knows {0} to [engine] packages."),
    (r"[Mm]issing required plugins: ([^\n]+)", "Add {0} to [engine] packages."),
    (r"fixture '(\w+)' not found", "Add the plugin that has the fixture {0} to [engine] packages."),
    (r"unable to detect version|setuptools-scm was unable", "Give the version in [build] run."),
)


def advice(log: str, what: str) -> str:
    """A sentence that says what to do, where ``what`` is the key of the command that printed ``log``."""
    for pattern, words in _SIGNS:
        if found := re.search(pattern, log):
            return words.format(*(group.rstrip(".'") for group in found.groups()), what=what)
    return f"Mend {what}, or what it needs."
