"""A mirror with real damage of each kind: the same call ends as on an undamaged one, by itself."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sessions.day.healing import run_healing
from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import Options
from sessions.source.healing import heal, is_of_this_disk
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from tests.repositories import Builder, run_git, ticket_table
from tests.stories.desk import own_config, timeless

pytestmark = pytest.mark.slow

CONFIG = own_config("""[[gates]]
name = "look"
run = "cat *.txt"
format = "exit"
""")


@dataclass(frozen=True)
class Place:
    """A project whose day was integrated once; ``tip`` is a ticket's commit."""

    folder: Path
    tip: str
    record: dict[str, Any]

    @property
    def mirror(self) -> Path:
        (found,) = (self.folder / "state" / "mirrors").glob("*.git")
        return found

    def day(self) -> dict[str, Any]:
        return record_data(run_healing(integrate, options(self.folder), Console(to_stderr=True)))

    def git(self, *words: str) -> str:
        return run_git(*words, cwd=self.mirror)

    def loose(self, name: str) -> Path:
        """The file of an object, which is taken out of its pack if it is in one."""
        id_ = self.git("rev-parse", name)
        path = self.mirror / "objects" / id_[:2] / id_[2:]
        for pack in list((self.mirror / "objects" / "pack").glob("*.pack")):
            moved = pack.rename(self.folder / pack.name)
            pack.with_suffix(".idx").unlink()
            run_git("unpack-objects", "-q", cwd=self.mirror, put=moved.read_bytes())
        path.chmod(0o644)
        return path


def options(folder: Path) -> Options:
    return Options(
        config=folder / "integration.toml", state=folder / "state", date=dt.date(2026, 11, 23), fresh=True, jobs=1
    )


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("healing")
    builder = Builder(folder / "project.git")
    base = builder.commit({f"{number}.txt": f"{number}\n" for number in range(5)})
    builder.tag("1.0", base)
    for number in (1, 2, 3):
        builder.commit(
            {f"{number}.txt": f"changed by {number}\n", f"new/{number}.txt": "new\n"}, base, branch=f"t{number}"
        )
    (folder / "tickets.toml").write_text("\n".join(ticket_table(number) for number in (1, 2, 3)))
    (folder / "integration.toml").write_text(CONFIG)
    return Place(
        folder, builder.tips["t2"], record_data(run_healing(integrate, options(folder), Console(to_stderr=True)))
    )


@pytest.fixture
def place(undamaged: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of the project and its state folder at the same path, for one test to damage."""
    kept = tmp_path / "kept"
    shutil.copytree(undamaged.folder / "state", kept, symlinks=True)
    yield undamaged
    shutil.rmtree(undamaged.folder / "state")
    shutil.copytree(kept, undamaged.folder / "state", symlinks=True)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = b"damaged!"
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def packed(place: Place, ending: str) -> Path:
    place.git("repack", "-adq")
    (path,) = (place.mirror / "objects" / "pack").glob(f"*.{ending}")
    path.chmod(0o644)
    return path


def packed_refs(place: Place) -> Path:
    place.git("pack-refs", "--all")
    return place.mirror / "packed-refs"


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


DAMAGE: dict[str, Callable[[Place], object]] = {
    "a ticket's commit is missing": lambda place: place.loose(place.tip).unlink(),
    "a ticket's commit is damaged": lambda place: spoil(place.loose(place.tip)),
    "a ticket's commit is empty": lambda place: place.loose(place.tip).write_bytes(b""),
    "a ticket's tree is missing": lambda place: place.loose(f"{place.tip}^{{tree}}").unlink(),
    "a ticket's tree is damaged": lambda place: spoil(place.loose(f"{place.tip}^{{tree}}")),
    "a tree below is missing": lambda place: place.loose(f"{place.tip}:new").unlink(),
    "a tree below is damaged": lambda place: spoil(place.loose(f"{place.tip}:new")),
    "a ticket's file is missing": lambda place: place.loose(f"{place.tip}:2.txt").unlink(),
    "a ticket's file is damaged": lambda place: spoil(place.loose(f"{place.tip}:2.txt")),
    "a ticket's file is empty": lambda place: place.loose(f"{place.tip}:2.txt").write_bytes(b""),
    "the release's commit is missing": lambda place: place.loose("1.0^{commit}").unlink(),
    "the release's tag is damaged": lambda place: spoil(place.loose("refs/tags/1.0")),
    "the release's file is missing": lambda place: place.loose("1.0:4.txt").unlink(),
    "a pack is truncated": lambda place: truncate(packed(place, "pack")),
    "a pack is damaged": lambda place: spoil(packed(place, "pack")),
    "a pack is missing": lambda place: packed(place, "pack").unlink(),
    "a pack's index is truncated": lambda place: truncate(packed(place, "idx")),
    "a pack's index is missing": lambda place: packed(place, "idx").unlink(),
    "a ref is empty": lambda place: write(place.mirror / "refs/integrand/tickets/2", ""),
    "a ref is garbage": lambda place: write(place.mirror / "refs/integrand/tickets/2", "garbage\n"),
    "a ref names nothing": lambda place: write(place.mirror / "refs/integrand/tickets/2", "1" * 40 + "\n"),
    "the packed refs are truncated": lambda place: truncate(packed_refs(place)),
    "the packed refs are garbage": lambda place: write(packed_refs(place), "garbage"),
    "all refs are gone": lambda place: shutil.rmtree(place.mirror / "refs"),
    "all objects are gone": lambda place: shutil.rmtree(place.mirror / "objects"),
    "HEAD is empty": lambda place: write(place.mirror / "HEAD", ""),
    "HEAD is missing": lambda place: (place.mirror / "HEAD").unlink(),
    "the configuration is garbage": lambda place: write(place.mirror / "config", "gar[bage"),
    "the configuration is missing": lambda place: (place.mirror / "config").unlink(),
    "the commit graph is garbage": lambda place: write(
        place.mirror / "objects/info/commit-graphs/commit-graph-chain", "garbage\n"
    ),
    "a ref is locked": lambda place: write(place.mirror / "refs/integrand/tickets/2.lock", ""),
    "the packed refs are locked": lambda place: write(packed_refs(place).with_suffix(".lock"), ""),
    "the configuration is locked": lambda place: write(place.mirror / "config.lock", ""),
    "the commit graph is locked": lambda place: write(place.mirror / "objects/info/commit-graph.lock", ""),
    "half a pack is there": lambda place: write(place.mirror / "objects/pack/tmp_pack_a1b2c3", "PACK"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_day_ends_as_without_the_damage(kind: str, place: Place) -> None:
    DAMAGE[kind](place)
    record = place.day()
    assert (record["state"], record["head"]) == ("green", place.record["head"])
    assert timeless(record) == timeless(place.record)
    mirrors = place.folder / "state" / "mirrors"
    assert [path.name for path in mirrors.iterdir() if path.suffix != ".git"] == []
    assert not list(place.mirror.rglob("*.lock"))
    assert not list(place.mirror.rglob("tmp_*"))
    again = place.day()  # and nothing is left that the next day would stumble over
    assert timeless(again) == timeless(place.record)


def test_the_heads_of_earlier_days_survive_where_they_can_be_read(place: Place) -> None:
    day = f"refs/integrand/days/{place.record['branch']}"
    assert place.git("rev-parse", day) == place.record["head"]
    write(place.mirror / "refs/integrand/tickets/2", "1" * 40 + "\n")
    mirror = Mirror.of(str(place.folder / "project.git"), place.folder / "state")
    mirror.repository.suspect("bad object 1111")
    heal(place.mirror)
    assert place.git("for-each-ref", "--format=%(refname)") == day
    assert place.git("rev-parse", day) == place.record["head"]
    place.git("fsck", "--full")


def test_a_lock_of_a_process_that_works_is_left_alone(place: Place) -> None:
    lock = place.mirror / "config.lock"
    lock.touch()
    words = ["git", "--git-dir", str(place.mirror), "cat-file", "--batch-check"]
    working = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert working.stdin is not None
        assert working.stdout is not None
        working.stdin.write(b"HEAD\n")
        working.stdout.readline()  # now it is git that works, and no process still to become it
        heal(place.mirror)
        assert lock.exists()
    finally:
        working.communicate()
    heal(place.mirror)
    assert not lock.exists()


def test_a_damaged_remote_is_not_taken_for_a_damaged_mirror(place: Place) -> None:
    mirror = Mirror.of(str(place.folder / "project.git"), place.folder / "state")
    mirror.repository.suspect("remote: fatal: loose object 0123 is corrupt\nfatal: the remote end hung up")
    assert not list(place.mirror.parent.glob("*.suspect"))
    assert not is_of_this_disk("fatal: unable to resolve host example.org")


def test_a_call_that_is_killed_while_it_heals_is_finished_by_the_next(place: Place) -> None:
    place.mirror.rename(place.mirror.with_name(f"{place.mirror.name}.damaged"))
    assert timeless(place.day()) == timeless(place.record)
    assert [path.suffix for path in (place.folder / "state" / "mirrors").iterdir()] == [".git"]
