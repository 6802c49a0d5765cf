"""The registry of formats: one module and one line here for each."""

from __future__ import annotations

from sessions.gates.formats import Format
from sessions.gates.formats.exit_status import read_exit_status
from sessions.gates.formats.go import read_go
from sessions.gates.formats.junit import read_junit
from sessions.gates.formats.latex import read_latex
from sessions.gates.formats.sage import read_sage
from sessions.gates.formats.tap import read_tap

FORMATS: dict[str, Format] = {
    "exit": read_exit_status,
    "go": read_go,
    "junit": read_junit,
    "latex": read_latex,
    "sage": read_sage,
    "tap": read_tap,
}
