"""The conflict memory of a project: completes merges with the resolutions that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.resolutions.fix_ups import apply_fix_up
from sessions.resolutions.hunks import read_marked
from sessions.resolutions.model import Resolution, ResolutionKind, file_key
from sessions.resolutions.store import open_shelf
from sessions.source.mirror import Mirror
from sessions.source.repository import Repository
from sessions.source.tree_edit import edit_tree, write_blob
from sessions.source.unmerged import OURS, THEIRS, CompletedMerge, Dropped, FileEntry, Unmerged, Use

# Git's words for conflicts that are about one path and its content alone.
_KINDS = frozenset({"contents", "add/add", "binary", "modify/delete"})


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What the memory makes of one file: its entry, ``None`` if it is deleted, and the resolutions that say so."""

    entry: FileEntry | None
    by: tuple[Resolution, ...]


@dataclass(kw_only=True)
class ResolutionMemory:
    """Looks conflicts up among ``resolutions`` (by name). It is a :class:`~sessions.source.unmerged.ConflictMemory`."""

    repository: Repository
    resolutions: Mapping[str, Resolution]
    dropped: dict[str, Dropped] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing."""
        return not self.resolutions

    def drop(self, dropped: Dropped) -> None:
        """Stop using a resolution in this session."""
        self.dropped[dropped.use.id] = dropped

    def solve(self, unmerged: Unmerged, ticket: int) -> CompletedMerge | None:
        """Return the tree in which all conflicts are decided; ``None`` if one of them is not known."""
        if set(unmerged.kinds) - set(unmerged.stages):  # as of a folder that was renamed in two ways
            return None
        decided = dict[str, Decided]()
        for path in unmerged.stages:
            found = self.decide(unmerged, path)
            if found is None:
                return None
            decided[path] = found
        tree = edit_tree(self.repository, unmerged.tree, {path: each.entry for path, each in decided.items()})
        return CompletedMerge(tree=tree, uses=tuple(_uses(decided, ticket)))

    def decide(self, unmerged: Unmerged, path: str) -> Decided | None:
        """Return what the memory makes of one file in conflict; ``None`` if it does not know all of it."""
        stages = unmerged.stages[path]
        if unmerged.kinds[path] not in _KINDS:
            return None
        if whole := self._find(ResolutionKind.FILE, file_key(stages)):
            part = whole.parts.get("content")
            entry = FileEntry(mode=part.mode, id=write_blob(self.repository, part.content)) if part else None
            return Decided(entry=entry, by=(whole,))
        modes = {stages[stage].mode for stage in (OURS, THEIRS) if stage in stages}
        if len(modes) != 1 or len(stages.keys() & {OURS, THEIRS}) < 2:
            return None
        if not (found := self._decide_text(unmerged, path)):
            return None
        content, by = found
        return Decided(entry=FileEntry(mode=modes.pop(), id=write_blob(self.repository, content)), by=by)

    def fix(self, tree: str, commits: Mapping[int, str], ticket: int) -> CompletedMerge:
        """Return the tree with the fix-ups of ``ticket`` and the other tickets in ``commits`` (full hex ids)."""
        uses = list[Use]()
        for each in self.resolutions.values():
            needed = each.about.commits
            if each.kind is not ResolutionKind.FIX_UP or each.id in self.dropped or ticket not in needed:
                continue
            if any(commits.get(number) != commit for number, commit in needed.items()):
                continue
            fixed = apply_fix_up(self.repository, tree, each)
            if fixed and fixed != tree:
                tree = fixed
                others = tuple(sorted(needed.keys() - {ticket}))
                paths = sorted({path.partition("/")[2] for path in each.parts})
                uses.append(_use(each, ticket, tuple(paths), others))
        return CompletedMerge(tree=tree, uses=tuple(uses))

    def _decide_text(self, unmerged: Unmerged, path: str) -> tuple[bytes, tuple[Resolution, ...]] | None:
        with_base, without = f"{unmerged.tree}:{path}", f"{unmerged.plain}:{path}"
        blobs = self.repository.read([with_base, *([without] if self._has_rerere else [])])
        marked = read_marked(blobs[with_base], has_base=True) if with_base in blobs else None
        plain = read_marked(blobs[without], has_base=False) if without in blobs else None
        if marked:
            known = [self._find(ResolutionKind.HUNK, hunk.key) for hunk in marked.hunks]
            by = tuple(each for each in known if each)
            if len(by) == len(marked.hunks):
                return marked.fill([each.parts["text"].content for each in by]), by
        for form in filter(None, (plain, marked)):
            cached = self._find(ResolutionKind.RERERE, form.rerere_id)
            if cached and len(cached.parts) == len(form.hunks):
                return form.fill([cached.parts[str(place)].content for place in range(len(form.hunks))]), (cached,)
        return None

    @cached_property
    def _has_rerere(self) -> bool:
        """Whether any resolution is of git rerere, which names conflicts without their base."""
        return any(each.kind is ResolutionKind.RERERE for each in self.resolutions.values())

    def _find(self, kind: ResolutionKind, key: str) -> Resolution | None:
        found = self.resolutions.get(f"{kind}/{key}")
        return None if found is None or found.id in self.dropped else found


def open_memory(mirror: Mirror) -> ResolutionMemory:
    """Return the memory of a project: what it has published, and what was recorded here.

    Raises :class:`SourceError` if that cannot be fetched.
    """
    return ResolutionMemory(repository=mirror.repository, resolutions=open_shelf(mirror).resolutions)


def _uses(decided: Mapping[str, Decided], ticket: int) -> Iterator[Use]:
    """Yield each resolution that was used, with its files."""
    paths = dict[str, list[str]]()
    used = dict[str, Resolution]()
    for path, each in decided.items():
        for resolution in each.by:
            used[resolution.name] = resolution
            paths.setdefault(resolution.name, []).append(path)
    for name, resolution in used.items():
        yield _use(resolution, ticket, tuple(dict.fromkeys(paths[name])), ())


def _use(resolution: Resolution, ticket: int, paths: tuple[str, ...], others: tuple[int, ...]) -> Use:
    about = resolution.about
    return Use(
        id=resolution.id,
        ticket=ticket,
        paths=paths,
        author=about.author,
        date=about.date,
        others=others,
        is_whole=resolution.kind in (ResolutionKind.FILE, ResolutionKind.FIX_UP),
    )
