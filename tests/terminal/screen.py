"""A terminal of a given size: what a program prints there, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]


def run_on_terminal(script: str, *arguments: str, size: tuple[int, int] = (80, 24), interrupt: str = "") -> str:
    """Run a Python script on a terminal of (columns, lines), and return everything that it printed there.

    Press Ctrl-C as soon as it has printed ``interrupt``.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS", "LINES")
    }
    printed = b""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**kept, "TERM": "xterm-256color"},
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            while chunk := os.read(ours, 65536):
                printed += chunk
                if interrupt and interrupt.encode() in printed:
                    process.send_signal(signal.SIGINT)
                    interrupt = ""
        except OSError:  # how Linux reports that the other end was closed
            pass
        finally:
            os.close(ours)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def screens(printed: str, size: tuple[int, int] = (80, 24)) -> list[list[str]]:
    """Return what the screen showed after each redraw, each as its lines that are not empty; the last is the end's.

    ``CSI 8 ; LINES ; COLUMNS t`` in what was printed resizes the screen, as in xterm.
    """
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    shown = []
    for part in re.split(r"(?=\r\x1b\[2K|\x1b\[8;)", printed):  # with which each redraw, or a new size, begins
        shown.append(_lines(screen))
        if resized := re.match(r"\x1b\[8;(\d+);(\d+)t", part):
            screen.resize(int(resized[1]), int(resized[2]))
        stream.feed(part)
    return [*shown, _lines(screen)]


def _lines(screen: pyte.Screen) -> list[str]:
    return [line.rstrip() for line in screen.display if line.strip()]
