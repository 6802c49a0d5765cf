"""The sample's day over a Dask cluster that loses a worker and a connection on the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.cluster import LocalCluster
from tests.stories.desk import Done, new_desk, shared_day, timeless
from tests.stories.proxy import Proxy

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    cluster = LocalCluster(tmp_path)
    try:
        cluster.start("one", "two", "three")
        yield cluster
    finally:
        cluster.stop()


def test_the_record_is_the_same_as_alone(
    done: Done, cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = new_desk(tmp_path_factory)
    with Proxy(cluster.port, ends_after=None) as wire:
        text = (ROOT / "integration.toml").read_text()
        keys = f'[engine]\nworkers = "dask"\nscheduler = "tcp://127.0.0.1:{wire.port}"\n'
        text = text.replace("[engine]\n", keys).replace('"sessions/sample/Dockerfile"', json.dumps(""))
        (desk.folder / "integration.toml").write_text(text)
        ledger, happened = desk.state / "ledger.sqlite", []

        def disturb() -> None:
            while not ledger.exists():
                time.sleep(0.1)
            time.sleep(4)
            cluster.kill("two")
            happened.append("killed")
            time.sleep(4)
            wire.drop()
            happened.append("dropped")

        trouble = threading.Thread(target=disturb, daemon=True)
        trouble.start()
        process = desk.type("integrate", "--engine", "local")
        assert process.returncode == 0, process.stdout + process.stderr
        assert happened == ["killed", "dropped"]
    here, there = timeless(desk.record()), timeless(done.record)
    assert here.pop("setup") != there.pop("setup")  # the two configurations name the Dockerfile in different ways
    assert here == there
