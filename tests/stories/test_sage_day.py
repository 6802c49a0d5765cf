"""A whole day with the real ``sage -t``, of passagemath's wheels: its log names what fails, and counts the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError
from tests.conftest import refuse
from tests.repositories import Builder, ticket_table
from tests.stories.desk import own_config

pytestmark = pytest.mark.slow

CONFIG = own_config("""packages = ["passagemath-repl==10.8.*"]
[[gates]]
name = "doctest"
run = "sage -t --environment=sage.all__sagemath_repl -p {jobs} --stats-path={results} {files}"
format = "sage"
files = ["lib/*.py"]
""")
EXAMPLES = '''r"""
EXAMPLES::

    sage: 1 + 1
    2
    sage: 2 + 2
    {sum}
    sage: 3 + 3
    6
"""
'''
GOOD, KNOWN = EXAMPLES.format(sum=4), EXAMPLES.format(sum=5)
RELEASE = {"lib/good.py": GOOD, "lib/known.py": KNOWN, "lib/other.py": GOOD}
TICKETS: dict[int, Mapping[str, str | None]] = {
    1: {"README": "harmless\n"},
    2: {"lib/good.py": EXAMPLES.format(sum=7)},
    3: {"lib/dies.py": EXAMPLES.format(sum=4).replace("3 + 3\n    6", "import os; os._exit(0)")},
    4: {"lib/other.py": None, "lib/renamed.py": RELEASE["lib/other.py"]},
    5: {"lib/known.py": EXAMPLES.format(sum=5).replace("    sage: 3 + 3\n    6\n", "")},
    6: {"lib/new.py": EXAMPLES.format(sum=4)},
}


def test_the_real_sage_tells_what_each_ticket_does(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "project.git")
    base = builder.commit(RELEASE)
    builder.tag("1.0")
    rows = []
    for number, files in TICKETS.items():
        builder.commit(files, base, branch=f"t{number}")
        rows.append(ticket_table(number))
    (tmp_path / "tickets.toml").write_text("\n".join(rows))
    (tmp_path / "integration.toml").write_text(CONFIG)
    options = Options(
        config=tmp_path / "integration.toml", state=tmp_path / "state", date=dt.date(2026, 11, 23), jobs=2
    )
    try:
        record = record_data(integrate(options, Console(to_stderr=True)))
    except InfrastructureError as error:
        refuse(f"passagemath's wheels cannot be installed here: {error}")
        raise
    tickets = {ticket["number"]: ticket for ticket in record["tickets"]}
    gate = record["gates"]["doctest"]
    assert {number: ticket["verdict"] for number, ticket in tickets.items()} == {
        **dict.fromkeys((1, 4, 5, 6), "integrated"),
        **dict.fromkeys((2, 3), "culprit"),
    }
    assert record["state"] == "green"
    assert gate["known"] == ["lib/known.py::known [2 + 2]"]
    assert gate["ran"]["release"] == {"tests": 9, "passed": 8, "failed": 1, "skipped": 0}
    assert gate["ran"]["head"] == {"tests": 11, "passed": 10, "failed": 1, "skipped": 0}
    assert tickets[4]["tests"]["takes"] == ["lib/other.py"]
    assert tickets[5]["tests"]["takes"] == ["lib/known.py::number of tests"]
    assert [tickets[number]["tests"]["brings"] for number in (4, 6)] == [3, 3]
