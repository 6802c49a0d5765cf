from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol

import pytest

from sessions.engines.docker.daemon import connect
from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from tests.conftest import BASE
from tests.engines.bench import RELEASE, Bench, config, write_toy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

_DOCKERFILE = """
FROM {base}
RUN mkdir /source && chown {user} /source && echo 'image secret' > /etc/root-only && chmod 600 /etc/root-only
COPY --chown={user} toy /source
USER {user}
"""


class OnDocker(Protocol):
    """Makes a bench with containers of the toy's image, or of another one."""

    def __call__(self, baseline: str = "", **engine: object) -> Bench: ...


def _toy_image(daemon: docker.DockerClient, scratch: Path, user: str) -> Iterator[str]:
    write_toy(scratch / "toy")
    (scratch / "Dockerfile").write_text(_DOCKERFILE.format(base=BASE, user=user))
    name = f"integrand-test-{uuid.uuid4().hex[:12]}:1.0"
    daemon.images.build(path=str(scratch), tag=name, rm=True, forcerm=True)
    yield name
    daemon.images.remove(name, force=True)


@pytest.fixture(scope="session")
def toy_image(daemon: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _toy_image(daemon, tmp_path_factory.mktemp("image"), "0:0")


@pytest.fixture(scope="session")
def users_image(daemon: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image whose commands run as a user that is not root, to whom the source belongs."""
    yield from _toy_image(daemon, tmp_path_factory.mktemp("image"), "1234:1234")


def _maker(client: docker.DockerClient, image: str, state: Path) -> OnDocker:
    def make(baseline: str = "", **engine: object) -> Bench:
        made = DockerEngine(config(baseline=baseline or image, **engine), state, client, why="test")
        return Bench(made, made.prepare(RELEASE))

    return make


@pytest.fixture
def on_docker(daemon: docker.DockerClient, toy_image: str, tmp_path: Path) -> OnDocker:
    return _maker(daemon, toy_image, tmp_path)


@pytest.fixture(scope="session")
def podmans_image(podmans: tuple[str, docker.DockerClient], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _toy_image(podmans[1], tmp_path_factory.mktemp("image"), "0:0")


@pytest.fixture
def on_podman(podmans: tuple[str, docker.DockerClient], podmans_image: str, tmp_path: Path) -> OnDocker:
    return _maker(podmans[1], podmans_image, tmp_path)


@pytest.fixture
def dockers_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration, empty at first."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


@pytest.fixture
def client(daemon: docker.DockerClient, dockers_config: Path) -> Iterator[docker.DockerClient]:
    """A client that has not seen any login yet, with docker's configuration as the test writes it."""
    assert daemon.ping()
    assert not dockers_config.exists()
    made, trouble = connect()
    assert made, trouble
    yield made
    made.close()


@pytest.fixture
def locally(tmp_path: Path) -> Bench:
    engine = LocalEngine(config(), tmp_path, reason="test")
    return Bench(engine, engine.prepare(RELEASE))


@pytest.fixture(
    params=[
        "local",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("podman", marks=[pytest.mark.docker, pytest.mark.slow]),
    ]
)
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each engine in turn: what probes may count on holds for all of them."""
    if request.param == "local":
        here: Bench = request.getfixturevalue("locally")
        return here
    make: OnDocker = request.getfixturevalue(f"on_{request.param}")
    return make()
