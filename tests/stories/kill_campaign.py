"""Days whose sessions are killed at random moments, with a registry, a repository and a tracker to publish to.

A :class:`Site` has all that a day touches, each part of its own: a bare repository, GitHub's fake on a socket, and for
Docker an engine and a registry. So whatever is left at the end of a day is what its sessions left.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import docker

from tests.engines.registry import LocalRegistry
from tests.engines.second_daemon import SecondDaemon
from tests.repositories import Builder
from tests.stories.desk import DATE, DAY, timeless
from tests.stories.ill_registry import IllRegistry
from tests.stories.leftovers import files_left
from tests.trackers.github_fake import TOKEN, FakeGitHub, Pull

READY = "s: positive review"
WORKERS = 2
_BRANCH = f"1.0+integration-{DATE}"
# What a session writes down about a day: where all of it is known, the calls that were killed have lost nothing.
_CONFIG = """
version = 1
[project]
name = "abacus"
repository = "{project}"
[tickets]
tracker = "github"
url = "{github}"
milestone = ""
ready = ["{ready}"]
[engine]
kind = "{engine}"
{docker}
[build]
run = "cat *.txt > built"
[[gates]]
name = "look"
run = "sleep 0.1; cat *.txt; ! grep -q broken *.txt"
format = "exit"
artifacts = ["built"]
"""
_DOCKERFILE = "ARG BASELINE\nFROM ${BASELINE}\nRUN sleep 0.5; echo made > /made\nCOPY . /source\nWORKDIR /source\n"
# Ticket, the file that it changes, the file's text, and what the pull request says of itself.
_TICKETS: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (1, "1.txt", "one\n", {}),
    (2, "2.txt", "broken\n", {}),
    (3, "1.txt", "another one\n", {}),
    (4, "4.txt", "four\n", {"body": "## Dependencies\n#2\n"}),
    (5, "5.txt", "not ready\n", {"labels": []}),
)


@dataclass
class Call:
    """One session of a day, from its start to its end or to the kill; ``lines`` is what it printed until then."""

    words: tuple[str, ...]
    status: int = 0
    lines: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # when each line came

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    @property
    def stages(self) -> list[Stage]:
        """The session's stage after each of its lines."""
        found, stage = [], Stage.START
        for line in self.lines:
            stage = next((each for sign, each in _STAGES.items() if re.search(sign, line)), stage)
            found.append(stage)
        return found

    @property
    def stage(self) -> Stage:
        """The stage in which the session ended or was killed."""
        return (self.stages or [Stage.START])[-1]


class Stage(StrEnum):
    """What a session is doing."""

    START = "start, tickets"
    MERGE = "merge"
    IMAGE = "image of the release"
    BASELINE = "baseline"
    HEAD = "gates on the head"
    SEARCH = "culprit search"
    IMAGES = "audit, debug images; branch, where there are none"
    BRANCH = "image of the head, branch"
    COMMENTS = "state's image, or comments"
    END = "end"

    def is_after(self, other: Stage) -> bool:
        """Whether a session comes to this stage after the other one."""
        order = list(Stage)
        return order.index(self) > order.index(other)


# How many kills a stage gets for one of another: these have most places at which something may be lost or doubled.
_WEIGHTS = {Stage.SEARCH: 3, Stage.IMAGES: 3, Stage.BRANCH: 2, Stage.COMMENTS: 2}
# The line with which a stage begins.
_STAGES = {
    r"^==> Merging": Stage.MERGE,
    r"^ +disk: ": Stage.IMAGE,
    r"^==> Baseline": Stage.BASELINE,
    r"^==> Gates on the head": Stage.HEAD,
    r"^==> Who broke": Stage.SEARCH,
    r"^( +audit: |==> Publishing)": Stage.IMAGES,
    r"^ +look into the head": Stage.BRANCH,
    r"^ +(branch .* is at|report: .*beside it)": Stage.COMMENTS,
    r"^ +(report: .*type|\d+ of \d+ tickets told)": Stage.END,
}


@dataclass(frozen=True)
class Day:
    """What a day left where it may leave something."""

    record: dict[str, Any]
    calls: list[Call]
    writes: Counter[tuple[str, str]]
    comments: dict[int, list[str]]
    pushes: int
    tags: Counter[str]
    results: int
    files: Counter[str]
    images: Counter[str]

    @property
    def kills(self) -> list[Call]:
        return [call for call in self.calls if call.killed]

    @property
    def probes(self) -> int:
        """The probes that were started, in all calls together."""
        return sum(bool(re.match(r" +probe \d+:", line)) for call in self.calls for line in call.lines)


@dataclass
class Site:
    """Where days happen, one after the other, each from nothing. ``engine`` is ``local`` or ``docker``."""

    folder: Path
    engine: str
    github: FakeGitHub
    registry: LocalRegistry | None = None
    front: IllRegistry | None = None  # before the registry
    daemon: SecondDaemon | None = None
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def state(self) -> Path:
        return self.folder / "desk" / ".integrand"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def project(self) -> Path:
        return self.folder / "project.git"

    def start_day(self, builder: str = "auto") -> None:
        """Make everything anew."""
        for name in ("desk", "tmp", "project.git", "registry"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("desk", "tmp"):
            (self.folder / name).mkdir()
        self._make_tickets()
        lines = ""
        if self.registry and self.front and self.daemon:
            self.registry.stop()
            (self.registry.folder / "store").mkdir(parents=True)
            self.registry.start()
            remove_images(self.daemon.client)
            (self.folder / "desk" / "Dockerfile").write_text(_DOCKERFILE)
            lines = f'image = "{self.front.host}/abacus/integration"\nbaseline = "debian:bookworm-slim"\n'
            lines += f'dockerfile = "Dockerfile"\nsource = "/source"\nbuilder = "{builder}"\n'
        text = _CONFIG.format(
            project=self.project, github=self.github.url, ready=READY, engine=self.engine, docker=lines
        )
        (self.folder / "desk" / "integration.toml").write_text(text)

    def _make_tickets(self) -> None:
        repository = Builder(self.project)
        repository.git("config", "core.logAllRefUpdates", "always")
        base = repository.commit({f"{number}.txt": f"{number}\n" for number in range(6)})
        repository.tag("1.0", base)
        self.github.pulls.clear()
        self.github.statuses.clear()
        self.github.requests.clear()
        for number, path, text, words in _TICKETS:
            head = repository.commit({path: text}, base, branch=f"refs/pull/{number}/head")
            self.github.add(Pull(number=number, head=head, **{"labels": [READY], "base": "main", **words}))

    @contextmanager
    def ill_registry(self, chance: random.Random) -> Iterator[bool]:
        """Have the registry answer 500 in one of five calls, to everything or to everything but the login."""
        is_ill = self.front is not None and chance.random() < 0.2
        if self.front and is_ill:
            self.front.fall_ill(knows_logins=chance.random() < 0.7)
        yield is_ill
        if self.front:
            self.front.recover()

    def call(self, *words: str, kill: Moment | None = None, hours_back: int = 0) -> Call:
        """Run one session; kill it at a moment, and nothing else of what it started."""
        call, start = Call(words), time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(DAY), words[0], "--date", DATE, "--jobs", str(WORKERS), *words[1:]],
            cwd=self.folder / "desk",
            env={**self._environment(), "HOURS_BACK": str(hours_back)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        reached = threading.Event()

        def read() -> None:
            assert process.stdout
            for line in process.stdout:
                call.lines.append(line.rstrip("\n"))
                call.moments.append(time.monotonic() - start)
                if kill and kill.is_reached(call):
                    reached.set()
            reached.set()

        if kill and kill.is_reached(call):
            reached.set()
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        if kill:
            reached.wait()
            with suppress(subprocess.TimeoutExpired):
                process.wait(kill.seconds)
            process.kill()
        call.status = process.wait(600)
        reader.join(20)
        if process.stdout:
            process.stdout.close()
        call.moments.append(time.monotonic() - start)
        return call

    def _environment(self) -> dict[str, str]:
        own = {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "TMPDIR": str(self.temporary), "KILL_CAMPAIGN": self.mark}
        own |= {"GH_TOKEN": TOKEN, "PAUSE": "0.03", "DIE": ""}
        if self.registry and self.daemon:
            own |= {"REGISTRY_USER": self.registry.user, "REGISTRY_TOKEN": self.registry.password}
            own |= {"DOCKER_HOST": self.daemon.address}
        return {**os.environ, **own}

    def ended_day(self, calls: list[Call]) -> Day:
        """Return what a day left, once everything that its sessions started has ended."""
        wait_for_end(self.mark)
        reflog = self.project / "logs" / "refs" / "heads" / _BRANCH
        with closing(sqlite3.connect(self.state / "ledger.sqlite")) as ledger:
            (results,) = ledger.execute("select count(*) from results").fetchone()
        told = {number: [each["body"] for each in pull.comments] for number, pull in self.github.pulls.items()}
        record = json.loads((self.state / "latest" / "run.json").read_text())
        record["setup"]["engine"].pop("builder", None)  # it differs from day to day
        return Day(
            record=scrubbed(timeless(record)),
            calls=calls,
            writes=Counter(self.github.writes),
            comments={number: [scrubbed(body) for body in bodies] for number, bodies in told.items()},
            pushes=len(reflog.read_text().splitlines()) if reflog.exists() else 0,
            tags=self._tags(),
            results=results,
            files=Counter(scrubbed(str(path.relative_to(self.state))) for path in self._files()),
            images=Counter(scrubbed(tag) for each in self._images() for tag in each.tags),
        )

    def _files(self) -> list[Path]:
        """The state folder's files and links, without git's objects, of which there may be other packs."""
        found = (path for path in self.state.rglob("*") if "objects" not in path.relative_to(self.state).parts)
        return [path for path in found if path.is_symlink() or not path.is_dir()]

    def _images(self) -> list[Any]:
        return self.daemon.client.images.list() if self.daemon else []

    def _tags(self) -> Counter[str]:
        """How many images each tag of the registry stood for, one after the other."""
        store = self.registry.folder / "store" if self.registry else self.folder / "none"
        found = {path.name: len(list(path.glob("index/sha256/*"))) for path in store.rglob("_manifests/tags/*")}
        return Counter({scrubbed(tag): count for tag, count in found.items()})

    def leftovers(self) -> list[str]:
        """What no session may leave behind, and what is there all the same."""
        found = [f"temporary: {path.relative_to(self.temporary)}" for path in self.temporary.rglob("*")]
        found += [*files_left(self.state), *(f"lock: {path}" for path in self.project.rglob("*.lock"))]
        found += [f"mount: {line}" for line in Path("/proc/mounts").read_text().splitlines() if self._is_mount(line)]
        found += [f"process: {words}" for words in processes(self.mark, str(self.folder / "desk"))]
        if self.daemon:
            client = self.daemon.client
            found += [f"container: {each.attrs['Config']['Cmd']}" for each in client.containers.list(all=True)]
            found += [f"unnamed image: {each.id} {each.labels}" for each in client.images.list() if not each.tags]
            found += [f"volume: {each.id}" for each in client.volumes.list()]
        return found

    def _is_mount(self, line: str) -> bool:
        return str(self.folder) in line and str(self.daemon.address if self.daemon else "-")[7:-11] not in line


@dataclass(frozen=True)
class Moment:
    """When a session is killed: so many seconds after so many lines of a stage."""

    stage: Stage
    lines: int
    seconds: float

    @classmethod
    def within(cls, whole: Call, stage: Stage, chance: random.Random) -> Moment:
        """Draw one between a line of a stage in an undisturbed session and the next line."""
        places = [place for place, each in enumerate([Stage.START, *whole.stages]) if each is stage]
        place = chance.choice(places)
        gap = whole.moments[place] - (whole.moments[place - 1] if place else 0.0)
        return cls(stage, whole.stages[:place].count(stage), chance.uniform(0.0, gap))

    def is_reached(self, call: Call) -> bool:
        """Whether a session has printed these lines, or is past the stage, in which it had less to do."""
        return call.stages.count(self.stage) >= self.lines or any(each.is_after(self.stage) for each in call.stages)


Cell = tuple[str, Stage]


def cells(undisturbed: Day) -> list[Cell]:
    """Return the sessions of a day with each of their stages."""
    return [
        (call.words[0], stage)
        for call in undisturbed.calls
        for stage in Stage
        if stage is Stage.START or stage in call.stages
    ]


def plan_kills(found: list[Cell], hits: Counter[Cell], kills: int, chance: random.Random) -> Counter[Cell]:
    """Choose the stages of a day's kills: those that fewest kills hit so far, for their weight."""
    places = [(cell, number) for cell in found for number in range(_WEIGHTS.get(cell[1], 1))]
    chance.shuffle(places)
    places.sort(key=lambda place: (hits[place[0]] + place[1]) / _WEIGHTS.get(place[0][1], 1))
    return Counter(cell for cell, _ in places[:kills])


def disturbed_day(site: Site, undisturbed: Day, planned: Counter[Cell], chance: random.Random) -> Day:
    """Run the sessions of a day, each again and again until it ends, and kill them as planned.

    Some calls are made while the registry answers 500, and each call's clock is an hour before that of the last one.
    """
    calls: list[Call] = []
    for whole in undisturbed.calls:
        stages = [stage for stage in Stage for _ in range(planned[whole.words[0], stage])]
        while True:
            kill = Moment.within(whole, stages[0], chance) if stages else None
            with site.ill_registry(chance) as is_ill:
                calls.append(site.call(*whole.words, kill=kill, hours_back=len(calls)))
            if calls[-1].killed:
                del stages[0]
            elif not calls[-1].status:
                break
            else:
                assert is_ill, "\n".join(calls[-1].lines[-30:])
                assert not any("Traceback" in line for line in calls[-1].lines)
    return site.ended_day(calls)


def undisturbed_day(site: Site, *sessions: tuple[str, ...]) -> Day:
    calls = [site.call(*words) for words in sessions]
    for call in calls:
        assert call.status == 0, "\n".join(call.lines[-30:])
    return site.ended_day(calls)


def scrubbed(value: Any) -> Any:
    """A value without what changes with the moment at which an image is built: digests, and names made of them."""
    return json.loads(re.sub(r"(sha256:|built-|logs/|-look-)[0-9a-f]{8,64}", r"\1?", json.dumps(value)))


def processes(mark: str, folder: str) -> list[str]:
    """The processes that sessions with a mark in their environment started, and jails in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes()
            is_ours = f"KILL_CAMPAIGN={mark}".encode() in (place / "environ").read_bytes()
            if is_ours or (words and f"{folder}/".encode() in words and int(place.name) != os.getpid()):
                found.append(words.replace(b"\0", b" ").decode(errors="replace").strip())
    return [words for words in found if words]


def wait_for_end(mark: str, seconds: float = 20.0) -> None:
    """Wait until what killed sessions started has ended by itself, as git's processes do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and processes(mark, "/nowhere"):
        time.sleep(0.2)


def remove_images(client: docker.DockerClient) -> None:
    """Empty an engine of everything but the base image."""
    for container in client.containers.list(all=True):
        container.remove(force=True, v=True)
    for image in client.images.list():
        if "debian:bookworm-slim" not in image.tags:
            client.images.remove(str(image.id), force=True)
