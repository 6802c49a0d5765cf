"""A whole day with a test that tickets make slower, in this process, on the local engine."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

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

# A test sleeps as long as its file says, and as each file says that it names; its time is measured.
RUN = """
{ echo '<testsuite name="s">'
for file in {files}; do
    begin=$(date +%s%N)
    for seconds in $(cat $(cat $file)); do sleep $seconds; done
    took=$(( ($(date +%s%N) - begin) / 1000000 ))
    echo "<testcase file=\\"$file\\" name=\\"holds\\" time=\\"$(( took / 1000 )).$(printf %03d $(( took % 1000 )))\\"/>"
done
echo "</testsuite>"; } > {results}
"""
CONFIG = own_config(
    f"""[[gates]]
name = "unit"
run = '''{RUN}'''
format = "junit"
files = ["*.txt"]
slower = 1.8
""",
    ready=("ready",),
)


@pytest.mark.slow
def test_a_day_with_a_slower_test(tmp_path: Path) -> None:
    """Ticket 2 makes a test three times as slow; ticket 1 changes nothing, and 3 adds a test that takes long."""
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"a.txt": "a.s", "a.s": "0.2", "b.txt": "b.s", "b.s": "0.05"})
    builder.tag("1.0")
    builder.commit({"one": "1"}, base, branch="t1")
    builder.commit({"a.s": "0.6"}, base, branch="t2")
    builder.commit({"c.txt": "c.s", "c.s": "0.7"}, base, branch="t3")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(n, labels=["ready"]) for n in (1, 2, 3)))
    (tmp_path / "integration.toml").write_text(CONFIG)

    def day() -> Record:
        config, state = tmp_path / "integration.toml", tmp_path / "state"
        return integrate(Options(config=config, state=state, date=dt.date(2026, 11, 23)), Console(to_stderr=True))

    record = day()
    assert {each.verdict for each in record.tickets} == {Verdict.INTEGRATED}
    [slowdown] = record.gates["unit"].slower
    assert (slowdown.file, slowdown.tickets) == ("a.txt", (2,))
    assert slowdown.low < slowdown.ratio < slowdown.high
    assert {each.number: each.slowdowns for each in record.tickets} == {1: (), 2: (slowdown,), 3: ()}
    assert record.tickets[1].reason == "it makes a.txt slower"
    assert "with #2, and with the release alone" in slowdown.evidence[0]
    for text in (plain_report(record), markdown_report(record)):
        assert "It makes a.txt (unit) slower" in text.replace("\n", " ")

    again = day()
    assert again.timings.probes_run == 0
    assert replace(again, timings=record.timings) == record
