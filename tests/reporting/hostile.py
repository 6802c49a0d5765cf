"""Texts that would do something if they were taken for anything but text, and records full of them."""

from __future__ import annotations

import json
from typing import Any

from tests.reporting.big_day import big_day

Record = dict[str, Any]
HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "' onmouseover='window.hacked = 1",
    "</pre></details></td></tr></tbody></table><b id=loose>loose</b>",
    "</title></svg></style><iframe src=https://evil.example></iframe>",
    "<!-- --> ]]> <![CDATA[ &lt;b&gt; &amp; &#60;",
    "{{ 7 * 7 }} {% raw %} ${HOME} `id`",
    "::error::no\n::set-output name=head::evil\n##[error]no",
    "\x1b[31mred\x1b[0m \u202eright to left\u202c \x00\x07\x0b\x7f \ud800 \ufffe",
    "| a | b |\n\n# heading\n\n```\n@octocat #1 [x](javascript:alert(1))",
    "state<<EOF\nred\nEOF\nhead=evil",
    "<<<<<<< merged so far\n<b>\n=======\n</b>\n>>>>>>> this ticket",
]
# What programs read, and no outsider writes.
_OURS = {"version", "base", "date", "head", "tree", "state", "verdict", "commit", "kind", "engine"}


def poisoned(text: str) -> Record:
    """A day in which every text that may come from outside is ``text``."""
    record = big_day(size=40, seed=3)
    gate = record["gates"]["doctest"]
    gate |= {"new": ["x"], "known": ["y"], "fixed": ["z"], "flaky": ["w"], "files": ["f"], "state": "red"}
    gate["failures"] = [{"test": "x", "file": "f", "line": 3, "kind": "failed", "message": "m"}]
    assert {each["verdict"] for each in record["tickets"]} >= {"culprit", "conflict", "blocked", "integrated"}
    poison = json.loads(json.dumps(record))
    filled: Record = _fill(poison, text)
    return filled


def _fill(value: Any, text: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, text, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, text, key) for each in value]
    return text if isinstance(value, str) and key not in _OURS else value
