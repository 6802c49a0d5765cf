"""Find the clone that the user works in, and the address from which its repository can be fetched."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sessions.source.command import call_git
from sessions.source.refusals import first_words, without_secret
from sessions.terminal.errors import UsageError

_PATIENCE = 20.0  # seconds; behind a firewall that drops packets, git would wait for minutes


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The ``address`` for the configuration; ``said`` is the clone's origin, and ``why`` the reason if they differ.

    ``top`` is the top folder of the clone; ``None`` if another repository was named.
    """

    address: str
    name: str
    said: str = ""
    why: str = ""
    top: Path | None = None


def find_origin(folder: Path, requested: str | None) -> Origin:
    """Return the repository to integrate: the ``requested`` one, the clone's origin, or the clone itself.

    The clone is used if its origin cannot be read. Raises :class:`UsageError` if ``folder`` is in no clone and no
    repository is requested.
    """
    if requested:
        here = folder / requested
        address = os.path.relpath(here, folder) if "://" not in requested and here.exists() else requested
        return Origin(
            address=without_secret(address), name=_name(without_secret(requested)), said=without_secret(requested)
        )
    top = _top(folder)
    itself, git_dir = os.path.relpath(top, folder), top / ".git" if (top / ".git").exists() else top
    reply = call_git("remote", "get-url", "origin", git_dir=git_dir, cwd=top, online=True)
    if reply.status:
        return Origin(address=itself, name=top.name, why="it has no remote `origin`", top=top)
    said = reply.text
    if Path(said).is_absolute() or "://" in said or re.match(r"[\w.-]+@[\w.-]+:", said):
        if not (why := _unreadable(said, top)):
            # A mirror on this disk may have any name.
            name = top.name if Path(said).is_absolute() else _name(said)
            return Origin(address=without_secret(said), name=name, said=without_secret(said), top=top)
    else:
        why = "its origin is a path that counts from elsewhere"
    return Origin(address=itself, name=_name(said), said=without_secret(said), why=why, top=top)


def _top(folder: Path) -> Path:
    """Return the top folder of the clone or bare repository that contains a folder."""
    for place in (folder, *folder.resolve().parents):
        if (place / ".git").exists() or all((place / name).exists() for name in ("HEAD", "objects", "refs")):
            return place
    raise UsageError(
        f"{folder} is in no git repository: go into a clone of your project, or name one with --repository URL."
    )


def _unreadable(url: str, top: Path) -> str:
    """Return why a repository cannot be read now; empty if it can."""
    environment = {}
    if "GIT_SSH_COMMAND" not in os.environ:
        environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=10"
    message = ("ls-remote", "--quiet", "--", url, "HEAD")
    reply = call_git(*message, git_dir=None, cwd=top, env=environment, online=True, patience=_PATIENCE)
    return without_secret(first_words(reply).removeprefix("fatal: ")) if reply.status else ""


def _name(url: str) -> str:
    return re.split(r"[/:]", url.rstrip("/").removesuffix("/.git").removesuffix(".git"))[-1] or "project"
