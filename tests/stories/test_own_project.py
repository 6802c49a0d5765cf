"""Projects of one's own, whole days in this process: what the bundled sample does not show."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.gates.seeds import seed_of
from sessions.integrate import integrate
from sessions.ledger.record import Published
from sessions.ledger.record_file import record_data
from sessions.report import report
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError, SourceError, UsageError
from tests.repositories import Builder, ticket_table
from tests.stories.desk import own_config

# A gate that fails in every file which says "no", and a build that fails where there is a file "broken".
GATE = """
status=0
for file in {files}; do
    echo "sage -t $file"
    if grep -q no $file; then
        status=1
        printf 'File "%s", line 1, in %s\\nFailed example:\\n    ask()\\n**********\\n' $file $file
    fi
    echo "    [1 test, 0.00 s]"
done
echo "Total time for all tests: 0.0 seconds"
exit $status
"""
CONFIG = own_config(
    """[build]
run = "test ! -e broken"
[[gates]]
name = "ask"
run = '''{gate}'''
format = "sage"
files = ["*.txt"]
""",
    ready=("ready",),
)


Record = dict[str, Any]


class Project:
    """A project with one release and some tickets, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.builder = Builder(folder / "project.git")
        self.base = self.builder.commit(dict.fromkeys(("a.txt", "b.txt", "c.txt"), "yes\n"))
        self.builder.tag("1.0")
        self.tickets: list[str] = []
        self.configure()

    def configure(self, gate: str = GATE) -> None:
        (self.folder / "integration.toml").write_text(CONFIG.replace("{gate}", gate))

    def ticket(self, number: int, files: dict[str, str | None], depends: str = "") -> None:
        self.builder.commit(files, self.base, branch=f"t{number}")
        self.tickets.append(ticket_table(number, labels=["ready"], depends=depends))

    def integrate(self, **options: Any) -> Record:
        return record_data(integrate(self.options(**options), Console(to_stderr=True)))

    def options(self, **options: Any) -> Options:
        (self.folder / "tickets.toml").write_text("\n".join(self.tickets))
        state = self.folder / "state"
        config = self.folder / "integration.toml"
        return Options(**{"config": config, "state": state, "date": dt.date(2026, 11, 23), **options})

    def verdicts(self, **options: Any) -> dict[int, str]:
        return {ticket["number"]: ticket["verdict"] for ticket in self.integrate(**options)["tickets"]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_new_file_that_fails_is_its_own_tickets_fault(project: Project) -> None:
    for number in range(1, 6):
        project.ticket(number, {f"new{number}.txt": "no\n" if number == 3 else "yes\n"})
    assert project.verdicts() == {1: "integrated", 2: "integrated", 3: "culprit", 4: "integrated", 5: "integrated"}


def test_who_breaks_the_build_is_found_though_no_test_could_run(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes, too\n"})
    project.ticket(2, {"broken": ""})
    project.ticket(3, {"b.txt": "no\n"})
    record = project.integrate()
    told = {ticket["number"]: ticket for ticket in record["tickets"]}
    assert {number: ticket["verdict"] for number, ticket in told.items()} == {
        1: "integrated",
        2: "culprit",
        3: "culprit",
    }
    assert [broke["gate"] for broke in told[2]["broke"]] == ["build"]
    assert [broke["gate"] for broke in told[3]["broke"]] == ["ask"]


def test_two_tickets_that_break_the_same_test_are_both_found(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes\n" * 9 + "no\n"})
    project.ticket(2, {"b.txt": "yes, too\n"})
    project.configure(GATE.replace("grep -q no $file", "cat $file *.extra 2>/dev/null | grep -q no"))
    project.ticket(3, {"x.extra": "no\n"})
    assert project.verdicts() == {1: "culprit", 2: "integrated", 3: "culprit"}


def test_who_depends_on_a_culprit_is_blocked_and_not_at_fault(project: Project) -> None:
    project.ticket(1, {"a.txt": "no\n"})
    project.ticket(2, {"b.txt": "yes, too\n"}, depends="#1")
    record = project.integrate()
    assert [ticket["verdict"] for ticket in record["tickets"]] == ["culprit", "blocked"]
    assert record["tickets"][1]["blocked_by"] == [1]
    assert record["state"] == "empty"
    assert record["head"] == record["base"]


def test_a_gate_that_is_a_shell_script_with_braces_stays_as_it_is(project: Project) -> None:
    project.configure("x=1; echo ${x} | awk '{print $1}' > {results}; " + GATE)
    project.ticket(1, {"a.txt": "yes, too\n"})
    assert project.verdicts() == {1: "integrated"}


def test_globs_that_match_nothing_are_refused(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes, too\n"})
    with pytest.raises(
        UsageError, match=r"--files nothing/\*\* names no file that a requested gate tests on 1.0 itself"
    ):
        project.integrate(files=("nothing/**",))


def test_words_of_a_full_disk_are_the_tickets_own_and_break_nobodys_day(project: Project) -> None:
    project.configure(
        "if grep -q full *.txt; then echo 'cc1: No space left on device'; exit 1; fi\n" + GATE,
    )
    project.ticket(1, {"a.txt": "full\n"})
    project.ticket(2, {"b.txt": "yes, too\n"})
    record = project.integrate()
    assert record["state"] == "green"
    assert [ticket["verdict"] for ticket in record["tickets"]] == ["culprit", "integrated"]


def test_a_test_that_fails_now_and_then_takes_nobody_out(project: Project) -> None:
    # Fails for every third seed, but not for the release's: a seed follows from the tree and the attempt.
    tree = project.builder.git("rev-parse", "1.0^{tree}")
    unlucky = (seed_of(tree, 1) + 1) % 3
    by_chance = f"[ $file = c.txt ] && [ $(({{seed}} % 3)) = {unlucky} ]"
    project.configure(GATE.replace("if grep -q no $file", f"if {by_chance} || grep -q no $file"))
    flaky: set[str] = set()
    for number in range(1, 7):
        project.ticket(number, {f"n{number}.txt": "yes\n"})
        record = project.integrate()
        assert {ticket["verdict"] for ticket in record["tickets"]} == {"integrated"}, record["tickets"]
        flaky.update(record["gates"]["ask"]["flaky"])
    assert flaky == {"c.txt::c.txt [ask()]"}


def test_an_engine_that_breaks_in_the_middle_blames_nobody_and_the_next_call_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sessions.engines.local.engine import LocalEngine

    project.ticket(1, {"a.txt": "no\n"})
    project.ticket(2, {"b.txt": "yes, too\n"})
    run, calls = LocalEngine.run, 0

    def fragile(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InfrastructureError("the engine went away")
        return run(*arguments)

    monkeypatch.setattr(LocalEngine, "run", fragile)
    record = project.integrate()
    assert (record["state"], record["message"]) == ("broken", "the engine went away")
    assert {ticket["verdict"] for ticket in record["tickets"]} == {"not-reached"}
    assert project.verdicts() == {1: "culprit", 2: "integrated"}


def test_a_plan_hides_no_results_and_nobody_is_told_of_it(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes, too\n"})
    project.integrate(plan=True)
    console = Console(to_stderr=True)
    assert report(project.options(publish=True), console).published == Published(tickets=(), refused=())
    done = project.integrate()
    project.integrate(plan=True)
    kept = json.loads((project.folder / "state" / "days" / "2026-11-23" / "run.json").read_text())
    assert kept["head"] == done["head"]
    assert kept["state"] == "green"


@pytest.mark.parametrize("forget", ["fresh", "rerun_failed"])
def test_what_was_forgotten_runs_again(project: Project, forget: str) -> None:
    project.ticket(1, {"a.txt": "no\n"})
    first = project.integrate()["timings"]["probes_run"]
    assert project.integrate()["timings"]["probes_run"] == 0
    again = project.integrate(**{forget: True})["timings"]["probes_run"]
    assert again == first if forget == "fresh" else 0 < again < first


def test_the_same_tickets_on_the_same_day_give_the_same_ids_elsewhere(
    tmp_path: Path, make: Callable[[Path], Project]
) -> None:
    heads = {make(tmp_path / name).integrate()["head"] for name in ("here", "there")}
    assert len(heads) == 1


@pytest.fixture
def make() -> Callable[[Path], Project]:
    def project(folder: Path) -> Project:
        folder.mkdir()
        made = Project(folder)
        made.ticket(1, {"a.txt": "yes, too\n"})
        made.ticket(2, {"b.txt": "yes, too\n"}, depends="#1")
        return made

    return project


@pytest.mark.usefixtures("unjailed")
def test_a_test_that_only_the_search_finds_flaky_ends_the_day_green(project: Project) -> None:
    # Fails on the head in both looks, and then never again: confirming a culprit fails, so nobody leaves.
    project.ticket(1, {"a.txt": "yes, too\n"})
    project.ticket(2, {"b.txt": "yes, too\n"})
    count = project.folder / "count"
    moody = f"echo >> {count}; [ $file = c.txt ] && [ $(wc -l < {count}) -gt 3 ] && [ $(wc -l < {count}) -lt 8 ]"
    project.configure(GATE.replace("if grep -q no $file", f"if {{ {moody}; }} || grep -q no $file"))
    record = project.integrate()
    assert record["state"] == "green"
    assert {ticket["verdict"] for ticket in record["tickets"]} == {"integrated"}
    assert record["gates"]["ask"]["flaky"] == ["c.txt::c.txt [ask()]"]


@pytest.mark.usefixtures("unjailed")
def test_a_build_that_fails_now_and_then_takes_nobody_out(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes, too\n"})
    count = project.folder / "count"
    text = (project.folder / "integration.toml").read_text()
    build = f'run = "echo >> {count}; test $(wc -l < {count}) != 2"'
    (project.folder / "integration.toml").write_text(text.replace('run = "test ! -e broken"', build))
    record = project.integrate()
    assert record["state"] == "green"
    assert record["gates"]["ask"]["state"] == "green"
    assert {ticket["verdict"] for ticket in record["tickets"]} == {"integrated"}


def test_a_push_that_is_refused_is_one_sentence_and_the_head_stays_green(project: Project) -> None:
    project.ticket(1, {"a.txt": "yes, too\n"})
    hook = project.folder / "project.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError, match=r"Pushing 1.0\+integration-2026-11-23 to .* was refused .*not today"):
        project.integrate(publish=True)
    assert project.integrate()["published"] == {}
    hook.unlink()
    assert project.integrate(publish=True)["published"]["branch"]["name"] == "1.0+integration-2026-11-23"


def test_closing_takes_what_a_release_merged_and_leaves_what_moved_since(project: Project) -> None:
    for number in (1, 2, 3):
        project.ticket(number, {f"n{number}.txt": "yes\n"})
    tips = {number: project.builder.tips[f"t{number}"] for number in (1, 2)}
    for number, tip in tips.items():
        head = project.builder.tips["main"]
        project.builder.commit({f"n{number}.txt": "yes\n"}, head, tip, message=f"Trac #{number}: T{number}")
    project.builder.tag("1.1")
    project.builder.commit({"n2.txt": "yes, more\n"}, branch="t2")  # work went on after it was merged
    commits = [project.builder.tips[f"t{number}"] for number in (1, 2, 3)]
    project.tickets = [f'{text}\ncommit = "{tip}"' for text, tip in zip(project.tickets, commits, strict=True)]
    project.integrate(plan=True)
    told = project.folder / "tickets.told"
    console = Console(to_stderr=True)
    assert report(project.options(close=True), console).published.closed is None
    assert not told.exists()
    record = report(project.options(close=True, publish=True), console)
    assert record.published.closed == (1,)
    assert [path.name for path in told.iterdir()] == ["1.closed"]
    assert report(project.options(close=True, publish=True), console).published.closed == ()
