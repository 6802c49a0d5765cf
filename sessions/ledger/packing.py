"""Convert results to compact JSON, in which the tests of a file share its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from sessions.gates.results import Failure, Results, TestId

_Shared = TypeVar("_Shared", TestId, Failure)
_FAILURE_FIELDS = tuple(each.name for each in fields(Failure))
_TEST_FIELDS = tuple(each.name for each in fields(TestId))


def pack_results(results: Results) -> dict[str, Any]:
    """Return results as JSON data. Passed and skipped tests are ``{file: [[name, example], …]}``."""
    plain = {each.name: getattr(results, each.name) for each in fields(results)}
    return plain | {
        "failures": [_plain_failure(failure) for failure in results.failures],
        "passed": _by_file(results.passed),
        "skipped": _by_file(results.skipped),
    }


def unpack_results(raw: Mapping[str, Any], known: dict[Any, Any] | None = None) -> Results:
    """Return the results that :func:`pack_results` packed. Raises LookupError or TypeError for anything else.

    Tests and failures that are among ``known`` are taken from there, and the others are added: the runs of a day name
    the same ones, and there may be 20,000 of them.
    """
    known = {} if known is None else known
    return Results(
        **{
            **raw,
            "failures": tuple(_shared(known, _failure(each)) for each in raw["failures"]),
            "passed": tuple(_shared(known, test) for test in _tests(raw["passed"])),
            "skipped": tuple(_shared(known, test) for test in _tests(raw["skipped"])),
            "files": tuple(raw["files"]),
            "notes": tuple(raw["notes"]),
        }
    )


def _by_file(tests: Iterable[TestId]) -> dict[str, list[list[str]]]:
    packed: dict[str, list[list[str]]] = {}
    for test in tests:
        packed.setdefault(test.file, []).append([test.name, test.example] if test.example else [test.name])
    return packed


def _tests(packed: Mapping[str, list[list[str]]]) -> Iterator[TestId]:
    return (TestId(file, *parts) for file, tests in packed.items() for parts in tests)


def _plain_failure(failure: Failure) -> dict[str, Any]:
    """Return a failure as JSON data; ``asdict`` takes ten times as long."""
    plain = {name: getattr(failure, name) for name in _FAILURE_FIELDS}
    return plain | {"test": {name: getattr(failure.test, name) for name in _TEST_FIELDS}}


def _failure(packed: Mapping[str, Any]) -> Failure:
    return Failure(**{**packed, "test": TestId(**packed["test"])})


def _shared(known: dict[Any, Any], value: _Shared) -> _Shared:
    found: _Shared = known.setdefault(value, value)
    return found
