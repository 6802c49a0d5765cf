from __future__ import annotations

import tarfile
import tempfile
import threading
import uuid
from typing import IO, TYPE_CHECKING

import pytest
from docker.errors import NotFound

from sessions.engines.docker.daemon import connect
from sessions.engines.docker.engine import DockerEngine
from sessions.engines.image_names import LABEL
from sessions.engines.images import Inspection
from sessions.engines.probe import Probe, Step
from sessions.source.overlay_files import OverlayFile
from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import Bench, config, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker
    from docker.models.containers import Container

    from tests.engines.conftest import OnDocker

pytestmark = pytest.mark.docker


@pytest.fixture
def bench(on_docker: OnDocker) -> Bench:
    return on_docker()


def containers(bench: Bench) -> list[Container]:
    """All that are there with the label of the bench's state folder."""
    assert isinstance(bench.engine, DockerEngine)
    label = f"io.github.integrand.probe={bench.engine.candidates.owner}"
    found: list[Container] = bench.engine.client.containers.list(all=True, filters={"label": label})
    return found


def told(error: pytest.ExceptionInfo[InfrastructureError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_probe_has_no_network_no_capability_and_no_way_to_get_one(bench: Bench) -> None:
    assert bench.says("ls /sys/class/net").split() == ["lo"]
    status = dict(line.split(":", 1) for line in bench.says("cat /proc/self/status").splitlines())
    sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    assert {name: int(status[name], 16) for name in sets} == dict.fromkeys(sets, 0)
    assert status["NoNewPrivs"].strip() == "1"


def test_the_callers_secrets_are_nowhere_in_the_container(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", "s3cr3t")
    assert "s3cr3t" not in bench.says("cat /proc/*/environ | tr '\\0' '\\n'")


def test_processes_are_limited(on_docker: OnDocker) -> None:
    (step,) = on_docker(processes=20).run("for n in $(seq 40); do sleep 30 & done; wait").steps
    assert step.status
    assert "fork" in step.log


@pytest.mark.parametrize(
    ("command", "ending"), [("true", "exited"), ("false", "exited"), ("sleep 60", "timeout"), ("kill 1", "exited")]
)
def test_a_container_is_removed_however_its_probe_ends(bench: Bench, command: str, ending: str) -> None:
    while_running: list[Container] = []
    bench.heard = _Listener(lambda: while_running.extend(containers(bench)))
    assert bench.run(f"echo here; {command}", timeout=2).steps[-1].ending == ending
    assert len(while_running) == 1
    assert containers(bench) == []


class _Listener(list[str]):
    """A list that does something with the first line it hears."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do = do

    def append(self, line: str) -> None:
        super().append(line)
        if len(self) == 1:
            self.do()


def test_a_container_that_somebody_else_stops_blames_no_ticket_and_is_removed(bench: Bench) -> None:
    def stop() -> None:
        containers(bench)[0].kill()

    bench.heard = _Listener(stop)
    with pytest.raises(InfrastructureError, match=r"stopped from outside. Run again"):
        bench.run("echo here; sleep 60")
    assert containers(bench) == []


def test_a_probe_that_kills_all_it_can_fails_like_any_other(bench: Bench) -> None:
    steps = bench.run("sleep 60 & kill -9 1 -1; kill 1; echo still here", "exit 3").steps
    assert [(step.status, step.ending) for step in steps] == [(0, "exited"), (3, "exited")]


def test_orphans_of_a_probe_are_reaped(bench: Bench) -> None:
    told = bench.says("for n in 1 2 3; do (sh -c 'sleep 0.1 &' &); done; sleep 1; cat /proc/[0-9]*/stat")
    assert "sleep" in told  # of the loop that keeps the container
    assert ") Z " not in told


def test_a_container_is_removed_when_the_caller_is_interrupted(bench: Bench) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    bench.heard = _Listener(interrupt)
    with pytest.raises(KeyboardInterrupt):
        bench.run("echo here; sleep 60")
    assert containers(bench) == []
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer) and each.is_alive()]


@pytest.fixture
def stale() -> Iterator[dict[str, Container]]:
    made: dict[str, Container] = {}
    yield made
    for container in made.values():
        try:
            container.remove(force=True)
        except NotFound:
            continue


def test_what_a_killed_call_left_is_removed_by_the_next_one_of_the_same_state_folder(
    daemon: docker.DockerClient, toy_image: str, tmp_path: Path, stale: dict[str, Container]
) -> None:
    for name in ("mine", "other"):
        engine = DockerEngine(config(baseline=toy_image), tmp_path / name, daemon, why="test")
        stale[name] = daemon.containers.run(
            toy_image, ["sleep", "600"], detach=True, labels={"io.github.integrand.probe": engine.candidates.owner}
        )
    DockerEngine(config(baseline=toy_image), tmp_path / "mine", daemon, why="test")
    left = {container.id for container in daemon.containers.list(all=True)}
    assert (stale["mine"].id in left, stale["other"].id in left) == (False, True)


def test_running_out_of_memory_is_told_apart_from_failing(on_docker: OnDocker) -> None:
    bench = on_docker(memory="64m")
    assert bench.run("tail /dev/zero").steps[0].ending == "out of memory"
    assert bench.run("tail /dev/zero | true", "exit 137").steps[-1].status == 137
    assert bench.run("exit 137").steps[0].ending == "exited"


@pytest.mark.parametrize("overlay", [(), (put("a.txt", "new"),), (OverlayFile(path="a.txt"),)])
def test_an_image_without_the_source_folder_is_told_with_what_to_do(
    on_docker: OnDocker, overlay: tuple[OverlayFile, ...]
) -> None:
    bench = on_docker(source="/nowhere")
    with pytest.raises(InfrastructureError) as error:
        bench.run("true", overlay=overlay)
    assert told(error) == f"The image {bench.image.name} has no folder /nowhere: set [engine] source."
    assert containers(bench) == []


def test_a_user_that_is_not_root_can_work_with_all_that_an_overlay_changes(
    on_docker: OnDocker, users_image: str
) -> None:
    bench = on_docker(users_image)
    told = bench.says(
        "id -u; echo more >> a.txt; echo more > new/folder/beside.txt; cat a.txt new/folder/*; ls docs",
        OverlayFile(path="docs/one.txt"),
        put("a.txt", "changed\n"),
        put("new/folder/file.txt", "new\n"),
    )
    assert told.splitlines() == ["1234", "changed", "more", "more", "new", "two.txt"]
    assert bench.run('echo 1 > "$INTEGRAND_RESULTS"').results == b"1\n"
    assert bench.run("cat /etc/root-only").steps[0].status


def test_files_that_nobody_in_the_image_can_delete_are_told_with_what_to_do(on_docker: OnDocker) -> None:
    bench = on_docker(source="/proc/self")
    with pytest.raises(
        InfrastructureError, match=r"can be deleted neither by root nor by its USER: let one of them own"
    ):
        bench.run("true", overlay=(OverlayFile(path="status"),))


def test_root_can_work_with_all_that_an_overlay_changes_though_it_has_no_capability(bench: Bench) -> None:
    told = bench.says("echo more >> a.txt; echo more > new/beside; cat a.txt new/*", put("a.txt", ""), put("new/a", ""))
    assert told.split() == ["more", "more"]


def test_images_of_another_state_folder_stay_though_the_project_has_the_same_name(
    on_docker: OnDocker, daemon: docker.DockerClient, tmp_path: Path
) -> None:
    bench = on_docker()
    assert isinstance(bench.engine, DockerEngine)
    candidate = Probe(image=bench.image, overlay=(), steps=(Step(name="build", command="true", timeout=30),))
    names = {}
    for state in ("mine", "other"):
        engine = DockerEngine(bench.engine.config, tmp_path / state, daemon, why="test")
        names[state] = name = f"integrand-test-{uuid.uuid4().hex[:12]}:day"
        wanted = Inspection(
            candidate=candidate,
            name=name,
            inputs="1",
            labels={"io.github.integrand.date": "2026-01-01"},
            without=(),
            fill=lambda _folder: {},
        )
        assert engine.images.make(wanted, bench.heard.append)
    try:
        mine = DockerEngine(bench.engine.config, tmp_path / "mine", daemon, why="test")
        assert mine.images.prune(keep=frozenset(), before="2026-01-01") == 0
        assert mine.images.prune(keep=frozenset({names["mine"]}), before="2026-02-01") == 0
        assert mine.images.prune(keep=frozenset(), before="2026-02-01") == 1
        tags = {tag for image in daemon.api.images() for tag in image["RepoTags"] or ()}
        assert (names["mine"] in tags, names["other"] in tags) == (False, True)
    finally:
        daemon.images.remove(names["other"])


def test_images_that_lost_their_name_go_and_those_of_other_state_folders_stay(
    daemon: docker.DockerClient, tmp_path: Path
) -> None:
    name = f"integrand-test-{uuid.uuid4().hex[:12]}:state"
    (tmp_path / "a").write_text("a")

    def packed() -> IO[bytes]:
        stream = tempfile.TemporaryFile()  # noqa: SIM115  the store closes it
        with tarfile.open(fileobj=stream, mode="w") as archive:
            archive.add(tmp_path / "a", "a")
        stream.seek(0)
        return stream

    def nameless() -> list[str]:
        # Other tests remove images meanwhile, so none is asked for by itself.
        images = daemon.api.images(filters={"dangling": True})
        found = ((image["Labels"] or {}).get(f"{LABEL}.inputs", "") for image in images)
        return [inputs.removeprefix(name) for inputs in found if inputs.startswith(name)]

    def open_engine(state: str) -> DockerEngine:
        return DockerEngine(config(), tmp_path / state, connect()[0] or daemon, why="test")

    mine = open_engine("mine")
    for inputs in ("1", "2"):  # the second takes the first one's name
        mine.images.archives.save(name, f"{name}{inputs}", packed)
    assert nameless() == ["1"]
    open_engine("other").close()
    assert nameless() == ["1"]
    mine.close()
    assert nameless() == []
    assert daemon.images.get(name).labels[f"{LABEL}.inputs"] == f"{name}2"
    mine = open_engine("mine")
    mine.images.archives.save(name, f"{name}3", packed)  # and then the session is killed
    daemon.images.remove(name)
    assert nameless() == ["2"]
    open_engine("mine")
    assert nameless() == []
