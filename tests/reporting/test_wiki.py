"""Trac's wiki syntax by its rules; ``tests/trackers/test_trac.py`` has a real Trac render it."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from sessions.ledger.record_file import parse_record
from sessions.reporting.account import render_account
from sessions.terminal.harmless_text import harmless
from sessions.tickets.dialects.wiki import WIKI
from tests.reporting.test_markdown import record

plain_text, fenced = WIKI.escape, WIKI.fence

BITS = [
    *"!'`*_{}[]()<>#=^,~|:/\\&%$\"-.;@",
    *("{{{", "}}}", "}}}}", "{{{{", "}", "#!html", "{{{#!html", "{{{\n#!html\n<b>x</b>\n}}}", "!{{{", "`` ` ``"),
    *("'''bold'''", "''it''", "__u__", "~~s~~", "^up^", ",,down,,", "**w**", "//w//"),
    *("[[Image(x)]]", "[[TracAdminHelp]]", "[[BR]]", "[http://evil.example x]", "[wiki:Start]", "[[x|y]]", "[=#a]"),
    *("#12", "ticket:12", "comment:1:ticket:12", "r12", "[12]", "{1}", "report:1", "wiki:Start", "changeset:1"),
    *("CamelCase", "WikiStart", "../Other", "milestone:1.1", "source:/trunk", "@jane", "jane@evil.example"),
    *("http://evil.example", "//evil.example/x", "mailto:a@b.example", "javascript:alert(1)", "query:status=new"),
    *("= heading =", "|| cell ||", "|-", "> said", " * item", "1. ", "a. ", "i. ", "- ", " term:: text", "----"),
    *("\n", "\n\n", "\r\n", "\t", "\x00", "\x1b[31m", "\u2028", "\u200b", "word", "two words", "naïve", "Word:", "1."),
]
hostile = st.lists(st.sampled_from(BITS) | st.text(max_size=3), max_size=12).map("".join)

_CODE = re.compile(r"\{\{\{(.*?)\}\}\}")
# All that a common word may hold.
_COMMON = re.compile(r"(?:[^\W_]|['.,;:()-])*")


def shown(wiki: str) -> str:
    return _CODE.sub(r"\1", wiki).replace("\u200b", "")


@given(hostile)
@example("}")
@example("{{{a}}}")
@example("#!html <b>")
@example("1. one")
@example("a. one")
def test_a_text_is_shown_word_for_word_and_does_nothing(text: str) -> None:
    safe = plain_text(text)
    assert shown(safe) == " ".join(harmless(text).split()).replace("\u200b", "")
    assert not re.match(r"\s*\{\{\{\s*(#!|$)", safe), "it opens a block"
    assert not re.match(r"\S+\.(\s|$)", safe) or safe[0] == "{", "it is a list's item"
    for word in _CODE.sub("", safe).split():
        assert _COMMON.fullmatch(word), word
        assert not re.search(r"[:'.-]{2}|:\S|^\W(?<!\()", word), word
        assert not any(letter.isupper() for letter in word.lstrip("(")[1:]), word


@given(hostile, st.integers(1, 5), st.integers(2, 50))
@example("}}}\n= out =", 5, 50)
@example("{{{\nnever closed", 5, 50)
@example("#!html\n<b>x</b>", 5, 50)
@example("  }}}  ", 5, 50)
def test_a_block_is_never_left_from_inside_nor_nested(text: str, lines: int, width: int) -> None:
    first, *rows, last = fenced(text, lines, width).split("\n")
    assert (first, last) == ("{{{#!default", "}}}")
    assert not any(row.strip().startswith(("{{{", "}}}")) for row in rows)
    kept = harmless(text).strip("\n").splitlines()
    assert len(rows) == max(1, min(len(kept), lines) + (len(kept) > lines))
    assert all(len(row.replace("\u200b", "")) <= width for row in rows[:lines])


def test_common_words_are_read_easily() -> None:
    text = "conflicts with 12 others (the user's own), and twice: see below."
    assert plain_text(text) == text


def test_an_account_stays_below_tracs_limit_with_all_its_markup_closed() -> None:
    long = "x" * 5000 + "\n{{{\n"
    day = parse_record(record(long * 40))
    for ticket in day.tickets:
        long_ticket = replace(ticket, conflicts=ticket.conflicts * 50, broke=ticket.broke * 50)
        text = render_account(day, long_ticket, WIKI)
        assert len(text) < 262_144
        assert text.count("{{{#!default") == len(re.findall(r"^\}\}\}$", text, re.MULTILINE))
        if ticket.conflicts or ticket.broke:
            assert "more" in text
