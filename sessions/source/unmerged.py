"""A merge that git could not finish, and what a memory of earlier decisions makes of it.

The memory itself is in the room ``resolutions``, which imports this one: :class:`ConflictMemory` is what the merge line
needs of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sessions.source.merge_process import split_messages
from sessions.tickets.model import UsedResolution

BASE, OURS, THEIRS = 1, 2, 3  # the stages of a conflict, see git-ls-files(1)


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """An entry of a tree: git's mode (``100644``) and the full hex id of its object."""

    mode: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Unmerged:
    """A merge with conflicts.

    ``tree`` is what git made of it; files with conflicts have markers there in the style ``zdiff3``, which shows the
    text of the base as well. ``plain`` is the same in git's usual style. ``stages`` maps each path to its versions, by
    the numbers :data:`BASE`, :data:`OURS` and :data:`THEIRS`; ``kinds`` maps it to git's word for the conflict.
    """

    tree: str
    plain: str
    stages: Mapping[str, Mapping[int, FileEntry]]
    kinds: Mapping[str, str]


def read_unmerged(fields: Sequence[str], plain: str) -> Unmerged:
    """Read the answer of `git merge-tree --write-tree -z --messages`, field by field, in the style ``zdiff3``.

    ``plain`` is the tree of the same merge in git's usual style.
    """
    tree, *rest = fields
    end = rest.index("")
    stages = dict[str, dict[int, FileEntry]]()
    for row in rest[:end]:
        about, path = row.split("\t", 1)
        mode, object_id, stage = about.split(" ")
        stages.setdefault(path, {})[int(stage)] = FileEntry(mode=mode, id=object_id)
    kinds = dict.fromkeys(stages, "contents")
    for paths, kind in split_messages(rest[end + 1 :]):
        if kind.startswith("CONFLICT ("):
            kinds |= dict.fromkeys(paths, kind.removeprefix("CONFLICT (").rstrip(")"))
    return Unmerged(tree=tree, plain=plain, stages=stages, kinds=kinds)


@dataclass(frozen=True, kw_only=True)
class Use:
    """A kept resolution that a merge used.

    ``id`` names the resolution, ``ticket`` is the one whose merge used it, ``author`` and ``date`` (ISO) are those of
    the record. ``paths`` are the files that it decided; where it ``is_whole``, it decided all of their lines, and not
    only those in conflict. ``others`` are the tickets of a fix-up beside ``ticket``; it is empty for a conflict, of
    which the merge line knows with whom it is.
    """

    id: str
    ticket: int
    paths: tuple[str, ...]
    author: str
    date: str
    others: tuple[int, ...] = ()
    is_whole: bool = False

    @property
    def is_fix_up(self) -> bool:
        """Whether it mends what two tickets break together, although git merges them."""
        return bool(self.others)

    def record(self, others: tuple[int, ...]) -> UsedResolution:
        """Return what is recorded of it; ``others`` are the other side of the conflict."""
        return UsedResolution(
            id=self.id, ticket=self.ticket, with_=others, paths=self.paths, author=self.author, date=self.date
        )

    def __str__(self) -> str:
        """A clause such as ``a.py as resolved by Jane on 2026-11-20 (resolution 0123abcdef)``."""
        how = "fixed up" if self.is_fix_up else "resolved"
        return f"{', '.join(self.paths)} as {how} by {self.author_name} on {self.date} (resolution {self.id})"

    @property
    def author_name(self) -> str:
        """The author without the address, which is nothing for a page that everybody reads."""
        return self.author.partition(" <")[0]


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A resolution that is not used any more in this session, and why, as a clause."""

    use: Use
    why: str

    def __str__(self) -> str:
        """A clause such as ``resolution 0123abcdef by Jane of 2026-11-20 is dropped: with it, #3 breaks a test``."""
        return f"resolution {self.use.id} by {self.use.author_name} of {self.use.date} is dropped: {self.why}"


@dataclass(frozen=True, kw_only=True)
class CompletedMerge:
    """A tree that kept resolutions completed, and which they were."""

    tree: str
    uses: tuple[Use, ...]


class ConflictMemory(Protocol):
    """Earlier decisions on conflicts, as the merge line asks for them."""

    @property
    def dropped(self) -> Mapping[str, Dropped]:
        """The resolutions that are not used any more in this session, by id."""

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing, so that there is no need to ask."""

    def solve(self, unmerged: Unmerged, ticket: int) -> CompletedMerge | None:
        """Return the tree in which all conflicts are decided; ``None`` if one of them is not known."""

    def fix(self, tree: str, commits: Mapping[int, str], ticket: int) -> CompletedMerge:
        """Return the tree with the fix-ups of ``ticket`` and the other tickets in ``commits`` (full hex ids)."""

    def drop(self, dropped: Dropped) -> None:
        """Stop using a resolution."""


@dataclass(frozen=True)
class NoMemory:
    """The memory of a project that keeps no resolutions."""

    dropped: Mapping[str, Dropped] = field(default_factory=dict, init=False)
    is_empty: bool = field(default=True, init=False)

    def solve(self, unmerged: Unmerged, ticket: int) -> CompletedMerge | None:  # noqa: ARG002  it knows nothing
        """Return ``None``."""
        return None

    def fix(self, tree: str, commits: Mapping[int, str], ticket: int) -> CompletedMerge:  # noqa: ARG002  likewise
        """Return the tree as it is."""
        return CompletedMerge(tree=tree, uses=())

    def drop(self, dropped: Dropped) -> None:
        """Do nothing."""
