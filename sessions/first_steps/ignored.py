"""Add the folders that Integrand and Nox create in a clone to ``.gitignore``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sessions.source.command import call_git

_RULES = (".integrand/", ".nox/")


def missing_rules(folder: Path) -> tuple[str, ...]:
    """Return the rules that a clone lacks; none if the folder is in no work tree of git."""
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if top is None:
        return ()
    place = folder.relative_to(top)
    return tuple(rule for rule in _RULES if not _is_ignored(top, f"{(place / rule).as_posix()}/"))


def add_rules(folder: Path, rules: Iterable[str]) -> None:
    """Append rules to a folder's ``.gitignore``, which is created if needed."""
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    text += "\n" * bool(text and not text.endswith("\n")) + "".join(f"{rule}\n" for rule in rules)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _is_ignored(top: Path, path: str) -> bool:
    arguments = ("check-ignore", "--quiet", "--no-index", "--", path)
    return not call_git(*arguments, git_dir=top / ".git", cwd=top, online=True).status
