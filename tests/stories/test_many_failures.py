"""A broken import fails thousands of tests at once: the whole day asks what it would ask for one test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.repositories import Builder, ticket_table
from tests.stories.desk import Desk, Record, own_config, verdicts

pytestmark = pytest.mark.slow

# 20,000 at a desk, or with INTEGRAND_MANY set.
MANY = 4_000 if os.environ.get("CI") == "true" and "INTEGRAND_MANY" not in os.environ else 20_000
_CONFIG = own_config("""[[gates]]
name = "test"
run = "perl test.pl {results}"
format = "junit"
""")
# All tests fail where `module.txt` cannot be imported. Perl is on every Debian, and takes no time for them.
_TESTS = """
open my $module, '<', 'module.txt'; my $fine = <$module> =~ /fine/;
open my $report, '>', $ARGV[0];
print $report '<testsuite>';
for (1..COUNT) {
  print $report "<testcase classname='a' name='t$_'>";
  print $report '<failure message="ImportError">module is broken</failure>' unless $fine;
  print $report '</testcase>';
}
print $report '</testsuite>';
exit !$fine;
"""


def day(folder: Path, count: int) -> tuple[str, Record]:
    """Return the output and the record of a day on which the first of three tickets breaks ``count`` tests."""
    builder = Builder(folder / "project.git")
    builder.tag("1.0", base := builder.commit({"test.pl": _TESTS.replace("COUNT", str(count)), "module.txt": "fine\n"}))
    builder.commit({"module.txt": "broken\n"}, base, branch="t1")
    for number in (2, 3):
        builder.commit({f"{number}.txt": "fine\n"}, base, branch=f"t{number}")
    (folder / "tickets.toml").write_text("\n".join(ticket_table(number) for number in (1, 2, 3)))
    (folder / "integration.toml").write_text(_CONFIG)
    done = Desk(folder).type("integrate")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, Desk(folder).record()


def test_thousands_of_failures_by_one_cause_are_one_search(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    _, one = day(tmp_path / "one", 1)
    output, many = day(tmp_path / "many", MANY)
    assert output.count("Who broke") == 1
    assert verdicts(many) == verdicts(one) == {1: "culprit", 2: "integrated", 3: "integrated"}
    assert len(many["tickets"][0]["broke"]) == MANY
    assert [probe["why"] for probe in many["probes"]] == [probe["why"] for probe in one["probes"]]
