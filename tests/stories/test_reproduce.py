"""From a report to the failing test on another machine: an empty folder, another home, the record and its bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sessions.source.evidence_bundle import BUNDLE
from tests.repositories import run_git
from tests.stories.desk import Desk, new_desk, shared_day
from tests.stories.test_own_project import Project

REPRODUCE = Path(__file__).with_name("reproduce.py")


class Elsewhere:
    """An empty folder of another user on another machine: nothing of the day's is there but copies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "desk", folder / "home"
        self.folder.mkdir(parents=True)
        self.home.mkdir()

    def copy(self, latest: Path, *names: str) -> None:
        for name in names:
            shutil.copy(latest / name, self.folder / name)

    def edit(self, **changes: Any) -> None:
        """Change a copied record."""
        path = self.folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def type(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Type ``nox -s reproduce -- WORDS``."""
        environment = {**os.environ, "HOME": str(self.home), "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, str(REPRODUCE), *words],
            cwd=self.folder,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )


def last_lines(record: dict[str, Any], number: int) -> list[str]:
    [ticket] = [each for each in record["tickets"] if each["number"] == number]
    return [broke["message"].strip().splitlines()[-1].strip() for broke in ticket["broke"]]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A day in which #2 breaks a test, and #5 the build."""
    project = Project(tmp_path_factory.mktemp("own"))
    project.ticket(1, {"d.txt": "yes\n"})
    project.ticket(2, {"b.txt": "no way\n"})
    project.ticket(5, {"broken": "yes\n"})
    project.integrate()
    return project


def latest(project: Project) -> Path:
    return project.folder / "state" / "latest"


def record_of(project: Project) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((latest(project) / "run.json").read_text())
    return record


@pytest.mark.slow
@pytest.mark.parametrize("number", [111, 114, 116, 117])
def test_a_local_day_is_reproduced_from_a_copy_of_record_and_bundle(
    local_day: Desk, elsewhere: Elsewhere, number: int
) -> None:
    elsewhere.copy(local_day.state / "latest", "run.json", BUNDLE)
    done = elsewhere.type(str(number), "--record", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in last_lines(local_day.record(), number):
        assert line in [row.strip() for row in done.stdout.splitlines()]
    assert done.stdout.splitlines()[-1].startswith(f"reproduced: #{number} breaks ")
    assert "last line is another" not in done.stdout


@pytest.mark.slow
def test_neither_line_nor_setup_names_a_path_of_the_machine(local_day: Desk) -> None:
    record = local_day.record()
    lines = [broke["reproduce"] for ticket in record["tickets"] for broke in ticket["broke"]]
    assert set(lines) == {f"nox -s reproduce -- {number}" for number in (111, 114, 116, 117)}
    assert str(local_day.folder) not in json.dumps(record)
    assert record["setup"]["repository"] == "sample:"
    report = (local_day.state / "latest" / "report.md").read_text()
    assert "nox -s reproduce -- 116" in report
    assert str(local_day.folder) not in report
    # 14 tickets and a release that has more than they do.
    assert (local_day.state / "latest" / BUNDLE).stat().st_size < 20_000


@pytest.mark.slow
def test_the_state_folder_of_the_day_needs_no_record(local_day: Desk, tmp_path: Path) -> None:
    own_copy = shutil.copytree(
        local_day.folder, tmp_path / "desk", symlinks=True
    )  # other workers read the day's folder
    words = [sys.executable, str(REPRODUCE), "116"]
    done = subprocess.run(words, cwd=own_copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_local_shell_is_in_the_jail_where_the_failure_is(local_day: Desk, elsewhere: Elsewhere) -> None:
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not here")
    elsewhere.copy(local_day.state / "latest", "run.json", BUNDLE)
    typed = 'grep -c spell abacus/egyptian.py; echo "home $HOME"; echo x > /etc/x; ls /proc | grep -c "^[0-9]"\n'
    done = elsewhere.type("116", "--record", "run.json", "--shell", typed=typed)
    assert done.returncode == 0, done.stderr
    assert "the failing command: python3 tools/doctests.py" in done.stdout
    count, home, processes = done.stdout.splitlines()[-3:]
    assert count == "1"
    assert str(elsewhere.home) not in home
    assert int(processes) < 8
    assert "Read-only file system" in done.stderr
    assert not list((elsewhere.folder / ".integrand" / "local" / "probes").iterdir())


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
def test_a_docker_day_is_reproduced_in_its_image(
    elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = new_desk(tmp_path_factory)
    day = desk.type("integrate", "--engine", "docker", "--gates", "doctest", "--only", "115,116")
    assert day.returncode == 0, day.stdout + day.stderr
    elsewhere.copy(desk.state / "latest", "run.json", BUNDLE)
    done = elsewhere.type("116", "--record", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "engine: docker" in done.stdout
    [line] = last_lines(desk.record(), 116)
    assert line in [row.strip() for row in done.stdout.splitlines()]
    assert "last line is another" not in done.stdout

    shell = elsewhere.type("116", "--record", "run.json", "--shell", typed="pwd; git log --format=%s -1\n")
    assert shell.returncode == 0, shell.stdout + shell.stderr
    assert shell.stdout.splitlines()[-2:] == ["/sample", "#116: Say Egyptian fractions aloud"]


def test_without_an_address_the_project_is_named(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json", BUNDLE)
    done = elsewhere.type("2", "--record", "run.json")
    assert done.returncode == 1
    assert done.stderr.startswith("TROUBLE The record names no address of the project that another machine could reach")
    named = elsewhere.type("2", "--record", ".", "--repository", own.builder.url)
    assert named.returncode == 0, named.stderr
    assert last_lines(record_of(own), 2)[0] in named.stdout


def test_beside_the_configuration_of_the_day_nothing_else_is_named(own: Project) -> None:
    words = [sys.executable, str(REPRODUCE), "2", "--state", "state"]
    done = subprocess.run(words, cwd=own.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_plan_that_was_made_later_hides_no_failure(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.ticket(2, {"b.txt": "no way\n"})
    project.integrate()
    project.integrate(plan=True)
    assert latest(project).resolve().name.endswith("-plan")
    words = [sys.executable, str(REPRODUCE), "2", "--state", "state"]
    done = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_build_that_a_ticket_breaks(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json", BUNDLE)
    done = elsewhere.type("5", "--record", "run.json", "--repository", own.builder.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "==> build fails" in done.stdout


def test_a_commit_that_was_pushed_needs_no_bundle(own: Project, elsewhere: Elsewhere, tmp_path: Path) -> None:
    project = own.builder.copy(tmp_path / "pushed.git")
    [ticket] = [each for each in record_of(own)["tickets"] if each["number"] == 2]
    commit = ticket["broke"][0]["commit"]
    [mirror] = (own.folder / "state" / "mirrors").iterdir()
    run_git("push", "--quiet", str(project.path), f"{commit}:refs/heads/shown", cwd=mirror)
    elsewhere.copy(latest(own), "run.json")
    done = elsewhere.type("2", "--record", "run.json", "--repository", project.url)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("harm", ["missing", "cut", "other", "swapped"])
def test_a_bundle_that_cannot_be_used_is_one_clear_sentence(own: Project, elsewhere: Elsewhere, harm: str) -> None:
    elsewhere.copy(latest(own), "run.json", BUNDLE)
    bundle = elsewhere.folder / BUNDLE
    if harm == "missing":
        bundle.unlink()
    elif harm == "cut":
        bundle.write_bytes(bundle.read_bytes()[:-40])
    elif harm == "other":
        bundle.write_bytes(b"# v2 git bundle\n\nPACK")
    else:
        head, pack = bundle.read_bytes().split(b"PACK", 1)
        bundle.write_bytes(head + b"PACK" + bytes(byte ^ 1 for byte in pack))
    done = elsewhere.type("2", "--record", "run.json", "--repository", own.builder.url)
    assert done.returncode == 1
    [trouble] = done.stderr.splitlines()
    assert BUNDLE in trouble
    assert "copy it" in trouble
    assert "Traceback" not in done.stderr


def test_a_ticket_that_breaks_nothing(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json")
    for number, said in (
        (
            "1",
            "Ticket #1 breaks nothing in the record of 2026-11-23: its verdict is integrated; tickets that do: #2, #5.",
        ),
        ("99", "Ticket #99 is not in the record of 2026-11-23; tickets that break something there: #2, #5."),
    ):
        done = elsewhere.type(number, "--record", "run.json", "--repository", own.builder.url)
        assert (done.returncode, done.stderr) == (1, f"TROUBLE {said}\n")


def test_a_record_without_commit_names_what_to_type_instead(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json")
    tickets = record_of(own)["tickets"]
    for ticket in tickets:
        ticket["broke"] = [{**broke, "commit": "", "tree": ""} for broke in ticket["broke"]]
    elsewhere.edit(tickets=tickets)
    done = elsewhere.type("2", "--record", "run.json")
    assert done.returncode == 1
    assert "`nox -s integrate -- --only 2 --gates ask`" in done.stderr


def test_a_commit_from_a_record_is_no_option_for_git(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json")
    elsewhere.edit(base="--upload-pack=touch harmed")
    done = elsewhere.type("2", "--record", "run.json", "--repository", own.builder.url)
    assert "is no commit" in done.stderr
    assert not list(elsewhere.folder.rglob("harmed"))


def test_an_older_record_takes_the_projects_configuration(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json", BUNDLE)
    record = record_of(own)
    del record["setup"]
    (elsewhere.folder / "run.json").write_text(json.dumps(record))
    done = elsewhere.type("2", "--record", "run.json")
    assert "name the project's configuration with --config FILE" in done.stderr
    config = str(own.folder / "integration.toml")
    assert elsewhere.type("2", "--record", "run.json", "--config", config).returncode == 0


def test_what_does_not_fail_any_more_is_not_reproduced(own: Project, elsewhere: Elsewhere) -> None:
    elsewhere.copy(latest(own), "run.json", BUNDLE)
    record = record_of(own)
    gates = [{**gate, "run": gate["run"].replace("grep -q no", "grep -q nobody")} for gate in record["setup"]["gates"]]
    elsewhere.edit(setup=record["setup"] | {"gates": gates})
    done = elsewhere.type("2", "--record", "run.json", "--repository", own.builder.url)
    assert done.returncode == 1
    assert done.stderr.startswith("TROUBLE not reproduced: b.txt")
    assert "of 1 did not fail as the record says" in done.stderr


@pytest.fixture
def website(own: Project) -> Iterator[str]:
    """The folder of the day's report on the web."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(latest(own)))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_record_may_be_a_web_address(own: Project, elsewhere: Elsewhere, website: str) -> None:
    done = elsewhere.type("2", "--record", f"{website}/run.json", "--repository", own.builder.url)
    assert done.returncode == 0, done.stderr
    missing = elsewhere.type("2", "--record", f"{website}/day/run.json", "--repository", own.builder.url)
    assert missing.stderr == f"TROUBLE There is no run record at {website}/day/run.json.\n"


@pytest.fixture(scope="module")
def local_day(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The sample's day on the local engine."""
    return shared_day(tmp_path_factory).desk
