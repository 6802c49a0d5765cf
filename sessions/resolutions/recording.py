"""What a finished merge decided about each of its conflicts, as resolutions to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sessions.resolutions.hunks import read_marked
from sessions.resolutions.model import About, Resolution, ResolutionKind, ResolutionPart, file_key
from sessions.source.repository import Repository
from sessions.source.tree_edit import edit_tree, entries_at
from sessions.source.unmerged import FileEntry, Unmerged


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The resolutions of one merge.

    ``tree`` is what git made of the merge with its conflicts resolved as they were; where it differs from the
    finished merge, that has changes outside of all conflicts. ``whole`` are the files that are kept as a whole,
    because lines outside of their conflicts were changed, too, or because git does not merge them line by line.
    """

    resolutions: tuple[Resolution, ...]
    tree: str
    whole: tuple[str, ...]


def learn(repository: Repository, unmerged: Unmerged, tree: str, about: About) -> Lesson:
    """Read from a finished merge, with the tree ``tree``, how its conflicts were resolved."""
    finished = entries_at(repository, tree, unmerged.stages)
    names = [f"{unmerged.tree}:{path}" for path in unmerged.stages]
    contents = repository.read([*names, *(entry.id for entry in finished.values())])
    resolutions, whole = list[Resolution](), list[str]()
    for path, stages in unmerged.stages.items():
        entry = finished.get(path)
        resolved = contents.get(entry.id) if entry else None
        marked = contents.get(f"{unmerged.tree}:{path}")
        here = replace(about, path=path)
        is_text = unmerged.kinds[path] in ("contents", "add/add")
        if is_text and marked is not None and resolved is not None and (hunks := _hunks(marked, resolved, here)):
            resolutions += hunks
        elif entry is None or resolved is not None:  # a submodule cannot be kept
            part = (
                {"content": ResolutionPart(content=resolved, mode=entry.mode)} if entry and resolved is not None else {}
            )
            resolutions.append(Resolution(kind=ResolutionKind.FILE, key=file_key(stages), about=here, parts=part))
            whole.append(path)
    decided: Mapping[str, FileEntry | None] = {path: finished.get(path) for path in unmerged.stages}
    return Lesson(
        resolutions=tuple({each.name: each for each in resolutions}.values()),
        tree=edit_tree(repository, unmerged.tree, decided),
        whole=tuple(whole),
    )


def _hunks(marked: bytes, resolved: bytes, about: About) -> list[Resolution]:
    """Return a resolution for each conflict of a file; none if they cannot be told from the rest of the file."""
    file = read_marked(marked)
    texts = file.texts_in(resolved) if file else None
    if file is None or texts is None:
        return []
    by_key = dict[str, Resolution]()
    for hunk, text in zip(file.hunks, texts, strict=True):
        parts = {"ours": hunk.ours, "theirs": hunk.theirs, "base": hunk.base or b"", "text": text}
        kept = {name: ResolutionPart(content=content) for name, content in parts.items()}
        found = Resolution(kind=ResolutionKind.HUNK, key=hunk.key, about=about, parts=kept)
        if by_key.setdefault(hunk.key, found).parts["text"] != found.parts["text"]:
            return []  # the same conflict twice, and not solved in the same way
    return list(by_key.values())
