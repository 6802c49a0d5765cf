from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import Failure, GateOutput, Presence, Results, TestId

FIXTURES = Path(__file__).parent / "fixtures"
GATE = TestId(file="", name="doctest")


def text(name: str) -> str:
    return (FIXTURES / name).read_text()


def read(log: str, *, status: int = 1, results: bytes | None = None) -> Results:
    return FORMATS["sage"](GateOutput(gate="doctest", status=status, log=log, results=results))


def summary(results: Results) -> list[tuple[str, str, int]]:
    assert [f.test for f in results.failures] == sorted({f.test for f in results.failures})
    return [(str(failure.test), failure.kind, failure.line) for failure in results.failures]


def run(*lines: str, seed: str = "1", end: str = "Total time for all tests: 5.1 seconds") -> str:
    """A log with lines like ``> a.py`` for ``sage -t --random-seed=1 a.py``."""
    marked = [line.replace("> ", f"sage -t --long --random-seed={seed} ", 1) for line in lines]
    return "\n".join(["Running doctests with ID 2023-05-02-20-08-00-d8b98e86.", *marked, "-" * 70, end, ""])


FAILING = [
    ("bad.py::bad [1 + 1]", "failed", 6),
    ("bad.py::bad.K.m [os.nope()]", "error", 31),
    ("bad.py::bad.mix [for i in range(2):]", "failed", 18),
    ("bad.py::bad.mix [mix(1, 2)]", "failed", 14),
    ("bad.py::bad.mix [mix(None, 2)]", "error", 16),
    ("dies.py", "crash", 5),
    ("slow.py", "timeout", 5),
]
STAMP = "2026-01-01T00:00:00.0000000Z "


def test_a_real_failing_run() -> None:
    results = read(text("sage-failing.txt"), results=(FIXTURES / "sage-failing.json").read_bytes())
    assert summary(results) == FAILING
    assert results.files == ("bad.py", "dies.py", "good.py", "slow.py")
    assert results.tests == 8
    loop = results.failures[2]
    assert loop.test.example == "for i in range(2):\n    print(i)"
    assert loop.message == (
        "Failed example:\n    for i in range(2):\n        print(i)\nExpected:\n    0\n    7\nGot:\n    0\n    1"
    )
    assert results.failures[-1].message.splitlines()[0::2] == ["Timed out", "sage: time.sleep(100) ## line 5 ##"]


@pytest.mark.parametrize("results", [None, b"", b'{"bad": {"fai', b"[]", b'{"bad": 1}', b"\xff", b"[" * 99999])
def test_statistics_that_are_missing_or_half_written(results: bytes | None) -> None:
    assert summary(read(text("sage-failing.txt"), results=results)) == FAILING


@pytest.mark.parametrize(
    "prefix",
    [
        "#25 1211.0 ",
        STAMP,
        f"{STAMP}#25 1211.0 ",
        "[sagemath_doctest-none] ",
        "\x1b[0m",
        "\x1b[32;1m" + STAMP,
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_ci_puts_before_each_line(prefix: str, end: str) -> None:
    log = "".join(f"{prefix}{line}".rstrip() + end for line in text("sage-failing.txt").splitlines())
    assert read(log) == read(text("sage-failing.txt"))


@pytest.mark.parametrize(
    "command",
    [
        "src/bin/sage -t",
        "../../usr/x/sage -t",
        "python3 -m sage.doctest",
        "/sage/local/bin/python -m sage.doctest",
        "sage -t --long --warn-long",
        "sage -t --optional=sage,pip --initial",
    ],
)
def test_what_the_command_is_called(command: str) -> None:
    log = text("sage-failing.txt").replace("sage -t", command)
    assert read(log) == read(text("sage-failing.txt"))


def test_a_real_passing_run() -> None:
    assert read(text("sage-passing.txt"), status=0) == Results(
        gate="doctest", files=("good.py",), counts={"good.py": 1}, tests=1
    )


def test_hostile_examples_and_other_endings() -> None:
    results = read(text("sage-odd.txt"), results=(FIXTURES / "sage-odd.json").read_bytes())
    dup = "src/sage/pkg/dup.py"
    assert summary(results) == [
        (f"{dup}::dup [1 + 1]", "failed", 4),
        (f'{dup}::dup [print("******")]', "failed", 8),
        (f'{dup}::dup [print("\\nFailed example:\\n    6*7\\nExpected:\\n    42")]', "failed", 13),
        (f"{dup}::dup [print('File \"x.py\", line 3, in y')]", "failed", 10),
        (f'{dup}::dup [raise ValueError("Expected:")]', "error", 12),
        (f"{dup}::dup (failure 2) [1 + 1]", "failed", 6),  # the same example again: a known one must not hide it
        ("src/sage/pkg/exit.py", "crash", 5),
        ("src/sage/pkg/tab.py", "error", 0),
    ]
    assert results.tests == 9


def test_github_annotations_name_no_docstring() -> None:
    results = read(text("sage-github.txt"))
    examples = {(f.test.file, f.test.example, f.kind, f.line) for f in results.failures if f.test.example}
    plain = [*read(text("sage-failing.txt")).failures, *read(text("sage-odd.txt")).failures]
    assert examples == {(f.test.file, f.test.example, f.kind, f.line) for f in plain if f.test.example}
    assert {f.test.name for f in results.failures} == {"", " (failure 2)"}
    assert [(str(f.test), f.kind) for f in results.failures if not f.test.example] == [
        ("src/sage/pkg/exit.py", "crash"),
        ("src/sage/pkg/tab.py", "error"),
    ]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("1 doctest failed", "failed"),
        ("4 doctests failed", "failed"),
        ("Timed out", "timeout"),
        ("Timed out after testing finished (and interrupt failed)", "timeout"),
        ("Timed out (with error after interrupt)", "timeout"),
        ("Bad exit: 1", "crash"),
        ("Killed due to abort", "crash"),
        ("Tab character found", "error"),
        ("Source line number found", "error"),
        ("Testing error: bad result", "error"),
        ("Testing error: no result", "error"),
        ("SignalError in doctesting framework", "error"),
        ("AlarmInterrupt in doctesting framework", "error"),
    ],
)
@pytest.mark.parametrize("baseline", ["", " [failed in baseline]", " [failed in baseline: _find finds #1, see #2]"])
def test_every_reason_of_the_summary(reason: str, kind: str, baseline: str) -> None:
    log = run(
        f"> ./src/sage/a.py {baseline and ' #' + baseline}".rstrip(),
        "-" * 70,
        f"> ./src/sage/a.py  # {reason}{baseline}",
    )
    results = read(log)
    assert results.files == ("src/sage/a.py",)
    assert results.failures == (Failure(test=TestId("src/sage/a.py"), kind=kind, message=reason),)  # type: ignore[arg-type]


def test_failed_in_baseline_alone_is_no_failure() -> None:
    log = run("> src/sage/a.py  # [failed in baseline]", "    [320 tests, 3.73 s]", end="All tests passed!")
    assert read(log, status=0) == Results(
        gate="doctest", files=("src/sage/a.py",), counts={"src/sage/a.py": 320}, tests=320
    )


def test_a_slow_doctest_is_no_failure() -> None:
    warning = ['File "a.py", line 3, in a', "Warning: slow doctest:", "    f()", "Test ran for 9.00s cpu, 9.00s wall"]
    log = run("> a.py", "*" * 70, *warning, "*" * 70, "    [50% of tests run, 9.1s wall]", end="All tests passed!")
    assert read(log, status=0) == Results(gate="doctest", files=("a.py",), counts={"a.py": 1})


def test_status_zero_does_not_excuse_failures() -> None:
    assert summary(read(run("> a.py", "-" * 70, "> a.py  # Source line number found"), status=0)) == [
        ("a.py", "error", 0)
    ]


@pytest.mark.parametrize("status", [0, 1, 137])
def test_a_log_that_breaks_off(status: int) -> None:
    log = text("sage-failing.txt").partition("    [7 tests")[0]
    results = read(log, status=status)
    assert summary(results) == [("doctest", "crash", 0), *FAILING[:-1]]
    assert results.files == ("dies.py",)  # bad.py was only begun
    assert results.failures[0].test == GATE
    assert f"breaks off; the command ended with status {status}. The log ends:\n" in results.failures[0].message


def test_a_second_run_that_breaks_off() -> None:
    log = text("sage-passing.txt") + run("> late.py", end="").replace("-" * 70, "")
    results = read(log, status=0)
    assert summary(results) == [("doctest", "crash", 0)]
    assert results.files == ("good.py",)


def test_interrupted() -> None:
    log = run("> a.py", "    [1 test, 0.1s wall]", "> b.py", "-" * 70, "Doctests interrupted: 1/3 files tested")
    results = read(log, status=128)
    assert summary(results) == [("doctest", "error", 0)]
    assert results.failures[0].message.startswith("Doctests interrupted: 1/3 files tested; the command")
    assert results.files == ("a.py",)


@pytest.mark.parametrize(
    ("log", "status", "kind", "seen"),
    [
        ("", 0, "crash", "The doctests' log breaks off"),
        ("bash: ./sage: not found", 127, "crash", "The doctests' log breaks off"),
        (run("No files to doctest"), 0, "error", "doctest tested no file"),
        (
            run("> a.py", "    [1 test, 0.1s wall]", end="All tests passed!"),
            1,
            "error",
            "No doctest failed, but the run did",
        ),
        (
            run("> a.py", "    [1 test, 0.1s wall]", end="All tests passed!"),
            2,
            "error",
            "The doctests were not run as requested",
        ),
        (
            run("> a.py", "    [1 test, 0.1s wall]", end="All tests passed!"),
            130,
            "error",
            "The doctests were interrupted or killed",
        ),
    ],
)
def test_a_run_that_tells_of_no_test(log: str, status: int, kind: str, seen: str) -> None:
    (failure,) = read(log, status=status).failures
    assert (failure.test, failure.kind) == (GATE, kind)
    assert failure.message.startswith(f"{seen}; the command ended with status {status}.")


@pytest.mark.parametrize("status", [128, 129, 3])
def test_a_status_that_failures_do_not_explain_is_told_beside_them(status: int) -> None:
    results = read(text("sage-failing.txt"), status=status)
    assert results.trouble
    assert results.failures[0].test == GATE
    assert summary(results)[1:] == FAILING


def test_of_each_file_that_was_tested_to_its_end_the_number_of_tests_is_known() -> None:
    assert read(text("sage-failing.txt")).counts == {"bad.py": 7, "good.py": 1}
    odd = read(text("sage-odd.txt"))
    assert odd.counts == {"good.py": 1, "src/sage/pkg/dup.py": 6, "src/sage/pkg/lineno.py": 1}
    assert odd.presence(TestId("src/sage/pkg/dup.py", "dup", "2 + 2")) is Presence.PASSED
    assert odd.presence(TestId("src/sage/pkg/exit.py", "exit", "2 + 2")) is Presence.HIDDEN
    assert odd.presence(TestId("src/sage/pkg/gone.py", "gone", "2 + 2")) is Presence.ABSENT


def test_a_file_without_examples_is_no_failure() -> None:
    assert not read(run("> e/e.py", "    [0 tests, 0.00s wall]", end="All tests passed!"), status=0).failures


def in_statistics(*modules: str, files: tuple[str, ...]) -> list[str]:
    log = run(*(f"> {file}" for file in files), "-" * 70, "> src/sage/bad.py  # Timed out")
    content = json.dumps({module: {"failed": True, "ntests": 0} for module in modules})
    results = read(log, results=content.encode())
    return [str(failure.test) for failure in results.failures if failure.kind == "failed"]


def test_failed_by_the_statistics_alone() -> None:
    files = ("src/sage/rings/ring.pyx", "src/sage/ring.py", "src/sage/all/__init__.py", "src/doc/en/a.rst", "ring.py")
    assert in_statistics("sage.rings.ring", files=files) == ["src/sage/rings/ring.pyx"]
    assert in_statistics("sage.ring", "sage.all", "doc.en.a", files=files) == [
        "src/doc/en/a.rst",
        "src/sage/all/__init__.py",
        "src/sage/ring.py",
    ]
    assert in_statistics("sage.rings.ring", files=("rings/ring.pyx", "ring.py")) == ["rings/ring.pyx"]


def test_statistics_of_earlier_runs_and_known_reasons_add_nothing() -> None:
    assert in_statistics("sage.other", "sage.bad", "bad", "", files=("src/sage/a.py",)) == []
    known = b'{"a": {"failed": "random time outs; tracked by #39460"}}'
    log = run("> a.py", "    [1 test, 0.1s wall]", end="All tests passed!")
    assert not read(log, status=0, results=known).failures


def test_long_messages_keep_both_ends() -> None:
    block = ["*" * 70, 'File "a.py", line ?, in a', "Failed example:", "    f()", "Exception raised:"]
    log = run("> a.py", *block, *(f"    frame {n}" for n in range(900)), "    ValueError: 7", "*" * 70)
    (failure,) = read(log).failures
    assert failure.message.startswith("Failed example:\n    f()\nException raised:\n")
    assert failure.message.endswith("ValueError: 7")
    assert len(failure.message) < 2100
    assert failure.line == 0


PARTS = st.sampled_from(
    [
        *text("sage-failing.txt").splitlines(),
        *text("sage-github.txt").splitlines(),
        'File "a", line 1, in b',
        f'File "a", line {"9" * 5000}, in b',
    ]
)


@given(st.lists(PARTS | st.text(max_size=20)), st.integers(0, 1), st.none() | st.binary())
def test_never_raises_and_never_passes_by_chance(lines: list[str], status: int, content: bytes | None) -> None:
    results = read("\n".join(lines), status=status, results=content)
    assert results.failures or (results.files and not status)
    assert [f.test for f in results.failures] == sorted({f.test for f in results.failures})
