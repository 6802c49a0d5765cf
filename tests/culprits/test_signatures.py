from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessions.culprits.signatures import signature_rounds
from sessions.culprits.suspicion import suspect_weights
from sessions.tickets.order import closure


def signatures(line: range, rounds: list[frozenset[int]]) -> dict[int, frozenset[int]]:
    return {number: frozenset(at for at, each in enumerate(rounds) if number in each) for number in line}


@given(st.integers(1, 200))
def test_tickets_that_need_nobody_each_spell_a_code_of_their_own(count: int) -> None:
    line = range(1, count + 1)
    rounds = signature_rounds(line, {}, {number: number * 7 % 11 for number in line})
    spelt = signatures(line, rounds)
    assert len(rounds) <= count.bit_length()
    assert count == 1 or len(set(spelt.values())) == count
    assert count == 1 or all(spelt.values())


def test_codes_are_about_half_ones_and_rounds_about_half_the_line() -> None:
    rounds = signature_rounds(range(1, 21), {})
    assert len(rounds) == 5
    assert {len(code) for code in signatures(range(1, 21), rounds).values()} == {2, 3}
    assert all(9 <= len(each) <= 11 for each in rounds)


@given(st.data(), st.integers(2, 60))
def test_a_round_holds_what_its_tickets_need(data: st.DataObject, count: int) -> None:
    line = range(1, count + 1)
    needs = {n: data.draw(st.frozensets(st.sampled_from([900, *range(1, n)]), max_size=2)) for n in line}
    rounds = signature_rounds(line, needs)
    assert rounds or count < 2
    assert all(closure(each, needs) - {900} == each for each in rounds)
    assert all(each < frozenset(line) for each in rounds)


def test_short_stacks_do_not_destroy_the_code() -> None:
    needs = {number: frozenset([number - 1]) for number in range(2, 21, 2)}  # ten tickets that need another one
    spelt = signatures(range(1, 21), signature_rounds(range(1, 21), needs))
    assert len(set(spelt.values())) >= 18


def test_those_who_touched_the_file_are_suspect_then_those_beside_it() -> None:
    touched = {1: frozenset({"a/x.py"}), 2: frozenset({"a/y.py"}), 3: frozenset({"b/x.py"})}
    found = suspect_weights(touched, {"t": frozenset({"a/x.py"}), "u": frozenset[str]()})
    assert found["t"].keys() == {1, 2}
    assert found["t"][1] > found["t"][2] > 0
    assert found["u"] == {}
