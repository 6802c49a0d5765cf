"""The benchmark of how early faults show, on a project of two modules."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from benchmarks.recall import main

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "src/small/__init__.py": "",
    "src/small/plus.py": "def plus(a, b):\n    return a + b\n",
    "src/small/more.py": "def more(a, b):\n    return a > b\n",
    "tests/test_a.py": "import time\n\ndef test_nothing():\n    time.sleep(0.05)\n",
    "tests/test_more.py": "from small.more import more\n\ndef test_more():\n    assert more(2, 1) and not more(1, 2)\n",
    "tests/test_plus.py": "from small.plus import plus\n\ndef test_plus():\n    assert plus(1, 2) == 3\n",
}


@pytest.mark.slow
def test_faults_are_found_by_the_tests_of_their_module(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / path).write_text(textwrap.dedent(text), encoding="utf-8")
    figures = tmp_path / "figures.json"
    words = ["--repository", str(tmp_path / "work"), "--faults", "3", "--json", str(figures), "--others", "0"]
    assert main(words) == 0
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["files"] == 3
    assert found["faults"] == len(found["found"]) > 0
    for fault in found["found"]:
        assert fault["shown_by"] == [f"tests/test_{fault['function']}.py"]
    assert found["recall"]["by evidence, 1 ticket"]["0.75"] == 1.0
    # Each file takes a share of its own, so the first part is one file: that of the fault's module.
    assert set(found["first part"]) == set(found["recall"])
    assert found["first part"]["by evidence, 1 ticket"] == 1.0
