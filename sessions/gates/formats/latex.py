"""``format = "latex"``: a manual made by LaTeX. Its documents are the tests: each must become a PDF with pages.

The PDFs are among the gate's artifacts. Faults are read from the output of LaTeX, latexmk and Sphinx. Where the
artifacts contain TeX's own ``.log``, that is read instead: it is more complete, and is about one document only.

A document without PDF fails as a whole, as ``abacus.pdf``, because its other faults are unknown. Errors, undefined
references and undefined citations are separate failures, whatever the command's status. Sphinx's other
warnings are failures only if it is configured to treat warnings as errors.

Missing fonts, packages, format files and the like are faults of the machine, not of the manual: see
``tex_installation``. They count only if the command failed or a document is missing, as TeX may substitute a font.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import last_lines, shorten
from sessions.gates.formats.findings import account
from sessions.gates.formats.latex_manual import Manual
from sessions.gates.formats.tex_installation import lacking, probably_ours, surely_ours
from sessions.gates.results import Failure, Results, TestId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.gates.formats.latex_log import TexError, TexRun
    from sessions.gates.formats.sphinx_log import Level
    from sessions.gates.results import GateOutput, Kind


def read_latex(output: GateOutput) -> Results:
    """Read the results of a run that makes a manual."""
    manual = Manual(output)
    faults = _Faults(output, manual)
    if ours := faults.ours:
        return Results(broken=ours, status=output.status)
    failures = [*faults.errors, *faults.missed, *faults.undefined]
    return account(
        output,
        failures,
        passed=[TestId(document) for document in manual.documents],
        lists_faults=True,
        files=manual.documents,
        tests=len(manual.documents),
        trouble=faults.trouble,
    )


@dataclass(frozen=True)
class _Faults:
    """What is wrong with a manual."""

    output: GateOutput
    manual: Manual

    @cached_property
    def errors(self) -> list[Failure]:
        """Errors in sources; also warnings, if Sphinx treats them as errors or nothing else explains the failure."""
        found = [*self._complaints("error"), *self._tex_errors()]
        if self.output.status and (self.manual.sphinx.is_strict or not (found or self.missed)):
            found += self._complaints("warning")
        return found

    @cached_property
    def missed(self) -> list[Failure]:
        """Documents that are missing or incomplete; their other faults are unknown."""
        messages = {name: f"{name} {flaw}." for name, flaw in self.manual.flawed.items()}
        for run in self.manual.runs.values():
            if run.is_unfinished and run.document not in self.manual.absent:
                messages.setdefault(
                    run.document, f"{run.document} was not finished: {self._describe(run, run.errors[0])}"
                )
        for name in self.manual.absent:
            causes = self.manual.runs[name].errors if name in self.manual.runs else ()
            why = self._describe(self.manual.runs[name], causes[0]) if causes else self._end()
            messages[name] = f"{name} was not made: {why}"
        return [Failure(test=TestId(name), kind="crash", message=message) for name, message in messages.items()]

    @cached_property
    def undefined(self) -> list[Failure]:
        """Undefined references and citations, of documents that had all the runs of TeX that they needed."""
        found = list(self._complaints("undefined"))
        for run in self.manual.runs.values():
            for lost in () if run.is_unfinished else run.undefined:
                test = TestId(run.document, f"undefined {lost.what}", lost.label)
                message = f"{run.source}{self.manual.origin(run, lost.line)}: {lost.said}"
                found.append(Failure(test=test, line=lost.line, message=message))
        return found

    @property
    def trouble(self) -> str:
        """Why the gate itself failed, in a clause, if no fault explains its status or it made no PDF."""
        is_strict = self.manual.sphinx.is_strict or any(run.is_strict for run in self.manual.runs.values())
        is_explained = self.errors or self.missed or (is_strict and self.undefined)
        if self.output.status and not is_explained:
            return "Nothing is known to be wrong with the documents, but the run failed"
        if not (self.output.status or self.manual.pdfs or self.missed):
            return f"{self.output.gate} left no PDF among its artifacts"
        return ""

    @property
    def ours(self) -> str:
        """What is wrong with our machine, in a clause, if anything failed because of it."""
        if not (self.output.status or self.manual.absent or self.manual.flawed or not self.manual.pdfs):
            return ""
        suspects = [run for name, run in self.manual.runs.items() if name in {*self.manual.absent, *self.manual.flawed}]
        for run in suspects or self.manual.runs.values():
            for error in run.errors:
                if found := lacking(error.message, run.document):
                    return found
        return surely_ours(self.manual.lines) or ("" if self.errors else probably_ours(self.manual.lines))

    def _complaints(self, level: Level) -> Iterator[Failure]:
        for each in self.manual.sphinx.complaints:
            if each.level == level:
                kind: Kind = "failed" if level == "undefined" else "error"
                test = TestId(each.file, each.name, each.text)
                yield Failure(test=test, kind=kind, line=each.line, message=each.message)

    def _tex_errors(self) -> Iterator[Failure]:
        for run in self.manual.runs.values():
            for error in run.errors:
                if not lacking(error.message, run.document):
                    test = TestId(run.document, "LaTeX error", error.essence)
                    yield Failure(test=test, kind="error", line=error.line, message=self._describe(run, error))

    def _describe(self, run: TexRun, error: TexError) -> str:
        return f"{error.where}{self.manual.origin(run, error.line)}: {error.excerpt}"

    def _end(self) -> str:
        return f"the log ends:\n{shorten(last_lines(self.output.log, 15))}"
