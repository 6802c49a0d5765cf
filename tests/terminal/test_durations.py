from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.terminal.durations import parse_duration, say_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5h30m", 19800), ("45m", 2700), ("90s", 90), ("1h1m1s", 3661), ("2h5s", 7205), (" 3m ", 180), ("0s", 0)],
)
def test_reads_spans(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "5", "h", "30m5h", "5 h", "1.5h", "-5m", "5h 30m", "5d", "5h30", "1h1h"])
def test_refuses_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write it as 5h30m, 45m or 90s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (14, "14s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (200, "3m20s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (360000, "100h00m"),
    ],
)
def test_says_two_figures(seconds: float, text: str) -> None:
    assert say_duration(seconds) == text


@given(st.integers(10, 10**6))
def test_what_is_said_can_be_read_and_is_near(seconds: int) -> None:
    assert abs(parse_duration(say_duration(seconds)) - seconds) < (60 if seconds >= 3600 else 1)
