r"""Parse the output of TeX and latexmk, from the terminal or TeX's ``.log``, run by run.

The patterns follow TeX's ``error`` and ``show_context`` (``tex.web``, parts 6 and 22), LaTeX's kernel for references
and citations, and latexmk 4.45 to 4.79. An error looks like this without and with ``-file-line-error``::

    ! Undefined control sequence.            ./abacus.tex:151: Undefined control sequence.
    l.151 The carpet is \wide                l.151 The carpet is \wide
                             {} indeed.                               {} indeed.

Lines are broken at 79 columns, in the middle of words. Only a document's last run counts: in the first one, every
reference is undefined.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_WIDTH = 79
_CUT = 4000  # longer lines are cut to this many characters
_START = re.compile(r"^This is (?!\w*Bib)[\w-]{0,12}TeX\w?, ")
_OPENED = re.compile(r'^\((?:\./)?"?(?P<name>[^\s()"]+\.\w+)')
_NAMED = re.compile(
    r"^(?:\*\*(?:\./)?(?P<first>[^\s&\\]+)$"
    r"|Latexmk: Getting log file '(?P<log>[^']+)'"
    r"|(?:Output|Transcript) written on (?P<written>\S+?)\.?(?: \(|$))"
)
_ERROR = re.compile(
    r"^(?:! *|(?P<file>[^\s:][^:]{0,300}\.(?:tex|sty|cls|def|ltx|aux|toc|out|ind|bbl|gls|lof|lot|tikz|pgf)):"
    r"(?P<line>\d{1,9}): +)(?P<message>[^\s!].*)$"
)
_SMALL_TALK = re.compile(
    r"^ *(?:\.{3,}\s*$|See the LaTeX manual|For immediate help|See the .{1,60} documentation|Type )"
)
_CONSEQUENCE = re.compile(r"^(?:Emergency stop|==> Fatal error)")
_CONTINUED = re.compile(r"^\([\w-]+\) {3,}(?P<text>\S.*)$")
_AT = re.compile(r"^l\.(?P<line>\d{1,9}) ?(?P<text>.*)$")
_TOKEN = re.compile(r"(?:\\(?:[A-Za-z@]+|.)|\S)\s*$")
_LINE_NUMBER = re.compile(r" (?:on|at) (?:input )?lines? \d+(?:--?\d+)?")
_UNDEFINED = re.compile(
    r"\b(?P<what>[Rr]eference|Citation) [`'\"](?P<label>[^'\"]{1,300})['\"] (?:on page \S{1,20} )?"
    r"undefined(?: on input line (?P<line>\d{1,9}))?"
)
_UNRESOLVED = re.compile(r"Latex failed to resolve (?P<count>\d{1,6}) (?P<what>reference|citation)\(s\)")
_WRITTEN = re.compile(r"^Output written on \S+ \(\d+ pages?")
_NOT_WRITTEN = re.compile(r"no output PDF file produced|^No pages of output|^Latexmk: Log file says no output")
_UNFINISHED = re.compile(r"^No file .+\.(?:aux|toc)\.$|Rerun to get|may have changed\.")
_OTHER_SOURCE = re.compile(r"\((?:\./)?(?P<name>[^\s()/][^\s()]*\.tex)\b")
_MOST_UNNAMED = 2000
_MOST_ERRORS = 1000  # TeX itself stops after 100 in a paragraph


@dataclass(frozen=True, kw_only=True)
class TexError:
    """An error: its place (``line`` is 0 if unknown), TeX's message, a stable name, and the excerpt that TeX shows."""

    where: str
    line: int
    message: str
    essence: str
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class Undefined:
    """An undefined reference or citation (``what``), and the warning about it."""

    what: str
    label: str
    line: int
    said: str


@dataclass(frozen=True)
class TexRun:
    """The output of one run of TeX on a document, and latexmk's output after it."""

    document: str
    lines: tuple[str, ...]

    @cached_property
    def errors(self) -> tuple[TexError, ...]:
        """All errors. Those that only say that TeX stopped are left out if there are others."""
        found = list(self._errors())
        causes = [error for error in found if not _CONSEQUENCE.match(error.message)]
        return tuple(causes or found)

    @cached_property
    def undefined(self) -> tuple[Undefined, ...]:
        """Undefined references and citations, by label, or by number if TeX only counts them."""
        named = tuple(self._named())
        kinds = {each.what for each in named}
        counts = {found["what"]: int(found["count"]) for line in self.lines if (found := _UNRESOLVED.search(line))}
        said = "Latex failed to resolve {} {}(s)"
        return named + tuple(
            Undefined(what=what, label=f"{n}", line=0, said=said.format(count, what))
            for what, count in counts.items()
            if what not in kinds
            for n in range(1, min(count, _MOST_UNNAMED) + 1)
        )

    @cached_property
    def is_written(self) -> bool:
        """Whether TeX wrote a complete document."""
        return any(map(_WRITTEN.match, self.lines)) and not any(map(_NOT_WRITTEN.search, self.lines))

    @cached_property
    def is_unfinished(self) -> bool:
        """Whether an error prevented the further runs that would have resolved the references."""
        return bool(self.errors) and (not self.is_written or any(map(_UNFINISHED.search, self.lines)))

    @cached_property
    def is_strict(self) -> bool:
        """Whether latexmk treats warnings as errors."""
        return any("treated as error" in line for line in self.lines)

    @property
    def source(self) -> str:
        """The file that TeX was called on."""
        return self.document.removesuffix(".pdf") + ".tex"

    def _named(self) -> Iterator[Undefined]:
        for line in self.lines:
            if "undefined" in line and (found := _UNDEFINED.search(line)):
                what = found["what"].lower()
                yield Undefined(what=what, label=found["label"], line=int(found["line"] or 0), said=line.strip())

    def _errors(self) -> Iterator[TexError]:
        matches = ((i, found) for i, line in enumerate(self.lines) if (found := _ERROR.match(line)))
        heads = list(islice(matches, _MOST_ERRORS))
        ends = [i for i, _ in heads[1:]] + [len(self.lines)]
        for (i, found), end in zip(heads, ends, strict=False):
            if not _SMALL_TALK.match(found["message"]):
                yield self._error(found, self.lines[i + 1 : min(end, i + 20)])

    def _error(self, found: re.Match[str], shown: Sequence[str]) -> TexError:
        at = next((n for n, line in enumerate(shown) if _AT.match(line)), None)
        place = _AT.match(shown[at]) if at is not None else None
        shown = shown[: at + 2] if at is not None else shown[:4]
        more = []
        for line in shown:
            if not (continued := _CONTINUED.match(line)):
                break
            more.append(continued["text"].strip())
        message = " ".join([found["message"].strip(), *more])
        number = int(found["line"] or (place["line"] if place else 0))
        file = posixpath.normpath(found["file"]) if found["file"] else self._only_source
        return TexError(
            where=f"{file}:{number}" if file and number else file or self.document,
            line=number,
            message=message,
            essence=_essence(message, shown, place["text"] if place else ""),
            excerpt=shorten("\n".join([message, *filter(_tells, shown[len(more) :])]), 1200),
        )

    @cached_property
    def _only_source(self) -> str:
        """The file that line numbers refer to, if TeX read only one."""
        read = {found["name"] for line in self.lines for found in _OTHER_SOURCE.finditer(line)}
        return self.source if read <= {self.source} else ""


def _tells(line: str) -> bool:
    return bool(line.strip()) and not _SMALL_TALK.match(line)


def _essence(message: str, shown: Sequence[str], text: str) -> str:
    """Return a stable name for an error: its message and the text before it, without line numbers.

    The innermost context comes first, and ends at the faulty token. How much TeX shows of a long line depends on the
    length of the line number, so only the last 30 characters are used.
    """
    message = " ".join(_LINE_NUMBER.sub("", message).split())[:500]
    if message.startswith("Undefined control sequence"):
        token = _TOKEN.search(next((line for line in shown if line.strip()), "")[-200:])
        return f"{message} {token[0].strip()}" if token else message
    context = " ".join(text.split())[-30:].strip()
    return f"{message} … {context}" if context else message


def last_runs(lines: Iterable[str]) -> dict[str, TexRun]:
    """Return the last run of each document in a log. Output before the first document is ignored."""
    runs: dict[str, TexRun] = {}
    for document, said in _segments(unwrapped(lines)):
        if document:
            runs[document] = TexRun(document, tuple(said))
    return runs


def log_file(content: bytes) -> list[str]:
    """Return the lines of a ``.log`` that TeX wrote; none if the file is something else."""
    if not content.startswith(b"This is "):
        return []
    if b"pdfTeX" not in content[:40]:
        return content.decode("utf-8", "replace").split("\n")
    # pdfTeX counts bytes, and may break a line within a character.
    whole = unwrapped(content.decode("latin-1").split("\n"))
    return [line.encode("latin-1").decode("utf-8", "replace") for line in whole]


def document_of(path: str) -> str:
    """Return the document that a file of TeX belongs to: ``abacus.pdf`` for ``./latex/abacus.tex``."""
    return posixpath.splitext(posixpath.basename(path))[0] + ".pdf"


def _segments(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Split a log where a run of TeX starts or latexmk turns to another document; yield document names and lines."""
    announced, document, since_start = "", "", _CUT
    said: list[str] = []
    for line in _without_makers(lines):
        if name := _announced(line):
            announced = name
        starts = bool(_START.match(line))
        if starts or (name and name != document):
            yield document, said
            document, said, since_start = announced, [], 0 if starts else _CUT
        since_start += 1
        if since_start <= 8 and (opened := _OPENED.match(line)):
            document, since_start = document_of(opened["name"]), _CUT
        elif not document and (found := _NAMED.match(line)):
            document = document_of(found[found.lastgroup or 0])
        said.append(line)
    yield document, said


def _announced(line: str) -> str:
    """Return the document of a line that shows a call of latexmk, or of TeX by latexmk; empty for other lines."""
    if not line.endswith((".tex", ".tex'", '.tex"', ".tex\"'")):
        return ""
    arguments = line.replace("'", " ").replace('"', " ").split()
    calls = posixpath.basename(arguments[0]) == "latexmk" or (
        arguments[0] == "Running" and arguments[1].endswith("tex")
    )
    return document_of(arguments[-1]) if calls else ""


def _without_makers(lines: Iterable[str]) -> Iterator[str]:
    """Leave out the output of tools that make fonts and format files: it resembles TeX's, but concerns no document."""
    is_making = False
    for line in lines:
        if line.startswith("This is METAFONT,") or (_START.match(line) and "(INITEX)" in line):
            is_making = True
        if not is_making:
            yield line
        elif line.startswith(("Transcript written on ", "kpathsea: Appending")):
            is_making = False


def unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """Join lines that TeX broke at 79 columns."""
    begun: list[str] = []
    for line in lines:
        if begun and _begins_anew(line):
            yield "".join(begun)[:_CUT]
            begun = []
        begun.append(line)
        if not _is_full(line):
            yield "".join(begun)[:_CUT]
            begun = []
    if begun:
        yield "".join(begun)[:_CUT]


def _is_full(line: str) -> bool:
    return len(line) == _WIDTH or (
        len(line) < _WIDTH < 4 * len(line) and len(line.replace("\ufffd", "?").encode("utf-8", "replace")) == _WIDTH
    )


def _begins_anew(line: str) -> bool:
    return line.startswith(("! ", "LaTeX Warning:", "Latexmk:", "Output written on ")) or bool(_AT.match(line))
