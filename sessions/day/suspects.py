"""Which tickets a search suspects first, by the files of the failing tests and those that their errors name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sessions.culprits.suspicion import suspect_weights
from sessions.day.gate_files import GateFiles
from sessions.gates.causes import cause_of
from sessions.gates.results import Failure, TestId
from sessions.settings.configuration import Gate


def suspect_tickets(
    files: GateFiles, gate: Gate, failures: Sequence[Failure], tree: str, touched: Mapping[int, frozenset[str]]
) -> dict[TestId, dict[int, float]]:
    """Return how suspect tickets are, for each failing test of a head's tree; ``touched`` are the paths they change.

    Tests whose failures have one cause get the same suspects, and thereby one search.
    """
    groups: dict[object, list[TestId]] = {}
    named: dict[object, set[str]] = {}
    for failure in failures:
        cause = cause_of(failure.message)
        key: object = cause or failure.test
        groups.setdefault(key, []).append(failure.test)
        own = files.locator(gate, tree).locate(failure.test.file) or failure.test.file
        raising = files.tracked(tree).locate(cause.file) if cause and cause.file else None
        named.setdefault(key, set()).update(filter(None, (own, raising)))
    by_test = {test: frozenset(named[key]) for key, tests in groups.items() for test in tests}
    return suspect_weights(touched, by_test)
