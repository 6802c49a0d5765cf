"""Spell the commands in messages so that they work in the folder where the user typed. Pure."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
_SESSIONS = "init|baseline|integrate|doc-pdf|reproduce|publish|report|audit|radar|resolve"
_COMMAND = re.compile(rf"(?<![\w/.-])nox -s (?=(?:{_SESSIONS})(?![\w-]))")


def noxfile_option(folder: Path, home: Path = _HOME) -> str:
    """Return the option that names Integrand's noxfile, with a space after it; empty in Integrand's own folder.

    >>> noxfile_option(Path("/work/project"), Path("/work/integrand"))
    '-f ../integrand/noxfile.py '
    """
    if folder.resolve() == home:
        return ""
    noxfile = home / "noxfile.py"
    return f"-f {shlex.quote(min(os.path.relpath(noxfile, folder.resolve()), str(noxfile), key=len))} "


def as_typed(text: str, option: str) -> str:
    """Put the ``option`` into each command of Integrand in a message.

    >>> as_typed("type `nox -s report` to show it here", "-f ../integrand/noxfile.py ")
    'type `nox -f ../integrand/noxfile.py -s report` to show it here'
    """
    return _COMMAND.sub(lambda _found: f"nox {option}-s ", text) if option else text
