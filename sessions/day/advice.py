"""Advise what to change if a gate measured nothing, from signs in the log of its command. Pure."""

from __future__ import annotations

import re

from sessions.gates.formats.excerpt import plain_lines

_SIGNS = (
    (r"No module named '?([\w.-]+)", "add the Python package that has {0} to [engine] packages."),
    (r"PackageNotFoundError: (?:No package metadata was found for )?([\w.-]+)", "install {0} itself in [build] run."),
    (r"(?:sh|bash): (?:\d+|line \d+): ([^\s:]+): (?:not found|command not found)", "install {0}."),
    (r"([^\s:]+): command not found", "install {0}."),
    (r"\(you may need to install the ([\w:]+) module\)", "install Perl's module {0}."),
    (r"unrecognized arguments: (\S+)", "add the plugin that knows {0} to [engine] packages."),
    (r"[Mm]issing required plugins: ([^\n]+)", "add {0} to [engine] packages."),
    (r"fixture '(\w+)' not found", "add the plugin that has the fixture {0} to [engine] packages."),
    (
        r"ImportError: cannot import name '?\w+'? from '?(\w+)[\w.]*'? \([^\n]*site-packages",
        "name a version of {0} that fits this release in [engine] packages.",
    ),
    (
        r"(EAI_AGAIN|ENOTFOUND|ENETUNREACH|Could not resolve host|Could not reach host|Temporary failure in name \w+)",
        "probes have no network ({0}): put what is downloaded into the release's image (docs/images.md).",
    ),
    (r"unable to detect version|setuptools-scm was unable", "give the version in [build] run."),
)
# The heading of each step in a probe's log.
_STEP = re.compile(r"==> \w+: status -?\d+")
_ERROR = re.compile(
    r"^E\s+(?!Assertion)\w*(Error|Exception)\b|^\w[\w.]*(Error|Exception): |\berror: |^ERROR: "
    r"|not found|No module named"
)


def last_words(log: str) -> str:
    """Return the last line of a log that names an error, and its last line; at most 300 characters."""
    lines = [line.strip() for line in plain_lines(log) if line.strip() and not _STEP.fullmatch(line)]
    errors = [line for line in lines[-60:] if _ERROR.search(line)]
    shown = dict.fromkeys([*errors[-1:], *lines[-1:]])
    return " | ".join(re.sub(r"^E\s+", "", line) for line in shown)[:300] or "none"


def advice(log: str, what: str) -> str:
    """Return a sentence that says what to do; ``what`` is the configuration key of the command that printed ``log``."""
    how = remedy(log)
    return f"Correct {what} or its requirements" + (f": {how}" if how else ".")


def remedy(log: str) -> str:
    """Return what the first sign in a log says to do; empty if there is none."""
    for pattern, how in _SIGNS:
        if found := re.search(pattern, log):
            return how.format(*(group.rstrip(".'") for group in found.groups()))
    return ""
