"""The options of ``nox -s resolve``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions import __version__
from sessions.settings.options import Options, Parser, parse_options, ticket_number

# The options of a day that this session takes as well.
_OF_THE_DAY = ("config", "repository", "release", "state")


@dataclass(frozen=True, kw_only=True)
class ResolveOptions:
    """The options of one call, checked; paths are absolute.

    ``ticket`` is whose conflict to open, or of several open ones the one to finish. ``day`` are the options that the
    merge line is made with.
    """

    day: Options
    ticket: int | None = None
    is_continued: bool = False
    is_aborted: bool = False
    is_listed: bool = False
    forgotten: tuple[str, ...] = ()
    imported: Path | None = None
    range: str | None = None
    author: str | None = None


def build_resolve_parser() -> argparse.ArgumentParser:
    """Return the parser, named after the command that the user typed."""
    parser = Parser(prog="nox -s resolve --", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__, help="print the version of Integrand")
    parser.add_argument(
        "ticket", type=ticket_number, nargs="?", metavar="N", help="the ticket whose conflict to resolve"
    )
    what = parser.add_argument_group("what to do")
    add = what.add_argument
    add("--continue", action="store_true", dest="is_continued", help="record what was resolved in the work tree")
    add("--abort", action="store_true", dest="is_aborted", help="delete the work tree, and record nothing")
    add("--list", action="store_true", dest="is_listed", help="list all resolutions that are kept")
    forget = "remove this resolution; may be given several times"
    add("--forget", action="append", default=[], dest="forgotten", metavar="ID", help=forget)
    add("--import", dest="imported", metavar="DIR", help="take over what git rerere has recorded in this rr-cache")
    add("--learn", dest="range", metavar="FROM..TO", help="learn from the merges between two tags or branches")
    how = parser.add_argument_group("how")
    how.add_argument("--author", metavar="WHO", help="who resolves, as `Name <address>` (user.name of git)")
    how.add_argument("--publish", action="store_true", help="push the resolutions to the project's repository")
    how.add_argument("--config", metavar="FILE", help="configuration file (integration.toml)")
    how.add_argument("--repository", metavar="URL", help="use this instead of [project] repository, e.g. a local clone")
    how.add_argument("--release", metavar="TAG", help="start from this tag, or from branch:NAME")
    how.add_argument("--state", default=".integrand", metavar="DIR", help="folder of all results (.integrand)")
    return parser


def parse_resolve_options(arguments: Sequence[str], *, called_from: Path, home: Path) -> ResolveOptions:
    """Parse ``words``; relative paths count from ``called_from``, as with :func:`parse_options`.

    Raises :class:`UsageError` for an option that is not valid.
    """
    typed = vars(build_resolve_parser().parse_args(list(arguments)))
    given = [word for name in _OF_THE_DAY if typed[name] for word in (f"--{name}", typed[name])]
    given += ["--publish"] if typed["publish"] else []
    return ResolveOptions(
        day=parse_options(given, session="resolve", called_from=called_from, home=home),
        ticket=typed["ticket"],
        is_continued=typed["is_continued"],
        is_aborted=typed["is_aborted"],
        is_listed=typed["is_listed"],
        forgotten=tuple(typed["forgotten"]),
        imported=(called_from / typed["imported"]).resolve() if typed["imported"] else None,
        range=typed["range"],
        author=typed["author"],
    )
