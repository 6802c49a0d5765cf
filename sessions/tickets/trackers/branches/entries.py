"""Read a list of branches from text or TOML. Pure.

The text is that of linux-next's ``Next/Trees``
(https://git.kernel.org/pub/scm/linux/kernel/git/next/linux-next.git/tree/Next/Trees), or has three words per line:
name, remote, branch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from sessions.settings.toml_text import parse_toml
from sessions.terminal.errors import TrackerError

# The first lines of linux-next's file.
_HEADER = re.compile(r"Trees included into this release:|Name\s+Type\s+Url|[-\s]+", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, kw_only=True)
class BranchEntry:
    """An entry: a branch or a tag, or all branches that a pattern matches (``refs/heads/topic/*``).

    ``remote`` is the address of its repository, empty for the project's own. ``depends`` names other entries.
    ``number`` is 0 if the position in the list is the number. ``commit`` is the reviewed one, empty for the tip of the
    branch. ``signers`` is the path of a file of keys, one of which must have signed the tag that ``branch`` is
    (``refs/tags/for-upstream``), empty if no signature is required. ``reason`` says why an entry has no branch, for
    example because a tree is a series of patches.
    """

    name: str
    branch: str
    remote: str = ""
    labels: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    milestone: str = ""
    number: int = 0
    commit: str = ""
    signers: str = ""
    reason: str = ""

    @property
    def is_pattern(self) -> bool:
        """Whether the entry means several branches."""
        return "*" in self.branch

    @property
    def full_ref(self) -> str:
        """The full name of the ref, or of the pattern."""
        return self.branch if self.branch.startswith("refs/") else f"refs/heads/{self.branch}"


def read_branch_list(text: str, path: str) -> tuple[BranchEntry, ...]:
    """Return the entries of a list in its order. The format is TOML if the file's name ends so, and text otherwise.

    Raises :class:`TrackerError` with the place of an error.
    """
    entries = tuple(_toml_entries(text, path) if path.endswith(".toml") else _text_entries(text, path))
    names = [entry.name for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TrackerError(f"{path}: the entry {twice[0]!r} is there twice.")
    for entry in entries:
        if unknown := sorted(set(entry.depends) - set(names)):
            raise TrackerError(f"{path}: {entry.name} depends on {unknown[0]!r}, which is no entry.")
    return entries


def _text_entries(text: str, path: str) -> Iterator[BranchEntry]:
    for number, line in enumerate(text.splitlines(), start=1):
        match line.split():
            case []:
                pass
            case [word, *_] if word.startswith("#") or _HEADER.fullmatch(line):
                pass
            case [name, "git", address] if "#" in address:
                remote, _, branch = address.rpartition("#")
                yield BranchEntry(name=name, remote=remote, branch=branch)
            case [name, "git", tree] if (
                "://" not in tree
            ):  # as linux-next's `fs-current git linux-next`, which it merges itself
                yield BranchEntry(name=name, branch="", reason="the list names no branch of it (URL#BRANCH)")
            case [name, "quilt", *_]:
                yield BranchEntry(name=name, branch="", reason="it is a series of patches for quilt, and no branch")
            case [name, remote, branch] if remote != "git":
                yield BranchEntry(name=name, remote=remote, branch=branch)
            case _:
                raise TrackerError(
                    f"{path}, line {number}: must be `NAME git URL#BRANCH` or `NAME REMOTE BRANCH`, not {line!r}."
                )


def _toml_entries(text: str, path: str) -> Iterator[BranchEntry]:
    try:
        raw = parse_toml(text)
    except ValueError as error:
        raise TrackerError(f"The list of branches {path} cannot be read: {error}.") from None
    tables = raw.get("branch", [])
    if raw.keys() - {"branch"} or not isinstance(tables, list):
        raise TrackerError(f"The list of branches {path} may hold [[branch]] tables only, not {sorted(raw)}.")
    for place, table in enumerate(tables, start=1):
        yield _entry(table, f"{path}: branch {place}")


def _entry(table: Any, where: str) -> BranchEntry:
    known = {field.name: field.default for field in fields(BranchEntry) if field.name != "reason"}
    if not isinstance(table, dict):
        raise TrackerError(f"{where} is not a [[branch]] table.")
    if unknown := table.keys() - known.keys():
        raise TrackerError(f"{where}: unknown key {min(unknown)!r}; known are {', '.join(known)}.")
    if not table.get("branch"):
        raise TrackerError(f"{where}: 'branch' is missing.")
    values: dict[str, Any] = {}
    for key, value in {"name": table["branch"], **table}.items():
        values[key] = tuple(value) if isinstance(value, list) else value
        if not _fits(key, values[key], known[key]):
            raise TrackerError(f"{where}: {key} cannot be {value!r}.")
    return BranchEntry(**values)


def _fits(key: str, value: object, default: object) -> bool:
    match default:
        case int():
            return type(value) is int and value > 0
        case tuple():
            return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        case _:
            return isinstance(value, str) and (key != "commit" or bool(_COMMIT.fullmatch(value)))
