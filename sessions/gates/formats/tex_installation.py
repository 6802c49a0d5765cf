"""Recognise errors that the TeX installation or the machine causes, and say what to do. They are no ticket's fault.

If a ticket needs a font or package that the image lacks, a person must decide whether to add it to the image or to
leave the ticket out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LACKING = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (r"^Font [^=]{1,200}=(?P<name>[^\s;:]{1,200}).{0,300} not loadable", "the font {}"),
        (r"\bThe font \"(?P<name>[^\"]{1,200})\" cannot be found", "the font {}"),
        (r"^fontspec error: \"(?P<name>font-not-found)\"", "a font ({})"),
        (r"\bFont (?P<name>\S{1,200}) at \d+ not found", "the font {}"),
        (r"\(file (?P<name>[^)]{1,200})\): cannot open .{0,60}(?:font|encoding) file", "the font file {}"),
        (r"^LaTeX Error: File `(?P<name>[^'/]{1,200}\.(?:sty|cls|clo|ldf|fd|def))' not found", "LaTeX's {}"),
    )
)
_CANNOT_WRITE = re.compile(r"fwrite\(\) failed|^I can't write on file|^pdfTeX error: .{0,80}write")
_FORMAT = re.compile(r"^.{0,80}(?:Could not undump \d+|I can't find the format file|Fatal format file error)")
_KILLED = re.compile(r"^(?:make\S{0,9}: \*\*\* \[.{1,300}\] |\S{0,30}sh: (?:line )?\d+: +\d+ )?Killed(?:\s.*)?$")
_NOT_FOUND = re.compile(
    r"^(?:\S{0,30}sh: (?:line )?(?:\d+: )?|make\S{0,9}: )(?P<name>[^\s:]{1,100}): "
    r"(?:command not found|not found|No such file or directory)$"
)
_NO_MODULE = re.compile(r"^\S{0,200}python[\d.]*: No module named '?(?P<name>[\w.]{1,100})")
_RUNS = re.compile(
    r"^Latexmk: Maximum runs of (?P<name>\w{1,30}) reached without getting stable files"
    r"|^ +'(?P<rule>\w{1,30})' needed too many passes"
)
_FONT_FILE = re.compile(
    r"\bFile not found: \"(?P<name>[^\"]{1,200}\.(?:otf|ttf|ttc|pfb))\""
    r"|^x?dvipdfmx:(?:fatal|warning): .{0,60}(?:font|TFM) .{0,60}\"(?P<tfm>[^\"]{1,200})\""
)


def lacking(message: str, document: str) -> str:
    """Return a clause on what the machine lacks, if a message of TeX is about that; empty otherwise."""
    if _CANNOT_WRITE.search(message):
        return f"TeX could not write {_shown(document)}, mostly because the disk is full: make room"
    for pattern, what in _LACKING:
        if found := pattern.search(message):
            return (
                f"the image lacks {what.format(_shown(found['name']))}, which {_shown(document)} asks for: "
                "add it to the image, or leave out the ticket that asks for it"
            )
    return ""


def surely_ours(lines: Iterable[str]) -> str:
    """Return a clause on a fault of the machine that counts whatever else went wrong; empty if there is none."""
    for line in lines:
        if _FORMAT.match(line):
            return f"TeX cannot load its format file ({_shown(line)}): rebuild it in the image, with fmtutil-sys --all"
        if _KILLED.match(line):
            return "a command was killed, mostly because memory ran out: give it more, or run fewer at once"
    return ""


def probably_ours(lines: Iterable[str]) -> str:
    """Return a clause on a fault of the machine that counts only if nothing is wrong with the documents themselves."""
    for line in lines:
        if found := _NOT_FOUND.match(line) or _NO_MODULE.match(line):
            return f"the image lacks the command {_shown(found['name'])}: add it to the image"
        if found := _RUNS.match(line):
            return (
                f"latexmk ran {_shown(found['name'] or found['rule'])} as often as it may, and files still change: "
                "see in the log which do, or raise $max_repeat in latexmkrc"
            )
        if found := _FONT_FILE.search(line):
            return f"the image lacks the font {_shown(found['name'] or found['tfm'])}: add it to the image"
    return ""


def _shown(text: str) -> str:
    """Make an excerpt of a log short and printable."""
    return "".join(letter for letter in text if letter.isprintable())[:100]
