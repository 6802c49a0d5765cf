"""Builds that an engine keeps: for their own candidate, and for others to start from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.engines.docker.engine import DockerEngine
from sessions.engines.probe import Probe, Start, Step, StepOutcome
from sessions.settings.configuration import Build
from sessions.source.overlay_files import OverlayFile
from tests.engines.bench import Bench, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.source.overlay_files import Overlay
    from tests.engines.conftest import OnDocker

# Compiles each file of the release and of tickets that is younger than its object; what a build leaves beside the
# source, in its home and in its results must not be lost, or found by others, either.
MAKE = """
echo built > "$INTEGRAND_RESULTS"; mkdir -p ../beside
for file in docs/*.txt; do
    [ -n "$(find "$file.o" ! -newer "$file" 2> /dev/null)" ] || [ ! -e "$file.o" ] || continue
    echo "compile $file"; cp "$file" "$file.o"
done
"""
ONE, TWO = put("docs/one.txt", "changed\n"), put("docs/new.txt", "new\n")
GONE = OverlayFile(path="docs/two.txt")


@pytest.fixture
def kept(on_docker: OnDocker) -> Iterator[Bench]:
    bench = on_docker()
    yield bench
    assert bench.engine.images
    bench.engine.images.prune(keep=frozenset(), before="2026-01-01")


def probe(bench: Bench, overlay: Overlay, **words: object) -> Probe:
    steps = tuple(
        Step(name=name, command=command, timeout=60) for name, command in (("build", MAKE), ("gate", "ls docs"))
    )
    return Probe(image=bench.image, overlay=overlay, steps=steps, **words)  # type: ignore[arg-type]


def run(bench: Bench, wanted: Probe) -> tuple[StepOutcome, ...]:
    steps = bench.engine.run(wanted, bench.heard.append).steps
    assert [step.status for step in steps] == [0] * len(wanted.steps)
    return steps


def compiled(bench: Bench, wanted: Probe) -> set[str]:
    log = run(bench, wanted)[0].log
    return {line.removeprefix("compile docs/") for line in log.splitlines() if line.startswith("compile ")}


@pytest.mark.docker
def test_a_kept_build_takes_the_place_of_its_candidates_first_step_unless_that_is_in_question(kept: Bench) -> None:
    first = probe(kept, (ONE,), keep=True)
    assert compiled(kept, first) == {"one.txt", "two.txt"}
    assert run(kept, replace(first, keep=False))[0].log == "(done before, and kept)\n"
    assert compiled(kept, replace(first, keep=False, reuse=False)) == {"one.txt", "two.txt"}
    assert compiled(kept, probe(kept, (ONE, TWO))) == {"new.txt", "one.txt", "two.txt"}


@pytest.mark.docker
def test_a_probe_that_starts_from_a_kept_build_builds_only_what_differs(kept: Bench) -> None:
    base = probe(kept, (ONE, TWO), keep=True)
    run(kept, base)
    back = put("docs/one.txt", "one\n")
    start = Start(candidate=base.candidate, overlay=(back, GONE, OverlayFile(path="docs/new.txt")))
    missing = Start(candidate="0" * 16, overlay=())
    wanted = probe(kept, (GONE,), starts=(missing, start), keep=True)
    assert compiled(kept, wanted) == {"one.txt"}
    assert run(kept, wanted)[1].log.split() == ["new.txt.o", "one.txt", "one.txt.o", "two.txt.o"]
    assert compiled(kept, replace(wanted, starts=())) == {"one.txt"}, "an incremental build is not kept"


@pytest.mark.docker
def test_kept_builds_take_no_more_than_they_may(kept: Bench) -> None:
    engine = kept.engine
    assert isinstance(engine, DockerEngine)
    small = replace(engine.config, build=Build(keep="1"))
    narrow = Bench(DockerEngine(small, engine.state, engine.client, why="test"), kept.image)
    first, second = (probe(kept, (each,), keep=True) for each in (ONE, TWO))
    run(narrow, first)
    assert compiled(narrow, first), "it does not fit"
    run(kept, first)
    run(narrow, second)
    builds = engine.candidates.builds
    assert [builds.find(each.candidate) for each in (first, second)] == [None, None], "the older one went"
