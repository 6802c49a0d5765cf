"""A ticket that prints workflow commands and looks for tokens, in every job of a published day that act runs."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import refuse
from tests.repositories import Builder, run_git, ticket_table
from tests.stories.desk import DATE, verdicts
from tests.workflows.act import Run, finish, repository, start

pytestmark = pytest.mark.slow

SECRETS = {f"{kind}-token": f"s3cr3t-of-{kind}-{number}" for number, kind in enumerate(("tracker", "registry", "push"))}
SECRETS["GITHUB_TOKEN"] = "s3cr3t-of-actions-3"
CALLER = """
on: workflow_dispatch
jobs:
  day:
    uses: ./.github/workflows/integrate.yml
    with: {{engine: local, date: "{date}", config: hostile.toml, gates: look, publish: true}}
    secrets:
      tracker-token: ${{{{ secrets.tracker-token }}}}
      registry-token: ${{{{ secrets.registry-token }}}}
      push-token: ${{{{ secrets.push-token }}}}
"""
CONFIG = """
version = 1
[project]
name = "hostile"
repository = "{project}"
[tickets]
url = "{tickets}"
milestone = ""
[engine]
kind = "local"
[[gates]]
name = "look"
run = "sh look1.sh && sh look2.sh"
format = "exit"
[[gates]]
name = "doc-pdf"
run = "sh look1.sh && sh look2.sh"
format = "exit"
"""
# The release's gate passes and says nothing; the ticket's prints what runners obey, and all environments it can read,
# in a form in which act's own masking does not see a secret.
LOOK = r"""
echo '::set-output name=state::taken-by-output'
echo '::add-mask::integrated'
echo '##[error]taken by an error'
echo '::error::taken by an annotation'
echo 'state=taken-by-file' >> "${GITHUB_OUTPUT:-/dev/null}"
echo 'EVIL=1' >> "${GITHUB_ENV:-/dev/null}"
echo LOOKED
cat /proc/[0-9]*/environ 2> /dev/null | base64 -w0
cat ~/.gitconfig ~/.git-credentials ~/.docker/config.json 2> /dev/null | base64 -w0
exit STATUS
"""


@dataclass(frozen=True)
class Hostile:
    """The run, the project that it published to, and all that its jobs handed on."""

    run: Run
    project: Path
    logs: str

    def everything(self) -> str:
        """What a ticket could have printed anywhere, also as what its base64 stands for."""
        found = re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", self.logs)
        decoded = [base64.b64decode(each + "==").decode("utf-8", "replace") for each in found if len(each) % 4 != 1]
        return "\n".join([self.logs, self.run.log, *decoded])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    if shutil.which("bwrap") is None:
        refuse("there is no bubblewrap to hide other processes from a ticket")
    folder = tmp_path_factory.mktemp("hostile")
    builder = Builder(folder / "hostile.git")
    base = builder.commit({"look1.sh": "true\n", "look2.sh": "true\n"})
    builder.tag("1.0", base)
    for number, status in ((1, "0"), (2, "1")):
        builder.commit({f"look{number}.sh": LOOK.replace("STATUS", status)}, base, branch=f"t{number}")
    tickets = [
        ticket_table(number, f"{words} taken by a title") for number, words in ((1, "::error::"), (2, "##[error]"))
    ]
    (folder / "tickets.toml").write_text("\n".join(tickets))
    project, scratch = repository(tmp_path_factory.mktemp("project")), tmp_path_factory.mktemp("act")
    (project / "hostile.toml").write_text(CONFIG.format(project=builder.path, tickets=folder / "tickets.toml"))
    (project / ".github" / "workflows" / "mine.yml").write_text(CALLER.format(date=DATE))
    run = finish(start(project, "mine.yml", scratch, secrets=SECRETS), scratch)
    state = scratch / "unpacked"
    shutil.unpack_archive(run.artifacts / "integrand-state" / "integrand-state.tar", state, filter="data")
    logs = "".join(path.read_text("utf-8", "replace") for path in state.rglob("*") if path.suffix in (".log", ".json"))
    return Hostile(run, builder.path, logs)


def test_the_day_ends_as_without_the_commands_and_is_published(hostile: Hostile, tmp_path: Path) -> None:
    assert hostile.run.status == 0, hostile.run.log[-9000:]
    assert set(hostile.run.jobs().values()) == {"succeeded"}
    assert list(hostile.run.jobs())[-2:] == ["publish", "report"]
    record = hostile.run.record(tmp_path)
    assert verdicts(record) == {1: "integrated", 2: "culprit"}
    branch = run_git("rev-parse", f"refs/heads/1.0+integration-{DATE}", cwd=hostile.project)
    assert branch == record["head"] == record["published"]["branch"]["commit"]


def test_the_ticket_looked_and_found_no_token(hostile: Hostile) -> None:
    everything = hostile.everything()
    assert "LOOKED" in everything
    assert "INTEGRAND_RESULTS=" in everything  # its own environment, from base64
    assert not [name for name, secret in SECRETS.items() if secret in everything]


def obeyed(lines: list[str]) -> Iterator[str]:
    """The lines in which a runner looks for commands: `report` shows logs where none is obeyed."""
    stopped = ""
    for line in lines:
        if found := re.search(r"::stop-commands::(\S+)", line):
            stopped = found[1]
        elif stopped and f"::{stopped}::" in line:
            stopped = ""
        elif not stopped:
            yield line


def test_no_command_of_the_ticket_begins_a_line_of_a_jobs_log(hostile: Hostile) -> None:
    printed = re.findall(r"^\[[^\]]*\]\s*(?:\||⚙ ) (.*)$", hostile.run.log, re.MULTILINE)  # or obeyed
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in printed]
    assert any("taken by a title" in line for line in lines)
    bad = re.compile(r"\s*(::(set-output|add-mask)\b.*(taken|integrated)|##\[|::error::taken)")
    assert not [line for line in obeyed(lines) if bad.match(line)]
    assert "state=taken" not in hostile.run.log
    assert not re.search(r"(Set output|set-output::).*taken-by", hostile.run.log)


def test_only_the_job_that_publishes_logs_in_with_a_right_to_write(hostile: Hostile) -> None:
    logins = {path.name: path.read_text().strip() for path in (hostile.run.artifacts / "logins").iterdir()}
    assert logins.pop("publish") == SECRETS["registry-token"]
    assert set(logins) == {"baseline", "integrate", "doc-pdf"}
    assert set(logins.values()) == {SECRETS["GITHUB_TOKEN"]}  # whose rights the job's permissions bound
