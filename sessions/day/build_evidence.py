"""Read the failed builds of a head before a search: which tickets to suspect, and whether the build may be flaky."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sessions.culprits.suspicion import suspicion_of_build
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD
from sessions.day.question import Question
from sessions.day.result_cache import ResultCache
from sessions.gates.build_log import named_files, same_error
from sessions.gates.run_history import RunHistory
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.source.merging import Candidate
from sessions.source.overlays import files_of

# The first run and the second look.
_ATTEMPTS = (1, 2)
# If two builds end with the same first error, the build counts as steady for as many earlier runs: more if the error
# names a place in the source.
_PLACED, _UNPLACED = RunHistory(runs=100), RunHistory(runs=50)


@dataclass(frozen=True, kw_only=True)
class BuildEvidence:
    """Facts about a failed build: the tickets' ``suspicion`` (0 and above), and how ``repeatable`` the failure is.

    ``repeatable`` is ``None`` if the builds did not fail in the same way.
    """

    suspicion: Mapping[int, float]
    repeatable: RunHistory | None


def read_builds(day: Day, cache: ResultCache, head: Candidate, touched: Mapping[int, frozenset[str]]) -> BuildEvidence:
    """Read the logs of the builds of a head. ``touched`` are the paths that each ticket of the line changes."""
    logs = [day.read_log(each) for each in _failed_builds(day, cache, head)]
    tracked = set(files_of(day.mirror.repository, head.tree)).union(*touched.values())
    files = named_files(logs[0], tracked) if logs else named_files("", ())
    repeatable = (_PLACED if files.first else _UNPLACED) if same_error(logs) else None
    return BuildEvidence(suspicion=suspicion_of_build(touched, files.first, files.others), repeatable=repeatable)


def _failed_builds(day: Day, cache: ResultCache, head: Candidate) -> Iterable[ProbeResult]:
    """Yield the failed builds of a head: those before a gate, and the build by itself in a second look."""
    for attempt in _ATTEMPTS:
        for gate in (*day.config.gates, BUILD):
            question = Question(gate=gate, candidate=head, attempt=attempt, why="", purpose=Purpose.HEAD)
            known = cache.find(question)
            if known and not known.built:
                yield known
