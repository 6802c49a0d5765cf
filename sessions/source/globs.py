"""Match paths with globs as in ``.gitignore``: ``src/**/*.py``, ``*.pdf``, ``!src/old/**``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pathspec import GitIgnoreSpec


def matching(globs: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``paths`` that match ``globs``, sorted."""
    return tuple(sorted(GitIgnoreSpec.from_lines(globs).match_files(paths)))


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a path matches ``globs``."""
    return GitIgnoreSpec.from_lines(globs).match_file


def fixed_folder(glob: str) -> str:
    """Return the folders before the first wildcard: ``local/share/pdf`` for ``local/share/pdf/**/*.pdf``.

    >>> fixed_folder("local/share/pdf/**/*.pdf"), fixed_folder("*.pdf"), fixed_folder("a/b.pdf")
    ('local/share/pdf', '', 'a')
    """
    folders = glob.lstrip("/").split("/")[:-1]
    plain = [n for n, folder in enumerate(folders) if any(mark in folder for mark in "*?[")]
    return "/".join(folders[: plain[0]] if plain else folders)
