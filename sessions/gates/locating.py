"""Find the repository's file of a test from the place that its report names. Pure.

Reports name a test's place in many ways: a path from the repository's root, from the root folder of the tool, or from
somewhere else on the machine that ran it, or a class (``tests.test_a.TestB``, ``org.a.AppTest``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable


class Locator:
    """Finds files among all paths of a tree."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._by_end: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._folders = frozenset(part for path in self._paths for part in path.split("/")[:-1])
        for path in self._paths:
            name = posixpath.basename(path)
            self._by_end.setdefault(name, []).append(path)
            self._by_stem.setdefault(name.partition(".")[0], []).append(path)

    def has_folder(self, name: str) -> bool:
        """Whether a file lies in a folder of this name, at any depth."""
        return name in self._folders

    def locate(self, place: str) -> str | None:
        """Return the path that ``place`` (a path or a class) means; ``None`` if there is none, or more than one."""
        if place in self._paths:
            return place
        if found := self._by_path(place):
            return found
        return self._by_class(place)

    def _by_path(self, place: str) -> str | None:
        """Return the path that ends with ``place``, or that ``place`` ends with: the longest, if it is unique."""
        named = self._by_end.get(posixpath.basename(place), ())
        inner = [path for path in named if path.endswith(f"/{place}")]
        outer = [path for path in named if place.endswith(f"/{path}")]
        if inner:
            return inner[0] if len(inner) == 1 else None
        return max(outer, key=len) if outer else None

    def _by_class(self, place: str) -> str | None:
        """Return the file whose path, without its extension, ends with the class or an enclosing one."""
        parts = [word for word in re.split(r"[.\\/$]|::", place) if word]
        for count in range(len(parts), 0, -1):
            end, named = "/".join(parts[:count]), self._by_stem.get(parts[count - 1], ())
            found = [path for path in named if _stem(path) == end]
            found = found or [path for path in named if _stem(path).endswith(f"/{end}")]
            # A namespace may differ from the folders: `App\\Tests` is often in `tests`.
            found = found or [path for path in named if count == len(parts) > 1 == len(named)]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _stem(path: str) -> str:
    """Return a path without the extensions of its file."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, name.partition(".")[0])
