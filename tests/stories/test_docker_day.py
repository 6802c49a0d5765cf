"""The sample's day in containers."""

from __future__ import annotations

import pytest

from tests.stories.desk import Done, new_desk, shared_day, timeless, verdicts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory)


@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
def test_in_docker_the_day_is_the_same(done: Done, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory)
    process = desk.type("integrate", "--engine", "docker")
    assert process.returncode == 0, process.stdout + process.stderr
    here, there = timeless(desk.record()), timeless(done.record)
    assert verdicts(here) == verdicts(there)
    assert (here["head"], here["order"]) == (there["head"], there["order"])
    for name, gate in there["gates"].items():
        assert here["gates"][name] == gate
