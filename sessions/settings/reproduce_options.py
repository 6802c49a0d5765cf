"""The options of ``nox -s reproduce``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions import __version__
from sessions.settings.options import Parser, at_least, ticket_number


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """The options of one call, checked; paths are absolute.

    ``folder`` is where the command was typed. ``record`` is a file, a folder or a web address; ``None`` for the newest
    record in ``state``. ``config`` is for records that do not say how their probes were set up.
    """

    ticket: int
    folder: Path
    state: Path
    record: str | None = None
    config: Path | None = None
    repository: str | None = None
    engine: str | None = None
    jobs: int | None = None
    shell: bool = False


def build_reproduce_parser() -> argparse.ArgumentParser:
    """Return the parser, named after the command that the user typed."""
    parser = Parser(prog="nox -s reproduce --", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__, help="print the version of Integrand")
    parser.add_argument("ticket", type=ticket_number, metavar="N", help="the ticket whose failure is to be shown")
    what = parser.add_argument_group("which failure")
    what.add_argument(
        "--record", metavar="FILE", help="the day's run.json, its folder, or its web address (the newest)"
    )
    what.add_argument("--repository", metavar="URL", help="where to fetch the release from, instead of the record's")
    what.add_argument("--config", metavar="FILE", help="the configuration, for records that hold none")
    how = parser.add_argument_group("how")
    how.add_argument("--engine", choices=("auto", "docker", "local"), help="where to run it (as on the day)")
    how.add_argument("--shell", action="store_true", help="open a shell there instead of running the tests")
    how.add_argument("--jobs", type=at_least(1), metavar="N", help="processes a gate may use (all cores)")
    how.add_argument("--state", default=".integrand", metavar="DIR", help="where what is fetched and built is kept")
    return parser


def parse_reproduce_options(arguments: Sequence[str], called_from: Path) -> ReproduceOptions:
    """Parse ``arguments``; relative paths count from ``called_from``, where the user typed the command.

    Raises :class:`UsageError` for an argument that is not valid.
    """
    typed = vars(build_reproduce_parser().parse_args(list(arguments)))
    for name in ("record", "repository"):
        if typed[name] and (called_from / typed[name]).exists():
            typed[name] = str((called_from / typed[name]).resolve())
    typed["state"] = (called_from / typed["state"]).resolve()
    typed["config"] = (called_from / typed["config"]).resolve() if typed["config"] else None
    return ReproduceOptions(folder=called_from, **typed)
