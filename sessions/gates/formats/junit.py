"""``format = "junit"``: the XML report that pytest, Maven, Gradle, CTest and many others can write.

There is no standard: suites may be nested or missing, and each tool has its own way to show that a run is complete. The
format follows ``_pytest/junitxml.py`` and Maven's ``surefire-test-report.xsd``; ``junit_forms`` lists the sources for
other tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.formats.cases import account_of
from sessions.gates.formats.junit_cases import read_cases
from sessions.gates.formats.junit_end import Document, trouble_with
from sessions.gates.formats.junit_forms import form_of, tag_of
from sessions.gates.formats.xml_reading import Xml, read_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions.gates.formats.cases import Case
    from sessions.gates.results import GateOutput, Results


def read_junit(output: GateOutput) -> Results:
    """Read the reports from the file ``{results}`` and from the files that the gate's key ``results`` matches.

    A missing or damaged report means that the gate crashed. The readable part of a damaged report still counts.
    """
    files = {path: read_xml(content) for path, content in _files(output).items()}
    documents: list[Document] = []
    cases: list[Case] = []
    for path, xml in files.items():
        for place, root in enumerate(xml.roots):
            if tag_of(root) in {"testsuites", "testsuite"}:
                form = form_of(root, output.command)
                documents.append(Document(root=root, form=form))
                cases += read_cases(root, form, xml.doubtful, gate=output.gate, place=f"{path}\n{place}", path=path)
    damage = _damage(output, files)
    return account_of(
        output,
        cases,
        trouble=damage or trouble_with(output, documents, cases),
        kind="crash" if damage else "error",
        notes=_notes(files, cases),
    )


def _files(output: GateOutput) -> dict[str, bytes]:
    """Return all reports by path; the path of the file ``{results}`` is empty."""
    return ({} if output.results is None else {"": output.results}) | dict(sorted(output.reports.items()))


def _damage(output: GateOutput, files: Mapping[str, Xml]) -> str:
    """Return a clause on what is wrong with the reports; empty if nothing is."""
    if not files:
        return f"{output.gate} left no report"
    for path, xml in files.items():
        if xml.damage:
            return f"{_report(output.gate, path)} {xml.damage}"
        if not any(tag_of(root) in {"testsuites", "testsuite"} for root in xml.roots):
            return f"{_report(output.gate, path)} is not JUnit XML"
    return ""


def _report(gate: str, path: str) -> str:
    return f"{gate}'s report {path}" if path else f"{gate}'s report"


def _notes(files: Mapping[str, Xml], cases: list[Case]) -> list[str]:
    notes = [
        f"The report{f' {path}' if path else ''} had to be repaired: {note}."
        for path, xml in files.items()
        for note in xml.notes
    ]
    if cases and all(case.outcome == "skipped" for case in cases):
        notes.append(f"All {len(cases)} tests were skipped.")
    return notes
