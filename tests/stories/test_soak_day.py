"""Whole days with a soak, in this process, on the local engine."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record import Record
from sessions.reporting.markdown import markdown_report
from sessions.reporting.text import plain_report
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.tickets.model import Verdict
from tests.repositories import Builder, ticket_table
from tests.stories.desk import own_config

if TYPE_CHECKING:
    from pathlib import Path

# A file with a number fails where it divides the seed; any other passes.
RUN = """
{ echo '<testsuite name="s">'
for file in {files}; do
    every=$(cat $file); echo "<testcase file=\\"$file\\" name=\\"holds\\">"
    case $every in [0-9]*) [ $(( {seed} % every )) != 0 ] || { echo "<failure/>"; touch failed; };; esac
    echo "</testcase>"
done
echo "</testsuite>"; } > {results}
test ! -e failed
"""
CONFIG = own_config(
    """[[gates]]
name = "unit"
run = '''{run}'''
format = "junit"
files = ["*.txt"]
soak = "{soak}"
""",
    ready=("ready",),
)


@pytest.mark.slow
def test_days_with_a_new_flaky_test(tmp_path: Path) -> None:
    """Ticket 1 brings a steady test, 2 one that fails in every third run. It is told; then it leaves."""
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"a.txt": "yes\n"})
    builder.tag("1.0")
    builder.commit({"new1.txt": "yes\n"}, base, branch="t1")
    builder.commit({"new2.txt": "3\n"}, base, branch="t2")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(n, labels=["ready"]) for n in (1, 2)))

    def day(soak: str, date: int, **words: Any) -> Record:
        (tmp_path / "integration.toml").write_text(CONFIG.replace("{run}", RUN).replace("{soak}", soak))
        config, state = tmp_path / "integration.toml", tmp_path / "state"
        options = Options(config=config, state=state, date=dt.date(2026, 11, date), **words)
        return integrate(options, Console(to_stderr=True))

    told = day("tell", 23)
    assert [each.verdict for each in told.tickets] == [Verdict.INTEGRATED] * 2
    [flake] = told.tickets[1].soaks[0].flakes
    assert flake.low < 1 / 3 < flake.high
    sentence = f"fails in {flake.fails} of {flake.runs} runs with #2; does not exist with the release alone"
    assert sentence in plain_report(told).replace("\n", " ")
    assert "flaky test" in markdown_report(told)
    assert "1 ticket of the head brings flaky tests." in plain_report(told)

    again = day("tell", 23)
    assert again.timings.probes_run == 0
    assert replace(again, timings=told.timings) == told

    refused = day("refuse", 24)
    assert {each.number: each.verdict for each in refused.tickets} == {1: Verdict.INTEGRATED, 2: Verdict.FLAKY}
    assert refused.tickets[1].soaks == told.tickets[1].soaks, "the next day judges by the same runs"
    assert refused.timings.probes_run == 1, "the head without it"
