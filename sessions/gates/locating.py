"""Which file of the repository a test is in, by what its report says. Pure.

Reports name a test's place in many ways: a path from the repository's root, one from the root folder of the tool, one
from somewhere else on the machine that ran it, or a class (``tests.test_a.TestB``, ``org.a.AppTest``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable


class Locator:
    """Finds files among all paths of one tree."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._by_end: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in self._paths:
            name = posixpath.basename(path)
            self._by_end.setdefault(name, []).append(path)
            self._by_stem.setdefault(name.partition(".")[0], []).append(path)

    def locate(self, place: str) -> str | None:
        """The one path that ``place``, a path or a class, stands for; ``None`` where there is none, or several."""
        if place in self._paths:
            return place
        if found := self._by_path(place):
            return found
        return self._by_class(place)

    def _by_path(self, place: str) -> str | None:
        """The path that ends with ``place``, or that ``place`` ends with: the longest, if there is just one."""
        named = self._by_end.get(posixpath.basename(place), ())
        inner = [path for path in named if path.endswith(f"/{place}")]
        outer = [path for path in named if place.endswith(f"/{path}")]
        if inner:
            return inner[0] if len(inner) == 1 else None
        return max(outer, key=len) if outer else None

    def _by_class(self, place: str) -> str | None:
        """The file whose path, without its ending, has the class or one that holds it at its end."""
        parts = [word for word in re.split(r"[.\\/$]|::", place) if word]
        for count in range(len(parts), 0, -1):
            end, named = "/".join(parts[:count]), self._by_stem.get(parts[count - 1], ())
            found = [path for path in named if _stem(path) == end]
            found = found or [path for path in named if _stem(path).endswith(f"/{end}")]
            # A name space may begin elsewhere than the folders do: `App\\Tests` is often in `tests`.
            found = found or [path for path in named if count == len(parts) > 1 == len(named)]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _stem(path: str) -> str:
    """A path without the endings of its file."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, name.partition(".")[0])
