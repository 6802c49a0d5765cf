"""A shell for a person in the folder of a local probe: with the same jail, environment and limits as its steps."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence

from sessions.engines.local.process_limit import joining, limited_group, shell_limit
from sessions.engines.local.step import LIMITED, SCRIPTS, LocalStepRunner

# bash where there is one, and only interactive where a person types.
_SCRIPT = """[ -t 0 ] && interactive=-i
command -v bash > /dev/null && exec bash --noprofile --norc $interactive
exec sh $interactive
"""


def open_shell(runner: LocalStepRunner) -> None:
    """Open a shell on this terminal, or run what comes on standard input where that is none."""
    script = runner.room / SCRIPTS / "shell.sh"
    script.write_text(_SCRIPT, encoding="utf-8")
    limits = LIMITED.format(ulimits=runner.bounds.ulimits, processes=shell_limit(runner.bounds.processes))
    command = ["sh", "-c", limits, str(script), str(runner.room / "source")]
    start = _on_own_terminal if sys.stdin.isatty() else _on_standard_input
    with limited_group(runner.bounds.processes) as group:
        if runner.jail is None:
            start(joining(group, command), runner, ())
            return
        with runner.jail.filter() as filter_, open(os.devnull, "wb") as unread:  # noqa: PTH123  a file descriptor
            readable = (*runner.readable, runner.room / SCRIPTS)
            inside = runner.jail.words(runner.room, command, told=unread.fileno(), filter_=filter_, readable=readable)
            start(joining(group, inside), runner, (unread.fileno(), filter_))


Start = Callable[[Sequence[str], LocalStepRunner, Sequence[int]], None]


def _on_standard_input(command: Sequence[str], runner: LocalStepRunner, files: Sequence[int]) -> None:
    subprocess.run(command, env=dict(runner.environment), pass_fds=files, check=False)


def _on_own_terminal(command: Sequence[str], runner: LocalStepRunner, files: Sequence[int]) -> None:
    """Run a command on a terminal of its own, which is copied to ours.

    On ours, it could put characters into our input, for the user's own shell to run after it (TIOCSTI, see
    ioctl_tty(2)). bubblewrap need not take the terminal away then: without one there is no Ctrl-C in the shell.
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
