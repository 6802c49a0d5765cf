"""What a step prints, within bounds of bytes, memory and time."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import pytest

from sessions.engines.bounds import Bounds
from sessions.engines.output import StepOutput
from sessions.settings.configuration import EngineSettings

BOUNDS = Bounds.of(EngineSettings(output="1m"), 2**30)
MIB = 2**20


def printed(*chunks: bytes, bounds: Bounds = BOUNDS, strip: str = "") -> tuple[str, list[str]]:
    heard: list[str] = []
    output = StepOutput(bounds, heard.append, strip)
    for chunk in chunks:
        output.take(chunk)
    return output.close(), heard


def test_lines_are_told_as_they_come_and_the_log_is_whole() -> None:
    assert printed(b"one\ntw", b"o\nthr", b"ee") == ("one\ntwo\nthree", ["one\n", "two\n", "three"])


def test_characters_cut_between_chunks_are_whole_in_the_log() -> None:
    assert printed(b"caf\xc3", b"\xa9 \xff\n") == ("café \ufffd\n", ["café \ufffd\n"])


def test_paths_are_told_without_the_folder_they_count_from() -> None:
    assert printed(b"/room/sou", b"rce/a.txt\n", strip="/room/source/") == ("a.txt\n", ["a.txt\n"])


def test_of_too_much_the_begin_and_the_end_are_kept() -> None:
    bounds = replace(BOUNDS, output=1000, kept=10)
    log, _ = printed(b"begin" + b"x" * 1000, b"never", bounds=bounds)
    why = "it printed more than 1000 B ([engine] output sets how much)"
    assert log == f"beginxxxxx\n[{why}: the middle is left out]\nxxxxxxxxxx"


def test_as_much_as_may_be_printed_is_not_too_much() -> None:
    log, _ = printed(b"x" * MIB)
    assert len(log) == MIB


@pytest.mark.parametrize("chunk", [b"x" * 2**16, b"\n" * 2**16, b"x\n" * 2**15, bytes(2**16)])
def test_a_flood_takes_little_memory_and_time(chunk: bytes) -> None:
    bounds = Bounds.of(EngineSettings(), 2**30)
    lengths: list[int] = []
    output = StepOutput(bounds, lambda line: lengths.append(len(line)))
    start = time.monotonic()
    tracemalloc.start()
    for _ in range(500 * 16):
        output.take(chunk)
    log = output.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert output.exceeded
    assert len(log) < 2 * bounds.kept + 200
    assert max(lengths) <= bounds.line
    assert peak < 30 * MIB
    assert time.monotonic() - start < 10
