"""What is typed after ``nox -s init --``, and what is asked for the rest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rich.prompt import Confirm, Prompt

from sessions import __version__
from sessions.settings.options import Parser
from sessions.tickets.trackers import name_kinds


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """The values that the user chose; ``None`` for those to detect."""

    folder: Path
    state: Path
    repository: str | None = None
    release: str | None = None
    tags: str | None = None
    tracker: str | None = None
    milestone: str | None = None
    ready: str | None = None
    tests: str | None = None
    docs: str | None = None
    dockerfile: str | None = None
    ask: bool = False
    try_gates: bool = False
    yes: bool = False

    def choose(self, name: str, question: str, detected: str) -> str:
        """The value of an option: as typed, or as answered on a terminal, or as detected. ``-`` is for nothing."""
        typed: str | None = getattr(self, name)
        if typed is None:
            typed = Prompt.ask(question, default=detected or "-") if self.ask else detected
        return "" if typed.strip() == "-" else typed.strip()

    def wants_ignored(self, rules: Sequence[str]) -> bool:
        """Whether ``rules`` are to be added to ``.gitignore``: with ``--yes``, or if the user answered yes."""
        return self.yes or (self.ask and Confirm.ask(f"Add {', '.join(rules)} to .gitignore?", default=True))

    def wants_trial(self, release: str) -> bool:
        """Whether to run the gates once: only if the option was typed, or the user answered yes."""
        if self.try_gates or not self.ask:
            return self.try_gates
        return Confirm.ask(f"Run the gates once on {release} now, to see what they measure?", default=False)


def build_init_parser() -> argparse.ArgumentParser:
    """Return the parser, named after the command that the user typed."""
    parser = Parser(prog="nox -s init --", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__, help="print the version of Integrand")
    what = parser.add_argument_group("instead of what is detected (- for nothing)")
    what.add_argument("--repository", metavar="URL", help="where git fetches from (the origin of this clone)")
    what.add_argument(
        "--release", metavar="TAG", help="where to start: `latest` (the newest release by version), a tag, branch:NAME"
    )
    what.add_argument("--tags", metavar="GLOB", help="which tags are releases, where there are several kinds")
    what.add_argument("--tracker", metavar="URL", help=name_kinds())
    what.add_argument("--milestone", metavar="NAME", help="`current` (from the release), a name, or - for any")
    what.add_argument("--ready", metavar="LABEL,LABEL", help="labels, one of which a ticket must have")
    what.add_argument("--tests", metavar="COMMAND", help="how the project is tested")
    what.add_argument("--docs", metavar="COMMAND", help="how its manual is made")
    what.add_argument("--dockerfile", metavar="FILE", help="the project's own Dockerfile")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--try-gates", action="store_true", help="run each gate once on the release, and say what came out"
    )
    how.add_argument("--yes", action="store_true", help="ask nothing: take what was typed and detected")
    how.add_argument("--state", default=".integrand", metavar="DIR", help="where all that is known is kept")
    return parser


def parse_init_options(arguments: Sequence[str], called_from: Path) -> InitOptions:
    """Return the options in ``arguments``; questions are only asked of a person at a terminal.

    Raises :class:`UsageError` for a word that cannot be meant.
    """
    typed = vars(build_init_parser().parse_args(list(arguments)))
    ask = not typed["yes"] and sys.stdin.isatty() and sys.stdout.isatty()
    state = (called_from / typed.pop("state")).resolve()
    assert typed.keys() <= {field.name for field in fields(InitOptions)}  # noqa: S101  one place to name an option
    return InitOptions(folder=called_from, state=state, ask=ask, **typed)
