"""Patches that a tracker has instead of a branch, and the branch that is made of them. Pure data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PatchSeries:
    """Mails with one patch each, in the order in which they apply.

    ``patches`` are whole mails as ``git format-patch`` writes them; of each, ``trailers`` has the lines that are put
    at the end of its commit message. ``base`` is the full hex id of the commit that they are made for, empty where
    nobody names one.
    """

    number: int
    patches: tuple[bytes, ...]
    trailers: tuple[tuple[str, ...], ...]
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class SeriesBranch:
    """The commit of a series that was applied, and where it can be fetched; or ``fault``, a clause why there is none.

    ``repository`` and ``branch`` are as in :class:`~sessions.tickets.model.Ticket`.
    """

    commit: str = ""
    branch: str = ""
    repository: str = ""
    fault: str = ""


SeriesApplier = Callable[[PatchSeries], SeriesBranch]
"""Makes a branch of a series. Raises :class:`SourceError` where it is the repository that fails, not the series."""


def apply_nothing(_series: PatchSeries) -> SeriesBranch:
    """The answer where no repository is at hand."""
    return SeriesBranch(fault="there is no repository at hand to which it could be applied")
