"""The documents of a manual that LaTeX makes, as the log and the artifacts of a run show them."""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import plain_lines, without_prefix
from sessions.gates.formats.latex_log import TexRun, document_of, last_runs, log_file
from sessions.gates.formats.pdf import flaws
from sessions.gates.formats.sphinx_log import origins, read_sphinx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions.gates.formats.sphinx_log import SphinxLog
    from sessions.gates.results import GateOutput


@dataclass(frozen=True)
class Manual:
    """A manual's documents. A document's name is that of its PDF."""

    output: GateOutput

    @cached_property
    def pages(self) -> dict[str, list[str]]:
        """The log's lines, by the part that printed them: Sage makes parts in parallel."""
        pages: dict[str, list[str]] = {}
        for raw in plain_lines(self.output.log):
            writer, line = without_prefix(raw)
            pages.setdefault(writer, []).append(line)
        return pages

    @cached_property
    def lines(self) -> list[str]:
        """All lines of the log, those of each part together."""
        return [line for lines in self.pages.values() for line in lines]

    @cached_property
    def runs(self) -> dict[str, TexRun]:
        """The last run of TeX on each document, from the document's own log if there is one."""
        runs: dict[str, TexRun] = {}
        for lines in self.pages.values():
            runs |= last_runs(lines)
        for name, path in self._artifacts(".log").items():
            for run in last_runs(log_file(self.output.artifacts[path])).values():
                runs.pop(document_of(path), None)
                runs[name] = TexRun(name, run.lines)
        return runs

    @cached_property
    def sphinx(self) -> SphinxLog:
        """What Sphinx printed."""
        return read_sphinx(self.lines)

    @cached_property
    def pdfs(self) -> dict[str, str]:
        """The paths of the PDFs, by document."""
        return self._artifacts(".pdf")

    @cached_property
    def flawed(self) -> dict[str, str]:
        """What is wrong with the PDFs, by document."""
        return flaws({name: self.output.artifacts[path] for name, path in self.pdfs.items()})

    @cached_property
    def absent(self) -> list[str]:
        """Documents that were begun and have no PDF."""
        written = {name for name, run in self.runs.items() if run.is_written}
        return sorted({*self.runs, *map(document_of, self.sphinx.written)} - set(self.pdfs) - written)

    @cached_property
    def documents(self) -> set[str]:
        """The names of all documents, made or not."""
        return {*self.pdfs, *self.runs, *self.absent}

    def origin(self, run: TexRun, line: int) -> str:
        """Return a phrase for the Sphinx source of a line; empty if the LaTeX file is unknown."""
        begun = self._origins.get(run.document, {})
        place = bisect_right(list(begun), line)
        return f" (made from {list(begun.values())[place - 1]})" if place else ""

    def _artifacts(self, ending: str) -> dict[str, str]:
        """Return the artifacts of one kind by document, which is a file name, or a path if names collide."""
        paths = sorted(path for path in self.output.artifacts if path.endswith(ending))
        count = Counter(map(document_of, paths))
        names = (
            document_of(path) if count[document_of(path)] == 1 else f"{posixpath.splitext(path)[0]}.pdf"
            for path in paths
        )
        return dict(zip(names, paths, strict=True))

    @cached_property
    def _origins(self) -> Mapping[str, Mapping[int, str]]:
        return {name: origins(self.output.artifacts[path]) for name, path in self._artifacts(".tex").items()}
