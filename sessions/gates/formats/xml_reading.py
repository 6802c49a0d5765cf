r"""Read XML as programs really write it: with control characters, wrong encodings, several documents in one file.

Reports contain the output of tests, often without escapes. ``lxml`` (libxml2 in recovery mode) continues where strict
parsers stop. ``notes`` lists the repairs. ``damage`` is set if elements may be lost, for example because a file was cut
off. Nothing is fetched, no DTD is read, and entities are refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import islice

from lxml import etree

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(rb"""^\s{0,99}<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
# Python also has codecs that are not encodings of documents (`unicode_escape`): a report must not choose those.
_ENCODING = re.compile(
    r"(?:utf|ucs|iso|us-|ascii|windows|cp|latin|koi8|euc|shift|sjis|gb|big5|mac|ibm)[\w.:-]*", re.IGNORECASE
)
_ENTITIES = re.compile(r"<!DOCTYPE[^>\[]{0,1000}\[|<!ENTITY\s")
_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,300}\?>|<!DOCTYPE[^>\[]{0,1000}>")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STRAY = re.compile(r"[\udc80-\udcff]")  # Python's substitutes for bytes that are not UTF-8
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,8}|#x[0-9A-Fa-f]{1,8});)")
# libxml2 reports no more errors than this (its XML_MAX_ERRORS): then only the last tag shows that a file is complete.
_MOST_ERRORS = 100
_CLOSED = re.compile(r"(?:</[\w:]{0,30}testsuites?\s*>|/>|-->)\s*\Z")
# Errors that libxml2 repairs without losing an element, by their names in xmlParserErrors.
_HARMLESS = {
    "ERR_INVALID_CHAR",
    "ERR_LT_IN_ATTRIBUTE",
    "ERR_MISPLACED_CDATA_END",
    "ERR_RESERVED_XML_NAME",
    "ERR_UNDECLARED_ENTITY",
    "ERR_ATTRIBUTE_REDEFINED",
    "NS_ERR_UNDEFINED_NAMESPACE",
    "NS_ERR_ATTRIBUTE_REDEFINED",
    "WAR_NS_URI_RELATIVE",
    "WAR_NS_URI",
}
_MENDED = {
    "ERR_LT_IN_ATTRIBUTE": "unescaped < in attributes",
    "ERR_MISPLACED_CDATA_END": "]]> where it ends nothing",
}


@dataclass(frozen=True, kw_only=True)
class Xml:
    """The documents of a file: their root elements, notes on repairs, and a clause on what may be lost.

    ``doubtful`` are elements that may have lost a part of their content.
    """

    roots: tuple[etree._Element, ...] = ()
    doubtful: frozenset[etree._Element] = frozenset()
    notes: tuple[str, ...] = ()
    damage: str = ""


def read_xml(content: bytes) -> Xml:
    """Read all documents of a file. Raises nothing but :class:`MemoryError`."""
    text, notes = _decode(content)
    if not text.strip():
        return Xml(damage="is empty", notes=tuple(notes))
    if _ENTITIES.search(_CDATA.sub("", text)):
        return Xml(damage="declares entities, which are refused", notes=tuple(notes))
    text = _mend(text, notes)
    # One root around all documents. Its last child shows whether everything before it was closed.
    whole = f"<documents>{text}<end/></documents>".encode()
    parser = etree.XMLParser(
        encoding="utf-8", recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    try:
        root = etree.fromstring(whole, parser)
    except etree.XMLSyntaxError as error:
        if getattr(error, "code", 0) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        return Xml(damage="is not XML", notes=tuple(notes))
    return _judge(root, parser, notes, text)


def _judge(root: etree._Element, parser: etree.XMLParser, notes: list[str], text: str) -> Xml:
    elements = list(root.iterchildren("*"))
    is_closed = bool(elements) and elements[-1].tag == "end" and len(elements[-1]) == 0
    if len(parser.error_log) >= _MOST_ERRORS:
        is_closed = is_closed and bool(_CLOSED.search(text))
    roots = tuple(elements[:-1] if is_closed else elements)
    serious = [entry for entry in parser.error_log if entry.type_name not in _HARMLESS]
    if not roots:
        return Xml(damage="is not XML", notes=tuple(notes))
    if serious or not is_closed:
        line = serious[0].line if serious else 0
        damage = f"is cut off or damaged{f' at line {line}' if line else ''}"
        doubtful = _doubtful(root, line, is_cut=not is_closed and line > text.count("\n"))
        return Xml(roots=roots, doubtful=doubtful, damage=damage, notes=tuple(notes))
    mended = {entry.type_name for entry in parser.error_log}
    notes += [note for name, note in _MENDED.items() if name in mended]
    if len(roots) > 1:
        notes.append(f"{len(roots)} documents in one file")
    return Xml(roots=roots, notes=tuple(notes))


def _doubtful(root: etree._Element, line: int, *, is_cut: bool) -> frozenset[etree._Element]:
    """Return the elements open at the end of the file, and all from ``line`` on if the file is damaged there."""
    last = list(root.iter("*"))[-1]
    # An element whose tag was cut off within its attributes looks complete, and comes before the last one.
    left_open = {last, *last.iterancestors(), *islice(last.itersiblings(preceding=True), 1)}
    damaged = () if is_cut else (each for each in root.iter("*") if _line(each) >= line)
    return frozenset({*left_open, *damaged})


def _line(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def _decode(content: bytes) -> tuple[str, list[str]]:
    """Decode a file: by its byte order mark, else as UTF-8 if valid, else as declared. Return notes, too."""
    for mark, encoding in (*_BOMS, *_WIDE):
        if content.startswith(mark):
            return content.decode(encoding, "replace").removeprefix("\ufeff"), []
    found = _DECLARED.match(content)
    declared = found[1].decode("ascii", "replace") if found else "utf-8"
    try:
        return content.decode(), [] if _agrees(content, declared) else [f"UTF-8 where {declared} is declared"]
    except UnicodeDecodeError:
        return _decode_other(content, declared)


def _agrees(content: bytes, declared: str) -> bool:
    """Whether the content is the same text in the declared encoding as in UTF-8."""
    return _decoded(content, declared) == content.decode()


def _decode_other(content: bytes, declared: str) -> tuple[str, list[str]]:
    text = _decoded(content, declared)
    if text is not None:
        return text, []
    # Single bytes are replaced, so that one that a test printed does not change the names of all others.
    text = content.decode("utf-8", "surrogateescape")
    return _STRAY.sub(_latin_1, text), [f"bytes that are not valid {declared}, which is declared"]


def _latin_1(found: re.Match[str]) -> str:
    return chr(ord(found[0]) - 0xDC00)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding) if _ENCODING.fullmatch(encoding) else None
    except (LookupError, ValueError):
        return None


def _mend(text: str, notes: list[str]) -> str:
    """Repair what XML forbids. libxml2 would do so, too, but reports only the first 100 errors of a file."""
    start = text.lstrip()
    if start != text and start.startswith("<?xml"):
        notes.append("blank lines before the declaration")
    # A declaration within CDATA was printed by a test. It is removed, too; the message stays readable.
    text = _DECLARATION.sub("", start)
    text, controls = _CONTROL.subn("\ufffd", text)
    if controls or not all(map(_is_character, _REFERENCE.finditer(text))):
        notes.append("control characters")
    text = _REFERENCE.sub(lambda found: found[0] if _is_character(found) else "\ufffd", text)
    outside, ampersands = _outside_cdata(text)
    if ampersands:
        notes.append("unescaped &")
    return outside


def _is_character(found: re.Match[str]) -> bool:
    """Whether XML 1.0 allows the character of a character reference (production 2, ``Char``)."""
    code = int(found[1], 16) if found[1] else int(found[2])
    return code in {9, 10, 13} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def _outside_cdata(text: str) -> tuple[str, int]:
    """Escape each ``&`` that begins no reference, except in CDATA sections and comments, where it stands for itself."""
    parts: list[str] = []
    place = count = 0
    for found in _CDATA.finditer(text):
        part, more = _AMPERSAND.subn("&amp;", text[place : found.start()])
        parts += [part, found[0]]
        place, count = found.end(), count + more
    part, more = _AMPERSAND.subn("&amp;", text[place:])
    return "".join([*parts, part]), count + more
