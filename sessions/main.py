"""The one place where a Nox session meets a story: words in, status out, and no traceback between them."""

from __future__ import annotations

import argparse
import platform
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from sessions import __version__
from sessions.day.run_record import is_success
from sessions.day.sharding import plan
from sessions.first_steps.init_options import build_init_parser, parse_init_options
from sessions.init import init
from sessions.ledger.record import Record
from sessions.ledger.record_file import record_text
from sessions.reporting.actions import set_outputs
from sessions.settings.options import Options, build_parser, parse_options
from sessions.terminal.console import Console, harmless_json
from sessions.terminal.errors import IntegrandError

Story = Callable[[Options, Console], Record]
HOME = Path(__file__).resolve().parent.parent


def tell(story: Story, session: str, words: Sequence[str], called_from: Path) -> str | None:
    """Run a story with the options in ``words``; ``None`` where it ended well, else the last line to show.

    Only Ctrl-C passes through, after one line that says how to go on.
    """
    if _is_answered(words, build_parser(session)):
        return None
    console = Console(to_stderr="--json" in words)

    def told() -> str | None:
        options = parse_options(words, session=session, called_from=called_from, home=HOME)
        if options.plan_shards:
            print(plan(options.plan_shards))
            return None
        record = story(options, console)
        if session != "report":  # which tells more, and before it tells the tickets
            set_outputs(record, (options.state / "latest").resolve() / "report.html")
        if options.json:
            print(harmless_json(record_text(record)))
        return _close(record, options, console)

    return _last_line(told, console)


def tell_init(words: Sequence[str], called_from: Path) -> str | None:
    """The same for ``nox -s init``, which has options of its own and makes no record."""
    if _is_answered(words, build_init_parser()):
        return None
    console = Console()
    return _last_line(lambda: init(parse_init_options(words, called_from), console), console)


def _is_answered(words: Sequence[str], parser: argparse.ArgumentParser) -> bool:
    """Print the help or the version where one of them is asked for; no session runs then."""
    if {"--help", "-h"} & set(words):
        print(parser.format_help())
    elif "--version" in words:
        print(f"Integrand {__version__}")
    else:
        return False
    return True


def _last_line(told: Callable[[], str | None], console: Console) -> str | None:
    try:
        return told()
    except IntegrandError as error:
        return console.plain(str(error))
    except KeyboardInterrupt:
        console.bad("Stopped. The same command goes on from here: what is known is kept.")
        raise
    except Exception as error:  # noqa: BLE001  whatever flies this far is a bug of ours, and still gets one sentence
        return console.plain(
            f"Integrand broke in a way it does not foresee ({type(error).__name__}: {error}). No ticket is to blame. "
            f"Please report {_keep_traceback(error)}; the same command goes on from here."
        )


def _keep_traceback(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="integrand-", suffix=".log", delete=False) as file:
        file.write(f"Integrand {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        file.writelines(traceback.format_exception(error))
    return file.name


def _close(record: Record, options: Options, console: Console) -> str | None:
    words = f"{record.state}: {record.message}."
    if not is_success(record, options.fail_on):
        return console.plain(words)
    console.good(words)
    return None
