"""The sample's day in containers; in CI with some of its tickets, as test_published_images.py has all of them."""

from __future__ import annotations

import pytest

from tests.stories.desk import SOME_TICKETS, Done, Record, new_desk, shared_day, timeless, verdicts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory, *SOME_TICKETS)


@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
def test_in_docker_the_day_is_the_same(done: Done, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory)
    process = desk.type("integrate", "--engine", "docker", *SOME_TICKETS)
    assert process.returncode == 0, process.stdout + process.stderr
    assert_same_day(desk.record(), done.record)


def assert_same_day(in_docker: Record, locally: Record) -> None:
    """Assert that two days decided the same, with the same results; images and how probes ran may differ."""
    here, there = timeless(in_docker), timeless(locally)
    assert verdicts(here) == verdicts(there)
    assert (here["head"], here["order"]) == (there["head"], there["order"])
    for name, gate in there["gates"].items():
        assert here["gates"][name] == gate
