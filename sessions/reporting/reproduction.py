"""The command line that reproduces a failure on any machine: it holds no path of this one, and no date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

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
    return f"{_COMMAND}{number}{f' --record {record}' if record else ''}"


def record_address(report: str) -> str:
    """Return the address of the run record beside a report, or an empty text where the report is no page in a folder.

    >>> record_address("https://example.org/days/latest/report.html")
    'https://example.org/days/latest/run.json'
    >>> record_address("https://example.org/actions/runs/5")
    ''
    """
    return urljoin(report, "run.json") if report.endswith(("/report.html", "/")) else ""


def reproduction(broke: Mapping[str, Any], number: int) -> str:
    """Return the command line for an entry of ``broke`` in a ticket of a record.

    It runs the image where that was pushed. Where the record names no commit that shows the failure, a new day with
    the tickets concerned is the only way to see it.

    >>> reproduction({"gate": "doctest", "with": [115], "image": "", "commit": "0123"}, 116)
    'nox -s reproduce -- 116'
    >>> reproduction({"gate": "doctest", "with": [115], "image": "", "commit": ""}, 116)
    'nox -s integrate -- --only 115,116 --gates doctest'
    """
    image = str(broke.get("image", ""))  # records of before there were images have none
    if "@" in image:
        return run_line(image)
    if broke.get("commit"):
        line = str(broke.get("reproduce", ""))
        # Records of before this session hold git commands there, with a path of the machine that wrote them.
        return line if line.startswith(_COMMAND) else reproduce_line(number)
    return rerun_line(broke, number)


def rerun_line(broke: Mapping[str, Any], number: int) -> str:
    """Return the command that integrates again just the tickets of an entry of ``broke``.

    >>> rerun_line({"gate": "doctest", "with": [115]}, 116)
    'nox -s integrate -- --only 115,116 --gates doctest'
    """
    numbers = ",".join(str(each) for each in sorted({number, *broke["with"]}))
    gates = "" if is_of_build(broke) else f" --gates {broke['gate']}"
    return f"nox -s integrate -- --only {numbers}{gates}"


def is_of_build(entry: Mapping[str, Any]) -> bool:
    """Return whether a breakage, failure or probe of a record is of the build, and not of a gate with that name."""
    check = entry.get("check")  # a record from before gates could have that name has none
    return bool(entry.get("gate") == "build" if check is None else check == "build")
