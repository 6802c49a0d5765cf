"""Keep one issue for each flaky test at the tracker: opened, edited in place, closed and opened again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sessions.reporting.flake_issue import flake_issue, flake_marker, lines_in
from sessions.reporting.project_flakes import ProjectFlake
from sessions.terminal.console import Console
from sessions.terminal.phrases import counted
from sessions.tickets.dialects import Dialect
from sessions.tickets.trackers.forge.comment import cut, matter
from sessions.tickets.trackers.issues import IssueText, IssueTracker, OwnIssue

# So many issues are opened in one call: a first day could open hundreds.
_MOST_NEW = 10


@dataclass(frozen=True, kw_only=True)
class IssueChange:
    """What an issue is to say; ``own`` is the issue as it is, ``None`` where one is to be opened."""

    own: OwnIssue | None
    text: IssueText
    is_open: bool


def plan_issues(
    flakes: Sequence[ProjectFlake],
    own: Sequence[OwnIssue],
    dialect: Dialect,
    longest: int,
    unknown_lines: Collection[str] = (),
) -> Iterator[IssueChange]:
    """Yield the changes that make the issues say what is known; nothing for those that say it already.

    The oldest issue with a test's marker is that of the test. One that was closed, by whomever, stays closed until the
    test fails on a later day. No issue is opened for a test that has been steady. One that names ``unknown_lines`` is
    left as it is: whether the test is steady there is not known here.
    """
    for each in flakes:
        marker = flake_marker(each.described.flake)
        text = flake_issue(each, dialect)
        text = IssueText(title=text.title, body=cut(text.body, longest))
        issue = next((known for known in own if known.text.body.startswith(marker)), None)
        if issue is None:
            if not each.is_steady:
                yield IssueChange(own=None, text=text, is_open=True)
            continue
        if not issue.closed_on and lines_in(issue.text.body) & {*unknown_lines}:
            continue
        has_failed_since = each.last_failed > issue.closed_on
        is_open = not each.is_steady and (not issue.closed_on or has_failed_since)
        says_the_same = issue.text.title == text.title and matter(issue.text.body) == matter(text.body)
        if is_open != (not issue.closed_on) or (is_open and not says_the_same):
            yield IssueChange(own=issue, text=text, is_open=is_open)


def write_issues(changes: Sequence[IssueChange], issues: IssueTracker, label: str, console: Console) -> None:
    """Make the changes, and say what was done.

    Raises :class:`TrackerError` at the first that the tracker refuses: the next call writes what is then missing.
    """
    new = [each for each in changes if each.own is None]
    for each in changes:
        if each.own is not None:
            issues.edit_issue(each.own, each.text, is_open=each.is_open)
            how = "edited" if each.is_open is (not each.own.closed_on) else "opened again" if each.is_open else "closed"
            console.detail(f"issue #{each.own.number} {how}")
    for each in new[:_MOST_NEW]:
        console.detail(f"issue #{issues.open_issue(label, each.text)} opened: {each.text.title}")
    if len(new) > _MOST_NEW:
        console.detail(f"{counted(len(new) - _MOST_NEW, 'issue')} more will be opened by the next calls")
