"""Writes commits from edits: pure, so that the same edits give the same commits everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SampleTable = dict[str, Any]  # a table of sample.toml: our own data, so what is wrong in it is simply raised


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit; ``parent`` is its parent's place in :attr:`History.commits`, ``files`` what it changes."""

    parent: int | None
    author: str
    date: datetime
    message: str
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A ticket's branch: the commits, by place, that are its tip and that were reviewed."""

    name: str
    tip: int
    reviewed: int


def edited(tree: Mapping[str, str], edits: Sequence[SampleTable]) -> dict[str, str]:
    """Return the files that the edits change, as they are afterwards."""
    now = dict(tree)
    for edit in edits:
        now[edit["path"]] = _edited(now, edit)
    return {edit["path"]: now[edit["path"]] for edit in edits}


def _edited(tree: Mapping[str, str], edit: SampleTable) -> str:
    match edit:
        case {"path": _, "content": str(content)}:
            return content
        case {"path": path, "append": str(addition)}:
            return tree[path] + addition
        case {"path": path, "find": str(old), "replace": str(new)}:
            return _replaced(tree[path], old, new, path)
        case _:
            raise ValueError(f"an edit says neither find and replace, nor append, nor content: {edit}")


def _replaced(text: str, old: str, new: str, path: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"found {text.count(old)} times in {path} instead of once: {old!r}")
    return text.replace(old, new)


@dataclass(kw_only=True)
class Writer:
    """Commits written so far, each with its whole tree, and where the branches and releases are.

    ``project`` is the first release's tree, ``rows`` are the tickets of ``sample.toml`` by number.
    """

    project: Mapping[str, str]
    rows: Mapping[int, SampleTable]
    commits: list[Commit] = field(default_factory=list)
    trees: list[dict[str, str]] = field(default_factory=list)
    releases: dict[str, int] = field(default_factory=dict)
    branches: dict[int, Branch] = field(default_factory=dict)

    def release(self, row: SampleTable) -> None:
        """Write a release: the bundled tree, or edits of the release before."""
        parent = tuple(self.releases.values())[-1] if self.releases else None
        files = self.project if parent is None else edited(self.trees[parent], row["edit"])
        message = f"{row['tag']}: {row['message']}\n"
        self.releases[row["tag"]] = self._commit(parent, "Abacus Release", row["date"], message, files)

    def branch(self, number: int) -> Branch:
        """Write a ticket's branch, and first the one that it begins at; one without name is not kept."""
        if number not in self.branches:
            row = self.rows[number]
            reviewed = tip = self._start(row)
            if "edit" in row:
                reviewed = tip = self._step(row, reviewed, "edit")
            if "moved" in row:
                tip = self._step(row, reviewed, "moved")
            name = "" if row.get("missing") else row["branch"]
            self.branches[number] = Branch(name=name, tip=tip, reviewed=reviewed)
        return self.branches[number]

    def _start(self, row: SampleTable) -> int:
        start = row.get("from", tuple(self.releases)[-1])
        return self.releases[start] if isinstance(start, str) else self.branch(start).reviewed

    def _step(self, row: SampleTable, parent: int, key: str) -> int:
        date = self.commits[parent].date + timedelta(minutes=row["number"])
        files = edited(self.trees[parent], row[key])
        title = row["title"] if key == "edit" else "one more small thing"
        return self._commit(parent, row["authors"][0], date, f"#{row['number']}: {title}\n", files)

    def _commit(self, parent: int | None, author: str, date: datetime, message: str, files: Mapping[str, str]) -> int:
        self.commits.append(Commit(parent=parent, author=author, date=date, message=message, files=files))
        self.trees.append({**(self.trees[parent] if parent is not None else {}), **files})
        return len(self.commits) - 1
