"""The command that reproduces a failure elsewhere: it holds no path of this machine and no date."""

from __future__ import annotations

from sessions.ledger.record import RecordedBreakage


def run_line(image: str) -> str:
    """The command that runs the failing tests of a debug image.

    >>> run_line("example.org/abacus@sha256:0123")
    'docker run --rm --network none example.org/abacus@sha256:0123'
    """
    return f"docker run --rm --network none {image}"


def reproduction(broke: RecordedBreakage, number: int) -> str:
    """The command for a ticket's author: ``docker run`` where the image was pushed, which works anywhere.

    Else it is a ``nox`` line, which works beside the project's configuration:
    ``nox -s integrate -- --only 115,116 --gates doctest``.
    """
    if "@" in broke.image:
        return run_line(broke.image)
    numbers = ",".join(str(each) for each in sorted({number, *broke.with_}))
    gates = "" if broke.is_build else f" --gates {broke.gate}"
    return f"nox -s integrate -- --only {numbers}{gates}"
