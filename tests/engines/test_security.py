"""docs/security.md is true: what it lists is what is tried, and its numbers are the code's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from sessions.engines.bounds import Bounds, say_bytes
from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from sessions.settings.configuration import Build, EngineSettings, Gate
from sessions.terminal.errors import InfrastructureError
from tests.conftest import refuse
from tests.engines.bench import RELEASE, Bench, config
from tests.engines.hostile import ATTACKS
from tests.stories.test_memory import MOST, TICKETS
from tools.memory import MARKERS, memory_table

if TYPE_CHECKING:
    from tests.engines.conftest import OnDocker

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
BOUNDS = Bounds.of(EngineSettings(), 2**34)


def test_the_page_lists_all_attacks_and_no_others() -> None:
    listed = WORDS.partition("## The attacks")[2]
    groups = re.findall(r"\*\*[\w ]+\*\*: it (.*?)\.(?= \*\*|$)", listed)
    tried: dict[str, list[str]] = {}
    for attack in ATTACKS:
        tried.setdefault(attack.group, []).append(attack.name)
    assert groups == ["; ".join(names) for names in tried.values()]
    assert len(ATTACKS) >= 150


def test_the_pages_table_of_memory_has_each_measured_day_within_the_bound() -> None:
    table = PAGE.partition(MARKERS[0])[2].partition(MARKERS[1])[0]
    peaks = {name: int(size) for name, size in re.findall(r"^\| (.+) \| (\d+) MB \|$", table, re.MULTILINE)}
    assert list(peaks) == list(TICKETS)
    assert max(peaks.values()) * 1000 < MOST
    assert set(re.findall(r"^\| (docker|local) \|", table, re.MULTILINE)) == {"docker", "local"}
    assert memory_table("66 MB day: nothing\n1.0 MiB docker print: a\n3.0 MiB docker print: b\n").splitlines()[
        2::4
    ] == [
        "| nothing | 66 MB |",
        "| docker | 2 | 3 MB | b |",
    ]


def row(start: str) -> str:
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    return found


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("memory", ("three quarters",)),
        ("disk", (say_bytes(BOUNDS.disk), "nine tenths")),
        ("processes | 4", (str(BOUNDS.processes),)),
        ("time", (f"{Gate(name='a', run='').timeout[:-1]} h for a gate", f"{Build().timeout[:-1]} h for the build")),
        ("what a command prints", (say_bytes(BOUNDS.output), "the first and the last MiB")),
        ("artifacts, together", (say_bytes(BOUNDS.artifacts), f"{BOUNDS.files:,} files")),
        ("results file", (say_bytes(BOUNDS.results), say_bytes(BOUNDS.reports), f"{BOUNDS.files:,} files")),
        ("depth", (f"{BOUNDS.depth} folders", f"{BOUNDS.path:,} bytes")),
        ("/dev/shm |", (say_bytes(BOUNDS.shared_memory),)),  # noqa: S108
        ("open files", (f"{BOUNDS.open_files:,}",)),
    ],
)
def test_the_pages_bounds_are_the_codes(start: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert word in row(start)
    assert (BOUNDS.kept, BOUNDS.memory) == (2**20, 0.75 * 2**34)


def test_the_one_job_that_may_write_runs_no_code_of_a_ticket() -> None:
    """The stories try the rest: tests/stories/test_published_images.py, tests/workflows/test_hostile_workflow.py."""
    assert "`publish` alone may write, and alone gets the tokens for it" in WORDS
    jobs = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "integrate.yml")["jobs"]
    assert [name for name, job in jobs.items() if "write" in job["permissions"].values()] == ["publish"]
    called = {name: [step["with"]["session"] for step in job["steps"][1:2]] for name, job in jobs.items()}
    assert called["publish"] == ["publish"]
    story = (ROOT / "sessions" / "publish.py").read_text(encoding="utf-8")
    assert not re.search(r"runner|choose_engine|choose_pool|open_day", story)


@pytest.mark.docker
def test_a_container_is_as_the_page_says(on_docker: OnDocker) -> None:
    bench = on_docker(memory="300m", processes=77)
    assert isinstance(bench.engine, DockerEngine)
    seen: list[dict[str, Any]] = []
    client, label = bench.engine.client, f"io.github.integrand.probe={bench.engine.candidates.owner}"

    class Looking(list[str]):
        def append(self, _line: str) -> None:
            seen.extend(each.attrs for each in client.containers.list(filters={"label": label}))

    bench.heard = Looking()
    bench.run("echo now; sleep 0.5")
    host = seen[0]["HostConfig"]
    assert (host["NetworkMode"], host["CapDrop"], host["CapAdd"]) == ("none", ["ALL"], None)
    assert (host["SecurityOpt"], host["Privileged"], host["Devices"]) == (["no-new-privileges"], False, None)
    assert (host["Binds"], host["PidMode"], host["UTSMode"], host["UsernsMode"]) == (None, "", "", "")
    assert (host["IpcMode"], host.get("Mounts")) == ("private", None)
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (300 * 2**20, 300 * 2**20, 77)
    assert (host["ShmSize"], host["OomScoreAdj"]) == (BOUNDS.shared_memory, 500)


@pytest.mark.docker
def test_commands_run_as_the_user_that_the_configuration_names(on_docker: OnDocker) -> None:
    bench = on_docker(user="1234:1234")
    assert bench.says("id -u; id -g").split() == ["1234", "1234"]
    assert bench.run("echo spoilt > /usr/bin/new").steps[0].status
    assert bench.run('echo 1 > "$INTEGRAND_RESULTS"').results == b"1\n"


@pytest.mark.docker
def test_a_runtime_that_the_daemon_does_not_know_is_one_sentence(on_docker: OnDocker) -> None:
    with pytest.raises(InfrastructureError, match=r"(?i)unknown.*runtime.*no-such-runtime") as error:
        on_docker(runtime="no-such-runtime").run("true")
    assert "\n" not in str(error.value)


@pytest.fixture
def jailed(tmp_path: Path) -> Bench:
    engine = LocalEngine(config(), tmp_path / "state", reason="test")
    if engine.confinement.jail is None:
        refuse(engine.exposure)
    return Bench(engine, engine.prepare(RELEASE))


def test_a_jail_holds_what_the_page_says(jailed: Bench, tmp_path: Path) -> None:
    there = set(jailed.says("ls /").split())
    assert {"usr", "etc", "dev", "proc", "tmp"} <= there
    assert not there & {"home", "run", "sys", "mnt", "media", "srv", "boot", "work"}
    secrets = [str(path) for path in Path("/etc").glob("*shadow*")]
    assert jailed.says(f"cat {' '.join(secrets)} 2> /dev/null | wc -c").strip() == "0"
    assert jailed.says(f"ls {tmp_path}/state {tmp_path}/state/local").split()[-1] in ("mounted", "probes")
    assert "NoNewPrivs:\t1\n" in jailed.says("cat /proc/self/status")
    assert "Seccomp:\t2\n" in jailed.says("cat /proc/self/status")
    assert jailed.says("wc -l < /proc/net/route; readlink /proc/self/ns/net").split()[0] in ("0", "1")
    assert jailed.says("ls -d /proc/[0-9]* | wc -l").strip() < "9"


def test_a_jail_reads_python_and_programs(jailed: Bench) -> None:
    assert (
        jailed.says("python -c 'import json; print(json.dumps(1))'; git --version > /dev/null && echo git")
        == "1\ngit\n"
    )
    assert jailed.says("echo x > $TMPDIR/a; echo y > /tmp/b; cat $TMPDIR/a /tmp/b; ls -A /tmp | grep -c b").split()[
        :2
    ] == [
        "x",
        "y",
    ]
