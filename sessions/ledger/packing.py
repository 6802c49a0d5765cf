"""Convert results to compact JSON, in which the tests of a file share its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sessions.gates.results import Failure, Results, TestId


def pack_results(results: Results) -> dict[str, Any]:
    """Return results as JSON data. Passed and skipped tests are ``{file: [[name, example], …]}``."""
    plain = {each.name: getattr(results, each.name) for each in fields(results)}
    return plain | {
        "failures": [asdict(failure) for failure in results.failures],
        "passed": _by_file(results.passed),
        "skipped": _by_file(results.skipped),
    }


def unpack_results(raw: Mapping[str, Any]) -> Results:
    """Return the results from data of :func:`pack_results`. Raises LookupError or TypeError for other data."""
    return Results(
        **{
            **raw,
            "failures": tuple(Failure(**{**each, "test": TestId(**each["test"])}) for each in raw["failures"]),
            "passed": _tests(raw["passed"]),
            "skipped": _tests(raw["skipped"]),
            "files": tuple(raw["files"]),
            "notes": tuple(raw["notes"]),
        }
    )


def _by_file(tests: Iterable[TestId]) -> dict[str, list[list[str]]]:
    packed: dict[str, list[list[str]]] = {}
    for test in tests:
        packed.setdefault(test.file, []).append([test.name, test.example] if test.example else [test.name])
    return packed


def _tests(packed: Mapping[str, list[list[str]]]) -> tuple[TestId, ...]:
    return tuple(TestId(file, *parts) for file, tests in packed.items() for parts in tests)
