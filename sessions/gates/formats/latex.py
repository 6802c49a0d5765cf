"""``format = "latex"``: a manual, made by LaTeX. What is tested are its documents: each must be a PDF with pages.

The PDFs are among the gate's artifacts. What is wrong with them is read from what LaTeX, latexmk and Sphinx printed,
and from TeX's own ``.log`` where the artifacts bring it: that is more, and never garbled by another document's.

A document without PDF is a failure as a whole, ``abacus.pdf``: for what else is wrong in it is not known then. Errors,
and references and citations that lead nowhere, are failures with names of their own, whatever the command's status.
Sphinx's other warnings are failures only where it was told to take them as such.

Fonts, packages, format files and the like are the machine's, not the manual's: see ``tex_installation``. They count
only where the command failed or a document is missing: a project may live with a lesser font.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import last_lines, plain_lines, shorten, without_prefix
from sessions.gates.formats.findings import account
from sessions.gates.formats.latex_log import TexRun, document_of, last_runs, log_file
from sessions.gates.formats.pdf import flaws
from sessions.gates.formats.sphinx_log import origins, read_sphinx
from sessions.gates.formats.tex_installation import lacking, probably_ours, surely_ours
from sessions.gates.results import Failure, Results, TestId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sessions.gates.formats.latex_log import TexError
    from sessions.gates.formats.sphinx_log import Level, SphinxLog
    from sessions.gates.results import GateOutput, Kind


def read_latex(output: GateOutput) -> Results:
    """Read what making a manual left behind."""
    manual = _Manual(output)
    if ours := manual.ours:
        return Results(broken=ours, status=output.status)
    failures = [*manual.errors, *manual.missed, *manual.undefined]
    return account(
        output,
        failures,
        passed=[TestId(document) for document in manual.documents],
        lists_faults=True,
        files=manual.documents,
        tests=len(manual.documents),
        trouble=manual.trouble,
    )


@dataclass(frozen=True)
class _Manual:
    """A manual's documents, each known by its PDF's name."""

    output: GateOutput

    @cached_property
    def pages(self) -> dict[str, list[str]]:
        """The log's lines, apart for each of the parts that Sage makes at the same time."""
        pages: dict[str, list[str]] = {}
        for raw in plain_lines(self.output.log):
            writer, line = without_prefix(raw)
            pages.setdefault(writer, []).append(line)
        return pages

    @cached_property
    def said(self) -> list[str]:
        return [line for lines in self.pages.values() for line in lines]

    @cached_property
    def runs(self) -> dict[str, TexRun]:
        """The last run of TeX on each document, from its own log where that is at hand."""
        runs: dict[str, TexRun] = {}
        for lines in self.pages.values():
            runs |= last_runs(lines)
        for name, path in self.artifacts(".log").items():
            for run in last_runs(log_file(self.output.artifacts[path])).values():
                runs.pop(document_of(path), None)
                runs[name] = TexRun(name, run.lines)
        return runs

    @cached_property
    def sphinx(self) -> SphinxLog:
        return read_sphinx(self.said)

    @cached_property
    def pdfs(self) -> dict[str, str]:
        return self.artifacts(".pdf")

    @cached_property
    def flawed(self) -> dict[str, str]:
        """What is wrong with PDFs that came out."""
        return flaws({name: self.output.artifacts[path] for name, path in self.pdfs.items()})

    @cached_property
    def absent(self) -> list[str]:
        """Documents that were begun and did not come out."""
        written = {name for name, run in self.runs.items() if run.is_written}
        return sorted({*self.runs, *map(document_of, self.sphinx.written)} - set(self.pdfs) - written)

    @cached_property
    def documents(self) -> set[str]:
        return {*self.pdfs, *self.runs, *self.absent}

    @cached_property
    def errors(self) -> list[Failure]:
        """What is wrong in sources; warnings, where Sphinx takes them for errors or nothing else says why it failed."""
        found = [*self._complaints("error"), *self._tex_errors()]
        if self.output.status and (self.sphinx.is_strict or not (found or self.missed)):
            found += self._complaints("warning")
        return found

    @cached_property
    def missed(self) -> list[Failure]:
        """Documents that did not come out whole: what else is wrong in them is not known."""
        told = {name: f"{name} {flaw}." for name, flaw in self.flawed.items()}
        for run in self.runs.values():
            if run.is_unfinished and run.document not in self.absent:
                told.setdefault(run.document, f"{run.document} was not finished: {self._told(run, run.errors[0])}")
        for name in self.absent:
            causes = self.runs[name].errors if name in self.runs else ()
            why = self._told(self.runs[name], causes[0]) if causes else self._end()
            told[name] = f"{name} was not made: {why}"
        return [Failure(test=TestId(name), kind="crash", message=message) for name, message in told.items()]

    @cached_property
    def undefined(self) -> list[Failure]:
        """References and citations that lead nowhere, of documents that had all the runs they needed."""
        found = list(self._complaints("undefined"))
        for run in self.runs.values():
            for lost in () if run.is_unfinished else run.undefined:
                test = TestId(run.document, f"undefined {lost.what}", lost.label)
                message = f"{run.source}{self._origin(run, lost.line)}: {lost.said}"
                found.append(Failure(test=test, line=lost.line, message=message))
        return found

    @property
    def trouble(self) -> str:
        """What the gate itself failed of, where nothing that is known says why it did, or where it made nothing."""
        is_strict = self.sphinx.is_strict or any(run.is_strict for run in self.runs.values())
        is_explained = self.errors or self.missed or (is_strict and self.undefined)
        if self.output.status and not is_explained:
            return "Nothing is known to be wrong with the documents, but the run failed"
        if not (self.output.status or self.pdfs or self.missed):
            return f"{self.output.gate} left no PDF that its artifacts name"
        return ""

    @property
    def ours(self) -> str:
        """What was wrong on our own side, in a clause, where anything failed because of it."""
        if not (self.output.status or self.absent or self.flawed or not self.pdfs):
            return ""
        suspects = [run for name, run in self.runs.items() if name in {*self.absent, *self.flawed}]
        for run in suspects or self.runs.values():
            for error in run.errors:
                if found := lacking(error.message, run.document):
                    return found
        return surely_ours(self.said) or ("" if self.errors else probably_ours(self.said))

    def artifacts(self, ending: str) -> dict[str, str]:
        """The artifacts of one kind by their document: its file name, or its path where several have that name."""
        paths = sorted(path for path in self.output.artifacts if path.endswith(ending))
        count = Counter(map(document_of, paths))
        names = (
            document_of(path) if count[document_of(path)] == 1 else f"{posixpath.splitext(path)[0]}.pdf"
            for path in paths
        )
        return dict(zip(names, paths, strict=True))

    def _complaints(self, level: Level) -> Iterator[Failure]:
        for each in self.sphinx.complaints:
            if each.level == level:
                kind: Kind = "failed" if level == "undefined" else "error"
                test = TestId(each.file, each.name, each.text)
                yield Failure(test=test, kind=kind, line=each.line, message=each.message)

    def _tex_errors(self) -> Iterator[Failure]:
        for run in self.runs.values():
            for error in run.errors:
                if not lacking(error.message, run.document):
                    test = TestId(run.document, "LaTeX error", error.essence)
                    yield Failure(test=test, kind="error", line=error.line, message=self._told(run, error))

    def _told(self, run: TexRun, error: TexError) -> str:
        return f"{error.where}{self._origin(run, error.line)}: {error.excerpt}"

    def _end(self) -> str:
        return f"the log ends:\n{shorten(last_lines(self.output.log, 15))}"

    def _origin(self, run: TexRun, line: int) -> str:
        """Which of Sphinx's sources a line was made from, where the LaTeX file is at hand and holds that line."""
        begun = self._origins.get(run.document, {})
        place = bisect_right(list(begun), line)
        return f" (made from {list(begun.values())[place - 1]})" if place else ""

    @cached_property
    def _origins(self) -> Mapping[str, Mapping[int, str]]:
        return {name: origins(self.output.artifacts[path]) for name, path in self.artifacts(".tex").items()}
