"""Recognise runs that stopped at a failure: nobody knows how the tests after it would have ended.

Sources: pytest's ``_pytest/main.py`` (``maxfail``), cargo-nextest's ``reporter/displayer/imp.rs``, Maven's
``ReactorSummary`` (``ExecutionEventLogger.java``), and the options of the other runners as their manuals have them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import plain_lines

if TYPE_CHECKING:
    from sessions.gates.results import GateOutput

_SAID = re.compile(
    r"!{2,} (?:xdist\.dsession\.Interrupted: )?stopping after \d{1,9} failures !{2,}$"  # pytest
    r"|\s*Cancell?ing due to test failure\b"  # cargo-nextest
    r"|\[INFO\] \S.{0,200}[ .]SKIPPED(?: \[.{0,40}\])?$"  # a module that Maven did not reach
)
# Options of go, Maven, RSpec, unittest, Sage, PHPUnit, CTest, Jest, Mocha and Robot Framework.
_OPTION = re.compile(
    r"(?<![\w-])(?:--?fail-?fast|--exitfirst|--stop-on-(?:failure|error|defect)|--exitonfailure|--bail(?![= ]*\d))"
    r"(?![\w-])"
)
# Runners whose call another one may follow: ``pytest a && pytest b``.
_RUNNER = re.compile(
    r"(?<![\w./-])(?:pytest|unittest|xmlrunner|nose2|go test|npm (?:run )?test|jest|vitest|mocha|ctest|phpunit|rspec"
    r"|prove|bats|robot|cargo (?:nextest|test)|mvnw?|gradlew?|make (?:check|test))(?![\w-])"
)
_INSTALLS = re.compile(r"\b(?:install|ci|import)\b")


def early_stop(output: GateOutput) -> str:
    """Return a clause on how a run in which a test failed did not reach all tests; empty if it did."""
    if option := _OPTION.search(output.command):
        return f"{output.gate} stopped at a failure, because of {option[0]}: the tests after it did not run"
    calls = [part for part in output.command.split("&&") if _RUNNER.search(part) and not _INSTALLS.search(part)]
    if len(calls) > 1:
        return f"{output.gate} may have stopped at a failure: what follows && runs only if nothing failed before"
    if any(map(_SAID.match, plain_lines(output.log))):
        return f"{output.gate} stopped at a failure: the tests after it did not run"
    return ""
