"""Every attack of the table, on each engine: nothing gets out, and it ends as a result of its own probe."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from tests.conftest import refuse
from tests.engines.bench import RELEASE, Bench, config
from tests.engines.hostile import ATTACKS, SECRET, Attack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.engines.probe import Outcome
    from tests.engines.conftest import OnDocker

# What an attack may add to a session's memory, which may be 200 MB (tests/stories/test_memory.py measures the rest).
MOST_GROWTH = 120 * 2**20
# Small bounds, so that they are soon reached.
SETTINGS: dict[str, Any] = {"memory": "256m", "disk": "64m", "processes": 200, "output": "1m", "artifacts": "2m"}


@dataclass
class Canaries:
    """What must be untouched on the host: files, listeners, and who came to those."""

    outside: Path
    state: Path
    listeners: list[socket.socket]
    visitors: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listeners[0].getsockname()[1])

    @property
    def abstract(self) -> str:
        return str(self.listeners[2].getsockname()[1:].decode())

    def watch(self) -> None:
        for listener in self.listeners:
            threading.Thread(target=self._watch, args=(listener,), daemon=True).start()

    def _watch(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                accepted.close()
                self.visitors.append(str(listener))

    def check(self) -> None:
        assert self.visitors == []
        for folder in (self.outside, self.state):
            assert (folder / "canary").read_text() == SECRET
            assert (folder / "canary").stat().st_mode & 0o777 == 0o644
        assert sorted(each.name for each in self.outside.iterdir()) == ["canary", "socket"]
        assert not Path("/usr/bin/integrand-canary").exists()


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    outside, state = tmp_path_factory.mktemp("outside"), tmp_path_factory.mktemp("state")
    for folder in (outside, state):
        (folder / "canary").write_text(SECRET)
        (folder / "canary").chmod(0o644)
    with (
        socket.create_server(("0.0.0.0", 0)) as tcp,  # noqa: S104  to be found at every address
        socket.socket(socket.AF_UNIX) as file,
        socket.socket(socket.AF_UNIX) as abstract,
        pytest.MonkeyPatch.context() as patch,
    ):
        file.bind(os.path.relpath(outside / "socket"))
        abstract.bind(f"\0integrand-{os.getpid()}")
        for each in (file, abstract):
            each.listen()
        for name in ("GH_TOKEN", "REGISTRY_TOKEN", "TRAC_PASSWORD", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, SECRET)
        home = tmp_path_factory.mktemp("home")
        (home / "canary").write_text(SECRET)
        patch.setenv("HOME", str(home))
        made = Canaries(outside, state, [tcp, file, abstract])
        made.watch()
        yield made


@pytest.fixture(scope="module")
def jailed(canaries: Canaries) -> Bench:
    engine = LocalEngine(config(**SETTINGS), canaries.state, reason="test")
    if engine.confinement.jail is None:
        refuse(engine.exposure)
    return Bench(engine, engine.prepare(RELEASE))


@pytest.fixture
def contained(on_docker: OnDocker) -> Bench:
    return on_docker(**SETTINGS)


@pytest.fixture(params=["jailed", pytest.param("contained", marks=pytest.mark.docker)])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.getfixturevalue(request.param)
    made.heard.clear()
    return made


def attacked(bench: Bench, attack: Attack, canaries: Canaries) -> Outcome:
    steps = attack.steps(
        outside=canaries.outside,
        state=canaries.state,
        port=canaries.port,
        abstract=canaries.abstract,
        secret=SECRET,
        namespaces=" ".join(
            str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("ipc", "mnt", "net", "pid", "uts")
        ),
    )
    return bench.run(*steps, artifacts=("out/**",), reports=("rep/**",), timeout=attack.seconds)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.group}: {attack.name}")
def test_an_attack_ends_as_a_result_of_its_own_probe(bench: Bench, canaries: Canaries, attack: Attack) -> None:
    start, peak = time.monotonic(), restart_peak()
    outcome = attacked(bench, attack, canaries)
    took = time.monotonic() - start
    last = outcome.steps[-1]
    assert last.ending in attack.endings, last.log[-500:]
    told = "".join(step.log for step in outcome.steps) + "".join(bench.heard)
    told += repr((outcome.results, outcome.artifacts, outcome.reports))
    assert SECRET not in told
    assert "REACHED" not in told, told[-500:]
    assert outcome.trouble == ""
    canaries.check()
    assert nothing_left(bench)
    assert took < attack.seconds + 20
    growth = read_peak() - peak
    note(bench, attack, growth)
    assert growth < MOST_GROWTH


def note(bench: Bench, attack: Attack, growth: int) -> None:
    """Add a line to the file that ``INTEGRAND_MEMORY_REPORT`` names, if any: what the page's figures are taken from."""
    if path := os.environ.get("INTEGRAND_MEMORY_REPORT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{growth / 2**20:.1f} MiB {bench.engine.name} {attack.group}: {attack.name}\n")


def nothing_left(bench: Bench) -> bool:
    """Whether there is no folder or container of a probe, and no process in a jail."""
    if isinstance(bench.engine, DockerEngine):
        label = f"io.github.integrand.probe={bench.engine.candidates.owner}"
        return not bench.engine.client.containers.list(all=True, filters={"label": label})
    assert isinstance(bench.engine, LocalEngine)
    return not list(bench.engine.confinement.probes.glob("*")) and not in_other_namespaces()


def in_other_namespaces() -> list[str]:
    """The processes below this one that are in a namespace of processes of their own."""
    mine = Path("/proc/self/ns/pid").readlink()
    found = []
    for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        with suppress(OSError):
            if Path(f"/proc/{child}/ns/pid_for_children").readlink() != mine:
                found.append(child)
    return found


def restart_peak() -> int:
    """Forget the largest memory that this process had; return what it has."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_peak()


def read_peak() -> int:
    """The largest memory that this process had since then, in bytes (proc_pid_status(5))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
