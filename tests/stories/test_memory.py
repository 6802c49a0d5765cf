"""A session takes at most 200 MB, whatever a ticket leaves: its process is measured over whole days.

CI tries one ticket; ``INTEGRAND_MEMORY=all`` tries all of them. ``tools/memory.py`` writes what they measure into
``docs/security.md``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.repositories import Builder, ticket_table
from tests.stories.desk import Desk, own_config

pytestmark = pytest.mark.slow

MOST = 200_000  # KiB
_CONFIG = own_config("""[[gates]]
name = "test"
run = "sh test.sh {results}"
format = "junit"
artifacts = ["out/**"]
timeout = "120s"
""")
_FINE = '<testsuite><testcase classname="a" name="t"/></testsuite>'
# What a ticket makes of `test.sh`, whose first argument is the place of the report. Perl is on every Debian.
TICKETS = {
    "nothing": f"echo '{_FINE}' > $1",
    "20,000 failing tests": (
        'perl -e \'print "<testsuite>"; print "<testcase classname=\\"a\\" name=\\"t$_\\"><failure message=\\"no\\">'
        'line</failure></testcase>" for 1..20000; print "</testsuite>"\' > $1; exit 1'
    ),
    "a name of 30 MB": (
        'perl -e \'print "<testsuite><testcase classname=\\"a\\" name=\\"", "n" x 30000000, "\\"><failure/></testcase>'
        "</testsuite>\"' > $1; exit 1"
    ),
    "3 million open tags": 'perl -e \'print "<testsuite>", "<a>" x 3000000\' > $1; exit 1',
    "8 million elements": 'perl -e \'print "<testsuite>", "<a/>" x 8000000, "</testsuite>"\' > $1; exit 1',
    "500 MB printed": "perl -e 'print \"a line of some text\\n\" for 1..25000000'; exit 1",
    "one line of 100 MB": "perl -e 'print \"x\" x 100000000'; exit 1",
    "20 MB printed": f"perl -e 'print \"a line of some text\\n\" for 1..1000000'; echo '{_FINE}' > $1; exit 1",
    "artifacts of 90 MB": f"mkdir out; head -c 90000000 /dev/urandom > out/a; echo '{_FINE}' > $1",
    "9,000 artifacts": f"mkdir out; perl -e 'for (1..9000) {{ open F, \">out/$_\"; print F 1 }}'; echo '{_FINE}' > $1",
}


def report(name: str, peak: int) -> None:
    """Add a line to the file that ``INTEGRAND_MEMORY_REPORT`` names, if any."""
    if path := os.environ.get("INTEGRAND_MEMORY_REPORT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{peak / 1000:.0f} MB day: {name}\n")


TRIED = list(TICKETS) if os.environ.get("INTEGRAND_MEMORY") == "all" else ["3 million open tags"]


@pytest.mark.parametrize("name", TRIED)
def test_a_day_takes_little_memory_whatever_a_ticket_leaves(tmp_path: Path, name: str) -> None:
    builder = Builder(tmp_path / "project.git")
    builder.tag("1.0", base := builder.commit({"test.sh": TICKETS["nothing"]}))
    builder.commit({"test.sh": TICKETS[name] + "\n"}, base, branch="t1")
    builder.commit({"other.txt": "fine\n"}, base, branch="t2")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(number) for number in (1, 2)))
    (tmp_path / "integration.toml").write_text(_CONFIG)
    peak = tmp_path / "peak"
    done = Desk(tmp_path).type("integrate", PEAK=str(peak))
    assert done.returncode == 0, done.stdout + done.stderr
    report(name, int(peak.read_text()))
    assert int(peak.read_text()) < MOST
    harmless = name in ("nothing", "artifacts of 90 MB", "9,000 artifacts")
    record = Desk(tmp_path).record()
    verdicts = {ticket["number"]: ticket["verdict"] for ticket in record["tickets"]}
    assert verdicts == {1: "integrated" if harmless else "culprit", 2: "integrated"}
