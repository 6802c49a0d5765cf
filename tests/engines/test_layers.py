"""How local probes get the release's files: each way changes nothing in the release, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sessions.engines import Opening
from sessions.engines.local.engine import LocalEngine
from sessions.engines.local.layers import (
    Copies,
    Layers,
    Lowers,
    OverlayMounts,
    find_layers,
    roots_overlays,
    users_overlays,
)
from tests.conftest import refuse
from tests.engines.bench import RELEASE, Bench, config, put
from tests.engines.test_every_engine import (  # noqa: F401  of the engines' contract, what layers bear on
    test_a_probe_leaves_nothing_for_the_next_one,
    test_a_submodule_is_an_empty_folder_also_where_a_file_was,
    test_an_overlay_cannot_write_through_a_link_of_the_release,
    test_an_overlay_changes_adds_and_takes_away_and_touches_nothing_else,
    test_artifacts_are_brought_out_by_their_globs,
    test_files_folders_and_links_take_each_others_places,
    test_only_the_reports_that_the_last_step_wrote_are_brought_out,
    test_unchanged_files_keep_their_times_and_changed_ones_are_younger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def mounting(state: Path) -> list[str]:
    """The processes that see an overlay mounted in a state folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines = (place / "mountinfo").read_text().splitlines()
            found += [place.name for line in lines if str(state) in line and " overlay integrand " in line]
    return found


def ways(home: Path) -> dict[str, Layers]:
    return {"copies": Copies(), "root": next(roots_overlays(home)), "user": next(users_overlays(home))}


@pytest.fixture(params=["copies", "root", "user"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    engine = LocalEngine(config(), tmp_path, reason="test")
    if request.param != "copies" and not isinstance(engine.confinement.layers, OverlayMounts):
        refuse("no overlay can be mounted here")
    if request.param == "root" and os.geteuid():
        pytest.skip("this user is not root")
    vars(engine.confinement)["layers"] = ways(tmp_path / "local")[request.param]
    return Bench(engine, engine.prepare(RELEASE))


def state_of(folder: Path) -> list[tuple[str, int, int, str]]:
    """All files of a folder: paths, modes, times and contents."""
    return sorted(
        (
            str(path.relative_to(folder)),
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    )


def release_of(bench: Bench) -> Path:
    assert isinstance(bench.engine, LocalEngine)
    return bench.engine.confinement.release(bench.image.id.removeprefix("local:"))


def test_nothing_that_a_probe_does_reaches_the_releases_folder(bench: Bench) -> None:
    release = release_of(bench)
    before = state_of(release)
    command = f"""
        echo more >> a.txt; chmod 777 run.sh; rm docs/one.txt; mv notes elsewhere; touch -d 2001-01-01 docs/two.txt
        ln a.txt hard; echo more >> hard; ln -sf nowhere now; rm -rf ../source/docs
        echo seen > {release}/a.txt; cat {release}/a.txt; echo more > ../layers; ls -d ..*/ ../*.layers
    """
    outcome = bench.run(command, overlay=(put("a.txt", "changed\n"),))
    assert state_of(release) == before
    assert "seen" not in outcome.steps[0].log
    assert bench.says("cat a.txt docs/one.txt; ./run.sh; ls") == "a\none\nI run\na.txt\ndocs\nnotes\nnow\nrun.sh\n"


def test_nothing_is_mounted_and_no_helper_runs_when_a_probe_has_ended(bench: Bench) -> None:
    assert isinstance(bench.engine, LocalEngine)
    bench.heard = Mounted(bench.engine.state)
    bench.says("echo more >> a.txt; echo more")
    assert bool(bench.heard.seen) == isinstance(bench.engine.confinement.layers, OverlayMounts)
    assert list(bench.engine.confinement.probes.iterdir()) == []
    assert mounting(bench.engine.state) == []


class Mounted(list[str]):
    """A list that remembers which processes saw an overlay when it got its first line."""

    def __init__(self, state: Path) -> None:
        self.state, self.seen = state, list[str]()

    def append(self, line: str) -> None:
        super().append(line)
        self.seen = self.seen or mounting(self.state)


def test_only_what_is_written_counts_as_disk_usage(bench: Bench) -> None:
    big = release_of(bench) / "big"
    big.write_bytes(bytes(2**20) * 20)
    engine = bench.engine
    assert isinstance(engine, LocalEngine)
    object.__setattr__(engine.confinement.bounds, "disk", 8 * 2**20)
    assert bench.says("head -c 1000000 /dev/zero > small; sleep 0.5; ls -s small") != ""
    (step,) = bench.run("head -c 30000000 /dev/zero > large; sleep 5").steps
    assert step.ending == "too much disk"


def test_the_mount_goes_with_a_killed_session(tmp_path: Path) -> None:
    if isinstance(LocalEngine(config(), tmp_path / "tried", reason="test").confinement.layers, Copies):
        refuse("no overlay can be mounted here")
    script = """
import sys
from pathlib import Path
from sessions.engines.local.engine import LocalEngine
from tests.engines.bench import RELEASE, Bench, config
engine = LocalEngine(config(), Path(sys.argv[1]), reason="test")
bench = Bench(engine, engine.prepare(RELEASE))
class Heard(list):
    append = print
bench.heard = Heard()
bench.run("echo begun; sleep 60")
"""
    state = tmp_path / "killed"
    command = [sys.executable, "-uc", script, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"begun\n"
        assert mounting(state)
        session.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes := mounting(state):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)
    LocalEngine.open(config(), state, Opening(why="test"))
    assert not (state / "local" / "probes").exists()


def test_where_nothing_can_be_mounted_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(find_layers(tmp_path / "refused", lambda *_: False), Copies)
    assert [each.name for each in (tmp_path / "refused").iterdir()] == ["mounted"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert isinstance(find_layers(tmp_path / "none", lambda *_: True), Copies)


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    """A small file system that has reflinks."""
    if os.geteuid() or not shutil.which("mkfs.btrfs"):
        pytest.skip("a file system with reflinks needs root and mkfs.btrfs")
    image, place = tmp_path / "disk", tmp_path / "btrfs"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(200 * 2**20)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=False).returncode:
        pytest.skip("no loop device can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_copy_shares_its_blocks_where_the_file_system_can(btrfs: Path) -> None:
    (btrfs / "release").mkdir()
    (btrfs / "release" / "big").write_bytes(os.urandom(60 * 2**20))
    os.sync()
    free = shutil.disk_usage(btrfs).free
    for number in range(4):  # together more than the disk has
        with Copies().open(Lowers(release=btrfs / "release"), btrfs / str(number)) as view:
            assert (view.folder / "big").stat().st_size == 60 * 2**20
    os.sync()
    assert free - shutil.disk_usage(btrfs).free < 20 * 2**20
