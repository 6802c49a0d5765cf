"""The one place where a Nox session meets a story: words in, status out, and no traceback between them."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from sessions import __version__
from sessions.errors import IntegrandError
from sessions.first_steps.wishes import build_init_parser, parse_wishes
from sessions.init import init
from sessions.ledger.record import Record
from sessions.matrix import plan
from sessions.narrator import Narrator, harmless_json
from sessions.options import Options, build_parser, parse_options
from sessions.recording import is_success
from sessions.reporting.actions import set_outputs

Story = Callable[[Options, Narrator], Record]
HOME = Path(__file__).resolve().parent.parent


def tell(story: Story, session: str, words: Sequence[str], called_from: Path) -> str | None:
    """Run a story with the options in ``words``; ``None`` where it ended well, else the last line to show.

    Only Ctrl-C passes through, after one line that says how to go on.
    """
    if _is_answered(words, build_parser(session)):
        return None
    narrator = Narrator(to_stderr="--json" in words)

    def told() -> str | None:
        options = parse_options(words, session=session, called_from=called_from, home=HOME)
        if options.plan_shards:
            print(plan(options.plan_shards))
            return None
        record = story(options, narrator)
        if session != "report":  # which tells more, and before it tells the tickets
            set_outputs(record, (options.state / "latest").resolve() / "report.html")
        if options.json:
            print(harmless_json(json.dumps(record, indent=2, ensure_ascii=False)))
        return _close(record, options, narrator)

    return _last_line(told, narrator)


def tell_init(words: Sequence[str], called_from: Path) -> str | None:
    """The same for ``nox -s init``, which has options of its own and makes no record."""
    if _is_answered(words, build_init_parser()):
        return None
    narrator = Narrator()
    return _last_line(lambda: init(parse_wishes(words, called_from), narrator), narrator)


def _is_answered(words: Sequence[str], parser: argparse.ArgumentParser) -> bool:
    """Print the help or the version where one of them is asked for; no session runs then."""
    if {"--help", "-h"} & set(words):
        print(parser.format_help())
    elif "--version" in words:
        print(f"Integrand {__version__}")
    else:
        return False
    return True


def _last_line(told: Callable[[], str | None], narrator: Narrator) -> str | None:
    try:
        return told()
    except IntegrandError as error:
        return narrator.plain(str(error))
    except KeyboardInterrupt:
        narrator.bad("Stopped. The same command goes on from here: what is known is kept.")
        raise
    except Exception as error:  # noqa: BLE001  whatever flies this far is a bug of ours, and still gets one sentence
        return narrator.plain(
            f"Integrand broke in a way it does not foresee ({type(error).__name__}: {error}). No ticket is to blame. "
            f"Please report {_keep_traceback(error)}; the same command goes on from here."
        )


def _keep_traceback(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="integrand-", suffix=".log", delete=False) as file:
        file.write(f"Integrand {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        file.writelines(traceback.format_exception(error))
    return file.name


def _close(record: Record, options: Options, narrator: Narrator) -> str | None:
    words = f"{record['state']}: {record['message']}."
    if not is_success(record, options.fail_on):
        return narrator.plain(words)
    narrator.good(words)
    return None
