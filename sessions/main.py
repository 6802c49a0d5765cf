"""The entry point of all sessions: parse the options, run a story, and turn every error into one line for the user."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sessions import __version__
from sessions.day.healing import Story, run_healing
from sessions.day.release_lines import has_lines, lines_data, run_lines
from sessions.day.run_record import is_success
from sessions.day.sharding import plan
from sessions.ledger.record import Record
from sessions.ledger.record_file import folder_of, record_text
from sessions.reporting.actions import set_outputs
from sessions.settings.configuration import Config
from sessions.settings.configuration_file import load_config
from sessions.settings.options import Options, build_parser, parse_options
from sessions.settings.ticket_settings import HIGHS
from sessions.terminal.console import Console
from sessions.terminal.errors import IntegrandError, UsageError
from sessions.terminal.harmless_text import harmless_json, harmless_line

# A story without a run record: it returns what it found, for ``--json``, and an error message or an empty text.
FindingStory = Callable[[Options, Console], tuple[Mapping[str, Any], str]]
HOME = Path(__file__).resolve().parent.parent


def run_session(story: Story, session: str, arguments: Sequence[str], called_from: Path) -> str | None:
    """Run a story with the options in ``words``.

    Return ``None`` if it succeeded, else the error message to show. Only KeyboardInterrupt is raised, after a line that
    says how to continue.
    """
    if _is_answered(arguments, build_parser(session)):
        return None
    console = Console(to_stderr="--json" in arguments, called_from=called_from)

    def run() -> str | None:
        options = parse_options(arguments, session=session, called_from=called_from, home=HOME)
        if options.plan_shards:
            print(plan(options.plan_shards))
            return None
        if has_lines(config := load_config(options.config), options):
            return _run_lines(story, config, options, console)
        record = run_healing(story, options, console)
        if session != "report":  # which has set them, before it writes to the tracker
            set_outputs(record, folder_of(record, options.home) / "report.html")
        if options.json:
            print(harmless_json(record_text(record)))
        return _closing_line(record, options, console)

    return _catch_errors(run, console)


def _run_lines(story: Story, config: Config, options: Options, console: Console) -> str | None:
    days = run_lines(story, config, options, console)
    if options.json:
        print(harmless_json(json.dumps(lines_data(days), indent=2, ensure_ascii=False)))
    for day in days:
        if day.is_success:
            console.good(day.summary)
    return "; ".join(day.summary for day in days if not day.is_success) or None


def missing_packages(session: str, arguments: Sequence[str], called_from: Path) -> tuple[str, ...]:
    """Return the optional packages that the configuration needs and that are not installed, as pip names them.

    None if options or configuration are wrong: the session itself says so.
    """
    if find_spec("highspy") or {"--help", "-h", "--version"} & set(arguments):
        return ()
    with suppress(UsageError):
        config = load_config(parse_options(arguments, session=session, called_from=called_from, home=HOME).config)
        return (HIGHS,) if config.select == "best" else ()
    return ()


def run_finding(story: FindingStory, session: str, arguments: Sequence[str], called_from: Path) -> str | None:
    """Run a story that writes no record, as ``audit``; the same result as :func:`run_session`."""
    if _is_answered(arguments, build_parser(session)):
        return None
    console = Console(to_stderr="--json" in arguments, called_from=called_from)

    def run() -> str | None:
        options = parse_options(arguments, session=session, called_from=called_from, home=HOME)
        found, trouble = story(options, console)
        if options.json:
            print(harmless_json(json.dumps(found, indent=2, ensure_ascii=False)))
        return harmless_line(trouble) if trouble else None

    return _catch_errors(run, console)


def run_init(arguments: Sequence[str], called_from: Path) -> str | None:
    """Run ``nox -s init``, which has its own options and writes no record; the same result as :func:`run_session`."""
    from sessions.init import init
    from sessions.settings.init_options import build_init_parser, parse_init_options

    if _is_answered(arguments, build_init_parser()):
        return None
    console = Console(called_from=called_from)
    return _catch_errors(lambda: init(parse_init_options(arguments, called_from), console), console)


def run_reproduce(arguments: Sequence[str], called_from: Path) -> str | None:
    """Run ``nox -s reproduce``, which has options of its own; ``None`` if the failure was reproduced."""
    from sessions.reproduce import reproduce
    from sessions.settings.reproduce_options import build_reproduce_parser, parse_reproduce_options

    if _is_answered(arguments, build_reproduce_parser()):
        return None
    console = Console(called_from=called_from)

    def run() -> str | None:
        trouble = reproduce(parse_reproduce_options(arguments, called_from), console)
        return harmless_line(trouble) if trouble else None

    return _catch_errors(run, console)


def run_resolve(arguments: Sequence[str], called_from: Path) -> str | None:
    """Run ``nox -s resolve``, which has options of its own; ``None`` where it did what was asked."""
    from sessions.resolve import resolve
    from sessions.settings.resolve_options import build_resolve_parser, parse_resolve_options

    if _is_answered(arguments, build_resolve_parser()):
        return None
    console = Console(called_from=called_from)
    return _catch_errors(
        lambda: resolve(parse_resolve_options(arguments, called_from=called_from, home=HOME), console), console
    )


def _is_answered(arguments: Sequence[str], parser: argparse.ArgumentParser) -> bool:
    """Print the help or the version if one of them was requested; then no session runs."""
    if {"--help", "-h"} & set(arguments):
        print(parser.format_help())
    elif "--version" in arguments:
        print(f"Integrand {__version__}")
    else:
        return False
    return True


def _catch_errors(run: Callable[[], str | None], console: Console) -> str | None:
    try:
        return run()
    except IntegrandError as error:
        return harmless_line(str(error))
    except KeyboardInterrupt:
        console.bad("Stopped. All results so far are kept: type the same command to continue.")
        raise
    except Exception as error:  # noqa: BLE001  any other exception is a bug of ours, and gets one sentence, too
        return harmless_line(
            f"Integrand has a bug ({type(error).__name__}: {error}). No ticket is to blame. "
            f"Please report it with {_keep_traceback(error)}. Type the same command to continue."
        )


def _keep_traceback(error: Exception) -> str:
    """Write the traceback into a temporary file, and return its path."""
    with tempfile.NamedTemporaryFile("w", prefix="integrand-", suffix=".log", delete=False) as file:
        file.write(f"Integrand {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        file.writelines(traceback.format_exception(error))
    return file.name


def _closing_line(record: Record, options: Options, console: Console) -> str | None:
    """Print the result of a successful session, or return it as the error message of one that failed."""
    outcome = "plan" if record.options.plan else record.state
    line = f"{outcome}: {record.message}."
    if not is_success(record, options.fail_on):
        return harmless_line(line)
    console.good(line)
    return None
