"""Who breaks a document, and how many runs of LaTeX it takes to know."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfWriter

from sessions.day.probe_outcomes import BUILD_STEP, GATE_STEP
from sessions.engines.pool import Threads
from sessions.engines.probe import Outcome, Probe, StepOutcome
from sessions.settings.configuration import Gate
from sessions.source.line import Queue
from tests.day.engine import Desk, TableEngine
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from sessions.engines import Listen

MANUAL = Gate(name="doc-pdf", run="make pdf", format="latex", artifacts=("*.pdf",))
COUNT = 58
# The release, the head, and the second looks at both.
BEFORE = 4
LOG = (Path(__file__).parents[1] / "gates/recordings/undefined-macro.txt").read_text(encoding="utf-8")


def pdf() -> bytes:
    writer, content = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(content)
    return content.getvalue()


@dataclass
class ManualEngine(TableEngine):
    r"""Makes the document ``abacus.pdf``; TeX's log is that of an unknown ``\undefinedcarpet`` where a page has it."""

    word: str = r"\undefinedcarpet"

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        self.probes.append(probe)
        listen("checked")
        files = {**self.release, **{each.path: (each.content or b"").decode() for each in probe.overlay}}
        is_wrong = any(self.word in content for content in files.values())
        steps = (StepOutcome(name=BUILD_STEP, status=0, log=""),)
        gate = StepOutcome(name=GATE_STEP, status=2 if is_wrong else 0, log=LOG if is_wrong else "checked\n")
        return Outcome(steps=(*steps, gate), results=None, artifacts={"abacus.pdf": pdf()}, seconds=self.seconds)


@pytest.mark.parametrize(
    ("word", "pages", "most"),
    [
        # The only ticket that writes what the error quotes.
        (r"\undefinedcarpet", {30: r"\undefinedcarpet"}, 7),
        # Nobody writes it, as it comes from a macro; and another ticket does, which is innocent.
        ("carpet here", {30: "carpet here"}, 12),
        ("carpet here", {7: r"\undefinedcarpet in a comment", 30: "carpet here"}, 13),
    ],
)
def test_the_writer_of_what_latex_quotes_is_known_after_few_runs(
    builder: Builder, tmp_path: Path, word: str, pages: dict[int, str], most: int
) -> None:
    builder.commit({"lint.test": "one pass\n", "doc/start.rst": "a"})
    builder.tag("1.0")
    numbers = range(1, COUNT + 1)
    builder.branch_off({f"t{n}": ("1.0", {f"doc/{n}.rst": pages.get(n, "a page")}) for n in numbers})
    scene = Scene.of(builder, tmp_path / "state")
    desk = Desk.of(scene, tmp_path / "state", gates=(MANUAL,))
    engine = ManualEngine(desk.engine.release, word=word)
    desk.runner.engine, desk.runner.pool = engine, Threads(engine, 1)
    progress = desk.find_green_head(
        Queue(tickets=tuple(scene.tickets(**{f"t{n}": n for n in numbers}).values()), needs={})
    )
    assert progress.out.keys() == {30}
    assert progress.failing == {}
    assert len(engine.probes) - BEFORE - 1 <= most, "the last run is that of the green head"
