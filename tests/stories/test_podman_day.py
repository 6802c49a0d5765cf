"""The sample's day through podman's Docker-compatible socket; in CI with some of its tickets."""

from __future__ import annotations

import pytest

from tests.stories.desk import IN_PART, SOME_TICKETS, Done, new_desk, shared_day, timeless

pytestmark = [pytest.mark.slow, pytest.mark.docker]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory, *SOME_TICKETS)


def test_through_podman_the_day_is_the_same(podman: str, done: Done, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory)
    process = desk.type("integrate", "--engine", "docker", *SOME_TICKETS, DOCKER_HOST=podman)
    assert process.returncode == 0, process.stdout + process.stderr
    here, there = timeless(desk.record()), timeless(done.record)
    assert (here["head"], here["order"], here["gates"]) == (there["head"], there["order"], there["gates"])
    for mine, other in zip(here["tickets"], there["tickets"], strict=True):
        assert (mine["number"], mine["verdict"], mine["reason"]) == (other["number"], other["verdict"], other["reason"])
    broken = {ticket["number"]: broke["image"] for ticket in here["tickets"] for broke in ticket["broke"]}
    assert set(broken) == {ticket["number"] for ticket in there["tickets"] if ticket["verdict"] == "culprit"}
    assert len(broken) == (2 if IN_PART else 4)
    assert all(image.startswith("integrand/abacus:1.1.beta1-") for image in broken.values())
    again = desk.type("integrate", "--engine", "docker", *SOME_TICKETS, DOCKER_HOST=podman)
    assert again.returncode == 0, again.stderr
    assert desk.record()["timings"]["probes_run"] == 0
