"""The radar of a project with tickets that are ready and others that are not."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from sessions.main import run_finding
from sessions.radar import radar
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from tests.repositories import Builder, lines, ticket_table
from tests.stories.test_audited_day import CONFIG

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"a": lines(), "b": lines()})
    builder.tag("1.0")
    for number, changes in {1: {"a": 5}, 2: {"a": 5}, 3: {"b": 9}, 4: {"a": 5, "b": 9}}.items():
        files = {path: lines((line, f"by {number}")) for path, line in changes.items()}
        builder.commit(dict(files), base, branch=f"t{number}")
    tables = [ticket_table(n, labels=["ready"] if n != 4 else [], authors=[f"Jane {n}"]) for n in (1, 2, 3, 4)]
    (tmp_path / "tickets.toml").write_text("\n".join(tables))
    (tmp_path / "integration.toml").write_text(CONFIG)
    return tmp_path


def options(folder: Path, **more: Any) -> Options:
    common = {"config": folder / "integration.toml", "state": folder / "state", "date": dt.date(2026, 11, 23)}
    return Options(**{**common, **more})


def test_all_open_tickets_are_merged_in_pairs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_finding(radar, "radar", ["--json", "--state", "state"], folder) is None
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert record["base"]["name"] == "main"
    assert [each["tickets"] for each in record["conflicts"]] == [[1, 2], [1, 4], [2, 4], [3, 4]]
    assert [ticket["number"] for ticket in record["tickets"] if not ticket["ready"]] == [4]
    assert (record["order"], record["mending"], record["is_best"]) == ([1, 3, 2, 4], [2, 4], True)
    assert "#3 (Jane 3) conflicts with #4 (Jane 4, not ready) in b:9-9" in said.err
    page = (folder / "state" / "radar" / "radar.html").read_text()
    assert "Jane 4, not ready" in page
    assert "no order has fewer" in page
    assert json.loads((folder / "state" / "radar" / "radar.json").read_text()) == record


def test_who_leaves_if_a_ticket_comes_first(folder: Path) -> None:
    record, _ = radar(options(folder, test=(4, 2)), Console(to_stderr=True))
    assert record["tests"] == {"4": {"in": [4], "out": [1, 3]}, "2": {"in": [2], "out": [1]}}
    with pytest.raises(UsageError, match="no open ticket #9"):
        radar(options(folder, test=(9,)), Console(to_stderr=True))


SEEDED = f"""{CONFIG[: CONFIG.index("[[gates]]")]}
[[gates]]
name = "uses"
run = '''
(for f in use/*; do grep -qx "$(cat $f)" lib && echo "ok - $f" || echo "not ok - $f"; done
echo "1..$(ls use | wc -l)") > {{results}}'''
format = "tap"
"""
# Pairs that break something only together: one in CI, 20 were tried at a desk.
PAIRS = int(os.environ.get("INTEGRAND_PAIRS", "1"))


@pytest.mark.slow
def test_a_pair_that_breaks_something_only_together_is_found(tmp_path: Path) -> None:
    """Ticket N renames a function, ready ticket 100 + N calls it by its old name; git merges both."""
    builder = Builder(tmp_path / "project.git")
    names = [f"f{n}" for n in range(1, PAIRS + 2)]
    base = builder.commit({"lib": "\n".join(f"{name}\n" for name in names), "use/0": f"{names[-1]}\n"})
    builder.tag("1.0")
    numbers = range(1, PAIRS + 1)
    for n in numbers:
        renamed = [f"g{n}" if name == f"f{n}" else name for name in names]
        builder.commit({"lib": "\n".join(f"{name}\n" for name in renamed)}, base, branch=f"t{n}")
        builder.commit({f"use/{n}": f"f{n}\n"}, base, branch=f"t{100 + n}")
    builder.commit({"other": "x\n"}, base, branch="t50")
    tables = [ticket_table(n, labels=["ready"] if n > 100 else []) for n in (*numbers, 50, *(100 + n for n in numbers))]
    (tmp_path / "tickets.toml").write_text("\n".join(tables))
    (tmp_path / "integration.toml").write_text(SEEDED)
    record, _ = radar(options(tmp_path, test=(*numbers, 50), gates=("uses",)), Console(to_stderr=True))
    assert record["conflicts"] == []
    broken = {
        number: [({each["ticket"], *each["with"]}, each["test"]) for each in told["breaks"]]
        for number, told in record["tests"].items()
    }
    assert broken == {"50": []} | {str(n): [({n, 100 + n}, f"uses::use/{n}")] for n in numbers}
