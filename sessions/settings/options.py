"""What is typed after ``nox -s integrate --``: one parser for all four sessions."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn

from sessions import __version__
from sessions.terminal.durations import parse_duration
from sessions.terminal.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one call, checked. Paths are absolute; ``budget`` is in seconds, ``None`` without limit."""

    config: Path
    state: Path
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
    retry_refused: bool = False
    fail_on: str | None = None
    json: bool = False


def parse_options(words: Sequence[str], *, session: str, called_from: Path, home: Path) -> Options:
    """The options in ``words``.

    Relative paths count from ``called_from``, the folder in which the user typed the command; without
    ``--config``, the ``integration.toml`` there is taken, else the one in ``home``, beside the noxfile.

    Raises :class:`UsageError` for a word that cannot be meant.
    """
    parser = build_parser(session)
    typed = vars(parser.parse_args(list(words)))
    local = called_from / "integration.toml"
    config = called_from / typed["config"] if typed["config"] else local if local.exists() else home / local.name
    if typed["repository"] and (called_from / typed["repository"]).exists():
        typed["repository"] = str((called_from / typed["repository"]).resolve())
    typed |= {
        "config": config.resolve(),
        "state": (called_from / typed["state"]).resolve(),
        "gather": (called_from / typed["gather"]).resolve() if typed["gather"] else None,
        "date": typed["date"] or dt.datetime.now(dt.UTC).date(),
    }
    return Options(**{field.name: typed[field.name] for field in fields(Options)})


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours, and name the command that was typed."""

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError`."""
        raise UsageError(f"{message}. Type `{self.prog} --help` for the options.")


def build_parser(session: str) -> argparse.ArgumentParser:
    """The parser, named after the command that the user typed."""
    parser = Parser(prog=f"nox -s {session} --", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__, help="print the version of Integrand")
    what = parser.add_argument_group("what to integrate")
    what.add_argument("--config", metavar="FILE", help="the configuration (integration.toml)")
    what.add_argument("--repository", metavar="URL", help="instead of [project] repository, e.g. a local clone")
    what.add_argument("--release", metavar="TAG", help="start from this tag, or from branch:NAME")
    what.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="the day's date (today, UTC)")
    what.add_argument("--only", type=_numbers, default=(), metavar="N,N", help="these tickets and their dependencies")
    what.add_argument("--without", type=_numbers, default=(), metavar="N,N", help="leave these tickets out")
    what.add_argument("--limit", type=at_least(1), metavar="N", help="merge at most N tickets")
    what.add_argument("--gates", type=_names, default=(), metavar="NAME,NAME", help="run only these gates")
    what.add_argument("--files", nargs="+", default=(), action=_Gather, metavar="GLOB", help="test only these files")
    how = parser.add_argument_group("how")
    how.add_argument("--state", default=".integrand", metavar="DIR", help="where all that is known is kept")
    how.add_argument("--plan", action="store_true", help="say order, reasons and conflicts; run no gate")
    how.add_argument("--rerun-failed", action="store_true", help="forget failures on merged heads, run them again")
    how.add_argument("--fresh", action="store_true", help="forget every result, start anew")
    how.add_argument("--budget", type=_duration, metavar="5h30m", help="stop cleanly in time; the next call goes on")
    how.add_argument("--engine", choices=("auto", "docker", "local"), help="where probes run")
    how.add_argument(
        "--shell",
        type=at_least(1),
        nargs="?",
        const=0,
        metavar="N",
        help="open a shell in the newest run's head, or where ticket N fails",
    )
    how.add_argument("--jobs", type=at_least(1), metavar="N", help="processes a gate may use (all cores)")
    more = parser.add_argument_group("more machines than one")
    more.add_argument(
        "--plan-shards", type=at_least(1), metavar="N", help="print a CI matrix of N shards as JSON, and stop"
    )
    more.add_argument("--shard", type=_shard, metavar="I/N", help="run this part of the gates on release and head")
    more.add_argument("--gather", metavar="DIR", help="go on with what the state folders in DIR know")
    end = parser.add_argument_group("what comes of it")
    end.add_argument(
        "--publish", action="store_true", help="push branch and images, tell the tickets; else nothing leaves"
    )
    end.add_argument(
        "--pack", action="store_true", help="keep images and head in the state folder, for `publish` on another machine"
    )
    end.add_argument(
        "--push-failed", action="store_true", help="with --publish: push a red head's image, too, as …-failed"
    )
    end.add_argument("--close", action="store_true", help="report: close the tickets that the release contains")
    end.add_argument(
        "--retry-refused", action="store_true", help="report: try what the tracker refused on another day again"
    )
    end.add_argument("--fail-on", choices=("ejected",), help="status 1 also when a ticket had to be taken out")
    end.add_argument("--json", action="store_true", help="print the run record on standard output, all else on error")
    return parser


def at_least(least: int) -> Callable[[str], int]:
    """An argument's type: a whole number from ``least`` on."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} on")
        return int(text)

    return number


class _Gather(argparse.Action):
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


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(name.removeprefix("#")) for name in _names(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of ticket numbers such as 12,15") from None


def _shard(text: str) -> tuple[int, int]:
    place, _, count = text.partition("/")
    if not (place.isdecimal() and count.isdecimal() and 1 <= int(place) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard such as 2/4")
    return int(place), int(count)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-23") from None


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
