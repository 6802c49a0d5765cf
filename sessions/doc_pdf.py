"""``nox -s doc-pdf``: the same loop, asked for the manual alone; goes on with what today's runs know."""

from __future__ import annotations

from dataclasses import replace

from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.settings.options import Options
from sessions.terminal.console import Console

GATE = "doc-pdf"


def doc_pdf(options: Options, console: Console) -> Record:
    """Integrate with the gate ``doc-pdf`` as the only one that may run; of others, what is known counts."""
    return integrate(replace(options, gates=(GATE,)), console)
