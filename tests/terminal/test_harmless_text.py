"""Nothing in a title or a log steers a terminal or a CI's runner, and all else stays."""

from __future__ import annotations

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from sessions.terminal.harmless_text import break_ci_commands, harmless, harmless_json


@given(st.text(st.sampled_from("\x1b[]0;9mHJ?\x07\x9b\r\n\tx\u202a\u2069\u200e") | st.characters()))
@example("\x1b\x1b[31m[31m")
def test_harmless_leaves_nothing_that_steers_and_all_else(text: str) -> None:
    left = harmless(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", left)
    assert harmless(left) == left
    # Some characters count as printable, and nobody sees them.
    if text.isprintable() and not re.search(
        r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]", text
    ):
        assert left == text


UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u2064\u3164\ufe01\u2028\U000e0041\U000e007f\U000e0100\ufff9"


def test_what_nobody_sees_is_left_out() -> None:
    assert harmless("".join(f"a{char}" for char in UNSEEN)) == "a" * len(UNSEEN)
    assert harmless("naïve façade, 数学, עברית, ❤\ufe0f") == "naïve façade, 数学, עברית, ❤\ufe0f"


COMMANDS = (
    "::add-mask::a",
    "  ::error file=a.py,line=1::no",
    "\t::set-output name=head::evil",
    "first\n::stop-commands::x",
    "first\r\n \u200b::add-mask::a",
    "\x1b[31m::add-mask::a",
    ":\u200b:add-mask::a",
    "##[error]no",
    "in the middle ##[add-mask]a",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildProblem description='x']",
    "#\u200b#[error]no",
    "###[error]no",
)


def obeyed(line: str) -> bool:
    """As the runners read a line: https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs."""
    return line.lstrip().startswith("::") or re.search(r"##[a-z]*\[", line, re.IGNORECASE) is not None


@given(st.text(alphabet=":#[ \n\t\u200b\x1bax]"))
def test_no_text_at_all_becomes_a_command(text: str) -> None:
    assert not any(map(obeyed, break_ci_commands(harmless(text)).splitlines()))
    written = json.dumps({"name": text}, indent=2)
    assert json.loads(harmless_json(written)) == json.loads(written)
    assert not any(map(obeyed, harmless_json(written).splitlines()))


def test_what_only_looks_like_a_command_stays() -> None:
    for text in ("abacus/ledger.py::abacus.ledger.usual_day", "a ## b", "#12 [x]", "C++ std::vector"):
        assert break_ci_commands(text) == text
