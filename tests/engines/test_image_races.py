"""Probes and sessions that make and remove images of one daemon at the same time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.engines.docker.engine import DockerEngine
from sessions.engines.probe import Probe, Step
from tests.engines.bench import Bench, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from tests.engines.conftest import OnDocker

pytestmark = pytest.mark.docker


@pytest.fixture
def bench(on_docker: OnDocker) -> Iterator[Bench]:
    """A bench on an engine that keeps builds; none is left at the end."""
    bench: Bench = on_docker()
    yield bench
    assert bench.engine.images
    bench.engine.images.prune(keep=frozenset(), before="2026-01-01")


def built(bench: Bench, text: str) -> Probe:
    step = Step(name="build", command=f"echo {text} > built; echo {text} > $INTEGRAND_RESULTS", timeout=60)
    return Probe(image=bench.image, overlay=(put("a.txt", text),), steps=(step,), keep=True)


def daemon_of(bench: Bench) -> tuple[DockerEngine, docker.DockerClient]:
    assert isinstance(bench.engine, DockerEngine)
    return bench.engine, bench.engine.client


def after_each_listing(client: docker.DockerClient, act: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Do something whenever the daemon has listed its images, as another probe would do it."""
    listing = client.api.images

    def images(*arguments: object, **options: object) -> object:
        answer = listing(*arguments, **options)  # type: ignore[arg-type]
        act()
        return answer

    patch.setattr(client.api, "images", images)


def test_a_build_that_another_probe_keeps_meanwhile_ends_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, client = daemon_of(bench)
    first, second = built(bench, "1"), built(bench, "2")
    bench.engine.run(first, bench.heard.append)
    name = engine.candidates.builds.name_of
    others = iter("34567")

    def keep_another() -> None:
        container = client.containers.create(name(first.candidate), ["true"])
        container.commit(*name(next(others)).rsplit(":", 1))  # it inherits the labels
        container.remove()

    after_each_listing(client, keep_another, monkeypatch)
    assert [step.status for step in bench.engine.run(second, bench.heard.append).steps] == [0]
    assert engine.candidates.builds.find(second.candidate), "it was kept"


def test_a_build_that_is_lent_stays_until_it_is_given_back(bench: Bench) -> None:
    engine, _client = daemon_of(bench)
    first = built(bench, "1")
    bench.engine.run(first, bench.heard.append)
    narrow = replace(engine.candidates.builds, limit=1)
    with ExitStack() as borrowed:
        assert narrow.lend(first.candidate, borrowed)
        assert not narrow.make_room(1)
        assert narrow.find(first.candidate)
    assert narrow.make_room(1)
    assert narrow.find(first.candidate) is None


def test_images_that_somebody_else_removes_meanwhile_are_no_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, client = daemon_of(bench)
    first = built(bench, "1")
    name = engine.candidates.builds.name_of(first.candidate)
    bench.engine.run(first, bench.heard.append)
    with monkeypatch.context() as patch:
        after_each_listing(client, lambda: client.images.remove(name), patch)
        assert engine.images.prune(keep=frozenset(), before="2026-01-01") == 0
    bench.engine.run(first, bench.heard.append)
    nameless = client.images.get(name)
    bench.engine.run(replace(first, reuse=False), bench.heard.append)  # another image takes the name
    assert client.images.get(name).id != nameless.id
    with monkeypatch.context() as patch:
        after_each_listing(client, lambda: client.images.remove(str(nameless.id)), patch)
        engine.candidates.remove_unnamed()
