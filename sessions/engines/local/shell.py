"""A shell for a person in the folder of a local probe: with the same jail, environment and limits as its steps."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Sequence

from sessions.engines import Listen
from sessions.engines.local.engine import LocalEngine, prepare_workspace
from sessions.engines.local.process_limit import joining, limited_group, shell_limit
from sessions.engines.local.step import LIMITED, LocalStepRunner, run_steps
from sessions.engines.local.workspace import SCRIPTS
from sessions.engines.probe import Probe

# bash where there is one, and only interactive where a person types.
_SCRIPT = """[ -t 0 ] && interactive=-i
command -v bash > /dev/null && exec bash --noprofile --norc $interactive
exec sh $interactive
"""


def open_shell(engine: LocalEngine, probe: Probe, listen: Listen) -> None:
    """Run a probe's steps, then open a shell where they ran: on this terminal, or for what is on standard input."""
    with prepare_workspace(engine, probe) as runner:
        run_steps(probe, runner, listen)
        _enter(runner)


def _enter(runner: LocalStepRunner) -> None:
    folder, enter = runner.workspace.folder, runner.workspace.view.enter
    script = folder / SCRIPTS / "shell.sh"
    script.write_text(_SCRIPT, encoding="utf-8")
    limits = LIMITED.format(ulimits=runner.bounds.ulimits, processes=shell_limit(runner.bounds.processes))
    command = ["sh", "-c", limits, str(script), str(runner.workspace.source)]
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
