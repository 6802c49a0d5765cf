"""Runs a story in a process of its own, as nox would, on the bundled sample; may die at a chosen ledger write.

``DIE`` says at which: ``before 1`` is just before the first one, ``after 5`` just after the fifth.

``PEAK`` names a file for the most memory that the process had, in KiB (``VmHWM`` of proc_pid_status(5)).
``HOURS_BACK`` sets its clock back.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sessions.baseline import baseline
from sessions.doc_pdf import doc_pdf
from sessions.integrate import integrate
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.main import run_session
from sessions.publish import publish
from sessions.report import report
from sessions.tickets.trackers.github import tracker

STORIES = {"baseline": baseline, "integrate": integrate, "doc-pdf": doc_pdf, "publish": publish, "report": report}


def die_at_write(moment: str, number: int) -> None:
    """Kill this process at its write to the ledger with this number, from 1: ``before`` it, or ``after``."""
    write, writes = Ledger.write, itertools.count(1)

    def deadly(ledger: Ledger, key: Key, probe_result: ProbeResult) -> None:
        is_last = next(writes) == number
        if not is_last or moment == "after":
            write(ledger, key, probe_result)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.write = deadly  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    if death := os.environ.pop("DIE", ""):
        moment, number = death.split()
        die_at_write(moment, int(number))
    if pause := os.environ.pop("PAUSE", ""):
        tracker.PAUSE = float(pause)  # GitHub's own pace would make tests sleep
    if hours := float(os.environ.pop("HOURS_BACK", "0")):
        clock = time.time
        time.time = lambda: clock() - 3600 * hours
    name, *words = sys.argv[1:]
    trouble = run_session(STORIES[name], name, words, Path.cwd())
    if trouble:
        print(f"TROUBLE {trouble}", file=sys.stderr)
    if place := os.environ.get("PEAK"):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        Path(place).write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM:")), encoding="ascii")
    sys.exit(1 if trouble else 0)
