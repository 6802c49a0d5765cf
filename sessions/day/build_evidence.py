"""Read the failed builds of a head before a search: which tickets to suspect, and whether the build may be flaky."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sessions.culprits.evidence import Repeatable
from sessions.culprits.suspicion import suspicion_of_build
from sessions.day.context import Day
from sessions.day.result_cache import ResultCache
from sessions.gates.build_log import first_error, named_files, same_error
from sessions.source.merging import Candidate
from sessions.source.overlays import files_of
from sessions.tickets.model import Decision

# The first run and the second look.
_ATTEMPTS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class BuildEvidence:
    """Facts about a failed build: the tickets' ``suspicion`` (0 and above), and how ``repeatable`` the failure is.

    ``repeatable`` is ``None`` where the builds did not fail the same way; it is worth more where a build takes long.
    """

    suspicion: Mapping[int, float]
    repeatable: Repeatable | None


def read_builds(
    day: Day, cache: ResultCache, head: Candidate, touched: Mapping[int, frozenset[str]], out: Iterable[Decision]
) -> BuildEvidence:
    """Read the logs of the builds of a head.

    ``touched`` are the paths that each ticket of the line changes, ``out`` says why others left. An error for which one
    left already, and which is still there, is doubted.
    """
    builds = cache.builds(head, _ATTEMPTS)
    logs = [day.read_log(each) for each in builds if not each.built]
    tracked = set(files_of(day.mirror.repository, head.tree)).union(*touched.values())
    files = named_files(logs[0], tracked) if logs else named_files("", ())
    # A build that fails ends early, so that of the release counts as well.
    seconds = max((each.seconds for each in (*builds, *cache.builds(day.base, _ATTEMPTS))), default=0.0)
    error = same_error(logs)
    repeatable = Repeatable.at(seconds) if error else None
    if repeatable and any(error == first_error(each.message) for decision in out for each in decision.broke):
        repeatable = repeatable.contradicted()
    return BuildEvidence(suspicion=suspicion_of_build(touched, files.first, files.others), repeatable=repeatable)
