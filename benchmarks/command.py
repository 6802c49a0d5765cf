"""A benchmark as a command: what is typed, one sentence where it cannot run, and its figures in a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sessions.settings.options import Parser
from sessions.terminal.errors import IntegrandError

Number = TypeVar("Number", int, float)


def bench_parser(name: str, about: str) -> Parser:
    """Return the parser of ``nox -s bench -- NAME``, which may be asked for its figures as JSON."""
    made = Parser(prog=f"nox -s bench -- {name}", description=about, allow_abbrev=False)
    made.add_argument("--json", type=_new_file, metavar="FILE", help="write the figures there as well")
    return made


def status(work: Callable[[], int | None]) -> int:
    """Run a benchmark; its own status (none: 0), or 1 after the sentence that tells why it could not run."""
    try:
        return work() or 0
    except (IntegrandError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def write_figures(place: Path | None, figures: Mapping[str, object]) -> None:
    """Write them where that was asked for."""
    if place:
        place.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def folder(text: str) -> Path:
    """Return an argument's type: a path, absolute."""
    return Path(text).resolve()


def up_to(most: float) -> Callable[[str], float]:
    """Return an argument's type: a number from 0 to ``most``."""

    def number(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not 0 <= found <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {most}")
        return found

    return number


def several(each: Callable[[str], Number]) -> Callable[[str], Sequence[Number]]:
    """Return an argument's type: such numbers with commas between them."""
    return lambda text: tuple(map(each, text.split(",")))


def _new_file(text: str) -> Path:
    place = Path(text)
    if not place.absolute().parent.is_dir():
        why = f"{place} cannot be written: there is no folder {place.absolute().parent}"
        raise argparse.ArgumentTypeError(why)
    return place
