"""The options after ``nox -s integrate --``: one parser for all sessions of a day, checked into :class:`Options`."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn, TypeVar

from sessions import __version__
from sessions.engines.registry import engine_choices
from sessions.terminal.durations import parse_duration
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import parse_ticket_number

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of one call. Paths are absolute; ``budget`` is in seconds, ``None`` without limit."""

    config: Path
    state: Path
    line: str = ""
    release: str | None = None
    repository: str | None = None
    date: dt.date
    only: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    limit: int | None = None
    gates: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    plan: bool = False
    rerun_failed: bool = False
    fresh: bool = False
    budget: float | None = None
    engine: str | None = None
    jobs: int | None = None
    publish: bool = False
    pack: bool = False
    push_failed: bool = False
    shell: int | None = None
    plan_shards: int | None = None
    shard: tuple[int, int] | None = None
    gather: Path | None = None
    close: bool = False
    trends: Path | None = None
    flakes: Path | None = None
    cooking: Path | None = None
    format: str | None = None
    retry_refused: bool = False
    fail_on: str | None = None
    json: bool = False
    branch: str | None = None
    since: str | None = None
    test: tuple[int, ...] = ()

    @property
    def home(self) -> Path:
        """The folder of the days: the state folder, or that of a release line within it."""
        return self.state / "lines" / self.line if self.line else self.state


def _resolved(path: Path) -> Path:
    """Return a path without links. A loop of links stays one, on which the first access fails."""
    return Path(os.path.realpath(path))


def parse_options(arguments: Sequence[str], *, session: str, called_from: Path, home: Path) -> Options:
    """Parse the options in ``words``.

    Relative paths count from ``called_from``, the folder in which the user typed the command. Without ``--config``,
    its ``integration.toml`` is used, or else the one in ``home``, the folder of the noxfile.

    Raises :class:`UsageError` for an option that does not exist or a value that is not valid.
    """
    parser = build_parser(session)
    typed = vars(parser.parse_args(list(arguments)))
    local = called_from / "integration.toml"
    config = called_from / typed["config"] if typed["config"] else local if local.exists() else home / local.name
    if typed["repository"] and (called_from / typed["repository"]).exists():
        typed["repository"] = str((called_from / typed["repository"]).resolve())
    typed |= {
        "config": config.resolve(),
        "state": _resolved(called_from / typed["state"]),
        "gather": (called_from / typed["gather"]).resolve() if typed["gather"] else None,
        "trends": (called_from / typed["trends"]).resolve() if typed["trends"] else None,
        "flakes": (called_from / typed["flakes"]).resolve() if typed["flakes"] else None,
        "cooking": (called_from / typed["cooking"]).resolve() if typed["cooking"] else None,
        "date": typed["date"] or dt.datetime.now(dt.UTC).date(),
    }
    return Options(**{field.name: typed[field.name] for field in fields(Options)})


class Parser(argparse.ArgumentParser):
    """A parser that raises :class:`UsageError` instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` with the command that shows the help."""
        raise UsageError(f"{message}. Type `{self.prog} --help` for the options.")


def build_parser(session: str) -> argparse.ArgumentParser:
    """Return the parser of all sessions but init; ``session`` is the one in the command that the user typed."""
    parser = Parser(prog=f"nox -s {session} --", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__, help="print the version of Integrand")
    _add_what_to_integrate(parser.add_argument_group("what to integrate"))
    _add_how(parser.add_argument_group("how"))
    _add_machines(parser.add_argument_group("several machines"))
    _add_looks(parser.add_argument_group("audit and radar"))
    _add_results(parser.add_argument_group("results"))
    return parser


def _add_what_to_integrate(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--config", metavar="FILE", help="configuration file (integration.toml)")
    add("--repository", metavar="URL", help="use this instead of [project] repository, e.g. a local clone")
    add("--line", default="", metavar="NAME", help="integrate this line of [[lines]] alone")
    add("--release", metavar="TAG", help="start from this tag, or from branch:NAME")
    add("--date", type=_date, metavar="YYYY-MM-DD", help="date of the day's run (today, UTC)")
    add("--only", type=_some(_numbers), default=(), metavar="N,N", help="only these tickets and what they depend on")
    add("--without", type=_numbers, default=(), metavar="N,N", help="leave these tickets out")
    add("--limit", type=at_least(1), metavar="N", help="merge at most N tickets")
    add("--gates", type=_some(_names), default=(), metavar="NAME,NAME", help="run only these gates")
    add("--files", nargs="+", default=(), action=_Gather, metavar="GLOB", help="test only these files")


def _add_how(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--state", default=".integrand", metavar="DIR", help="folder of all results (.integrand)")
    add(
        "--plan",
        action="store_true",
        help="show what would be merged, in which order, and what conflicts; no gate runs",
    )
    add("--rerun-failed", action="store_true", help="discard failures on merged heads, and run those gates again")
    add("--fresh", action="store_true", help="discard all results")
    add("--budget", type=_duration, metavar="5h30m", help="stop cleanly within this time; the next call continues")
    add("--engine", choices=engine_choices(), help="where probes run")
    shell = "open a shell in the head of the newest run, or where ticket N fails"
    add("--shell", type=ticket_number, nargs="?", const=0, metavar="N", help=shell)
    add("--jobs", type=at_least(1), metavar="N", help="number of processes that a gate may use (all cores)")


def _add_machines(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--plan-shards", type=at_least(1), metavar="N", help="print a CI matrix of N shards as JSON; nothing runs")
    add("--shard", type=_shard, metavar="I/N", help="run part I of N of each gate, on the release and on the head")
    add("--gather", metavar="DIR", help="use the results in all state folders below DIR, too")


def _add_looks(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--branch", metavar="NAME", help="audit: the branch to check")
    group.add_argument("--from", dest="since", metavar="TAG", help="audit: since this tag (the newest release)")
    group.add_argument(
        "--test",
        type=_numbers,
        default=(),
        metavar="N,N",
        help="radar: show which tickets leave if these are merged first, and what breaks in the gates of --gates",
    )


def _add_results(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    publish = "push branch and images, comment on tickets; without it nothing leaves this machine"
    add("--publish", action="store_true", help=publish)
    pack = "keep images and head in the state folder, for `publish` on another machine"
    add("--pack", action="store_true", help=pack)
    add("--push-failed", action="store_true", help="with --publish: push the image of a red head, too, as …-failed")
    add("--trends", metavar="DIR", help="report: write the figures of all days there, as CSV and JSON")
    flakes = "report: write what is known about each flaky test there, as a page, JSON and CSV"
    add("--flakes", metavar="DIR", help=flakes)
    cooking = "report: write What's cooking there as HTML, Markdown and mail text, and draft release notes"
    add("--cooking", metavar="DIR", help=cooking)
    shown = "report: print it as text or markdown (rendered on a terminal, else text)"
    add("--format", choices=("text", "markdown"), help=shown)
    add("--close", action="store_true", help="report: close the tickets that the release contains")
    add("--retry-refused", action="store_true", help="report: retry changes that the tracker refused on another day")
    add("--fail-on", choices=("ejected",), help="status 1 also if a ticket had to be taken out")
    add(
        "--json", action="store_true", help="print the run record on standard output, everything else on standard error"
    )


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``least`` on, as the type of an argument."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return number


class _Gather(argparse.Action):
    """Collect the values of an option that may be given several times."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        _option: str | None = None,
    ) -> None:
        assert isinstance(values, list)  # noqa: S101  nargs="+" promises it
        setattr(namespace, self.dest, (*getattr(namespace, self.dest), *values))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _some(parse: Callable[[str], tuple[Value, ...]]) -> Callable[[str], tuple[Value, ...]]:
    """Return a parser that refuses a list of nothing: an empty variable of a script must not mean everything."""

    def parse_some(text: str) -> tuple[Value, ...]:
        if found := parse(text):
            return found
        raise argparse.ArgumentTypeError(f"{text!r} names nothing: leave the option out to mean all")

    return parse_some


def ticket_number(text: str) -> int:
    """Parse a ticket's number, as the type of an argument."""
    try:
        return parse_ticket_number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(parse_ticket_number, _names(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of ticket numbers such as 12,15") from None


def _shard(text: str) -> tuple[int, int]:
    place, _, count = text.partition("/")
    if not (place.isdecimal() and count.isdecimal() and 1 <= int(place) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shard such as 2/4")
    return int(place), int(count)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-23") from None


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
