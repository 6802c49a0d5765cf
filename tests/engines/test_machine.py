"""What is wrong with the machine is told apart from what a probe does, by what is measured."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from sessions.engines.bounds import ExceededError
from sessions.engines.local.engine import LocalEngine
from sessions.engines.machine import DiskWatch, disk_trouble
from sessions.engines.pool import Threads
from sessions.engines.probe import Outcome, Probe, Step
from sessions.terminal.errors import InfrastructureError
from tests.conftest import refuse
from tests.engines.bench import RELEASE, Bench, config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 2**20
WRITE = "head -c {0}000000 /dev/zero > big && sleep {1} && echo done"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=2000", "none", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        refuse(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def bench(small: Path) -> Bench:
    engine = LocalEngine(config(), small / "state", reason="test")
    return Bench(engine, engine.prepare(RELEASE))


def fill(place: Path, leave: int) -> None:
    """Fill a disk but for so many MiB."""
    (place / "filler").write_bytes(bytes((63 - leave) * MIB))


def test_a_probe_that_fails_on_a_full_disk_tells_so(bench: Bench, small: Path) -> None:
    fill(small, leave=8)
    outcome = bench.run(WRITE.format(20, 0))
    assert outcome.steps[-1].status
    assert outcome.trouble.startswith(f"the disk of {small}/state has ")
    assert outcome.trouble.endswith(" free")


def test_a_probe_that_passes_on_a_full_disk_has_no_trouble(bench: Bench, small: Path) -> None:
    fill(small, leave=8)
    outcome = bench.run("echo fine")
    assert (outcome.steps[-1].status, outcome.trouble) == (0, "")


def test_words_about_a_full_disk_are_no_full_disk(bench: Bench) -> None:
    assert bench.run("echo 'No space left on device' >&2; exit 1").trouble == ""


def test_a_disk_that_was_full_for_a_moment_is_remembered(bench: Bench, small: Path) -> None:
    fill(small, leave=40)
    assert bench.run("head -c 100000000 /dev/zero > big; sleep 1; rm big; exit 1").trouble


def test_a_disk_without_inodes_is_full(bench: Bench, small: Path) -> None:
    outcome = bench.run("n=0; while [ $n -lt 3000 ]; do : > $n || exit 1; n=$((n+1)); done")
    assert outcome.trouble == f"the disk of {small}/state has no inode left for another file"


def test_a_disk_too_full_to_begin_on_is_our_own_fault(bench: Bench, small: Path) -> None:
    with suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    with pytest.raises(InfrastructureError, match=r"cannot be used: No space left on device. Make room") as error:
        bench.run("true")
    assert "\n" not in str(error.value)


def test_probes_that_fill_the_disk_together_are_run_again_alone(bench: Bench) -> None:
    # Whoever comes first holds the room until the other has failed for want of it, however slow the machine is.
    steps = (Step(name="step", command=WRITE.format(40, 4), timeout=60),)
    probes = [(Probe(image=bench.image, overlay=(), steps=steps), bench.heard.append)] * 2
    told = dict(Threads(bench.engine, 2).run(probes))
    assert sorted(told) == [0, 1]
    for outcome in told.values():
        assert isinstance(outcome, Outcome)
        assert (outcome.steps[-1].log, outcome.trouble) == ("done\n", "")


@pytest.mark.parametrize(
    ("free", "used", "why"),
    [
        (2**40, 2**33 + 1, r"it wrote more than 8 GiB \(\[engine\] disk sets how much\)"),
        (2 * 2**30, 1.9 * 2**30, "it wrote 1.9 GiB of the 2 GiB that were free"),
        (2**29, 0.49 * 2**30, ""),
        (2**40, 2**33, ""),
    ],
)
def test_who_takes_nearly_all_that_was_free_has_filled_the_disk(
    tmp_path: Path, free: int, used: float, why: str
) -> None:
    watch = DiskWatch((tmp_path,), 2**33, lambda: int(used))
    watch.free = free
    if not why:
        watch.check()
        return
    with pytest.raises(ExceededError, match=why) as error:
        watch.check()
    assert error.value.ending == "too much disk"


def test_a_disk_with_room_is_no_trouble(tmp_path: Path) -> None:
    assert disk_trouble((tmp_path, tmp_path / "not" / "there")) == ""
