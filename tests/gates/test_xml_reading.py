"""Reports as tools really write them are read, and what was repaired is told; what may be lost is never a pass."""

from __future__ import annotations

import pytest

from sessions.gates.formats.junit import read_junit
from sessions.gates.formats.xml_reading import read_xml
from sessions.gates.results import GateOutput, Results, TestId

CASES = (
    '<testcase classname="a" name="p"/><testcase classname="a" name="f"><failure message="{}">{}</failure></testcase>'
)
HEAD = '<?xml version="1.0" encoding="{}"?>'


def report(message: str = "no", text: str = "", *, head: str = HEAD.format("UTF-8")) -> str:
    return f'{head}\n<testsuite name="s">{CASES.format(message, text)}</testsuite>'


def read(content: bytes) -> Results:
    return read_junit(GateOutput(gate="unit", status=1, log="", results=content))


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (report("\x1b[31mred\x1b[0m").encode(), "control characters"),
        (report("&#x1B;[31m &#0; &#xFFFF;").encode(), "control characters"),
        (report("a\x00b").encode(), "control characters"),
        (report("naïve", head=HEAD.format("us-ascii")).encode(), "UTF-8 where us-ascii is declared"),
        (report("naïve", head=HEAD.format("klingon")).encode(), "UTF-8 where klingon is declared"),
        (report("naïve", head=HEAD.format("UTF-16")).encode(), "UTF-8 where UTF-16 is declared"),
        (report("na\\d", head=HEAD.format("unicode_escape")).encode(), "UTF-8 where unicode_escape is declared"),
        (report("naïve").encode("latin-1"), "bytes that are not valid utf-8, which is declared"),
        (report("naïve", head=HEAD.format("ISO-8859-1")).encode("latin-1"), ""),
        (report().encode("utf-8-sig"), ""),
        (report("naïve", head=HEAD.format("UTF-16")).encode("utf-16"), ""),
        (report("naïve", head=HEAD.format("UTF-16")).encode("utf-16-le"), ""),
        (report().encode() + b"\n" + b'<?xml version="1.0"?><testsuite/>', "2 documents in one file"),
        (b"\n \n" + report().encode(), "blank lines before the declaration"),
        (report("a && b &nbsp; c").encode(), "unescaped &"),
        (report("a < b, c <d> e").encode(), "unescaped < in attributes"),
        (report("no", "<![CDATA[ a ]]> b ]]>").encode(), "]]> where it ends nothing"),
        (report("no", "<![CDATA[ & <?xml version='1.0'?> <!ENTITY x> ]]>").encode(), ""),
        (b"<!DOCTYPE testsuite>" + report(head="").encode(), ""),
    ],
)
def test_what_is_read_all_the_same(content: bytes, note: str) -> None:
    results = read(content)
    assert results.trouble == ""
    assert results.passed == (TestId("a", "p"),)
    assert list(results.failing) == [TestId("a", "f")]
    told = (note.lower() in each.lower() for each in results.notes)
    assert any(told) if note else results.notes == ()


def test_more_repairs_than_libxml2_tells() -> None:
    bad = "".join(CASES.format("\x1b & < \x00", "").replace('name="', f'name="{n}') for n in range(300))
    whole = f"<testsuite>{bad}</testsuite>".encode()
    assert read(whole).trouble == ""
    assert len(read(whole).failures) == 300
    assert all(read(whole[:-cut]).trouble for cut in range(1, 30))


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE a [<!ENTITY b "bbbb">]><testsuite><testcase name="&b;"/></testsuite>',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]><testsuite/>',
        '<testsuite><testcase name="a"/><!ENTITY b "c"></testsuite>',
    ],
)
def test_entities_are_refused(content: str) -> None:
    assert read(content.encode()).trouble == "unit's report declares entities, which are refused"


@pytest.mark.parametrize("cut", range(1, 250, 3))
def test_what_is_cut_off_is_no_pass(cut: int) -> None:
    content = report().encode()
    results = read(content[: -min(cut, len(content) - 1)])
    assert results.trouble
    assert set(results.passed) <= {TestId("a", "p")}


def test_damage_in_the_middle_spoils_what_follows() -> None:
    lines = [
        "<testsuite>",
        '<testcase classname="a" name="p"/>',
        '<testcase classname="a" name="x" "q">',
        "</testcase>",
    ]
    results = read("\n".join([*lines, '<testcase classname="a" name="y"/>', "</testsuite>"]).encode())
    assert results.trouble == "unit's report is cut off or damaged at line 3"
    assert results.passed == (TestId("a", "p"),)


def test_a_large_report_is_read() -> None:
    content = report("no", "x" * 11_000_000).encode()
    assert read_xml(content).damage == ""
