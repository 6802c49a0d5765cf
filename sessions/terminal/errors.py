"""Every way Integrand can stop, what status it ends with, and what the user can do about it.

An error's text is one sentence: what happened, where, and what to do. Stories let errors fly; the one
handler is in :mod:`sessions.main`.
"""

from __future__ import annotations


class IntegrandError(Exception):
    """Anything that ends a session with one clear sentence instead of a traceback."""

    kind = "error"


class UsageError(IntegrandError):
    """What was typed or configured cannot be meant: an option, a TOML key, a ticket number."""

    kind = "usage"


class TrackerError(IntegrandError):
    """The tracker could not be read, or holds nothing that fits the question."""

    kind = "tracker"


class TrackerBusyError(TrackerError):
    """The tracker refuses for so long that it makes no sense to ask it for anything else now."""


class TrackerAccessError(TrackerError):
    """The tracker lets nobody in with these credentials: it makes no sense to ask it for anything else."""


class RefusedError(TrackerError):
    """The tracker understood one request and said no: making it again does not help.

    ``may_be_setup``: the token, its rights or a configured name may be the reason, not the ticket.
    """

    def __init__(self, text: str, *, may_be_setup: bool = False) -> None:
        super().__init__(text)
        self.may_be_setup = may_be_setup


class SourceError(IntegrandError):
    """Git or the repository failed: not a repository, no such tag, a missing object."""

    kind = "source"


class ContentError(SourceError):
    """The content of a file in one tree cannot be had, as of an object that Git LFS does not have."""


class InfrastructureError(IntegrandError):
    """Our own side broke: the engine, the image, the disk, the ledger. It never blames a ticket."""

    kind = "infrastructure"


class StateInUseError(InfrastructureError):
    """Another session holds the state folder."""


class BudgetEndedError(IntegrandError):
    """``--budget`` is used up. Nothing is wrong; the next call goes on."""

    kind = "paused"


class GatePendingError(IntegrandError):
    """A result is not known, and its gate was not asked to run in this call."""

    kind = "paused"
