"""Audit the day's head before it is pushed.

A head that an earlier call found green is not audited again until it is pushed: the same commits give the same result.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from sessions import __version__
from sessions.auditing.branch_steps import AllowedCommits
from sessions.day.context import Day
from sessions.ledger.record_file import write_whole
from sessions.source.line import Line
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers import merge_subjects


def audit_head(day: Day, line: Line) -> str:
    """Audit the head of the merge line; return why it must not be pushed, or an empty text."""
    merger = day.merger
    trunk = {merger.trunk.commit: str(merger.trunk)} if merger.trunk else {}
    # Where the target branch contains the release, the line starts at its commit, and no merge of ours is in between.
    start = merger.base.commit if merger.base.commit in trunk else merger.bare.commit
    known = AllowedCommits(
        tickets={each.number: each.commit for each in line.tickets},
        subjects=merge_subjects(day.config.tickets),
        others=trunk,
        strict=True,
        settled=_paths(line, is_whole=False),
        replaced=_paths(line, is_whole=True),
    )
    file, inputs = day.home / "audited.json", _digest(start, line.head.commit, known)
    verdict = "" if day.options.publish or day.options.fresh else _verdict_of(file, inputs)
    if verdict:
        day.console.detail(f"audit: {verdict}")
        return ""
    from sessions.auditing.branch_audit import audit_branch  # few calls of a day have a head to audit

    try:
        found = audit_branch(day.mirror.repository, start, line.head.commit, known)
    except SourceError as error:
        return f"the head could not be audited, so nothing is pushed: {str(error).rstrip('.')}"
    if found.faults:
        return f"the audit of the head is red, so nothing is pushed: {found.verdict}"
    write_whole(file, json.dumps({"inputs": inputs, "verdict": found.verdict}))
    day.console.detail(f"audit: {found.verdict}")
    return ""


def _digest(start: str, end: str, known: AllowedCommits) -> str:
    """Return a digest of all that the result of an audit depends on."""
    files = [{commit: sorted(paths) for commit, paths in each.items()} for each in (known.settled, known.replaced)]
    inputs = [__version__, start, end, known.tickets, known.others, *files]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _verdict_of(file: Path, inputs: str) -> str:
    """Return the verdict that the last green audit kept, if it had the same inputs; else an empty text."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        return str(kept["verdict"]) if kept["inputs"] == inputs else ""
    return ""


def _paths(line: Line, *, is_whole: bool) -> dict[str, frozenset[str]]:
    """Return the files that kept resolutions decided, by the commit of the ticket that needed them."""
    commits = {each.number: each.commit for each in line.tickets}
    paths = dict[str, frozenset[str]]()
    for use in line.head.uses:
        if use.is_whole == is_whole:
            commit = commits[use.ticket]
            paths[commit] = paths.get(commit, frozenset()) | frozenset(use.paths)
    return paths
