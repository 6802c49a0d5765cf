"""The line that reproduces a failure for whoever reads of it elsewhere: no path of this machine, no date in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def run_line(image: str) -> str:
    """What runs the failing tests of an image that was made to show them.

    >>> run_line("example.org/abacus@sha256:0123")
    'docker run --rm --network none example.org/abacus@sha256:0123'
    """
    return f"docker run --rm --network none {image}"


def reproduction(broke: Mapping[str, Any], number: int) -> str:
    """What a ticket's author types: anywhere where the image was pushed, else beside the project's configuration.

    >>> reproduction({"gate": "doctest", "with": [115], "image": ""}, 116)
    'nox -s integrate -- --only 115,116 --gates doctest'
    """
    image = str(broke.get("image", ""))  # a record from before there were images has none
    if "@" in image:
        return run_line(image)
    numbers = ",".join(str(each) for each in sorted({number, *broke["with"]}))
    gates = "" if is_of_build(broke) else f" --gates {broke['gate']}"
    return f"nox -s integrate -- --only {numbers}{gates}"


def is_of_build(entry: Mapping[str, Any]) -> bool:
    """Whether a breakage, failure or probe of a record is of the build, and not of a gate with that name."""
    check = entry.get("check")  # a record from before gates could have that name has none
    return bool(entry.get("gate") == "build" if check is None else check == "build")
