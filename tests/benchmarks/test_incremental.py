from __future__ import annotations

import pytest

from benchmarks.incremental import main


def test_bad_input_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tickets", "2"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "'2' is not a whole number from 3 on" in captured.err
