"""The live view on real terminals of several sizes: no cut word, nothing left behind."""

from __future__ import annotations

import pytest

from sessions.terminal.live_view import ProbeLine
from tests.terminal.screen import run_on_terminal, screens

TITLE = "doctest on the head with 1014 tickets, without #36964 and what depends on it"
DAY = """
import fcntl, os, signal, struct, sys, termios, time
from sessions.terminal.console import Console

console = Console()
console.step("Gates on the head")
console.expect(40)
count = int(sys.argv[1])
try:
    with console.probes([(sys.argv[2], 90.0 if number % 2 else 0.1) for number in range(count)], count) as watch:
        for turn in range(6):
            for number, listen in enumerate(watch.listeners):
                listen(f"collecting sentence {turn} of probe {number} from source/manual.py [ 50%]")
            time.sleep(0.1)
            if turn == 3:
                for number in range(0, count, 2):
                    watch.ended(number)
        if "--resize" in sys.argv:
            for columns, lines in ((80, 24), (120, 40), (60, 20)):
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                os.write(1, b"\\x1b[8;%d;%dt" % (lines, columns))
                signal.raise_signal(signal.SIGWINCH)
                time.sleep(0.3)
        print("SETTLED", file=sys.stderr) if "--interrupt" in sys.argv else None
        while "--interrupt" in sys.argv:
            time.sleep(0.05)
        for number in range(1, count, 2):
            watch.ended(number)
except KeyboardInterrupt:
    console.bad("Stopped.")
console.good("green")
"""
PRINTED = f"{TITLE} collecting sentence of probe from source/manual.py [ 50%] left, usually about 40 to come, left"
WORDS = set(f"{PRINTED} SETTLED ==> Gates on the head Stopped. green · and more ^C".split())


def is_whole(word: str) -> bool:
    """Whether a word was printed as it was written: a word of the day, a number, a time, or the ellipsis after one."""
    bare = word.removesuffix("…")
    return not bare or bare in WORDS or bare.strip("0123456789hms.,:") == "" or bare.rstrip(":,").isdigit()


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((80, 24), 12),
        pytest.param((80, 24), 1, marks=pytest.mark.slow),
        pytest.param((120, 40), 12, marks=pytest.mark.slow),
        pytest.param((48, 24), 12, marks=pytest.mark.slow),
        pytest.param((80, 10), 12, marks=pytest.mark.slow),
    ],
)
def test_no_word_is_cut_and_nothing_is_left_behind(size: tuple[int, int], count: int) -> None:
    printed = run_on_terminal(DAY, str(count), TITLE, size=size)
    shown = screens(printed, size)
    live = [screen for screen in shown if any(" left" in line or "usually" in line for line in screen)]
    assert live
    for screen in live:
        for line in screen:
            assert [word for word in line.split() if not is_whole(word)] == [], line
    assert len(live[0]) <= size[1]
    left = " ".join(" ".join(shown[-1]).split())
    assert left.endswith("green")
    assert "left" not in left
    assert "usually" not in left
    assert "…" not in left
    if size[1] > 2 * count + 4:
        assert left.count("probe ") == count


def test_a_probe_that_ended_is_shown_no_more() -> None:
    shown = screens(run_on_terminal(DAY, "12", TITLE))
    running = [sum(" left" in line or "usually" in line for line in screen) for screen in shown]
    assert max(running) == 12
    assert running[running.index(12) :] == sorted(running[running.index(12) :], reverse=True)
    assert {11, 6, 1, 0} <= set(running)


def test_many_probes_on_a_small_terminal_are_counted() -> None:
    shown = screens(run_on_terminal(DAY, "12", TITLE, size=(80, 10)), (80, 10))
    assert any("and 6 more" in line for screen in shown for line in screen)
    assert any("about 40 to come, 6m00s" in line for screen in shown for line in screen)


def test_after_ctrl_c_the_terminal_is_as_before() -> None:
    printed = run_on_terminal(DAY, "12", TITLE, "--interrupt", interrupt="SETTLED")
    left = screens(printed)[-1]
    assert left[-2:] == ["Stopped.", "green"]
    assert not [line for line in left if " left" in line or "usually" in line]
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l"), "the cursor is shown again"


def test_a_terminal_that_is_resized_shows_whole_lines_and_each_once() -> None:
    printed = run_on_terminal(DAY, "24", TITLE, "--resize", "--interrupt", size=(120, 40), interrupt="SETTLED")
    shown = screens(printed, (120, 40))
    last = next(screen for screen in reversed(shown) if any(" left" in line for line in screen))
    live = [line for line in last if " left" in line]
    assert len(live) == len({line.split(":")[0] for line in live}) == 12
    assert max(map(len, last)) < 60
    assert [word for line in live for word in line.split() if not is_whole(word)] == []
    left = shown[-1]
    assert left[-2:] == ["Stopped.", "green"]
    assert not [line for line in left if " left" in line or "usually" in line]


def test_the_clock_never_counts_below_zero() -> None:
    line = ProbeLine("doctest", usual=60.0)
    line.started -= 12
    assert line.clock() == "12s, 48s left"
    line.started -= 60
    assert line.clock() == "1m12s, usually 1m00s"
    assert ProbeLine("doctest").clock() == "0.0s"
