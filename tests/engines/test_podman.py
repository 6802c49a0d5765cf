from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import Bench, put

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from tests.engines.conftest import OnDocker

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def layered(on_podman: OnDocker, tmp_path: Path, recipe: str) -> Bench:
    dockerfile = tmp_path / "layers.Dockerfile"
    dockerfile.write_text(recipe)
    return on_podman(dockerfile=str(dockerfile))


def test_layers_come_from_a_dockerfile_outside_of_the_source_and_it_does_not_get_into_the_image(
    on_podman: OnDocker, podmans: tuple[str, docker.DockerClient], tmp_path: Path
) -> None:
    recipe = "ARG BASELINE\nFROM ${BASELINE}\nCOPY . /from-the-release\n"
    bench = layered(on_podman, tmp_path, recipe)
    assert bench.says("ls -A /from-the-release").split() == ["a.txt", "docs", "notes", "now", "run.sh"]
    assert layered(on_podman, tmp_path, recipe).image == bench.image
    podmans[1].images.remove(bench.image.name)


def test_layers_that_do_not_build_are_told_in_one_line(on_podman: OnDocker, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"^[^\n]*does not build: [^\n]*no such luck[^\n]*$"):
        layered(on_podman, tmp_path, "ARG BASELINE\nFROM ${BASELINE}\nRUN echo no such luck; exit 3\n")


def test_why_an_image_cannot_be_pulled_is_told_and_not_only_that_it_is_not_here(on_podman: OnDocker) -> None:
    with pytest.raises(InfrastructureError, match=r"cannot be reached.*connection refused"):
        on_podman("localhost:1/no/such-image:1")


def test_an_image_without_the_source_folder_is_told_and_none_is_made(on_podman: OnDocker) -> None:
    bench = on_podman(source="/nowhere")
    with pytest.raises(InfrastructureError, match=r"has no folder /nowhere: set \[engine\] source"):
        bench.run("true", overlay=(put("a.txt", "new"),))


def test_running_out_of_memory_is_told_apart_from_failing(on_podman: OnDocker) -> None:
    bench = on_podman(memory="64m")
    assert bench.run("tail /dev/zero").steps[0].ending == "out of memory"
    assert bench.run("exit 137").steps[0].ending == "exited"
