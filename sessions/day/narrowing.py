"""Check that ``--files`` names test files: a call that tests none of them must not say that they pass."""

from __future__ import annotations

from dataclasses import replace

from sessions.day.context import Day
from sessions.day.gate_files import GateFiles
from sessions.terminal.errors import UsageError


def narrow_gates(day: Day) -> Day:
    """Return the day without the gates whose files ``--files`` leaves out, as far as the day's start has them.

    A gate that names no files runs as a whole, and says so.

    Raises :class:`UsageError` if no requested gate has one of the files.
    """
    globs = day.options.files
    if not globs:
        return day
    files, gates = GateFiles(day.mirror.repository, globs), day.asked_gates()
    whole = [gate.name for gate in gates if not gate.files]
    tested = [gate.name for gate in gates if files.select(gate, day.base.tree)]
    if not tested:
        listed = "; ".join(f"{gate.name} tests {' '.join(gate.files)}" for gate in gates if gate.files)
        raise UsageError(
            f"--files {' '.join(globs)} names no file that a requested gate tests on {day.start} "
            f"({listed or 'no gate has `files` in the configuration'}): correct it, or leave it out."
        )
    for gate in gates:
        if gate.name in whole:
            day.console.detail(f"{gate.name} runs as a whole: it has no `files` that --files could narrow")
        elif gate.name not in tested:
            day.console.detail(f"{gate.name} does not run: --files names none of its files")
    running = tuple(gate.name for gate in gates if gate.name in (*whole, *tested))
    return day if len(running) == len(gates) else replace(day, options=replace(day.options, gates=running))
