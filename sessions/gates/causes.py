"""Why a test fails, as its message ends: the error, and the place in the project that raised it. Pure.

Read are tracebacks as Python, pytest and Sage write them, and the missing modules of Python and Node. Other messages
have no cause that could be compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sessions.gates.formats.excerpt import plain_lines
from sessions.gates.formats.steady_names import without_changing, without_dates
from sessions.terminal.phrases import counted

# ``File "a.py", line 3, in f`` (Python), ``a.py:3: in f`` (pytest, short), ``a.py:3: ValueError`` (pytest, long).
_FRAME = re.compile(
    r'^\s*(?:File "(?P<python>[^"<>]+)", line \d+|(?P<pytest>[^\s:"<>]+\.\w+):\d+:(?: in (?P<short>\S.*)| [\w.]*)?)'
)
_DOCTEST_FRAME = re.compile(r'^\s*File "<doctest ')
_RAISED = re.compile(r"^E? *(?P<name>(?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::\s|$)")
_MISSING = re.compile(r"No module named '?(?P<python>[\w.]+)|Cannot find module '(?P<node>[^'./][^']*)'")
_ASSERTION = re.compile(r"(?:\w+\.)*(?:Assertion\w*|Failed|Failure)\b|assert\b")
_INSTALLED = re.compile(r"(?:^|/)(?:site-packages|dist-packages|lib/python[\d.]+)/")
# A release has many known failures where so many tests of a gate fail on it, or so many and this share of all.
_MANY, _SOME, _SHARE = 50, 5, 0.05
# Characters of an error that are compared and shown.
_MOST = 300


@dataclass(frozen=True, order=True, kw_only=True, slots=True)
class Cause:
    """An error without what changes from run to run, and the innermost place in the project that it passed.

    ``statement`` is the source at that place, rather than its line, which edits above would move. Both are empty for a
    missing ``module``, which is missing wherever it is imported, and for an error outside the project's files.
    """

    words: str
    file: str = ""
    statement: str = ""
    module: str = ""

    @property
    def is_assertion(self) -> bool:
        """Whether a test's own comparison failed: two that read the same may well have different reasons."""
        return bool(_ASSERTION.match(self.words))


def cause_of(message: str) -> Cause | None:
    """Return the cause that a failure's message shows; ``None`` if it shows none."""
    lines = plain_lines(message)
    words = _last_error(lines)
    if not words:
        return None
    if missing := _MISSING.search(words):
        return Cause(words=words, module=missing["python"] or missing["node"])
    places = [place for place in _places(lines) if not _INSTALLED.search(place[0])]
    file, statement = places[-1] if places else ("", "")
    return Cause(words=words, file=file, statement=statement)


def commonest_error(messages: Iterable[str]) -> tuple[str, int]:
    """Return the error with which most messages end, and how many do; empty if none shows its cause."""
    counts = Counter(cause.words for message in messages if (cause := cause_of(message)))
    return max(counts.items(), key=lambda each: (each[1], each[0]), default=("", 0))


def has_many_failures(failed: int, tests: int) -> bool:
    """Whether so many of a gate's tests fail on the release that it must be said first."""
    return failed >= _MANY or (failed >= _SOME and failed >= _SHARE * tests)


def say_failures(failed: int, tests: int, gate: str) -> str:
    """Return how much of a gate fails, as a clause. A document is one test, and may have many faults."""
    if failed > tests:
        return f"{counted(failed, 'fault')} of {gate} are found"
    return f"{failed} of {counted(tests, 'test')} of {gate} fail"


def _last_error(lines: list[str]) -> str:
    """Return the last error: pytest's last lines with an ``E``, or what follows the last frame of a traceback."""
    marked = [place for place, line in enumerate(lines) if re.match(r"E(?: |$)", line)]
    if marked:
        start = marked[-1]
        while start - 1 in marked:
            start -= 1
        block = [line[1:].strip() for line in lines[start : marked[-1] + 1]]
    else:
        block = _after_traceback(lines)
    return _steady(block)


def _after_traceback(lines: list[str]) -> list[str]:
    frames = [at for at, line in enumerate(lines) if _FRAME.match(line) or _DOCTEST_FRAME.match(line)]
    starts = [at for at, line in enumerate(lines) if _RAISED.match(line.strip()) and at > (frames[-1] if frames else 0)]
    if frames and starts:
        return [line.strip() for line in lines[starts[0] :]]
    # A module that Node does not find is told before the frames.
    return next(([line.strip()] for line in lines if _MISSING.search(line)), [])


def _steady(block: Iterable[str]) -> str:
    text = " ".join(line for line in block if line)
    return without_dates(without_changing(text))[:_MOST]


def _places(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield file and statement of each frame, the outermost first."""
    raised = ""
    for at, line in enumerate(lines):
        if line.startswith(">"):
            raised = line[1:].strip()
        if found := _FRAME.match(line):
            below = lines[at + 1].strip() if at + 1 < len(lines) else ""
            is_long = found["pytest"] and not found["short"]
            yield (found["python"] or found["pytest"]), (raised if is_long else below)
