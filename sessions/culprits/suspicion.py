"""Whom to suspect first, by what tickets touch. Pure. It decides what is tried first, never the verdict."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Test = TypeVar("Test", bound=Hashable)

_SAME_FILE, _SAME_FOLDER = 20.0, 3.0


def suspicion(touched: Mapping[int, frozenset[str]], files: Mapping[Test, str]) -> dict[Test, dict[int, float]]:
    """How suspect tickets are, for each test: those that touch its file, then those that touch its folder.

    ``touched`` are the paths that each ticket changes, ``files`` those that the tests are in; empty: unknown.
    """
    folders = {number: {_folder(path) for path in paths} for number, paths in touched.items()}
    found: dict[Test, dict[int, float]] = {}
    for test, file in files.items():
        near = {number: _SAME_FOLDER for number, known in folders.items() if file and _folder(file) in known}
        found[test] = near | {number: _SAME_FILE for number, paths in touched.items() if file in paths}
    return found


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
