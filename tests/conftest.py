"""What holds for every test: no home folder, no settings of the user's git, no token, nobody's CI."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from sessions.engines.docker.daemon import connect, reason
from tests.engines.podman import lacking, podman_service
from tests.engines.registry import LocalRegistry, missing
from tests.repositories import Builder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

BASE = "debian:bookworm-slim"

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|^(GIT|GITHUB|ACTIONS|RUNNER|XDG)_|^SSH_A|ASKPASS", re.IGNORECASE
)


# These machines are noisy: an example that takes long is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
# `nox -s quick` asks for it with --hypothesis-profile; `nox -s tests` looks at more examples.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=8)
hypothesis.settings.load_profile("patient")


# The files that take a minute or more, the longest first. A worker takes whole files, one after the other.
LONGEST = (
    *("test_published_images.py", "test_latex_day.py", "test_ill_registry.py", "test_podman_day.py"),
    *("test_real_runners.py", "test_sample_day.py", "test_green.py", "test_daily.py", "test_killed_day.py"),
    *("test_sage_day.py", "test_forged_reports.py", "test_sixty_days.py", "test_guides.py"),
    *("test_kill_campaign.py", "test_dask_day.py", "test_slowness_day.py", "test_matrix_day.py"),
    *("test_reproduce.py", "test_audit.py", "test_registry.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, then other whole days, then files with slow tests or Docker's.

    At the end no worker must be left with a long file, while the others have nothing to do.
    """
    slow = {item.path for item in items if any(item.iter_markers("slow")) or any(item.iter_markers("docker"))}

    def turn(item: pytest.Item) -> int:
        if item.path.name in LONGEST:
            return LONGEST.index(item.path.name)
        if item.path.parent.name == "stories":
            return len(LONGEST)
        return len(LONGEST) + (1 if item.path in slow else 2)

    items.sort(key=turn)


# For the whole run, not for each test: fixtures of modules and examples of hypothesis are guarded too.
@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works() -> None:
    """Let what the tests start obey Ctrl-C, also where a shell started pytest in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take away what a test could reach by accident."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(_SECRET.search, list(os.environ)):
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        yield


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """An empty repository of a project."""
    return Builder(tmp_path / "project.git")


@pytest.fixture
def unjailed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let local probes write outside their folder: some tests count runs there."""
    monkeypatch.setattr(
        "sessions.engines.local.confinement.find_jail", lambda *_: (None, "a test counts runs outside of it")
    )


@pytest.fixture(scope="session")
def daemon() -> Iterator[docker.DockerClient]:
    """A Docker daemon with the base image: skipped with the reason at a desk without, required in CI."""
    client, trouble = connect()
    if client is None:
        refuse(f"no Docker daemon answers: {trouble}")
        raise AssertionError
    try:
        client.images.get(BASE)
    except ImageNotFound:
        refuse(f"the image {BASE} is not here")
    if why := container_trouble(client):
        refuse(f"the Docker daemon answers, but cannot run containers: {why}")
    yield client
    client.close()


def container_trouble(client: docker.DockerClient) -> str:
    """Return why the daemon cannot run a container of the base image, or an empty text where it can."""
    try:
        client.containers.run(BASE, ["true"], remove=True, network_mode="none")
    except (DockerException, RequestException) as error:
        return reason(error)
    return ""


@pytest.fixture
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A registry that demands a login even to read: skipped at a desk without, required in CI."""
    if why := missing():
        refuse(why)
    made = LocalRegistry(tmp_path_factory.mktemp("registry"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def podmans(daemon: docker.DockerClient) -> Iterator[tuple[str, docker.DockerClient]]:
    """The address and a client of podman's service, which holds the base image."""
    if why := lacking():
        refuse(why)
    with podman_service(b"".join(daemon.images.get(BASE).save(named=BASE))) as service:
        yield service


@pytest.fixture
def podman(podmans: tuple[str, docker.DockerClient]) -> str:
    """The address of podman's service."""
    return podmans[0]


def refuse(why: str) -> None:
    """Skip where a desk lacks something, fail where CI does."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"required in CI: {why}")
    pytest.skip(why)
