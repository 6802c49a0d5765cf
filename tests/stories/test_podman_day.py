"""The sample's day through podman's Docker-compatible socket: in CI a part of it, which a seeded choice made."""

from __future__ import annotations

import os
import random

import pytest

from tests.stories.desk import Done, new_desk, shared_day, timeless

pytestmark = [pytest.mark.slow, pytest.mark.docker]

# All tickets at a desk, or with INTEGRAND_DAYS set. Else one that merges, a conflict, a pair at fault together, and one
# at fault alone: each of podman's containers costs ten of the local engine's probes.
IN_PART = os.environ.get("CI") == "true" and "INTEGRAND_DAYS" not in os.environ
KINDS = ((101, 104, 107, 118), (102,), (103,), (115,), (116,), (111, 114))
_CHANCE = random.Random(18)  # noqa: S311  which tickets, no secret
WORDS = ("--only", ",".join(str(_CHANCE.choice(kind)) for kind in KINDS)) if IN_PART else ()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory, *WORDS)


def test_through_podman_the_day_is_the_same(podman: str, done: Done, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory)
    process = desk.type("integrate", "--engine", "docker", *WORDS, DOCKER_HOST=podman)
    assert process.returncode == 0, process.stdout + process.stderr
    here, there = timeless(desk.record()), timeless(done.record)
    assert (here["head"], here["order"], here["gates"]) == (there["head"], there["order"], there["gates"])
    for mine, other in zip(here["tickets"], there["tickets"], strict=True):
        assert (mine["number"], mine["verdict"], mine["reason"]) == (other["number"], other["verdict"], other["reason"])
    broken = {ticket["number"]: broke["image"] for ticket in here["tickets"] for broke in ticket["broke"]}
    assert set(broken) == {ticket["number"] for ticket in there["tickets"] if ticket["verdict"] == "culprit"}
    assert len(broken) == (2 if IN_PART else 4)
    assert all(image.startswith("integrand/abacus:1.1.beta1-") for image in broken.values())
    again = desk.type("integrate", "--engine", "docker", *WORDS, DOCKER_HOST=podman)
    assert again.returncode == 0, again.stderr
    assert desk.record()["timings"]["probes_run"] == 0
