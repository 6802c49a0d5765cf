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
from collections import Counter
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import last_lines, plain_lines, shorten, without_prefix
from sessions.gates.formats.findings import gate_failure, results_of
from sessions.gates.formats.latex_log import TexRun, document_of, last_runs, log_file
from sessions.gates.formats.pdf import flaws
from sessions.gates.formats.sphinx_log import read_sphinx
from sessions.gates.formats.tex_installation import lacking, probably_ours, surely_ours
from sessions.gates.results import Failure, Results, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sessions.gates.formats.sphinx_log import Level, SphinxLog
    from sessions.gates.results import Kind, Output


def read(output: Output) -> Results:
    """Read what making a manual left behind."""
    pages = _pages(output.log)
    said = [line for lines in pages.values() for line in lines]
    runs = _runs(pages.values(), output.artifacts)
    sphinx = read_sphinx(said)
    pdfs = _named(output.artifacts, ".pdf")
    broken = flaws({name: output.artifacts[path] for name, path in pdfs.items()})
    written = {name for name, run in runs.items() if run.is_written}
    absent = sorted({*runs, *map(document_of, sphinx.written)} - set(pdfs) - written)

    errors = [*_sphinx_errors(sphinx, {"error"}), *_tex_errors(runs.values())]
    documents = [*_without_pdf(absent, runs, output.log), *_bad_pdfs(broken), *_unfinished(runs.values(), absent)]
    undefined = [*_sphinx_errors(sphinx, {"undefined"}), *_lost(runs.values())]
    if output.status and (sphinx.is_strict or not errors + documents):
        errors += _sphinx_errors(sphinx, {"warning"})
    suspects = [run for name, run in runs.items() if name in {*absent, *broken}] or list(runs.values())
    if (output.status or absent or broken or not pdfs) and (ours := _ours(suspects, said, is_known=bool(errors))):
        return Results(broken=ours)
    is_strict = sphinx.is_strict or any(run.is_strict for run in runs.values())
    explained = errors or documents or (is_strict and undefined)
    return results_of(
        [*errors, *documents, *undefined, *_unexplained(output, pdfs, bool(explained), bool(documents))],
        files={*pdfs, *runs, *absent},
        tests=len({*pdfs, *runs, *absent}),
    )


def _pages(log: str) -> dict[str, list[str]]:
    """The log's lines, apart for each of the parts that Sage makes at the same time."""
    pages: dict[str, list[str]] = {}
    for raw in plain_lines(log):
        writer, line = without_prefix(raw)
        pages.setdefault(writer, []).append(line)
    return pages


def _runs(pages: Iterable[list[str]], artifacts: Mapping[str, bytes]) -> dict[str, TexRun]:
    """The last run of TeX on each document, from its own log where that is at hand."""
    runs: dict[str, TexRun] = {}
    for lines in pages:
        runs |= last_runs(lines)
    for name, path in _named(artifacts, ".log").items():
        for run in last_runs(log_file(artifacts[path])).values():
            runs.pop(document_of(path), None)
            runs[name] = TexRun(name, run.lines)
    return runs


def _named(artifacts: Mapping[str, bytes], ending: str) -> dict[str, str]:
    """The artifacts of one kind by their document: its file name, or its path where several have that name."""
    paths = [path for path in artifacts if path.endswith(ending)]
    count = Counter(map(document_of, paths))
    name = {path: document_of(path) for path in paths}
    return {
        name[path] if count[name[path]] == 1 else posixpath.splitext(path)[0] + ".pdf": path for path in sorted(paths)
    }


def _sphinx_errors(sphinx: SphinxLog, levels: set[Level]) -> Iterator[Failure]:
    for each in sphinx.complaints:
        if each.level in levels:
            kind: Kind = "failed" if each.level == "undefined" else "error"
            test = TestId(each.file, each.name, each.text)
            yield Failure(test=test, kind=kind, line=each.line, message=each.message)


def _tex_errors(runs: Iterable[TexRun]) -> Iterator[Failure]:
    for run in runs:
        for error in run.errors:
            if not lacking(error.message, run.document):
                test = TestId(run.document, "LaTeX error", error.essence)
                yield Failure(test=test, kind="error", line=error.line, message=f"{error.where}: {error.excerpt}")


def _lost(runs: Iterable[TexRun]) -> Iterator[Failure]:
    """References and citations that lead nowhere, of documents that had all runs they needed."""
    for run in runs:
        for lost in () if run.is_unfinished else run.undefined:
            test = TestId(run.document, f"undefined {lost.what}", lost.label)
            yield Failure(test=test, line=lost.line, message=f"{run.source}: {lost.said}")


def _without_pdf(absent: Iterable[str], runs: Mapping[str, TexRun], log: str) -> Iterator[Failure]:
    for document in absent:
        causes = runs[document].errors if document in runs else ()
        why = f"{causes[0].where}: {causes[0].excerpt}" if causes else f"the log ends:\n{shorten(last_lines(log, 15))}"
        yield Failure(test=TestId(document), kind="crash", message=f"{document} was not made: {why}")


def _bad_pdfs(broken: Mapping[str, str]) -> Iterator[Failure]:
    for document, flaw in broken.items():
        yield Failure(test=TestId(document), kind="crash", message=f"{document} {flaw}.")


def _unfinished(runs: Iterable[TexRun], absent: Iterable[str]) -> Iterator[Failure]:
    """Documents that an error kept from further runs: whether their references lead anywhere is not known."""
    for run in runs:
        if run.is_unfinished and run.document not in absent:
            cause = run.errors[0]
            message = f"{run.document} was not finished: {cause.where}: {cause.excerpt}"
            yield Failure(test=TestId(run.document), kind="crash", message=message)


def _ours(runs: Iterable[TexRun], said: Iterable[str], *, is_known: bool) -> str:
    """What was wrong on our own side, in a clause."""
    for run in runs:
        for error in run.errors:
            if ours := lacking(error.message, run.document):
                return ours
    return surely_ours(said) or ("" if is_known else probably_ours(said))


def _unexplained(output: Output, pdfs: Mapping[str, str], is_explained: bool, is_missed: bool) -> Iterator[Failure]:
    """The gate itself fails where nothing that is known says why it should, or where it made nothing."""
    if output.status and not is_explained:
        yield gate_failure(output, "Nothing is known to be wrong with the documents, but the run failed")
    elif not output.status and not pdfs and not is_missed:
        yield gate_failure(output, f"{output.gate} left no PDF that its artifacts name")
