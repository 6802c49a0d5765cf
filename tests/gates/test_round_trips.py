"""What is written in a format, with every quirk of real reporters, is read as it was planned."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput, Presence, Results, TestId
from tests.gates.writers import DIALECTS, QUIRKS, Ending, Outcome, Plan, Quirk, name_in, write

EXAMPLES = min(40, settings().max_examples)  # fewer where the run's profile asks for fewer
PRESENCE = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}
WAYS = [(format_, dialect) for format_, dialects in DIALECTS.items() for dialect in dialects]
# Quirks that exclude one another: a file has one encoding.
ENCODINGS = [Quirk.WRONG_ENCODING, Quirk.UNKNOWN_ENCODING, Quirk.LATIN_1, Quirk.BYTE_ORDER_MARK, Quirk.UTF_16]

files = st.sampled_from(["tests/test_a.py", "tests/test_b.py", "lib/deep/test_c.py"])
names = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="#\\@/"), min_size=1, max_size=12
).filter(lambda name: not name.startswith("-"))
outcomes: st.SearchStrategy[Outcome] = st.sampled_from(["passed", "failed", "error", "skipped"])
plans = st.dictionaries(st.builds(TestId, files, names), outcomes, min_size=1, max_size=8)


def presences(results: Results) -> dict[TestId, Presence]:
    tests = {*results.failing, *results.passed, *results.skipped}
    return {test: results.presence(test) for test in tests if test.file}


@st.composite
def quirks(draw: st.DrawFn, format_: str) -> frozenset[Quirk]:
    chosen = {quirk for quirk in QUIRKS[format_] if quirk not in ENCODINGS and draw(st.booleans())}
    if format_ == "junit" and not chosen & {Quirk.TWO_DOCUMENTS}:
        chosen |= {draw(st.sampled_from(ENCODINGS))}
    return frozenset(chosen)


def expected(format_: str, dialect: str, plan: Plan) -> dict[TestId, str]:
    return {name_in(format_, dialect, test): PRESENCE[outcome] for test, outcome in plan.items()}


def is_parent(test: TestId, told: dict[TestId, str]) -> bool:
    """Whether the test is one that others are subtests of."""
    return any(each.name.startswith(f"{test.name} > ") for each in told)


@pytest.mark.parametrize(("format_", "dialect"), WAYS)
@settings(max_examples=EXAMPLES)
@given(data=st.data(), plan=plans)
def test_a_whole_run_reads_as_planned(format_: str, dialect: str, data: st.DataObject, plan: Plan) -> None:
    output = write(format_, dialect, plan, quirks=data.draw(quirks(format_)))
    results = FORMATS[format_](output)
    told = expected(format_, dialect, plan)
    assert results.trouble == ""
    assert {test: str(p) for test, p in presences(results).items() if test in told or not is_parent(test, told)} == told


@pytest.mark.parametrize("ending", ["interrupted", "killed", "nothing", "garbage", "cut"])
@pytest.mark.parametrize(("format_", "dialect"), WAYS)
@settings(max_examples=EXAMPLES)
@given(data=st.data(), plan=plans)
def test_a_run_without_its_end_is_no_pass(
    format_: str, dialect: str, ending: Ending, data: st.DataObject, plan: Plan
) -> None:
    output = write(format_, dialect, plan, ending=ending, quirks=data.draw(quirks(format_)))
    results = FORMATS[format_](output)
    told = expected(format_, dialect, plan)
    # What is cut off may be a comment after the last test.
    is_whole = ending == "cut" and format_ == "tap" and told.items() <= presences(results).items()
    assert results.trouble or missing(results, told) or is_whole
    assert bool(results.trouble) == (TestId("", "unit") in results.failing)
    assert all(told.get(test, "passed") == "passed" for test in results.passed)


def missing(results: Results, told: dict[TestId, str]) -> bool:
    """Whether a test of those planned is missing, so that a comparison finds it gone."""
    return any(results.presence(test) is Presence.ABSENT for test in told)


@pytest.mark.parametrize("format_", list(DIALECTS))
@settings(max_examples=EXAMPLES)
@given(content=st.binary() | st.text().map(str.encode), status=st.integers(0, 255))
def test_never_raises(format_: str, content: bytes, status: int) -> None:
    text = content.decode("utf-8", "replace")
    for output in (
        GateOutput(gate="unit", status=status, log="", results=content),
        GateOutput(gate="unit", status=status, log=text),
        GateOutput(gate="unit", status=status, log="", reports={"a/b.xml": content}),
    ):
        assert FORMATS[format_](output).failures
