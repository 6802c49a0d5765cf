from __future__ import annotations

import pytest

from sessions.advice import advice, last_words


@pytest.mark.parametrize(
    ("log", "words", "what"),
    [
        ("", "none", "Mend `run`, or what it needs."),
        ("==> build: status 0\n\n==> gate: status 1\n\n", "none", "Mend `run`, or what it needs."),
        ("==> gate: status 3\nboom\n\n", "boom", "Mend `run`, or what it needs."),
        (
            "E   ModuleNotFoundError: No module named 'hypothesis.extra'\n!!! Interrupted !!!\n1 error in 0.1s\n",
            "ModuleNotFoundError: No module named 'hypothesis.extra'",
            "Add the Python package that has hypothesis.extra to [engine] packages.",
        ),
        (
            "importlib.metadata.PackageNotFoundError: No package metadata was found for thing\n",
            "importlib.metadata.PackageNotFoundError: No package metadata was found for thing",
            "Install thing itself in [build] run.",
        ),
        ("g/gate.sh: 1: pytst: not found\n", "g/gate.sh: 1: pytst: not found", "Install pytst, or mend `run`."),
        ("sh: 1: pytst: not found\n", "sh: 1: pytst: not found", "Install pytst, or mend `run`."),
        (
            "bash: line 1: cmake: command not found\n",
            "bash: line 1: cmake: command not found",
            "Install cmake, or mend `run`.",
        ),
        (
            "ERROR: usage: pytest [options]\npytest: error: unrecognized arguments: --cov=x\n",
            "ERROR: usage: pytest [options]",
            "Add the plugin that knows --cov=x to [engine] packages.",
        ),
        (
            "E   ImportError: cannot import name 'notset' from '_pytest.monkeypatch' (/x/site-packages/_pytest/m.py)\n",
            "ImportError: cannot import name 'notset' from '_pytest.monkeypatch' (/x/site-packages/_pytest/m.py)",
            "The version of _pytest does not fit this release: name one that does in [engine] packages.",
        ),
        ("\x1b[31mfine {0} {braces}\x1b[0m\n", "fine {0} {braces}", "Mend `run`, or what it needs."),
    ],
)
def test_what_a_log_tells(log: str, words: str, what: str) -> None:
    assert last_words(log) == words
    assert advice(log, "`run`") == what
