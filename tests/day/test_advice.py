from __future__ import annotations

import pytest

from sessions.day.advice import advice, last_words


@pytest.mark.parametrize(
    ("log", "words", "what"),
    [
        ("", "none", ""),
        ("==> build: status 0\n\n==> gate: status 1\n\n", "none", ""),
        ("==> gate: status 3\nboom\n\n", "boom", ""),
        (
            "E   ModuleNotFoundError: No module named 'hypothesis.extra'\n!!! Interrupted !!!\n1 error in 0.1s\n",
            "ModuleNotFoundError: No module named 'hypothesis.extra' | 1 error in 0.1s",
            "add the Python package that has hypothesis.extra to [engine] packages.",
        ),
        (
            "importlib.metadata.PackageNotFoundError: No package metadata was found for thing\n",
            "importlib.metadata.PackageNotFoundError: No package metadata was found for thing",
            "install thing itself in [build] run.",
        ),
        ("g/gate.sh: 1: pytst: not found\n", "g/gate.sh: 1: pytst: not found", "install pytst."),
        ("sh: 1: pytst: not found\n", "sh: 1: pytst: not found", "install pytst."),
        (
            "bash: line 1: cmake: command not found\n",
            "bash: line 1: cmake: command not found",
            "install cmake.",
        ),
        (
            "ERROR: usage: pytest [options]\npytest: error: unrecognized arguments: --cov=x\n",
            "pytest: error: unrecognized arguments: --cov=x",
            "add the plugin that knows --cov=x to [engine] packages.",
        ),
        (
            "E   ImportError: cannot import name 'notset' from '_pytest.monkeypatch' (/x/site-packages/_pytest/m.py)\n",
            "ImportError: cannot import name 'notset' from '_pytest.monkeypatch' (/x/site-packages/_pytest/m.py)",
            "name a version of _pytest that fits this release in [engine] packages.",
        ),
        (
            "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\n",
            "npm error syscall getaddrinfo",
            "probes have no network (EAI_AGAIN): put what is downloaded into the release's image (docs/images.md).",
        ),
        ("\x1b[31mfine {0} {braces}\x1b[0m\n", "fine {0} {braces}", ""),
    ],
)
def test_what_a_log_tells(log: str, words: str, what: str) -> None:
    assert last_words(log) == words
    assert advice(log, "`run`") == "Correct `run` or its requirements" + (f": {what}" if what else ".")
