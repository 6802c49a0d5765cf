"""The line that reproduces a failure for whoever reads of it elsewhere: no path of this machine, no date in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reproduction(broke: Mapping[str, Any], number: int) -> str:
    """What a ticket's author types beside the project's configuration.

    >>> reproduction({"gate": "doctest", "with": [115]}, 116)
    'nox -s integrate -- --only 115,116 --gates doctest'
    """
    numbers = ",".join(str(each) for each in sorted({number, *broke["with"]}))
    gates = "" if broke["gate"] == "build" else f" --gates {broke['gate']}"
    return f"nox -s integrate -- --only {numbers}{gates}"
