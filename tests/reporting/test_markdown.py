from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sessions.ledger.record_file import parse_record
from sessions.reporting.account import render_account
from sessions.reporting.markdown import markdown_report
from sessions.terminal.harmless_text import harmless
from sessions.tickets.dialects.markdown import MARKDOWN as DIALECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

comment = partial(render_account, dialect=DIALECT)
plain_text, fenced = DIALECT.escape, DIALECT.fence

# Bits that mean something in Markdown, in HTML, on GitHub or to a terminal; hypothesis strings them together.
BITS = [
    *r"\`*_{}[]()<>#+-.!|~@&;:/=$'\"",
    *(
        "```",
        "~~~",
        "---",
        "===",
        "- ",
        "1. ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\u2066",
    ),
    *(
        "<b>",
        "<!--",
        "-->",
        "<script>",
        "</td>",
        "&lt;",
        "&#64;",
        "](http://evil.example)",
        "![x](y)",
        "[x]: http://e.e",
    ),
    *(
        "http://evil.example",
        "https://",
        "www.evil.example",
        "_www.",
        "ftp://",
        "a@evil.example",
        "@octocat",
        "@team/x",
    ),
    *(
        "#12",
        "GH-12",
        "_GH-7",
        "sagemath/sage#12",
        "word",
        "two words",
        "naïve",
        "\u200b",
        "\u2028",
        "\\|",
        "| |",
        ":-:",
    ),
]
hostile = st.lists(st.sampled_from(BITS) | st.text(max_size=3), max_size=12).map("".join)

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
# What GitHub makes links, mentions and references of, where its renderer finds it in shown text.
LIVE = re.compile(
    r"(?i)https?://|ftp://|www\.\w|[@#][^\W_]|gh-\d|[\w.+-]+@[\w-]+\.\w",
)
# All of Unicode's control and bidirectional formatting characters but tab and newline.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from leaves(token.children) if token.children is not None else [token]


def shown(text: str, *allowed: str) -> str:
    """What a reader sees of a text as Markdown, which must be made of ``allowed`` blocks and bare words alone."""
    tokens = list(leaves(MARKDOWN.parse(text)))
    blocks = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert blocks <= {"text", "text_special", *allowed}, text
    return "".join(token.content for token in tokens)


def words_of(text: str) -> str:
    return " ".join(harmless(text).split())


@given(hostile)
@example("_www.evil.example _GH-7 _@octocat")
def test_a_text_is_shown_word_for_word_and_does_nothing(text: str) -> None:
    safe = plain_text(text)
    assert "\n" not in safe
    assert not STEERING.search(safe)
    seen = shown(f"so: {safe}.", "paragraph")
    assert seen.replace("\u200b", "") == f"so: {words_of(text)}.".replace("\u200b", "")
    assert not LIVE.search(seen)


@given(hostile)
@example("- a list")
@example("1. a list")
@example("---")
@example("+")
def test_a_text_may_begin_a_paragraph(text: str) -> None:
    seen = shown(plain_text(text), "paragraph")
    assert seen.replace("\u200b", "") == words_of(text).replace("\u200b", "")


@given(hostile)
def test_a_text_may_end_a_heading_or_be_an_item(text: str) -> None:
    shown(f"### 5: {plain_text(text)}", "heading")
    shown(f"- new in x: {plain_text(text)}\n- next", "bullet_list", "list_item", "paragraph")
    shown(f"above\n\n{plain_text(text)}\n\nbelow", "paragraph")


@given(hostile, hostile)
@example("a | b", "\\")
def test_a_text_stays_in_its_cell(first: str, second: str) -> None:
    table = f"| title | why |\n|---|---|\n| {plain_text(first)} | {plain_text(second)} |\n"
    tokens = MARKDOWN.parse(table)
    shown(table, "table", "thead", "tbody", "tr", "th", "td")
    cells = [token.content for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    assert len(MARKDOWN.parse(table + "| x | y |\n")) > len(tokens), "the table goes on after it"
    told = ["".join(t.content for t in leaves([token])) for token in tokens if token.type == "inline"][2:]
    assert [each.replace("\u200b", "") for each in told] == [words_of(t).replace("\u200b", "") for t in (first, second)]


@given(hostile, st.integers(1, 5))
@example("``\x00`\n# out", 5)
@example("```\n````\n`````", 5)
def test_a_block_of_code_is_never_left_from_inside(text: str, lines: int) -> None:
    block = fenced(text, lines)
    tokens = MARKDOWN.parse(f"{block}\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].info == "text"
    assert tokens[2].content == "after"
    assert not STEERING.search(block)
    rows = harmless(text).strip("\n").splitlines()
    more = [f"… {len(rows) - lines} more lines"] if len(rows) > lines else []
    assert tokens[0].content == "".join(f"{row}\n" for row in [*rows[:lines], *more])


def record(text: str) -> dict[str, Any]:
    """A run record in which every text that comes from outside is ``text``."""
    broke = {
        "gate": "doctest", "test": text, "with": [3], "message": text, "evidence": [text, text], "reproduce": text,
        "image": "",
    }  # fmt: skip
    conflict = {"with": [2], "path": text, "lines": "7-9", "kind": text, "hunk": text}
    ticket = {
        "number": 1,
        "title": text,
        "url": "",
        "priority": "",
        "commit": "c" * 40,
        "reason": text,
        "blocked_by": [],
        "conflicts": [],
        "broke": [],
    }
    tickets = [
        {**ticket, "number": 4, "verdict": "integrated"},
        {**ticket, "number": 1, "verdict": "culprit", "broke": [broke, broke]},
        {**ticket, "number": 5, "verdict": "conflict", "conflicts": [conflict, {**conflict, "with": []}]},
        {**ticket, "number": 6, "verdict": "ineligible", "commit": ""},
    ]
    gate = {"state": "red", "new": [text], "known": [text], "fixed": [text], "flaky": [text], "seconds": 1.0}
    return {
        "version": 1, "project": text, "release": text, "base": "b" * 40, "date": "2026-11-23", "branch": text,
        "head": "a" * 40, "tree": "d" * 40, "state": "red", "message": text, "asked": ["doctest"], "order": [4],
        "tickets": tickets, "gates": {"doctest": gate}, "probes": [], "engine": "docker", "image": text,
        "published": {},
        "timings": {"seconds": 1.0, "probes_run": 2, "probe_seconds": 3.0},
    }  # fmt: skip


LINKS = frozenset(
    {"link", "image", "html_block", "html_inline", "em", "s", "hr", "blockquote", "code_block", "ordered_list"}
)


def shape(text: str) -> list[str]:
    """The blocks of a text, without its words."""
    found = [token.type for token in leaves(MARKDOWN.parse(text)) if token.type not in ("text", "text_special")]
    assert not LINKS & {kind.removesuffix("_open") for kind in found}
    return found


@settings(deadline=None, max_examples=min(25, settings().max_examples))  # templates are read anew each time
@given(hostile)
def test_a_report_has_the_same_shape_whatever_its_texts_say(text: str) -> None:
    words = words_of(text)
    if words:
        loud, quiet = parse_record(record(text)), parse_record(record("words"))
        assert shape(markdown_report(loud)) == shape(markdown_report(quiet))
        for ticket, other in zip(loud.tickets, quiet.tickets, strict=True):
            assert shape(comment(loud, ticket)) == shape(comment(quiet, other))


def test_a_report_groups_tickets_by_what_became_of_them() -> None:
    text = markdown_report(parse_record(record("words")))
    rows = re.findall(r"^\| (\d+) \| ([\w-]+) \|", text, re.MULTILINE)
    assert rows == [("4", "integrated"), ("1", "culprit"), ("5", "conflict"), ("6", "ineligible")]
    assert re.findall(r"^### (\d+)", text, re.MULTILINE) == ["1", "5"]


def test_a_report_says_without_whom_others_would_fit() -> None:
    told = {"ticket": 4, "would_fit": [5, 6, 7], "together": [5, 6], "needed_by": [8]}
    text = markdown_report(parse_record({**record("words"), "blockers": [told, {"ticket": 9, "would_fit": [5, 6]}]}))
    assert (
        "\nWithout 4 (and 8, which need it), each of 3 tickets that do not merge would: 5, 6, 7; together 5, 6.\n"
    ) in text
    assert "\nWithout 9, each of 2 tickets that do not merge would: 5, 6.\n" in text
    assert [token.type for token in MARKDOWN.parse(text)].count("table_open") == 3
