"""The judgement beside an oracle: random pairs of runs, written in every format with every quirk of real reporters.

20,000 pairs at a desk (`INTEGRAND_ORACLE=20000`), fewer in CI.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.gates.comparison import FEWER_TESTS, Comparison, compare
from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput, Results, TestId
from tests.gates.writers import DIALECTS, QUIRKS, Ending, Outcome, Plan, Quirk, name_in, write
from tests.gates.writing.plan import Run
from tests.gates.writing.sage_log import name_in_sage, write_sage

PAIRS = int(os.environ.get("INTEGRAND_ORACLE", "300"))
GATE = TestId("", "unit")
WAYS = [*((format_, dialect) for format_, dialects in DIALECTS.items() for dialect in dialects), ("sage", "sage")]
ENCODINGS = [Quirk.WRONG_ENCODING, Quirk.UNKNOWN_ENCODING, Quirk.LATIN_1, Quirk.BYTE_ORDER_MARK, Quirk.UTF_16]
ENDINGS: list[Ending] = ["interrupted", "killed", "nothing", "garbage", "cut"]
NORMAL: Ending = "normal"
endings = st.just(NORMAL) | st.sampled_from(ENDINGS)

files = st.sampled_from(["tests/test_a.py", "tests/test_b.py", "lib/deep/test_c.py"])
names = st.sampled_from(
    [*("adds", "takes", "Ünïcode", "a < b", "x & y", "[one]", "many[1-2]", "many[2-1]", "at 12:30", "0x10"), "a.b.c"]
)
OUTCOMES: list[Outcome] = ["failed", "error", "skipped"]
PASSED: Outcome = "passed"
outcomes = st.just(PASSED) | st.sampled_from(OUTCOMES)
plans = st.dictionaries(st.builds(TestId, files, names), outcomes, min_size=1, max_size=7)
seen: Counter[str] = Counter()


@dataclass(frozen=True)
class Pair:
    """Two runs as planned, and what was read of them."""

    way: tuple[str, str]
    before: Plan
    after: Plan
    ending: Ending
    release: Results
    head: Results


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A release that came to its end, and a head whose tests pass, fail, are skipped or vanish, and that may not."""
    way = draw(st.sampled_from(WAYS))
    before = draw(plans)
    kept = {test: outcome for test, outcome in before.items() if draw(st.integers(0, 5))}
    changed = {test: draw(outcomes) if draw(st.integers(0, 2)) == 0 else outcome for test, outcome in kept.items()}
    after = {**changed, **(draw(plans) if draw(st.booleans()) else {})}
    ending = draw(endings) if after else NORMAL
    release = FORMATS[way[0]](_written(way, before, NORMAL, draw(quirks(way[0]))))
    head = FORMATS[way[0]](_written(way, after, ending, draw(quirks(way[0]))))
    return Pair(way, before, after, ending, release, head)


@st.composite
def quirks(draw: st.DrawFn, format_: str) -> frozenset[Quirk]:
    known = QUIRKS.get(format_, (Quirk.NOISE, Quirk.RAW_CONTROLS, Quirk.SHUFFLED))
    chosen = {quirk for quirk in known if quirk not in ENCODINGS and draw(st.integers(0, 3)) == 0}
    if format_ == "junit" and Quirk.TWO_DOCUMENTS not in chosen:
        chosen |= {draw(st.sampled_from(ENCODINGS))}
    return frozenset(chosen)


def _written(way: tuple[str, str], plan: Plan, ending: Ending, odd: frozenset[Quirk]) -> GateOutput:
    if way[0] == "sage":
        return write_sage(Run(dialect="sage", plan=plan, ending=ending, quirks=odd, gate="unit"))
    return write(*way, plan, ending=ending, quirks=odd)


def named(way: tuple[str, str], test: TestId) -> TestId:
    return name_in_sage(test) if way[0] == "sage" else name_in(*way, test)


def planned(way: tuple[str, str], plan: Plan) -> dict[TestId, str]:
    """How each test ended, by the name that the reader gives it; "failed" for errors, too."""
    return {named(way, test): "failed" if outcome == "error" else outcome for test, outcome in plan.items()}


@pytest.mark.slow
@settings(
    max_examples=PAIRS,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(pair=pairs())
def test_no_false_green_and_no_wrong_blame(pair: Pair) -> None:
    if not pair.release.is_measured or not pair.release.has_passed:
        # The day is broken, and judges nobody: that must be for a reason.
        assert "passed" not in pair.before.values()
        return
    found = _without_parents(compare(pair.release, pair.head))
    if pair.ending == "normal" and pair.after:
        (_check_counted if pair.way[0] == "sage" else _check_named)(pair, found)
    else:
        _check_broken_off(pair, found)


def _without_parents(found: Comparison) -> Comparison:
    """Without the tests that other tests are parts of: node reports each file as one."""
    paths = {"tests/test_a.py", "tests/test_b.py", "lib/deep/test_c.py"}

    def is_parent(test: TestId) -> bool:
        return test.file == "unit" and test.name in paths

    return replace(
        found,
        new=tuple(each for each in found.new if not is_parent(each.test)),
        known=tuple(test for test in found.known if not is_parent(test)),
        fixed=tuple(test for test in found.fixed if not is_parent(test)),
        gone=tuple(each for each in found.gone if not is_parent(each.test)),
        skipped=tuple(each for each in found.skipped if not is_parent(each.test)),
    )


def _check_named(pair: Pair, found: Comparison) -> None:
    """Each test of a run that came to its end is told as it was planned, and nothing else is."""
    before, after = planned(pair.way, pair.before), planned(pair.way, pair.after)
    ran_before = [test for test, outcome in before.items() if outcome != "skipped"]
    failed = [test for test, outcome in after.items() if outcome == "failed"]
    assert {failure.test for failure in found.new} == {test for test in failed if before.get(test) != "failed"}
    assert set(found.known) == {test for test in failed if before.get(test) == "failed"}
    assert set(found.fixed) == {test for test in ran_before if before[test] == "failed" and after.get(test) == "passed"}
    assert {failure.test for failure in found.gone} == {test for test in ran_before if test not in after}
    assert {failure.test for failure in found.skipped} == {test for test in ran_before if after.get(test) == "skipped"}
    assert not pair.head.trouble


def _check_counted(pair: Pair, found: Comparison) -> None:
    """Where passing tests are only counted, what fails is told by name, and of all others how many ran."""
    before, after = planned(pair.way, pair.before), planned(pair.way, pair.after)
    failed = {test for test, outcome in after.items() if outcome == "failed"}
    known = {test for test, outcome in before.items() if outcome == "failed"}
    counts = [Counter(test.file for test, outcome in plan.items() if outcome != "skipped") for plan in (before, after)]
    files_before, files_after = ({test.file for test in plan} for plan in (before, after))
    fewer = {file for file in files_before & files_after if counts[1][file] < counts[0][file]}
    lost = files_before - files_after
    assert {failure.test for failure in found.new} == failed - known
    assert set(found.known) == failed & known
    assert set(found.fixed) == {test for test in known - failed if test.file not in fewer | lost}
    told = {failure.test for failure in found.gone}
    assert {test.file for test in told if test.name == FEWER_TESTS} == fewer
    assert {test.file for test in told if test.is_whole_file} == lost


def _check_broken_off(pair: Pair, found: Comparison) -> None:
    """A run that was interrupted, killed, cut or empty is never a pass, and blames no test that was planned to pass."""
    before, after = planned(pair.way, pair.before), planned(pair.way, pair.after)
    reported = {*pair.head.failing, *pair.head.passed, *pair.head.skipped}
    is_whole = pair.ending == "cut" and after.items() and after.keys() <= reported  # the cut lost nothing
    alarms = [*found.new, *found.gone, *found.skipped]
    brought = after.keys() - before.keys()
    assert alarms or is_whole or after.keys() - reported <= brought
    assert pair.head.trouble or GATE not in pair.head.failing
    if pair.way[0] != "sage":
        wrong = {failure.test for failure in found.new if failure.test.name and failure.test != GATE}
        assert all(after.get(test) == "failed" and before.get(test) != "failed" for test in wrong)
        assert all(before[test] == "failed" and after.get(test) == "passed" for test in found.fixed)
