from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.gates.results import Failure, Results, TestId
from sessions.gates.run_history import RunHistory
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KEY = Key(tree="t1", image="i", gate="doctest")
PASSED = ProbeResult(
    built=True, results=Results(files=("a.py",), counts={"a.py": 3}, tests=3), seconds=1.5, log="logs/x.log"
)
FAILED = ProbeResult(
    built=True, results=Results(failures=(Failure(test=TestId("a.py", "f", "f(1)")),)), seconds=2.0, log="logs/y.log"
)
UNBUILT = ProbeResult(built=False, results=Results(), seconds=3.0, log="logs/z.log")

# Paths and logs are bytes to the machine: what is no UTF-8 in them is held as lone surrogates, U+DC80 to U+DCFF.
words = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.integers(0xDC80, 0xDCFF).map(chr)
    | st.sampled_from("\0\n\u202e\U0010ffff")
)
tests = st.builds(TestId, file=words, name=words, example=words)
results = st.builds(
    Results,
    gate=words,
    # By file: that is how they are kept, and how they come, sorted.
    passed=st.lists(tests, max_size=4, unique=True).map(sorted).map(tuple),
    skipped=st.lists(tests, max_size=4, unique=True).map(sorted).map(tuple),
    counts=st.dictionaries(words, st.integers(0, 2**40), max_size=3),
    lists_faults=st.booleans(),
    trouble=words,
    status=st.integers(-1, 255),
    notes=st.lists(words, max_size=2).map(tuple),
    failures=st.lists(
        st.builds(
            Failure,
            test=tests,
            expected=st.integers(0, 9),
            kind=st.sampled_from(["failed", "error", "timeout", "crash"]),
            line=st.integers(0, 2**40),
            message=words,
        ),
        max_size=4,
    ).map(tuple),
    files=st.lists(words, max_size=4).map(tuple),
    tests=st.integers(0, 2**40),
)
probe_results = st.builds(
    ProbeResult, built=st.booleans(), results=results, seconds=st.floats(0, 1e9), log=st.from_regex(r"logs/\w+\.log")
)
names = st.text()
keys = st.builds(Key, tree=names, image=names, gate=names, tests=names, attempt=st.integers(1, 9))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as opened:
        yield opened


@given(st.dictionaries(keys, probe_results, max_size=4), keys)
def test_whatever_a_gate_may_have_told_is_read_back_as_it_was(known: dict[Key, ProbeResult], other: Key) -> None:
    with closing(Ledger(Path(":memory:"))) as ledger:
        for key, probe_result in known.items():
            ledger.write(key, probe_result)
        assert {key: ledger.find(key) for key in known} == known
        assert ledger.find(other) == known.get(other)


def test_what_was_written_is_there_when_the_ledger_is_opened_again(tmp_path: Path) -> None:
    for expected in (None, PASSED):
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            assert ledger.find(KEY) == expected
            ledger.write(KEY, PASSED)


def test_a_result_that_is_asked_for_anew_takes_the_place_of_the_old_one(ledger: Ledger) -> None:
    ledger.write(KEY, FAILED)
    ledger.write(KEY, PASSED)
    assert ledger.find(KEY) == PASSED


def test_how_long_each_run_of_a_gate_took_is_told(ledger: Ledger) -> None:
    assert ledger.durations("doctest") == []
    for number, (tests, probe_result) in enumerate([("*", FAILED), ("a.py", UNBUILT), ("b.py", PASSED)]):
        ledger.write(Key(tree=f"t{number}", image="i", gate="doctest", tests=tests), probe_result)
    ledger.write(Key(tree="t", image="i", gate="other"), UNBUILT)
    runs = [("*", FAILED.seconds), ("a.py", UNBUILT.seconds), ("b.py", PASSED.seconds)]
    assert sorted(ledger.durations("doctest")) == runs


@pytest.mark.parametrize(
    ("keep_passes", "keep_tree", "left"),
    [(False, "", set()), (False, "base", set()), (True, "", {"passed"}), (True, "base", {"passed", "base"})],
)
def test_forgetting_keeps_what_it_is_told_to_keep(
    ledger: Ledger, keep_passes: bool, keep_tree: str, left: set[str]
) -> None:
    known = {"passed": PASSED, "failed": FAILED, "unbuilt": UNBUILT, "base": FAILED}
    for tree, probe_result in known.items():
        ledger.write(Key(tree=tree, image="i", gate="doctest"), probe_result)
    ledger.forget(keep_passes=keep_passes, keep_tree=keep_tree)
    assert {tree for tree in known if ledger.find(Key(tree=tree, image="i", gate="doctest"))} == left


def refusal(path: Path) -> str:
    """What using the ledger comes to: one line, told as trouble of our own."""
    with pytest.raises(InfrastructureError) as caught, closing(Ledger(path)) as ledger:  # noqa: PT012
        ledger.find(KEY)
        ledger.write(KEY, PASSED)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("pragma user_version = 3")
    assert "newer Integrand (format 3, this one knows 2): update" in refusal(path)
    with closing(sqlite3.connect(path)) as newer:
        assert newer.execute("select count(*) from sqlite_schema").fetchone() == (0,)


def test_readings_of_an_older_version_say_not_what_passed_and_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger(path)) as ledger:
        ledger.write(KEY, PASSED)
        ledger._db.execute("pragma user_version = 1")
    with closing(Ledger(path)) as ledger:
        assert ledger.find(KEY) is None
        ledger.write(KEY, PASSED)
    with closing(Ledger(path)) as ledger:
        assert ledger.find(KEY) == PASSED


def test_runs_that_measured_nothing_are_forgotten_where_they_are_asked_to_be(ledger: Ledger) -> None:
    trouble = ProbeResult(built=True, results=Results(trouble="interrupted"), seconds=1.0, log="")
    for attempt, probe_result in enumerate((PASSED, FAILED, UNBUILT, trouble), 1):
        for tree in ("here", "there"):
            ledger.write(Key(tree=tree, image="i", gate="g", attempt=attempt), probe_result)
    ledger.forget_unmeasured("here")
    assert [
        attempt for attempt in range(1, 5) if ledger.find(Key(tree="here", image="i", gate="g", attempt=attempt))
    ] == [
        1,
        2,
    ]
    assert ledger.find(Key(tree="there", image="i", gate="g", attempt=4)) == trouble


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"what is this? " * 99)
    assert "Make room or move the file away" in refusal(path)


def test_a_ledger_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path / "gone" / "ledger.sqlite")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", '{"failures": [{}], "files": [], "tests": 0}', b"\xff"]
)
def test_a_result_that_was_spoilt_on_the_disk_is_told_as_such(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger(path)) as ledger:
        ledger.write(KEY, PASSED)
    with closing(sqlite3.connect(path)) as vandal, vandal:
        vandal.execute("update results set results = cast(? as text)", (content,))
    refusal(path)


@settings(deadline=None)  # disks may be slow
@given(data=st.data())
def test_flipped_bytes_never_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("flipped") / "ledger.sqlite"
    with closing(Ledger(path)) as ledger:
        for attempt in range(1, 40):
            ledger.write(Key(tree="t", image="i", gate="g", attempt=attempt), FAILED)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + 8] = data.draw(st.binary(min_size=1, max_size=8))
    path.write_bytes(content)
    try:
        with closing(Ledger(path)) as ledger:
            for attempt in range(1, 40):
                ledger.find(Key(tree="t", image="i", gate="g", attempt=attempt))
            ledger.write(KEY, PASSED)
    except InfrastructureError as error:
        assert str(path) in str(error)  # noqa: PT017  not every flipped byte does harm


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _fill(ledger: Ledger) -> int:
    """Write until it fails; at which reading it did."""
    large = ProbeResult(built=True, results=Results(files=("x" * 2000,)), seconds=1.0, log="")
    attempt = 0
    with pytest.raises(InfrastructureError, match=r"database or disk is full\. Make room"):  # noqa: PT012
        while attempt < 1000:
            attempt += 1
            ledger.write(Key(tree="t", image="i", gate="g", attempt=attempt), large)
    return attempt


def test_a_full_disk_is_told_and_costs_nothing_that_was_known(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite"
    with closing(Ledger(path)) as ledger:
        ledger.write(KEY, FAILED)
        failed_at = _fill(ledger)
        assert ledger.find(KEY) == FAILED
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    with closing(Ledger(path)) as ledger:
        assert ledger.find(KEY) == FAILED
        assert ledger.find(Key(tree="t", image="i", gate="g", attempt=failed_at - 1)) is not None
        assert ledger.find(Key(tree="t", image="i", gate="g", attempt=failed_at)) is None


def test_a_ledger_that_may_not_grow_is_told_like_a_full_disk(ledger: Ledger) -> None:
    ledger.write(KEY, FAILED)
    ledger._db.execute("pragma max_page_count = 20")
    _fill(ledger)
    assert ledger.find(KEY) == FAILED


_WRITER = """
import sys
from pathlib import Path
from sessions.gates.results import Results
from sessions.ledger.ledger import Key, Ledger, ProbeResult

ledger = Ledger(Path(sys.argv[1]))
for attempt in range(1, 1_000_000):
    reading = ProbeResult(built=True, results=Results(files=(f"{attempt}" * 999,)), seconds=1.0, log="")
    ledger.write(Key(tree="t", image="i", gate="g", attempt=attempt), reading)
    print(attempt, flush=True)
"""


@pytest.mark.parametrize("heard", [1, 7, 60])
def test_a_writer_that_is_killed_leaves_everything_that_it_said_it_wrote(tmp_path: Path, heard: int) -> None:
    path = tmp_path / "ledger.sqlite"
    words = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        for _ in range(heard):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        told = [int(line) for line in writer.stdout.read().split()]
    assert writer.returncode == -signal.SIGKILL
    with closing(Ledger(path)) as ledger:
        for attempt in range(1, max(told, default=heard) + 1):
            probe_result = ledger.find(Key(tree="t", image="i", gate="g", attempt=attempt))
            assert probe_result is not None
            assert probe_result.results.files == (f"{attempt}" * 999,)
        ledger.write(KEY, PASSED)
        assert ledger._db.execute("pragma integrity_check").fetchone() == ("ok",)


def write_runs(ledger: Ledger, tree: str, *failing: bool, tests: str = "a.py") -> None:
    for attempt, fails in enumerate(failing, 1):
        key = Key(tree=tree, image="i", gate="doctest@1", tests=tests, attempt=attempt)
        passed = replace(PASSED, results=replace(PASSED.results, counts={tests: 3}))
        ledger.write(key, FAILED if fails else passed)


def test_the_history_of_a_test_counts_runs_that_differ_on_one_tree_as_odd(ledger: Ledger) -> None:
    test = TestId("a.py", "f", "f(1)")
    write_runs(ledger, "steady", False, False)
    write_runs(ledger, "moody", False, True, False)
    write_runs(ledger, "broken", True, True)  # somebody's doing, or known: it tells nothing of chance
    write_runs(ledger, "elsewhere", False, tests="b.py")
    assert ledger.histories("2026-11-23", "doctest", [test]) == {test: RunHistory(runs=5, odd=1)}
    assert ledger.histories("2026-11-23", "doc", [test]) == {test: RunHistory()}


def test_a_days_own_probes_do_not_change_the_history_that_it_goes_by(tmp_path: Path) -> None:
    test = TestId("a.py", "f", "f(1)")
    for more in ("one", "two"):
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            write_runs(ledger, more, False)
            assert ledger.histories("2026-11-23", "doctest", [test]) == {test: RunHistory(runs=1)}
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        assert ledger.histories("2026-11-24", "doctest", [test]) == {test: RunHistory(runs=2)}
        ledger.forget(keep_passes=False)
        assert ledger.histories("2026-11-23", "doctest", [test]) == {test: RunHistory()}


def test_results_that_name_the_same_tests_share_them(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    keys = [replace(KEY, attempt=attempt) for attempt in (1, 2)]
    for key in keys:
        test = TestId("a.py", f"test of {KEY.gate}")
        results = Results(failures=(Failure(test=test, message="no"),), passed=(TestId("b.py", "f"),))
        ledger.write(key, ProbeResult(built=True, results=results, seconds=1.0, log=""))
    first, second = (found.results for key in keys if (found := ledger.find(key)))
    assert first == second
    assert first.failures[0] is second.failures[0]
    assert first.passed[0] is second.passed[0]
    ledger.close()
