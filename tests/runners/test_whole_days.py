"""Whole days with real runners: harmless tickets are in, culprits are found, changed tests are told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.conftest import refuse
from tests.repositories import Builder, Content, ticket_table
from tests.runners import node_kits, script_kits
from tests.runners.kit import OTHER, Change, Kit
from tests.stories.desk import own_config

pytestmark = pytest.mark.slow

CONFIG = own_config("""[[gates]]
name = "unit"
run = '''{run}'''
format = "{format}"
""")
# Each of these changes a file of its own, so that all tickets fit together.
APART = (Change.DIES, Change.DELETES, Change.SKIPS, Change.RENAMES)
TICKETS = {1: Change.HARMLESS, 2: Change.BREAKS, 3: Change.DIES, 4: Change.DELETES, 5: Change.SKIPS, 6: Change.RENAMES}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A kit, and the path of a copy of its second file. ``name`` is what in the text has to be the copy's own."""

    kit: Kit
    copy: str
    name: str = ""
    own_name: str = ""

    def __str__(self) -> str:
        return self.kit.name

    def path(self, change: Change) -> str:
        return self.copy.format(change.name.capitalize())

    def text(self, change: Change, test: str) -> str:
        text = self.kit.second_text.replace(OTHER, test)
        return text.replace(self.name, self.own_name.format(change.name.capitalize())) if self.name else text

    def release(self) -> dict[str, str]:
        files = self.kit.tree(Change.NONE)
        return files | {self.path(change): self.text(change, self.kit.test.passes) for change in APART}

    def changed(self, change: Change) -> Mapping[str, Content]:
        """What the ticket changes."""
        kit, path = self.kit, self.path(change)
        match change:
            case Change.HARMLESS | Change.BREAKS:
                before, after = kit.tree(Change.NONE), kit.tree(change)
                return {name: text for name, text in after.items() if before[name] != text}
            case Change.DIES:
                return {path: self.text(change, kit.test.dies)}
            case Change.DELETES:
                return {path: self.text(change, "")}
            case Change.SKIPS:
                return {path: self.text(change, kit.test.skips)}
            case _:
                renamed = self.copy.format("Moved")
                name = self.own_name.format("Moved")
                text = self.text(change, kit.test.passes).replace(self.own_name.format(change.name.capitalize()), name)
                return {path: None, renamed: text}


PLANS = (
    Plan(kit=node_kits.NODE_TAP, copy="tests/b{}.test.js"),
    Plan(kit=script_kits.PROVE, copy="t/b{}.t"),
    Plan(kit=script_kits.PHPUNIT, copy="tests/{}Test.php", name="BTest", own_name="{}Test"),
)


def day(plan: Plan, folder: Path) -> Any:
    """The record of a day with all six tickets."""
    builder = Builder(folder / "project.git")
    base = builder.commit(plan.release())
    builder.tag("1.0")
    words = []
    for number, change in TICKETS.items():
        builder.commit(plan.changed(change), base, branch=f"t{number}")
        words.append(ticket_table(number, change.value, labels=[]))
    (folder / "tickets.toml").write_text("\n".join(words))
    run = plan.kit.command(Path("{results}"), folder)
    config = folder / "integration.toml"
    config.write_text(CONFIG.replace("{run}", run).replace("{format}", plan.kit.format))
    options = Options(config=config, state=folder / "state", date=dt.date(2026, 11, 23), jobs=2)
    return record_data(integrate(options, Console(to_stderr=True)))


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_a_day_with_all_that_tickets_do(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := plan.kit.lacking():
        refuse(f"{plan}: {why}")
    for key, value in plan.kit.environment.items():
        monkeypatch.setenv(key, value.replace("{cache}", str(tmp_path)))
    record = day(plan, tmp_path)
    verdicts = {ticket["number"]: ticket["verdict"] for ticket in record["tickets"]}
    tests = {ticket["number"]: ticket.get("tests") for ticket in record["tickets"]}
    print(json.dumps([record["state"], record.get("message"), verdicts, tests, record["gates"]], indent=1))
    assert record["state"] == "green"
    assert verdicts == {number: "culprit" if number in (2, 3) else "integrated" for number in TICKETS}
    assert tests[1] == {"brings": 0, "takes": [], "skips": []}
    assert len(tests[4]["takes"]) == 1
    # Perl's skip() takes the tests' names away.
    assert len(tests[5]["takes"] if plan.kit.names_no_skips else tests[5]["skips"]) == 1
    assert (tests[6]["brings"], len(tests[6]["takes"])) in {(2, 2), (0, 0)}
