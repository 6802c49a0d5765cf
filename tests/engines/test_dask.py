from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from docker.errors import ImageNotFound

from sessions.engines import RemoteImage
from sessions.engines.dask import cluster
from sessions.engines.dask import pool as spread
from sessions.engines.dask.job import Job, JobRefused, do
from sessions.engines.dask.pool import choose_pool
from sessions.engines.local.engine import LocalEngine
from sessions.engines.pool import Threads
from sessions.engines.probe import Image, Outcome, Probe, Step
from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import RELEASE, config, put
from tests.engines.cluster import LocalCluster, alive, parents, until
from tests.stories.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    import docker

    from sessions.engines.dask.pool import DaskPool
    from sessions.engines.pool import Pool
    from tests.engines.conftest import OnDocker
    from tests.engines.registry import LocalRegistry

    Ask = Callable[..., Pool]


pytestmark = pytest.mark.filterwarnings("ignore::distributed.versions.VersionMismatchWarning")


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    # Without a jail: these tests see what a probe does by what it writes beside its folder.
    return LocalEngine(config(), tmp_path / "state", reason="test", confined=False)


@pytest.fixture
def image(engine: LocalEngine) -> Image:
    return engine.prepare(RELEASE)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[LocalCluster]:
    made = LocalCluster(tmp_path / "cluster")
    yield made
    made.stop()


@pytest.fixture
def ask(engine: LocalEngine, image: Image) -> Iterator[Ask]:
    """Opens pools on the toy's release."""
    opened: list[Pool] = []

    def pool(address: str, warn: Callable[[str], None] = lambda _text: None) -> Pool:
        asked = config(workers="dask", scheduler=address)
        release = RELEASE
        opened.append(choose_pool(asked, engine, image, release, jobs=2, warn=warn))
        return opened[-1]

    yield pool
    for each in opened:
        each.close()


def probe(image: Image, command: str, *more: str, **words: Any) -> Probe:
    steps = [Step(name=f"step{n}", command=text, timeout=60) for n, text in enumerate((command, *more))]
    return Probe(image=image, steps=tuple(steps), **{"overlay": (), **words})


def run(pool: Pool, probes: Sequence[Probe]) -> list[tuple[int, Outcome | InfrastructureError]]:
    return list(pool.run([(each, lambda _line: None) for each in probes]))


def comparable(told: Sequence[tuple[int, Outcome | InfrastructureError]]) -> list[object]:
    """All but how long it took, in order; an error as it is."""
    return [
        (place, replace(each, seconds=0) if isinstance(each, Outcome) else each)
        for place, each in sorted(told, key=lambda pair: pair[0])
    ]


@pytest.mark.slow
def test_a_lost_worker_and_a_lost_connection_change_nothing_in_what_is_told(
    dask: LocalCluster, ask: Ask, engine: LocalEngine, image: Image, tmp_path: Path
) -> None:
    assert not shutil.which("git", path=dask.environment["PATH"])
    begun, go = tmp_path / "begun", tmp_path / "go"
    held = probe(image, f"echo $$ >> {begun}; while ! [ -e {go} ]; do sleep 0.05; done; echo over")
    others = [
        probe(image, "cat a.txt; ./run.sh", f'echo {n} > "$INTEGRAND_RESULTS"; echo {n} > out; exit {n % 3}')
        for n in range(10)
    ]
    overlaid = probe(image, "cat a.txt new", overlay=(put("new", "x\n"), put("a.txt", b"\xff\n")), artifacts=("new",))
    reporting = probe(image, "echo old > r.xml", "ls; echo new > s.xml", reports=("*.xml",))
    probes = [held, *(replace(each, artifacts=("out",)) for each in others), overlaid, reporting]
    dask.start("one", "two", "three")

    with Proxy(dask.port) as wire:
        pool = ask(f"tcp://127.0.0.1:{wire.port}")
        assert pool.size == 3
        told: list[tuple[int, Outcome | InfrastructureError]] = []
        runs = threading.Thread(target=lambda: told.extend(run(pool, probes)))
        runs.start()
        until(lambda: begun.exists() and begun.read_text().endswith("\n"))
        first = int(begun.read_text())
        (lost,) = [name for name, process in dask.workers.items() if process.pid in parents(first)]
        dask.kill(lost)
        until(lambda: len(begun.read_text().split()) == 2)
        until(lambda: not alive(first))
        assert wire.drop() > 0
        until(lambda: wire.busy)
        go.touch()
        runs.join(60)

    assert not runs.is_alive()
    assert comparable(told) == comparable(run(Threads(engine, 2), probes))
    assert len(begun.read_text().split()) == 3, "once on each worker and once here: what goes on is not begun again"


@pytest.mark.slow
def test_a_worker_with_another_image_is_refused_and_the_probe_runs_elsewhere(
    dask: LocalCluster, ask: Ask, image: Image, tmp_path: Path
) -> None:
    warnings: list[str] = []
    dask.start()
    dask.add_other("other")
    pool = ask(dask.address, warnings.append)
    (_, told), *_ = run(pool, [probe(image, f"echo ran >> {tmp_path}/ran")])
    assert isinstance(told, InfrastructureError)
    assert f"No worker of the Dask scheduler {dask.address} can run these probes" in str(told)
    assert "it has another image (local:" in str(told)
    assert "\n" not in str(told)
    assert not (tmp_path / "ran").exists()

    dask.add("same")
    until(lambda: bool(cast("DaskPool", pool).cluster.workers()))
    probes = [probe(image, f"echo {n}") for n in range(3)]
    assert [told.steps[0].log for _, told in sorted(run(pool, probes)) if isinstance(told, Outcome)] == [
        "0\n",
        "1\n",
        "2\n",
    ]
    assert len(warnings) == 1

    # A pool that has not met the other worker yet.
    assert [isinstance(told, Outcome) for _, told in run(ask(dask.address), probes * 2)] == [True] * 6


@pytest.mark.slow
def test_what_a_pool_no_longer_waits_for_is_stopped_and_nothing_of_ours_is_lent(
    dask: LocalCluster, ask: Ask, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTEGRAND_SECRET", "a token")
    dask.start("one")
    pool = ask(dask.address)
    heard: list[str] = []
    quick = probe(
        image,
        "echo two; echo lines",
        f"echo ${{INTEGRAND_SECRET-nothing}} $GREETING; ls {tmp_path}/cluster/one",
        environment={"GREETING": "hello"},
    )
    slow = probe(image, f"echo $$ > {tmp_path}/begun; sleep 60")
    with contextlib.closing(cast("Generator[Any]", pool.run([(quick, heard.append), (slow, heard.append)]))) as told:
        assert next(told)[0] == 0
        until(lambda: (tmp_path / "begun").exists() and bool((tmp_path / "begun").read_text()))
        pid = int((tmp_path / "begun").read_text())
        assert alive(pid)
        # Not later: the probe's folder, in which this would look as well, is being taken away then.
        (release,) = (tmp_path / "cluster" / "one").rglob("integrand-release-*")
    assert heard == ["two\n", "lines\n", "nothing hello\n", "dask-scratch-space\n"]
    until(lambda: not alive(pid))
    pool.close()
    assert not release.exists()


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_or_has_no_worker_is_one_sentence(
    dask: LocalCluster, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(
        InfrastructureError, match=r"No Dask scheduler answers at tcp://.*start it with `dask scheduler`"
    ):
        ask(address)
    dask.start()
    with pytest.raises(InfrastructureError, match=f"{dask.address} has no worker: start some with `dask worker tcp://"):
        ask(dask.address)


@pytest.mark.slow
def test_when_the_last_worker_or_the_scheduler_is_lost_for_good_each_probe_says_so(
    dask: LocalCluster, ask: Ask, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "_PATIENCE", 1.0)
    monkeypatch.setattr(spread, "_LOOK", 0.2)
    dask.start("one")
    pool = ask(dask.address)
    told: list[tuple[int, Outcome | InfrastructureError]] = []
    begun = tmp_path / "begun"
    held = [probe(image, f"echo $$ > {begun}; sleep 60"), probe(image, "true")]
    losses: list[tuple[Callable[[], None], str]] = [
        (lambda: dask.kill("one"), "has no worker"),
        (dask.stop, "No Dask scheduler answers"),
    ]
    for lose, says in losses:
        begun.unlink(missing_ok=True)
        told = []
        runs = threading.Thread(target=lambda told=told: told.extend(run(pool, held)))
        runs.start()
        until(begun.exists)
        lose()
        runs.join(30)
        assert sorted(place for place, _ in told) == [0, 1]
        assert [says in str(each) for _, each in told if isinstance(each, InfrastructureError)] in (
            [True, True],
            [True],
        )
        if says == "has no worker":
            dask.add("two")
            until(lambda: bool(cast("DaskPool", pool).cluster.workers()))


@pytest.mark.slow
@pytest.mark.docker
def test_workers_with_docker_run_the_image_that_the_session_has(dask: LocalCluster, on_docker: OnDocker) -> None:
    bench = on_docker()
    probes = [probe(bench.image, f"cat a.txt; echo {n} > out", artifacts=("out",), keep=True) for n in range(3)]
    release = RELEASE
    dask.start("one", "two")
    asked = config(workers="dask", scheduler=dask.address)
    with contextlib.closing(choose_pool(asked, bench.engine, bench.image, release, jobs=2)) as pool:
        told = run(pool, probes)
        assert comparable(told) == comparable(run(Threads(bench.engine, 1), [replace(p, keep=False) for p in probes]))
        (_, elsewhere), *_ = run(pool, [replace(probes[0], image=Image(id=f"sha256:{'0' * 64}", name="toy:1.0"))])
    assert "No worker of the Dask scheduler" in str(elsewhere)
    assert bench.image.name in str(elsewhere), "it was sought under the image's name"


@pytest.mark.docker
def test_a_worker_pulls_the_image_by_its_digest_and_takes_no_other_for_it(
    daemon: docker.DockerClient,
    toy_image: str,
    registry: LocalRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{registry.host}/toy/spread:1"
    (tmp_path / "Dockerfile").write_text(f"FROM {toy_image}\nRUN echo {registry.port} > /source/port\n")
    daemon.images.build(path=str(tmp_path), tag=name, rm=True, forcerm=True)
    image = Image(id=str(daemon.images.get(name).id), name=name)
    digest = registry.put(daemon, name, name)
    with pytest.raises(ImageNotFound):
        daemon.images.get(image.id)
    monkeypatch.setenv("REGISTRY_USER", registry.user)
    monkeypatch.setenv("REGISTRY_TOKEN", registry.password)
    job = Job(
        probe=probe(image, "cat port"),
        engine="docker",
        config=config(baseline=name),
        remote=RemoteImage(image=image, references=(f"{registry.host}/toy/spread@{digest}",)),
        tag="1.0",
        commit="commit",
        tree="tree",
    )
    try:
        told = do(job, tmp_path / "state", tmp_path / "none")
        assert isinstance(told, Outcome), told
        assert told.steps[0].log == f"{registry.port}\n"
        other = replace(job.remote, image=Image(id=f"sha256:{'0' * 64}", name=name))
        refusal = do(replace(job, remote=other), tmp_path / "state", tmp_path / "none")
        assert isinstance(refusal, JobRefused), refusal
        assert f"is another image there, {image.id}" in refusal.why
    finally:
        daemon.images.remove(image.id, force=True)


def test_without_dask_it_is_said_what_to_install(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InfrastructureError, match='workers = "dask" needs the package distributed: pip install'):
        ask("tcp://127.0.0.1:8786")


def test_probes_run_here_unless_a_cluster_is_asked_for(engine: LocalEngine, image: Image) -> None:
    release = RELEASE
    assert choose_pool(config(), engine, image, release, jobs=3) == Threads(engine, 3)
