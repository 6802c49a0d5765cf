"""``nox -s release``: check the version that ``sessions/__init__.py`` holds, tag it, and write its notes."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nox

from sessions import __version__
from sessions.terminal.errors import UsageError

CHECKS = ("lint", "typecheck")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def release(session: nox.Session) -> None:
    """Check, then tag the current commit ``vVERSION`` and write the notes to ``build/``; push nothing.

    The words after ``--`` name the sessions that must pass, instead of lint and typecheck.
    """
    tag, root = f"v{__version__}", Path.cwd()
    try:
        session.log(f"Checking that {tag} can be released")
        check_is_clean(_git(session, "status", "--porcelain"))
        check_is_new(tag, _git(session, "tag", "--list", tag))
        changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
        notes = find_notes(changelog, __version__, dt.datetime.now(dt.UTC).date())
    except UsageError as error:
        session.error(str(error))
    session.run(sys.executable, "-m", "nox", "-s", *(session.posargs or CHECKS), external=True)
    path = root / "build" / f"notes-{__version__}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(notes, encoding="utf-8")
    # The default cleanup would remove Markdown's headings as comments.
    session.run("git", "tag", "--annotate", "--cleanup=whitespace", "--file", str(path), tag, external=True)
    session.log(f"Tagged {tag} and wrote {path.relative_to(root)}. Publish with `git push origin {tag}`.")


def check_is_clean(status: str) -> None:
    """Raise :class:`UsageError` unless ``git status --porcelain`` printed nothing."""
    if changed := [line[3:] for line in status.splitlines()]:
        names = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        raise UsageError(f"Not committed: {names}. Commit or remove this, then type `nox -s release` again.")


def check_is_new(tag: str, listed: str) -> None:
    """Raise :class:`UsageError` if ``git tag --list`` found the tag."""
    if listed.strip():
        raise UsageError(f"The tag {tag} exists. Raise __version__ in sessions/__init__.py for a new release.")


def find_notes(changelog: str, version: str, today: dt.date) -> str:
    """Return the text of the version's section in the changelog, without its heading.

    Raises :class:`UsageError` unless the changelog's first section is this version's, with a date that is not in the
    future and at least one line of text.
    """
    title, text = next(_sections(changelog), ("", ""))
    found = re.fullmatch(rf"{re.escape(version)} \((?P<date>\d{{4}}-\d\d-\d\d)\)", title)
    if found is None:
        raise UsageError(
            f"The first section of CHANGELOG.md is {title!r}. Begin it with `## {version} ({today.isoformat()})`."
        )
    try:
        is_past = dt.date.fromisoformat(found["date"]) <= today
    except ValueError:
        is_past = False
    if not is_past:
        raise UsageError(f"CHANGELOG.md dates {version} {found['date']}: write the day of the release, {today}.")
    if not text:
        raise UsageError(f"CHANGELOG.md says nothing about {version}: write what changed under its heading.")
    return f"{text}\n"


def _sections(changelog: str) -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each section, in their order."""
    _, *parts = _HEADING.split(changelog)  # the text before the first, then titles and texts in turn
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        yield title.strip(), text.strip()


def _git(session: nox.Session, *arguments: str) -> str:
    return str(session.run("git", *arguments, external=True, silent=True, log=False) or "")
