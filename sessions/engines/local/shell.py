"""A shell for a person in the folder of a local probe: with the same jail, environment and limits as its steps."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Sequence

from sessions.engines.local.process_limit import joining, limited_group, shell_limit
from sessions.engines.local.step import LIMITED, LocalStepRunner
from sessions.engines.local.workspace import SCRIPTS

# bash where there is one, and only interactive where a person types.
_SCRIPT = """[ -t 0 ] && interactive=-i
command -v bash > /dev/null && exec bash --noprofile --norc $interactive
exec sh $interactive
"""


def enter_shell(runner: LocalStepRunner) -> None:
    """Open a shell where steps run: on this terminal, or with commands from standard input if that is no terminal."""
    folder, enter = runner.workspace.view.inside, runner.workspace.view.enter
    (runner.workspace.folder / SCRIPTS / "shell.sh").write_text(_SCRIPT, encoding="utf-8")
    limits = LIMITED.format(ulimits=runner.bounds.ulimits, processes=shell_limit(runner.bounds.processes))
    command = ["sh", "-c", limits, str(folder / SCRIPTS / "shell.sh"), str(runner.workspace.source)]
    start = _on_own_terminal if sys.stdin.isatty() else _on_standard_input
    with limited_group(runner.bounds.processes) as group:
        if runner.jail is None:
            start(joining(group, [*enter, *command]), runner, ())
            return
        with runner.jail.filter() as filter_, open(os.devnull, "wb") as unread:  # noqa: PTH123  a file descriptor
            files, readable = (unread.fileno(), filter_), (*runner.readable, folder / SCRIPTS)
            inside = runner.jail.words(folder, command, status=files[0], filter_=filter_, readable=readable)
            start(joining(group, [*enter, *inside]), runner, files)


def _on_standard_input(command: Sequence[str], runner: LocalStepRunner, files: Sequence[int]) -> None:
    subprocess.run(command, env=dict(runner.environment), pass_fds=files, check=False)


def _on_own_terminal(command: Sequence[str], runner: LocalStepRunner, files: Sequence[int]) -> None:
    """Run a command on a new terminal, which is copied to ours.

    On our terminal, the command could insert characters that the user's shell runs later (TIOCSTI, see ioctl_tty(2)).
    Without any terminal, Ctrl-C would not work in the shell.
    """
    inside = [word for word in command if word != "--new-session"]
    environment = {"TERM": os.environ.get("TERM", "dumb"), **runner.environment}
    for file in files:
        os.set_inheritable(file, True)
    size = fcntl.ioctl(sys.stdin, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns = int.from_bytes(size[:2], sys.byteorder), int.from_bytes(size[2:4], sys.byteorder)
    resize = 'stty rows "$1" cols "$2" 2> /dev/null; shift 2; exec "$@"'
    variables = [f"{name}={value}" for name, value in environment.items()]
    pty.spawn(["env", "-i", *variables, "sh", "-c", resize, "sh", str(rows), str(columns), *inside])
