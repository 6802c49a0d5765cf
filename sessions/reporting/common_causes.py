"""Tell failures that have one cause together: of the release, of new tests, and of what a ticket breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.gates.causes import cause_of, has_many_failures, say_failures
from sessions.gates.results import TestId
from sessions.ledger.record import Purpose, Record, RecordedBreakage, RecordedCause, RecordedGate, RecordedTicket

# Characters of an error within a sentence.
_WIDTH = 140


@dataclass(frozen=True, kw_only=True)
class AlikeBreakages:
    """Tests that a ticket breaks in the same way: the ``first``, and the others' names."""

    first: RecordedBreakage
    others: tuple[TestId, ...]


def alike(breakages: Sequence[RecordedBreakage]) -> list[AlikeBreakages]:
    """Group the tests that fail with the same error at the same place, as the same runs show."""
    groups: dict[object, list[RecordedBreakage]] = {}
    for place, each in enumerate(breakages):
        cause = cause_of(each.message)
        key = (each.gate, each.with_, each.kind, each.commit, each.evidence, cause) if cause else place
        groups.setdefault(key, []).append(each)
    return [AlikeBreakages(first=group[0], others=tuple(each.test for each in group[1:])) for group in groups.values()]


def number_of_tests(groups: Sequence[AlikeBreakages]) -> int:
    """Return how many tests some groups have."""
    return sum(1 + len(group.others) for group in groups)


def known_apart(gate: RecordedGate) -> list[TestId]:
    """Return the known failures that have no cause in common with others."""
    together = {test for cause in gate.causes for test in cause.known}
    return [test for test in gate.known if test not in together]


def say_cause(cause: RecordedCause) -> str:
    """Return the error of several failures as a clause, and the project's file that raises it."""
    words = cause.words if len(cause.words) <= _WIDTH else f"{cause.words[:_WIDTH]}…"
    return f"{words} (in {cause.file})" if cause.file else words


def release_reasons(record: Record, ticket: RecordedTicket) -> list[tuple[str, tuple[TestId, ...]]]:
    """Return the errors of the release with which tests that a ticket adds fail, and these tests."""
    own = set(ticket.tests.as_release)
    causes = (cause for gate in record.gates.values() for cause in gate.causes)
    found = ((say_cause(cause), tuple(test for test in cause.new if test in own)) for cause in causes)
    return [(words, tests) for words, tests in found if tests]


def release_warning(record: Record) -> str:
    """Return one sentence if a gate has many known failures on the release; empty if none has."""
    found = [
        (failed, f"{say_failures(failed, tests, name)} on {record.release} itself{_commonest(gate)}")
        for name, gate in record.gates.items()
        for failed, tests in [_on_release(record, name, gate)]
        if has_many_failures(failed, tests)
    ]
    if not found:
        return ""
    worst = "; ".join(sentence for _, sentence in sorted(found, reverse=True))
    return f"{worst}. New failures are hard to tell from these: repair the release or its environment first."


def _commonest(gate: RecordedGate) -> str:
    if not gate.causes:
        return ""
    cause = gate.causes[0]
    return f", {len(cause.known)} of them with {say_cause(cause)}"


def _on_release(record: Record, name: str, gate: RecordedGate) -> tuple[int, int]:
    """Return how many tests of a gate failed on the release, and how many ran."""
    if gate.ran.release:
        return gate.ran.release.failed, gate.ran.release.tests
    whole = [
        (probe.failures, probe.tests)
        for probe in record.probes
        if probe.gate == name and probe.purpose is Purpose.RELEASE and probe.files is None and probe.built
    ]
    return max(whole, default=(0, 0))
