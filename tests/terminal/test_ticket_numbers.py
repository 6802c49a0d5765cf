from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.terminal.ticket_numbers import (
    PREFIX,
    add_prefix,
    file_name,
    name_ticket,
    own_number,
    parse_ticket_number,
    plain_number,
    prefix_of,
    shell_word,
)

NUMBERS = st.integers(1, 999_999_999)


@given(prefix=st.from_regex(PREFIX, fullmatch=True), number=NUMBERS)
def test_a_prefixed_number_is_text_wherever_it_is_shown_and_a_whole_number_elsewhere(prefix: str, number: int) -> None:
    made = add_prefix(prefix, number)
    assert f"{made}" == str(made) == name_ticket(made) == plain_number(made) == f"{prefix}{number}"
    assert (prefix_of(made), own_number(made)) == (prefix, number)
    assert made == parse_ticket_number(str(made)) == pickle.loads(pickle.dumps(made))  # noqa: S301  our own
    assert number < json.loads(json.dumps(made)) < 2**53  # exact in every reader of JSON
    assert prefix_of(pickle.loads(pickle.dumps(made))) == prefix  # noqa: S301


@given(number=NUMBERS)
def test_a_plain_number_stays_what_it_is(number: int) -> None:
    assert add_prefix("", number) is number
    assert name_ticket(number) == f"#{number}"
    assert (prefix_of(number), own_number(number), plain_number(number)) == ("", number, number)
    assert parse_ticket_number(f"#{number}") == parse_ticket_number(str(number)) == number


@given(st.lists(st.tuples(st.from_regex(PREFIX, fullmatch=True), NUMBERS), unique=True))
def test_no_two_tickets_have_one_number(tickets: list[tuple[str, int]]) -> None:
    assert len({add_prefix(*each) for each in tickets}) == len(tickets)


def test_names_of_files_and_words_of_a_shell() -> None:
    merge_request, pull_request = add_prefix("gl!", 12), add_prefix("gh#", 12)
    assert [file_name(each) for each in (merge_request, pull_request, 12)] == ["gl-12", "gh-12", "12"]
    assert shell_word(12, 15) == "12,15"
    assert shell_word(merge_request, 15) == "'gl!12,15'"


@pytest.mark.parametrize("text", ["", "0", "gl!", "gl!0", "gl12", "GL!12", "-1", "1.5", "gl!1234567890", "abcde!1"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not the number of a ticket"):
        parse_ticket_number(text)


def test_a_trackers_own_number_has_nine_digits() -> None:
    with pytest.raises(ValueError, match="more than nine digits"):
        add_prefix("gl!", 10**9)
