"""Whole days with a real pytest: nothing says green without having seen every test pass."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.report import report
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import Builder, ticket_table

pytestmark = pytest.mark.slow

Record = dict[str, Any]
# Without the plugins that are installed for our own tests: loading them takes longer than the project's tests.
PLAIN = "python -m pytest -q --disable-plugin-autoload -p no:cacheprovider --junit-xml {results} {files}"
CONFIG = """
version = 1
[project]
name = "own"
repository = "project.git"
[tickets]
url = "tickets.toml"
milestone = ""
fixes = ["mends a gate"]
[engine]
kind = "local"
[[gates]]
name = "{name}"
run = '''{run}'''
format = "junit"
files = {globs}
results = "{reports}"
"""
TEST_A = """
import pytest

from tool import double

def test_double():
    assert double(2) == 4

def test_known():
    assert double(1) == 3

@pytest.mark.parametrize("number", [3, 5, 8])
def test_many(number):
    assert double(number) == number + number

def test_plain():
    pass
"""
TEST_B = """
from tool import half

def test_half():
    assert half(4) == 2

def test_other():
    pass
"""
RELEASE = {
    "tool.py": "def double(number):\n    return 2 * number\n\n\n\n\n\ndef half(number):\n    return number // 2\n",
    "tests/test_a.py": TEST_A,
    "tests/test_b.py": TEST_B,
    "tests/conftest.py": "import sys\n",
    "pytest.ini": "[pytest]\npythonpath = .\n",
}


@dataclass
class Project:
    """A small project tested by pytest, with one known failure and some tickets."""

    folder: Path
    run: str = PLAIN
    name: str = "tests"
    files: tuple[str, ...] = ("tests/test_*.py",)
    reports: str = ""
    release: Mapping[str, str] = field(default_factory=lambda: RELEASE)
    tickets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.builder = Builder(self.folder / "project.git")
        self.base = self.builder.commit(self.release)
        self.builder.tag("1.0")

    def ticket(self, number: int, files: Mapping[str, str | None], *labels: str) -> None:
        self.builder.commit(files, self.base, branch=f"t{number}")
        self.tickets.append(ticket_table(number, labels=list(labels)))

    def options(self, **options: Any) -> Options:
        (self.folder / "tickets.toml").write_text("\n".join(self.tickets))
        config = self.folder / "integration.toml"
        text = CONFIG.replace("{name}", self.name).replace("{run}", self.run)
        config.write_text(text.replace("{globs}", json.dumps(list(self.files))).replace("{reports}", self.reports))
        return Options(
            **{"config": config, "state": self.folder / "state", "date": dt.date(2026, 11, 23), "jobs": 2, **options}
        )

    def day(self, **options: Any) -> Day:
        return Day(record_data(integrate(self.options(**options), Console(to_stderr=True))))


@dataclass(frozen=True)
class Day:
    record: Record

    @property
    def verdicts(self) -> dict[int, str]:
        return {ticket["number"]: ticket["verdict"] for ticket in self.record["tickets"]}

    def ticket(self, number: int) -> Any:
        return next(ticket for ticket in self.record["tickets"] if ticket["number"] == number)

    @property
    def gate(self) -> Any:
        [gate] = self.record["gates"].values()
        return gate


def changed(path: str, old: str, new: str) -> dict[str, str | None]:
    assert old in RELEASE[path]
    return {path: RELEASE[path].replace(old, new)}


HARMLESS = changed("tool.py", "\n\n\n\n\n\n", "\n\n\n# Two lines\n# of comment\n\n\n")
BREAKS_HALF = changed("tool.py", "number // 2", "number // 3")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    return lambda **words: Project(tmp_path / "own", **words)


@pytest.mark.parametrize(
    "run",
    [
        PLAIN,
        PLAIN.replace("-q", "-q -o junit_family=xunit1"),
        PLAIN.replace(
            "python -m pytest", "pwd=$PWD; cd tests && python -m pytest --rootdir=. -c ../pytest.ini"
        ).replace("{files}", "$(for file in {files}; do echo $pwd/$file; done)"),
    ],
    ids=["xunit2", "xunit1", "another root folder"],
)
def test_who_breaks_a_test_is_found_whatever_the_report_calls_its_file(make: Callable[..., Project], run: str) -> None:
    project = make(run=run)
    project.ticket(1, HARMLESS)
    project.ticket(2, changed("tests/test_a.py", "double(2) == 4", "double(2) == 5"))
    project.ticket(3, BREAKS_HALF)
    day = project.day()
    assert day.verdicts == {1: "integrated", 2: "culprit", 3: "culprit"}
    assert (day.record["state"], day.gate["flaky"]) == ("green", [])
    ran = {"tests": 8, "passed": 7, "failed": 1, "skipped": 0}
    assert day.gate["ran"] == {"release": ran, "head": ran}


@pytest.mark.parametrize(
    ("run", "conftest", "said"),
    [
        (PLAIN.replace("python -m pytest", "pytst"), "import sys\n", "pytst: not found"),
        (PLAIN, "import lacking\n", "No module named 'lacking'"),
        (f"{PLAIN} --no-such-option", "import sys\n", "unrecognized arguments: --no-such-option"),
        (f"{PLAIN} -k nothing", "import sys\n", "8 deselected"),
        (f"{PLAIN}; kill -9 $$", "import sys\n", "pytest did not end normally"),
        ("true", "import sys\n", "none"),
    ],
)
def test_a_gate_that_cannot_measure_the_release_breaks_the_day_before_the_head(
    make: Callable[..., Project], run: str, conftest: str, said: str
) -> None:
    project = make(run=run, release={**RELEASE, "tests/conftest.py": conftest})
    project.ticket(1, HARMLESS)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("broken", {1: "not-reached"})
    assert [probe["tickets"] for probe in day.record["probes"]] == [[]]
    message = day.record["message"]
    assert message.startswith("Gate tests measures nothing on 1.0 itself (")
    assert said in message
    assert "Correct `run` of gate tests" in message


@pytest.mark.usefixtures("unjailed")
def test_what_was_wrong_with_the_machine_is_measured_again_by_the_next_call(make: Callable[..., Project]) -> None:
    project = make()
    switch = project.folder / "mended"
    project.run = f"test -e {switch} && {PLAIN}"
    project.ticket(1, HARMLESS)
    assert project.day().record["state"] == "broken"
    switch.touch()
    assert project.day().record["state"] == "green"


def test_a_ticket_that_mends_the_gate_is_let_through_by_name_or_by_label(make: Callable[..., Project]) -> None:
    project = make(release={**RELEASE, "tests/conftest.py": "import lacking\n"})
    project.ticket(1, HARMLESS)
    project.ticket(2, {"tests/conftest.py": "import sys\n"}, "mends a gate")
    project.ticket(3, BREAKS_HALF)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "integrated", 3: "culprit"})
    assert (day.gate["mended_by"], day.gate["known"]) == ([2], ["tests.test_a::test_known"])
    project.tickets = [text.replace("mends a gate", "bug") for text in project.tickets]
    assert project.day().record["state"] == "broken"
    named = project.day(only=(2,))
    assert (named.record["state"], named.verdicts) == ("green", {2: "integrated"})


def test_a_gate_may_be_called_build(make: Callable[..., Project]) -> None:
    project = make(name="build")
    project.ticket(1, HARMLESS)
    project.ticket(2, BREAKS_HALF)
    project.ticket(3, changed("tests/test_a.py", "double(2) == 4", "double(2) == 5"))
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit", 3: "culprit"})
    assert {broke["check"] for number in (2, 3) for broke in day.ticket(number)["broke"]} == {"gate"}


@pytest.mark.parametrize(
    "ending",
    [
        "import os; os._exit(0)",
        "import os; os._exit(1)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "raise KeyboardInterrupt",
        "import pytest; pytest.exit('enough', 1)",
    ],
)
def test_a_run_that_ends_midway_is_its_tickets_fault_beside_a_known_failure(
    make: Callable[..., Project], ending: str
) -> None:
    project = make()
    project.ticket(1, HARMLESS)
    project.ticket(2, changed("tests/test_b.py", "assert half(4) == 2", ending))
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit"})
    assert day.gate["known"] == ["tests.test_a::test_known"]


def test_tests_that_tickets_delete_rename_or_skip_are_told_on_them(make: Callable[..., Project]) -> None:
    project = make()
    without_known = TEST_A.replace("def test_known():\n    assert double(1) == 3\n\n", "")
    project.ticket(1, {"tests/test_a.py": without_known})
    renamed = RELEASE["tests/test_b.py"]
    project.ticket(2, {"tests/test_b.py": None, "tests/test_c.py": renamed})
    project.ticket(3, {"tests/test_d.py": "def test_new():\n    pass\n\ndef test_newer():\n    pass\n"})
    day = project.day()
    assert (day.record["state"], set(day.verdicts.values())) == ("green", {"integrated"})
    assert day.ticket(1)["tests"] == {"brings": 0, "takes": ["tests.test_a::test_known"], "skips": []}
    assert day.ticket(2)["tests"]["takes"] == ["tests.test_b::test_half", "tests.test_b::test_other"]
    assert [day.ticket(number)["tests"]["brings"] for number in (1, 2, 3)] == [0, 2, 2]
    assert (day.gate["fixed"], len(day.gate["gone"])) == ([], 3)
    assert day.gate["ran"]["release"]["tests"] == 8
    assert day.gate["ran"]["head"]["tests"] == 9
    text = (project.folder / "state" / "latest" / "report.md").read_text()
    assert "| tests | green | 7/8 | 9/9 |" in text
    assert "adds 2 tests, removes 2" in text
    skipping = make_again(project)
    skipping.ticket(4, changed("tests/test_a.py", "def test_plain", "@pytest.mark.skip\ndef test_plain"))
    skipping.ticket(5, changed("tests/test_a.py", "[3, 5, 8]", "[3, 8]"))
    day = skipping.day()
    assert set(day.verdicts.values()) == {"integrated"}
    assert day.ticket(4)["tests"]["skips"] == ["tests.test_a::test_plain"]
    assert day.ticket(5)["tests"]["takes"] == ["tests.test_a::test_many[5]"]


def make_again(project: Project) -> Project:
    return Project(project.folder.with_name("again"), run=project.run)


@pytest.mark.parametrize(
    "hook",
    [
        "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if i.name != 'test_half']\n",
        "import pytest\ndef pytest_runtest_setup(item):\n    if item.name == 'test_half':\n        pytest.skip('no')\n",
    ],
    ids=["gone", "skipped"],
)
def test_a_test_that_does_not_run_any_more_for_no_reason_of_a_diff_is_a_failure(
    make: Callable[..., Project], hook: str
) -> None:
    project = make()
    project.ticket(1, HARMLESS)
    project.ticket(2, {"tests/conftest.py": hook})
    project.ticket(3, changed("tests/test_a.py", "def test_plain", "# A comment.\ndef test_plain"))
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit", 3: "integrated"})
    [broke] = day.ticket(2)["broke"]
    assert broke["test"] == "tests.test_b::test_half"
    assert "with #2" in broke["evidence"][0]


def test_a_file_that_cannot_be_read_hides_its_tests_and_is_the_failure(make: Callable[..., Project]) -> None:
    project = make()
    project.ticket(1, changed("tests/test_b.py", "from tool import half", "from tool import halve"))
    project.ticket(2, HARMLESS)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "culprit", 2: "integrated"})


def test_a_ticket_that_brings_a_failing_test_is_blamed_for_it_as_the_test_does_not_exist_without_it(
    make: Callable[..., Project],
) -> None:
    project = make()
    project.ticket(1, HARMLESS)
    project.ticket(2, changed("tests/test_b.py", "def test_other", "def test_more():\n    assert 0\n\ndef test_other"))
    project.ticket(3, {"tests/test_new.py": "def test_new():\n    assert 0\n"})
    day = project.day()
    assert day.verdicts == {1: "integrated", 2: "culprit", 3: "culprit"}
    for number in (2, 3):
        evidence = day.ticket(number)["broke"][0]["evidence"]
        assert evidence == [f"fails, twice, with #{number}", "does not exist with the release alone"]


def test_words_that_a_test_prints_say_nothing_about_our_machine(make: Callable[..., Project]) -> None:
    words = "print('write: No space left on device'); print('Cannot allocate memory')"
    project = make()
    project.ticket(1, changed("tests/test_a.py", "assert double(1) == 3", f"{words}; assert double(1) == 3"))
    project.ticket(2, BREAKS_HALF)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit"})


def test_where_not_all_of_a_gates_command_comes_from_the_files_the_whole_gate_is_run(
    make: Callable[..., Project],
) -> None:
    """The command drops its files' folder: what is selected by name would run nothing."""
    project = make(
        run=PLAIN.replace("{files}", "$(echo {files} | grep -o 'test_[ab]*.py .*' > /dev/null && echo tests)")
    )
    project.ticket(1, HARMLESS)
    project.ticket(2, BREAKS_HALF)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit"})


def test_the_report_shows_how_many_tests_ran(make: Callable[..., Project]) -> None:
    project = make()
    project.ticket(1, HARMLESS)
    assert project.day().record["state"] == "green"
    report(project.options(), Console(to_stderr=True))
    page = (project.folder / "state" / "latest" / "report.html").read_text()
    assert "<b>7/8</b> tests pass on the head, <b>7/8</b> on 1.0" in page


@pytest.mark.usefixtures("unjailed")
def test_what_a_run_that_broke_off_by_chance_did_not_reach_is_seen_before_it_is_green(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    """The first run on the head dies by chance before it comes to the test that a ticket breaks."""
    dies = f'case "$(cat tool.py)" in *comment*) mkdir {tmp_path}/once 2> /dev/null && exit 1 ;; esac; '
    project = make(run=dies + PLAIN)
    project.ticket(1, HARMLESS)
    project.ticket(2, BREAKS_HALF)
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit"})


@pytest.mark.usefixtures("unjailed")
def test_a_gate_that_comes_to_no_end_on_the_head_by_chance_is_no_green_and_nobodys_fault(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    """On the head, every other run dies."""
    dies = f"rmdir {tmp_path}/odd 2> /dev/null || {{ mkdir {tmp_path}/odd; exit 1; }}"
    often = f'case "$(cat tool.py)" in *comment*) {dies} ;; esac; '
    project = make(run=often + PLAIN)
    project.ticket(1, HARMLESS)
    day = project.day()
    assert day.verdicts[1] != "culprit"
    assert day.record["state"] == "broken" or day.gate["ran"]["head"]["passed"] == 7


STALE = '<testsuite name="pytest"><testcase classname="tests.test_b" name="test_half"/></testsuite>'


def test_reports_in_several_files_are_read_and_those_of_an_earlier_run_are_not(make: Callable[..., Project]) -> None:
    one = PLAIN.replace("{results} {files}", "out/$(basename $file).xml $file")
    project = make(
        run="for file in {files}; do " + one + "; done; true",
        reports="out/*.xml",
        release={**RELEASE, "out/old.xml": STALE},
    )
    project.ticket(1, HARMLESS)
    project.ticket(2, BREAKS_HALF)
    project.ticket(3, {"out/test_b.py.xml": STALE, "tests/test_b.py": TEST_B.replace("half(4)", "half(9)")})
    day = project.day()
    assert (day.record["state"], day.verdicts) == ("green", {1: "integrated", 2: "culprit", 3: "culprit"})
    assert day.gate["ran"]["release"] == {"tests": 8, "passed": 7, "failed": 1, "skipped": 0}
