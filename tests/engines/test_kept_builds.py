"""Builds that an engine keeps: for their own candidate, and for others to start from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.engines.docker.engine import DockerEngine
from sessions.engines.local.engine import LocalEngine
from sessions.engines.probe import Probe, Start, Step, StepOutcome
from sessions.settings.configuration import Build
from sessions.source.overlay_files import OverlayFile
from tests.conftest import refuse
from tests.engines.bench import Bench, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sessions.engines import Engine
    from sessions.source.overlay_files import Overlay

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


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def kept(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on an engine that keeps builds."""
    bench: Bench
    if request.param == "local":
        bench = request.getfixturevalue("locally")
        assert isinstance(bench.engine, LocalEngine)
        if not bench.engine.confinement.layers.stacks or bench.engine.exposure:
            refuse("no overlay can be mounted here, or there is no jail")
    else:
        bench = request.getfixturevalue("on_docker")()
    yield bench
    if bench.engine.images:
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


def test_a_kept_build_takes_the_place_of_its_candidates_first_step_unless_that_is_in_question(kept: Bench) -> None:
    first = probe(kept, (ONE,), keep=True)
    assert compiled(kept, first) == {"one.txt", "two.txt"}
    assert run(kept, replace(first, keep=False))[0].log == "(done before, and kept)\n"
    assert compiled(kept, replace(first, keep=False, reuse=False)) == {"one.txt", "two.txt"}
    assert compiled(kept, probe(kept, (ONE, TWO))) == {"new.txt", "one.txt", "two.txt"}


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


def test_kept_builds_take_no_more_than_they_may(kept: Bench) -> None:
    first, second = (probe(kept, (each,), keep=True) for each in (ONE, TWO))
    if isinstance(kept.engine, DockerEngine):
        engine: Engine = replace(kept.engine, config=replace(kept.engine.config, build=Build(keep="1")))
    else:
        assert isinstance(kept.engine, LocalEngine)
        engine = replace(kept.engine, config=replace(kept.engine.config, build=Build(keep="1")))
    narrow = Bench(engine, kept.image)
    run(kept, first)
    assert compiled(kept, first) == set()
    assert compiled(narrow, second) == {"new.txt", "one.txt", "two.txt"}
    assert compiled(narrow, second) == {"new.txt", "one.txt", "two.txt"}, "it does not fit"
    assert compiled(kept, first) == {"one.txt", "two.txt"}, "it was removed for the other one"


def test_a_link_that_a_kept_build_left_leads_nowhere(kept: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "one.txt").write_text("untouched")
    build = Step(
        name="build", command=f"rm -rf docs; ln -s {outside} docs; rm -rf notes; ln -s {outside} notes", timeout=60
    )
    base = replace(probe(kept, (TWO,), keep=True), steps=(build,))
    kept.engine.run(base, kept.heard.append)
    overlay = (OverlayFile(path="docs/one.txt"), put("notes/one.txt", "mine\n"))
    wanted = probe(kept, overlay, starts=(Start(candidate=base.candidate, overlay=overlay),))
    kept.engine.run(wanted, kept.heard.append)
    assert [path.name for path in outside.iterdir()] == ["one.txt"]
    assert (outside / "one.txt").read_text() == "untouched"
