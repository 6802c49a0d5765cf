from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sessions.engines.disk_space import Disk, Need, check_needs, disk_at, disk_report, say_size
from sessions.engines.docker.disk_needs import daemon_needs, growth, usual_size
from sessions.engines.local.engine import LocalEngine
from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import config

if TYPE_CHECKING:
    import docker

DOCKER, STATE = Path("/docker"), Path("/state")


def image(number: int, size: int, *tags: str, **labels: str) -> dict[str, Any]:
    ours = {f"io.github.integrand.{key}": value for key, value in labels.items()}
    return {"Id": f"sha256:{number}", "Size": size, "RepoTags": list(tags) or None, "Labels": ours or None}


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_390_000_000, "1.4 GB"), (25_000_000, "25.0 MB")],
)
def test_sizes_are_said_as_docker_says_them(size: int, said: str) -> None:
    assert say_size(size) == said


def test_what_lies_on_one_disk_is_added_up() -> None:
    needs = [
        Need(what="candidates", place=DOCKER, size=3_000_000_000),
        Need(what="logs and artifacts", place=STATE, size=1_000_000_000),
    ]
    apart = [Disk(device=1, place=DOCKER, free=3_500_000_000), Disk(device=2, place=STATE, free=1_500_000_000)]
    assert disk_report(needs, apart) == (
        "about 3.0 GB needed of 3.5 GB at /docker (candidates 3.0 GB); "
        "about 1.0 GB needed of 1.5 GB at /state (logs and artifacts 1.0 GB)"
    )
    together = [Disk(device=1, place=place, free=3_500_000_000) for place in (DOCKER, STATE)]
    with pytest.raises(InfrastructureError) as error:
        disk_report(needs, together)
    assert str(error.value) == (
        "The disk of /docker has 3.5 GB free, and about 4.0 GB are needed (candidates 3.0 GB, logs and artifacts "
        "1.0 GB): make room (`docker system prune` removes what Docker no longer uses), then run again."
    )


def test_a_candidate_grows_as_the_images_made_before_did() -> None:
    images = [
        image(1, 100),
        image(2, 170, kind="integration", base="sha256:1"),
        image(3, 150, kind="candidate", base="sha256:1"),
        image(4, 900, kind="layers", base="sha256:1"),
        image(5, 800, kind="integration", base="sha256:gone"),
    ]
    assert growth(images, source=10) == 70
    assert growth([images[0], *images[3:]], source=10) == 20


def test_an_image_that_is_not_here_is_as_large_as_the_last_one() -> None:
    images = [image(1, 100, "localhost:5000/toy:1.0"), image(2, 120, "x:1", "localhost:5000/toy:1.1"), image(3, 900)]
    assert usual_size(images, "localhost:5000/toy:1.2") == 120
    assert usual_size(images, "localhost:5000/other:1.2") == 0


def test_the_disk_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    assert disk_at(tmp_path / "not" / "yet").device == tmp_path.stat().st_dev


@pytest.mark.docker
def test_the_engines_disk_is_measured(client: docker.DockerClient, tmp_path: Path) -> None:
    line = check_needs(daemon_needs(client, "no/such:image", 1_000_000))
    assert "the release's files to build from 1.0 MB" in line
    if Path(str(client.info()["DockerRootDir"])).exists():
        assert "candidates" in line
    with pytest.raises(InfrastructureError, match=r"are needed \(.*make room"):
        check_needs(daemon_needs(client, "no/such:image", 2 * shutil.disk_usage(tmp_path).total))


def test_without_an_engine_only_the_state_folder_counts(tmp_path: Path) -> None:
    line = LocalEngine(config(), tmp_path, reason="test").check_disk("1.0", 1_000)
    assert line.startswith("about 3.0 kB needed of ")
    assert line.endswith("(logs and artifacts 3.0 kB)")
