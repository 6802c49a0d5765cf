"""Which tickets to suspect first, by the files they change. Pure. It decides what is tried first, not a verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sessions.culprits.finder import Test

_SAME_FILE, _SAME_FOLDER = 20.0, 3.0
# A file that a build's first error names is changed by the culprit more often than not, however long the line is; one
# that only later errors name comes next.
FIRST_ERROR, _LATER_ERROR = 1000.0, 100.0


def suspect_weights(
    touched: Mapping[int, frozenset[str]], files: Mapping[Test, frozenset[str]]
) -> dict[Test, dict[int, float]]:
    """Return how suspect tickets are, for each test: those that change one of its files most, then those' folders.

    ``touched`` are the paths that each ticket changes, ``files`` those that each test is in, or that its error names.
    """
    folders = {number: {_folder(path) for path in paths} for number, paths in touched.items()}
    found: dict[Test, dict[int, float]] = {}
    for test, named in files.items():
        around = {_folder(file) for file in named}
        near = {number: _SAME_FOLDER for number, known in folders.items() if not around.isdisjoint(known)}
        found[test] = near | {number: _SAME_FILE for number, paths in touched.items() if not named.isdisjoint(paths)}
    return found


def suspicion_of_build(
    touched: Mapping[int, frozenset[str]], first: Collection[str], others: Collection[str]
) -> dict[int, float]:
    """Return how strongly tickets are suspected of breaking the build: those that change files that its errors name.

    ``first`` are the files that the first error names, ``others`` those of all other errors.
    """
    folders = {_folder(path) for path in (first or others)}
    found: dict[int, float] = {}
    for number, paths in touched.items():
        if not paths.isdisjoint(first):
            found[number] = FIRST_ERROR
        elif not paths.isdisjoint(others):
            found[number] = _LATER_ERROR
        elif folders & {_folder(path) for path in paths}:
            found[number] = _SAME_FOLDER
    return found


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
