"""A registry that answers 500: one sentence, nothing lost, and the next call goes on from there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.conftest import refuse
from tests.engines.registry import LocalRegistry, missing
from tests.stories.desk import Desk, new_desk, verdicts
from tests.stories.ill_registry import IllRegistry
from tests.stories.leftovers import docker_left, files_left
from tests.stories.test_published_images import branch_of, configure_small, failed, moments, tags

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.usefixtures("daemon")]
SMALL = ("--engine", "docker", "--only", "101,111")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LocalRegistry]:
    if why := missing():
        refuse(why)
    registry = LocalRegistry(tmp_path)
    (tmp_path / "store").mkdir()
    registry.start()
    yield registry
    registry.stop()


def assert_nothing_left(desk: Desk, process: subprocess.CompletedProcess[str], registry: LocalRegistry) -> None:
    """Assert that a call ended with one sentence, published nothing, and left nothing behind."""
    assert "500" in failed(process) or "cannot be reached" in failed(process)
    assert_tidy(desk)
    assert tags(registry) == []
    assert branch_of(desk) == ""


def assert_tidy(desk: Desk) -> None:
    """Assert that no unfinished file, container or unnamed image of the desk's sessions is left."""
    client = docker.from_env()
    try:
        assert [*files_left(desk.state), *docker_left(client, desk.state)] == []
    finally:
        client.close()
    assert list((desk.folder / "tmp").iterdir()) == []


def test_nothing_is_lost_or_doubled_while_the_registry_answers_500(
    registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = new_desk(tmp_path_factory)
    (desk.folder / "tmp").mkdir()
    login = {"REGISTRY_USER": registry.user, "REGISTRY_TOKEN": registry.password, "TMPDIR": str(desk.folder / "tmp")}
    with IllRegistry(registry.port) as front:
        configure_small(desk, front.host)
        front.fall_ill()
        at_once = desk.type("integrate", *SMALL, "--publish", **login)
        assert_nothing_left(desk, at_once, registry)
        assert "probe 1" not in at_once.stdout
        # It answers to a login and to nothing else: the day is integrated, and kept.
        front.fall_ill(knows_logins=True)
        assert_nothing_left(desk, desk.type("integrate", *SMALL, "--publish", **login), registry)
        assert verdicts(desk.record()) == {101: "integrated", 111: "culprit"}
        assert desk.record()["published"] == {}
        assert "500" in desk.record()["unpushed"]
        refused = front.refused
        assert refused
        assert_nothing_left(desk, desk.type("publish", "--publish", **login), registry)
        assert front.refused > refused
        front.recover()
        process = desk.type("integrate", *SMALL, "--publish", **login)
        assert process.returncode == 0, process.stdout + process.stderr
        record = desk.record()
        assert record["state"] == "green"
        assert record["timings"]["probes_run"] == 0
        assert record["head"] in branch_of(desk)
        assert record["published"].keys() >= {"branch", "image"}
        assert record["unpushed"] == ""
        before = moments(registry)
        front.fall_ill()
        failed(desk.type("publish", "--publish", **login))
        assert desk.record()["published"] == record["published"]
        front.recover()
        again = desk.type("publish", "--publish", **login)
        assert again.returncode == 0, again.stdout + again.stderr
        assert "pushed" not in again.stdout
        assert moments(registry) == before
        assert desk.record()["published"].items() >= record["published"].items()
        assert_tidy(desk)
