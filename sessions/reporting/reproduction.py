"""The command line that reproduces a failure on any machine: it holds no path of this one, and no date."""

from __future__ import annotations

from urllib.parse import urljoin

from sessions.ledger.record import RecordedBreakage
from sessions.terminal.ticket_numbers import shell_word

_COMMAND = "nox -s reproduce -- "


def run_line(image: str) -> str:
    """Return the command that runs the failing tests of a debug image.

    >>> run_line("example.org/abacus@sha256:0123")
    'docker run --rm --network none example.org/abacus@sha256:0123'
    """
    return f"docker run --rm --network none {image}"


def reproduce_line(number: int, record: str = "") -> str:
    """Return the command that runs what a ticket breaks, whichever engine ran it; ``record`` is the record's address.

    >>> reproduce_line(116, "https://example.org/day/run.json")
    'nox -s reproduce -- 116 --record https://example.org/day/run.json'
    """
    return f"{_COMMAND}{shell_word(number)}{f' --record {record}' if record else ''}"


def record_address(report: str) -> str:
    """Return the address of the run record beside a report, or an empty text if the report is not in a folder.

    >>> record_address("https://example.org/days/latest/report.html")
    'https://example.org/days/latest/run.json'
    >>> record_address("https://example.org/actions/runs/5")
    ''
    """
    return urljoin(report, "run.json") if report.endswith(("/report.html", "/")) else ""


def reproduction(broke: RecordedBreakage, number: int) -> str:
    """Return the command line for a breakage of ticket ``number``.

    It runs the image where that was pushed. Where the record names no commit that shows the failure, a new day with
    the tickets concerned is the only way to see it.
    """
    if "@" in broke.image:
        return run_line(broke.image)
    if broke.commit:
        # Records of before this session hold git commands there, with a path of the machine that wrote them.
        return broke.reproduce if broke.reproduce.startswith(_COMMAND) else reproduce_line(number)
    return rerun_line(broke, number)


def rerun_line(broke: RecordedBreakage, number: int) -> str:
    """Return the command that integrates again just the tickets of a breakage of ticket ``number``.

    For one that ticket 116 causes together with 115: ``nox -s integrate -- --only 115,116 --gates doctest``.
    """
    numbers = shell_word(*sorted({number, *broke.with_}))
    gates = "" if broke.is_build else f" --gates {broke.gate}"
    return f"nox -s integrate -- --only {numbers}{gates}"
