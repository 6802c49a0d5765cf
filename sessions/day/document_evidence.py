"""Read the errors of documents before a search: which tickets write what an error names, and whether it comes again.

A document is built, as a program is: an error of LaTeX comes the same way each time, in runs that may be long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sessions.culprits.evidence import Repeatable
from sessions.culprits.suspicion import FIRST_ERROR
from sessions.day.question import Question
from sessions.day.result_cache import ResultCache
from sessions.gates.results import Failure, Presence, TestId
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.source.merging import Candidate

# The first run and the second look.
_ATTEMPTS = (1, 2)
# Shorter control sequences are in many texts.
_COMMAND = re.compile(r"\\[A-Za-z]{3,}")
# A word that more of the tickets write points at none of them.
_FEW = 2


def suspects_by_words(failures: Iterable[Failure], diffs: Mapping[int, Diff]) -> dict[TestId, dict[int, float]]:
    """Return the tickets that add what the errors of a document quote: a control sequence, or a label.

    ``failures`` are those of :func:`repeatable_errors`, ``diffs`` those of the line, by ticket.
    """
    tests = [failure.test for failure in failures]
    writers: dict[str, set[int]] = {}
    for test in tests:
        for word in _quoted(test):
            pattern = re.escape(word)
            adding = {
                number for number, diff in diffs.items() if any(diff.adds(path, pattern) for path in diff.touched)
            }
            writers.setdefault(test.file, set()).update(adding if len(adding) <= _FEW else ())
    return {test: dict.fromkeys(sorted(writers.get(test.file, ())), FIRST_ERROR) for test in tests}


def repeatable_errors(
    cache: ResultCache, head: Candidate, gate: Gate, failures: Iterable[Failure]
) -> dict[TestId, Repeatable]:
    """Return the errors of documents that both runs of a gate on the head show; a test's name has the error's words.

    A document that is not made, or not finished, comes with its errors. Empty for gates of other formats.
    """
    if gate.format != "latex":
        return {}
    questions = (
        Question(gate=gate, candidate=head, attempt=attempt, why="", purpose=Purpose.HEAD) for attempt in _ATTEMPTS
    )
    runs = [run for question in questions if (run := cache.find(question))]
    if len(runs) < len(_ATTEMPTS):
        return {}
    worth = Repeatable.at(max(run.seconds for run in runs))
    again = [
        failure for failure in failures if all(run.results.presence(failure.test) is Presence.FAILED for run in runs)
    ]
    documents = {failure.test.file for failure in again if failure.kind == "error"}
    return {failure.test: worth for failure in again if failure.test.file in documents}


def _quoted(test: TestId) -> set[str]:
    return {test.example} if test.name.startswith("undefined") else set(_COMMAND.findall(test.example))
