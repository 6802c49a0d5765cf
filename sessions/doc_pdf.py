"""``nox -s doc-pdf``: like integrate, but only the gate of the printed manual runs."""

from __future__ import annotations

from dataclasses import replace

from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.settings.options import Options
from sessions.terminal.console import Console

GATE = "doc-pdf"


def doc_pdf(options: Options, console: Console) -> Record:
    """Integrate with the gate ``doc-pdf`` alone; known results of the other gates count as well."""
    return integrate(replace(options, gates=(GATE,)), console)
