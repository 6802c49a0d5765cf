"""Compiler caches that the release's build fills: candidates use them, and none changes what another one sees."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from sessions.engines.probe import Probe, Start, Step
from sessions.settings.configuration import Build
from sessions.source.overlay_files import OverlayFile
from tests.conftest import refuse
from tests.engines.bench import Bench, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.source.overlay_files import Overlay

# Takes the object of a source from the cache, or makes it. A ticket may bring commands of its own.
BUILD = """
mkdir -p "$CCACHE_DIR"
[ -e "$CCACHE_DIR/object" ] || { echo "made" > "$CCACHE_DIR/object"; echo compile; }
cat "$CCACHE_DIR/object" > object
[ ! -e evil.sh ] || sh evil.sh
"""
# All that a build can do to its cache: another content, other names, a link in its place.
ATTACKS = (
    'echo poison > "$CCACHE_DIR/object"',
    'rm -rf "$CCACHE_DIR" && mkdir "$CCACHE_DIR" && echo poison > "$CCACHE_DIR/object"',
    'mkdir other && echo poison > other/object && rm -rf "$CCACHE_DIR" && ln -s "$PWD/other" "$CCACHE_DIR"',
    'cd "$CCACHE_DIR/.." && mv CCACHE_DIR away && mkdir CCACHE_DIR && echo poison > CCACHE_DIR/object',
)


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def cached(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on an engine with a compiler cache."""
    if request.param == "local":
        bench: Bench = request.getfixturevalue("locally")
        assert isinstance(bench.engine, LocalEngine)
        if not bench.engine.confinement.layers.stacks or bench.engine.exposure:
            refuse("no overlay can be mounted here, or there is no jail")
    else:
        bench = request.getfixturevalue("on_docker")()
    yield with_cache(bench, "CCACHE_DIR")
    if bench.engine.images:
        bench.engine.images.prune(keep=frozenset(), before="2999-01-01")


def with_cache(bench: Bench, variable: str) -> Bench:
    engine = bench.engine
    assert isinstance(engine, LocalEngine | DockerEngine)
    build = Build(run=BUILD, cache=(variable,))
    return Bench(replace(engine, config=replace(engine.config, build=build)), bench.image)


def probe(bench: Bench, overlay: Overlay, build: str = BUILD, **words: object) -> Probe:
    steps = tuple(
        Step(name=name, command=command, timeout=60) for name, command in (("build", build), ("gate", "cat object"))
    )
    return Probe(image=bench.image, overlay=overlay, steps=steps, **words)  # type: ignore[arg-type]


def logs(bench: Bench, asked: Probe) -> list[str]:
    steps = bench.engine.run(asked, bench.heard.append).steps
    assert [step.status for step in steps] == [0] * len(asked.steps), steps
    return [step.log for step in steps]


def test_candidates_use_the_cache_of_the_release(cached: Bench) -> None:
    candidate = probe(cached, (put("a.txt", "changed\n"),))
    assert logs(cached, candidate) == ["compile\n", "made\n"], "the release was not built"
    assert logs(cached, probe(cached, ())) == ["compile\n", "made\n"]
    assert logs(cached, candidate) == ["", "made\n"]
    assert logs(cached, probe(cached, (), f"{BUILD}:")) == ["compile\n", "made\n"], "another build has another cache"


def test_a_ticket_cannot_change_what_another_candidate_finds(cached: Bench) -> None:
    logs(cached, probe(cached, ()))
    attackers = [probe(cached, (put("evil.sh", attack),), keep=True) for attack in ATTACKS]
    for attacker in attackers:
        logs(cached, attacker)
    victim = probe(cached, (put("a.txt", "changed\n"),))
    assert logs(cached, victim) == ["", "made\n"]
    for attacker in attackers:
        start = Start(candidate=attacker.candidate, overlay=(OverlayFile(path="evil.sh"), *victim.overlay))
        assert logs(cached, replace(victim, starts=(start,)))[1] == "made\n", "it started from an attacker's build"
    assert logs(cached, probe(cached, (), keep=True, reuse=False))[1] == "made\n", "the release"


def test_a_build_of_a_ticket_alone_fills_no_cache(cached: Bench) -> None:
    logs(cached, probe(cached, (put("evil.sh", ATTACKS[0]),), keep=True))
    assert logs(cached, probe(cached, (put("a.txt", "changed\n"),))) == ["compile\n", "made\n"]


@pytest.mark.slow
def test_go_compiles_only_the_packages_that_a_ticket_changes(locally: Bench) -> None:
    if not shutil.which("go"):
        pytest.skip("Go is not installed")
    bench = with_cache(locally, "GOCACHE")
    build = """
    mkdir -p one two && echo 'module toy' > go.mod
    [ -e one/one.go ] || echo 'package one; const One = 1' > one/one.go
    [ -e two/two.go ] || echo 'package two; const Two = 2' > two/two.go
    go build -v ./... 2>&1 && touch object
    """
    assert sorted(logs(bench, probe(bench, (), build))[0].split()) == ["toy/one", "toy/two"]
    changed = put("one/one.go", "package one; const One = 11\n")
    assert logs(bench, probe(bench, (changed,), build))[0].split() == ["toy/one"]
