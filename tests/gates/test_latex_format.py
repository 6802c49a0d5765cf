from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from sessions.gates.comparison import compare
from sessions.gates.formats import pdf as pdf_format
from sessions.gates.formats.latex_log import unwrapped
from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import Failure, GateOutput, Results, TestId

RECORDINGS = Path(__file__).parent / "recordings"
GATE = "doc-pdf"


def pdf(pages: int = 1) -> bytes:
    writer, stream = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(72, 72)
    writer.write(stream)
    return stream.getvalue()


PDF = pdf()


def recorded(name: str) -> str:
    """A recording, its paths counted from the source as the laboratory does."""
    return (RECORDINGS / f"{name}.txt").read_text().replace("/project/", "")


def read(log: str, *documents: str, status: int = 0, **artifacts: bytes) -> Results:
    """Read a log, with good PDFs of some documents, and further artifacts as ``abacus_log=b"…"``."""
    files = {f"build/{name}.pdf": PDF for name in documents}
    files |= {f"build/{name.replace('_', '.')}": content for name, content in artifacts.items()}
    return FORMATS["latex"](GateOutput(gate=GATE, status=status, log=log, artifacts=files))


def names(results: Results) -> list[str]:
    assert not results.broken
    return [str(failure.test) for failure in results.failures]


# Documents that came out, the status, and what is wrong.
FOUND = {
    "good": (["abacus"], 0, []),
    "undefined-macro": (
        [],
        2,
        ["abacus.pdf", "abacus.pdf::LaTeX error [Undefined control sequence. \\undefinedcarpet]"],
    ),
    "halt": ([], 2, ["abacus.pdf", "abacus.pdf::LaTeX error [Undefined control sequence. \\undefinedcarpet]"]),
    "lesser-font-and-macro": (
        [],
        2,
        ["abacus.pdf", "abacus.pdf::LaTeX error [Undefined control sequence. \\undefinedcarpet]"],
    ),
    "silent": (["abacus"], 2, ["doc-pdf"]),
    "undefined-refs": (
        ["abacus"],
        0,
        [
            "abacus.pdf::undefined citation [nobody1999]",
            "abacus.pdf::undefined reference [lost]",
            "abacus.pdf::undefined reference [nowhere-at-all]",
            'docs/recipes.rst::undefined reference [Unknown target name: "undefined".]',
            "docs/recipes.rst::undefined reference [citation not found: Unknown2020]",
            "docs/recipes.rst::undefined reference [undefined label: 'nothing-here']",
            "docs/recipes.rst::undefined reference [unknown document: 'missing']",
        ],
    ),
    "undefined-refs-silent": (
        ["abacus"],
        0,
        ["abacus.pdf::undefined citation [nobody1999]", "abacus.pdf::undefined reference [nowhere-at-all]"],
    ),
    "undefined-refs-werror": (
        ["abacus"],
        2,
        [
            "abacus.pdf::undefined citation [nobody1999]",
            "abacus.pdf::undefined reference [lost]",
            "abacus.pdf::undefined reference [nowhere-at-all]",
        ],
    ),
    "sphinx5-strict": ([], 1, ['docs/recipes.rst::undefined reference [Unknown target name: "undefined".]']),
    "sphinx5-extension": (
        [],
        1,
        [
            (
                "Sphinx::Extension error [Could not import extension nosuchextension (exception: No module named "
                "'nosuchextension')]"
            )
        ],
    ),
    "sphinx5-settings": ([], 1, ["Sphinx::Configuration error [NameError: name 'undefined_name' is not defined]"]),
    "sphinx5-setup": ([], 1, ["Sphinx::Exception occurred [RuntimeError: conf setup fails]"]),
    "sphinx5-event": (
        [],
        1,
        [
            (
                "Sphinx::Extension error [Handler <function boom at …> for event 'doctree-read' threw an exception "
                "(exception: 'boom')]"
            )
        ],
    ),
    "sphinx9-extension": (
        [],
        2,
        [
            (
                "Sphinx::Extension error [sphinx.errors.ExtensionError: Could not import extension nosuchextension "
                "(exception: No module named 'nosuchextension')]"
            )
        ],
    ),
    "sphinx9-settings": ([], 2, ["Sphinx::Configuration error [NameError: name 'undefined_name' is not defined]"]),
    "sphinx9-setup": ([], 2, ["Sphinx::Exception occurred [RuntimeError: conf setup fails]"]),
    "sphinx9-refs": (
        ["abacus"],
        0,
        [
            'docs/recipes.rst::error [Unknown directive type "nosuchdirective".]',
            'docs/recipes.rst::undefined reference [Unknown target name: "undefined".]',
            "docs/recipes.rst::undefined reference [citation not found: Unknown2020]",
            "docs/recipes.rst::undefined reference [undefined label: 'nothing-here']",
            "docs/recipes.rst::undefined reference [unknown document: 'missing']",
        ],
    ),
    "rst-errors": (
        [],
        2,
        [
            "abacus.pdf",
            (
                "abacus.pdf::LaTeX error [Package pdftex.def Error: File `no.png' not found: using draft setting. … "
                "phinxincludegraphics{{no}.png}]"
            ),
            'docs/recipes.rst::error [Unknown directive type "nosuchdirective".]',
            'docs/recipes.rst::error [Unknown interpreted text role "nosuchrole".]',
        ],
    ),
    "capacity": (
        [],
        12,
        [
            "cap.pdf",
            (
                "cap.pdf::LaTeX error [TeX capacity exceeded, sorry [input stack size=10000]. … "
                "}\\selectfont hi \\def\\x{\\x\\x}\\x]"
            ),
        ],
    ),
    "no-end": ([], 12, ["noend.pdf", "noend.pdf::LaTeX error [Undefined control sequence. \\undefinedhere]"]),
    "empty": ([], 12, ["empty.pdf"]),
    "made-format": (["good"], 0, []),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_is_wrong_with_documents(name: str) -> None:
    documents, status, expected = FOUND[name]
    results = read(recorded(name), *documents, status=status)
    if name == "silent":  # its PDF came out, its log did not: nothing says what is wrong
        assert results.failures[0].message.startswith("Nothing is known to be wrong with the documents")
    assert names(results) == expected
    assert results.failures == tuple(sorted(results.failures, key=lambda failure: failure.test))


OURS = {
    "missing-font": (2, "the image lacks the font nosuchfont, which abacus.pdf asks for"),
    "missing-font-lua": (12, "the image lacks the font [lmroman10-regular], which lua.pdf asks for"),
    "missing-package": (2, "the image lacks LaTeX's nosuchpackage.sty, which abacus.pdf asks for"),
    "broken-format": (12, "TeX cannot load its format file (pdflatex: fatal: Could not undump 409058"),
    "max-runs": (12, "latexmk ran pdflatex as often as it may, and files still change"),
    "killed": (2, "a command was killed"),
    "not-found": (2, "the image lacks the command latexmk"),
    "not-found-sh": (2, "the image lacks the command nolatexmk"),
    "disk-full": (12, "TeX could not write good.pdf, mostly because the disk is full"),
}


@pytest.mark.parametrize("name", OURS)
def test_what_the_machine_lacks_is_nobodys_fault(name: str) -> None:
    status, clause = OURS[name]
    results = read(recorded(name), status=status)
    assert results == Results(broken=results.broken, status=status)
    assert results.broken.startswith(clause)
    assert not results.broken.endswith(".")


@pytest.mark.parametrize("name", ["missing-font-lua", "max-runs"])
def test_what_the_project_lives_with_is_no_reason_to_stop(name: str) -> None:
    documents = {"missing-font-lua": "lua", "max-runs": "good"}
    results = read(recorded(name), documents[name], status=0)
    assert not results.broken
    assert not [failure for failure in results.failures if failure.kind != "failed"]


def test_a_lesser_fault_of_the_machine_does_not_hide_a_documents_error() -> None:
    log = recorded("not-found-sh") + recorded("max-runs") + recorded("undefined-macro")
    assert "abacus.pdf" in names(read(log, status=2))


def test_a_font_that_another_document_does_without_does_not_hide_an_error() -> None:
    log = recorded("missing-font-lua") + recorded("undefined-macro")
    assert names(read(log, "lua", status=2))[0] == "abacus.pdf"


def test_failures_tell_the_line_and_what_latex_said() -> None:
    crash, error = read(recorded("undefined-macro"), status=2).failures
    said = (
        "abacus.tex:151: Undefined control sequence.\nl.151 The carpet is \\undefinedcarpet\n" + " " * 36 + "{} wide."
    )
    assert error == Failure(test=error.test, kind="error", line=151, message=said)
    assert crash == Failure(test=TestId("abacus.pdf"), kind="crash", message=f"abacus.pdf was not made: {said}")
    lost = read(recorded("undefined-refs"), "abacus").failures
    assert (lost[0].line, lost[-1].line) == (151, 27)
    assert lost[0].message == (
        "abacus.tex: LaTeX Warning: Citation `nobody1999' on page 5 undefined on input line 151."
    )
    assert lost[-1].message == "docs/recipes.rst:27: WARNING: unknown document: 'missing'"


def test_the_source_that_sphinx_made_a_line_from_is_named_where_the_latex_file_is_at_hand() -> None:
    tex = ["\\label{\\detokenize{index::doc}}", *[""] * 99, "\\label{\\detokenize{how/recipes::doc}}", *[""] * 200]
    results = read(recorded("undefined-macro"), status=2, abacus_tex="\n".join(tex).encode())
    assert results.failures[1].message.startswith("abacus.tex:151 (made from how/recipes): Undefined control sequence.")
    assert names(results) == FOUND["undefined-macro"][2]
    (early,) = read(
        "Running 'pdflatex a.tex'\nThis is pdfTeX, \n! Oh.\nl.100 x\n", a_tex="\n".join(tex).encode()
    ).failures[1:]
    assert early.message.startswith("a.tex:100 (made from index): Oh.")


@pytest.mark.parametrize("name", ["halt", "undefined-refs", "rst-errors", "sphinx9-refs", "parallel"])
def test_lines_and_pages_are_no_part_of_a_failures_name(name: str) -> None:
    log = recorded(name)
    moved = log
    for number in ("151", "158", "27", "26", "28"):
        for before, after in (("line {}", "line {}"), ("l.{} ", "l.{} "), (":{}:", ":{}:")):
            moved = moved.replace(before.format(number), after.format(f"9{number}"))
    moved = moved.replace("on page 5", "on page 1234")
    assert moved != log or name == "parallel"
    assert names(read(moved, status=2)) == names(read(log, status=2))


@pytest.mark.parametrize("line", [12, 1234])
def test_nor_are_the_lines_that_latexs_message_itself_names(line: int) -> None:
    said = f"! LaTeX Error: \\begin{{foo}} on input line {line} ended by \\end{{bar}}.\n\nl.{line} \\end{{bar}}\n"
    found = names(read(f"This is pdfTeX, Version\n(./a.tex\n{said}", status=1))
    assert found[1] == "a.pdf::LaTeX error [LaTeX Error: \\begin{foo} ended by \\end{bar}. … \\end{bar}]"


# What Docker's build, GitHub's logs and Sage's make put before each line.
PREFIXES = [
    "#25 1211.0 ",
    "2023-03-31T02:21:58.1267892Z ",
    "[sagemath_doc_pdf-none] ",
    "2023-03-31T02:21:58.1267892Z #25 1211.0 [sagemath_doc_pdf-none] ",
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", ["undefined-macro", "undefined-refs", "rst-errors"])
def test_prefixes(prefix: str, name: str) -> None:
    log = "".join(f"{prefix}{line}\r\n" for line in recorded(name).splitlines())
    assert names(read(log, status=2)) == names(read(recorded(name), status=2))


def test_parts_that_sages_make_runs_at_the_same_time() -> None:
    one = [f"[manual-1.0] {line}" for line in recorded("undefined-macro").splitlines()]
    other = [f"[thesis-2.0] {line}" for line in recorded("no-end").splitlines()]
    mixed = [line for pair in zip(one, other, strict=False) for line in pair] + one[len(other) :]
    assert names(read("\n".join(mixed), status=2)) == FOUND["undefined-macro"][2] + FOUND["no-end"][2]


def test_a_manuals_parts_as_sage_names_them() -> None:
    log = "[algebras ] src/sage/a.py:docstring of sage.a.f:3: WARNING: undefined label: 'x' [ref.ref]"
    (failure,) = read(log, "algebras").failures
    assert failure.test == TestId("src/sage/a.py", "undefined reference in sage.a.f", "undefined label: 'x'")
    assert failure.line == 3


def test_parallel_make() -> None:
    results = read(recorded("parallel"), "a", "b", "good", status=2)
    assert results.files == ("a.pdf", "b.pdf", "good.pdf")
    assert results.tests == 3
    found = names(results)
    assert [test for test in found if not test.startswith("a.pdf::")] == [
        "a.pdf",  # an error kept it from the runs that would have resolved its references
        "b.pdf::LaTeX error [Undefined control sequence. \\alsonothing]",
        "b.pdf::LaTeX error [Undefined control sequence. \\nothing]",
        "b.pdf::undefined citation [Knuth84]",
        "b.pdf::undefined reference [somewhere-that-is-called-by-a-very-long-name-which-will-not-fit-into-one-line]",
    ]
    assert "a.pdf::LaTeX error [Missing $ inserted. … One. \\ref{there} a_]" in found
    chapter = next(failure for failure in results.failures if "alsonothing" in failure.test.example)
    assert chapter.message.startswith("chapters/c.tex:1: ")


def test_texs_own_logs_tell_where_the_terminal_is_garbled() -> None:
    logs = {f"{name}_log": (RECORDINGS / f"interleaved-{name}.log").read_bytes() for name in ("a", "b", "good")}
    assert names(read(recorded("interleaved"), "a", "b", "good", status=2, **logs)) == [
        "a.pdf::LaTeX error [Undefined control sequence. \\nosuchmacro]",
        "a.pdf::undefined citation [gone]",
        "a.pdf::undefined reference [lost]",
        "b.pdf::undefined citation [gone]",
        "b.pdf::undefined reference [elsewhere]",
    ]


def test_texs_own_log_tells_where_latexmk_is_silent() -> None:
    log = (RECORDINGS / "silent.log").read_bytes()
    assert names(read(recorded("silent"), "abacus", status=2, abacus_log=log)) == FOUND["undefined-macro"][2]


def test_pdftex_breaks_lines_within_a_character() -> None:
    warning = "LaTeX Warning: Reference `" + "x" * 52 + "é' on page 1 undefined on input line 3."
    raw = warning.encode()
    log = b"This is pdfTeX, Version 3\n**a.tex\n" + raw[:79] + b"\n" + raw[79:] + b"\n"
    assert raw[78:80] == "é".encode()
    assert names(read("", "a", a_log=log)) == [f"a.pdf::undefined reference [{'x' * 52}é]"]


def test_two_documents_of_one_name_are_told_apart_by_their_logs() -> None:
    one, two = (
        f"This is pdfTeX, Version 3\n**guide.tex\nLaTeX Warning: Citation `{label}' on page 1 undefined.\n".encode()
        for label in ("one", "two")
    )
    artifacts = {"en/guide.pdf": PDF, "fr/guide.pdf": PDF, "en/guide.log": one, "fr/guide.log": two}
    results = FORMATS["latex"](GateOutput(gate=GATE, status=0, log=one.decode(), artifacts=artifacts))
    assert names(results) == ["en/guide.pdf::undefined citation [one]", "fr/guide.pdf::undefined citation [two]"]


def counted(count: int) -> Results:
    """What is left of it when only latexmk's sum is to be seen, as in Sage's #35394."""
    log = f"latexmk 'references.tex'\nThis is pdfTeX, Version 3\n  Latex failed to resolve {count} citation(s)\n"
    return read(log, "references")


def test_unnamed_citations_are_counted_against_the_release() -> None:
    before, after = counted(999), counted(1001)
    assert len(before.failures) == 999
    assert [str(each.test) for each in compare(before, after).new] == [
        "references.pdf::undefined citation [1000]",
        "references.pdf::undefined citation [1001]",
    ]
    assert compare(before, before).new == ()


def test_only_new_references_count_and_a_release_without_document_tells_nothing() -> None:
    refs, macro = read(recorded("undefined-refs"), "abacus"), read(recorded("undefined-macro"), status=2)
    assert compare(refs, refs).new == ()
    assert [str(each.test) for each in compare(refs, macro).new] == FOUND["undefined-macro"][2]
    assert {each.test.file for each in compare(macro, refs).new} == {"docs/recipes.rst"}


WARNING = "docs/a.rst:3: WARNING: Title underline too short. [docutils]\n"


@pytest.mark.parametrize(
    ("log", "status", "expected"),
    [
        (WARNING, 0, []),
        (WARNING + recorded("undefined-macro"), 2, FOUND["undefined-macro"][2]),
        (
            WARNING + "build finished with problems, 1 warning (with warnings treated as errors).\n",
            1,
            ["docs/a.rst::warning [Title underline too short.]"],
        ),
        # Told to be quiet, Sphinx does not say why it failed.
        (WARNING, 1, ["doc-pdf", "docs/a.rst::warning [Title underline too short.]"][1:]),
    ],
)
def test_warnings_count_where_sphinx_takes_them_for_errors(log: str, status: int, expected: list[str]) -> None:
    assert names(read(log, "abacus", status=status)) == expected


def test_a_known_lost_reference_does_not_explain_why_a_run_failed() -> None:
    assert names(read(recorded("undefined-refs-silent"), "abacus", status=2))[0] == "doc-pdf"


def test_status_zero_without_pdf_fails() -> None:
    (failure,) = read("").failures
    assert failure.test == TestId("", GATE)
    assert failure.message.startswith("doc-pdf left no PDF among its artifacts; the command ended with status 0.")
    assert names(read("processing abacus.tex... index\nbuild succeeded.\n")) == ["abacus.pdf"]


def test_a_document_that_the_log_names_must_be_there() -> None:
    log = "processing abacus.tex... index\nprocessing thesis.tex... index\n"
    assert names(read(log, "abacus")) == ["thesis.pdf"]


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "is not a PDF"),
        (b"<html>404</html>", "is not a PDF"),
        (b"%PDF-1.5\n%%EOF\n", "is not a complete PDF"),
        (PDF[: len(PDF) // 2], "is not a complete PDF"),
        (pdf(0), "has no pages"),
    ],
)
def test_pdfs_must_have_pages(content: bytes, flaw: str) -> None:
    (failure,) = read("", "good", abacus_pdf=content).failures
    assert (failure.test, failure.kind) == (TestId("abacus.pdf"), "crash")
    assert failure.message.startswith(f"abacus.pdf {flaw}")


def test_a_pdf_that_kills_its_reader_is_named_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_format, "_MEMORY", 200 * 2**20)
    results = read("", "a", "z", m_pdf=PDF + b" " * 200 * 2**20, n_pdf=b"%PDF-1.4")
    first, second = results.failures
    assert first.message == "m.pdf cannot be read in reasonable time and memory."
    assert second.message.startswith("n.pdf is not a complete PDF")
    assert results.files == ("a.pdf", "m.pdf", "n.pdf", "z.pdf")


def test_a_pdf_of_an_earlier_run_does_not_hide_that_there_is_none_now() -> None:
    assert names(read(recorded("undefined-macro"), "abacus", status=2)) == FOUND["undefined-macro"][2]
    assert names(read(recorded("missing-font"), "abacus", status=0)) == ["abacus.pdf"]


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=100), max_size=8))
def test_nothing_is_lost_where_lines_are_put_together(lines: list[str]) -> None:
    assert "".join(unwrapped(lines)) == "".join(lines)


SHAPES = sorted({line for path in RECORDINGS.glob("*.txt") for line in path.read_text().splitlines() if len(line) > 3})


@given(st.lists(st.sampled_from(SHAPES) | st.text(max_size=40), max_size=25), st.integers(0, 2))
def test_whatever_is_printed_is_read(lines: list[str], status: int) -> None:
    log = "\n".join(lines)
    results = read(log, status=status, a_log=log.encode("utf-8", "replace"))
    assert results.broken or results.failures


# Each would take hours, were a search in it not bounded; some are what a program says that prints in a circle.
HOSTILE = {
    "one line": "a",
    "full lines": "b" * 79 + "\n",
    "errors": "! Undefined control sequence.\nl.3 \\x\n",
    "bangs": "! ",
    "broken references": "Reference `x",
    "references": "Citation `" + "y" * 290 + " undefined\n",
    "levels": ": WARNING: ",
    "places": "a:1:",
    "colours": "\x1b[" + "1;" * 900,
    "titles": "\x1b]a",
    "tracebacks": "Traceback\n=========\n",
    "ends": "Extension error:\n \n",
    "fonts": "! Font a=b" + " not load" * 300 + "\n",
    "continued": "! Package x Error:\n" + "(x)      foo\n" * 18,
    "tokens": "! Undefined control sequence.\n" + "\\" * 190 + "\n",
    "files": "(./a.tex ",
    "rules": "make: *** [" + "a" * 900 + "\n",
    "prefixes": "[a" + "-a" * 900 + "\n",
    "blanks": " " * 3000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_long_hostile_logs_are_read(name: str) -> None:
    log = "This is pdfTeX, Version 3\n(./a.tex\n" + HOSTILE[name] * (5_000_000 // len(HOSTILE[name]))
    results = read(log, status=1)
    assert results.failures
    assert all(len(failure.message) < 5000 and len(str(failure.test)) < 1000 for failure in results.failures)
