"""A whole engine in one file: plain subprocesses in temporary folders, images as folders, a folder as the registry.

It is registered by one line. The engines' contract and a whole day of the sample then run on it, with images made,
pushed and pulled, and nothing else of the project knows of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

import pytest

from sessions.engines import EngineUnavailableError, Listen, Opening, RemoteImage
from sessions.engines.bounds import Bounds
from sessions.engines.choice import choose_engine
from sessions.engines.collecting import delete_folder, find_files, outcome_of, read_file, read_files
from sessions.engines.images import Built, ImageSource, Inspection, Pushed
from sessions.engines.machine import memory_size
from sessions.engines.probe import Image, Outcome, Probe, Step, StepOutcome
from sessions.engines.registry import ENGINES, engine_class
from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.main import HOME
from sessions.sample.history import expectations
from sessions.settings.options import parse_options
from sessions.source.overlay_files import OverlayFile
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError, UsageError
from tests.engines.bench import RELEASE, Bench, config
from tests.engines.test_every_engine import *  # noqa: F403  the contract of all engines
from tests.registries import registered
from tests.stories.desk import DATE, IN_PART, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sessions.engines.bounds import Quota
    from sessions.settings.configuration import Config

NAME = "registry.example/toy/integration"


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    with registered(ENGINES, "toy", "tests.engines.test_toy_engine:ToyEngine"):
        yield


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    engine = engine_class("toy").open(config(), tmp_path, Opening(why="test"))
    return Bench(engine, engine.prepare(RELEASE))


@dataclass(frozen=True)
class ToyFiles:
    """What a probe leaves in its folder."""

    folder: Path
    bounds: Bounds

    def results(self) -> bytes | None:
        return read_file(self.folder / "results", self.bounds.results_quota)

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        return read_files(self.folder / "source", globs, self.bounds, quota)


@dataclass(frozen=True)
class ToyEngine:
    """Runs probes as subprocesses that are in nobody's way and can do anything."""

    config: Config
    state: Path
    why: str
    name: ClassVar[str] = "toy"
    exposure: ClassVar[str] = "a toy confines nothing"

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> ToyEngine:
        if (state / "no-toys").exists():
            raise EngineUnavailableError("no toy is here", "bring one")
        return cls(config, state, opening.why)

    @property
    def images(self) -> ToyImages:
        return ToyImages(self)

    def check_disk(self, release: str, source: int) -> str:
        return f"{source} B for {release}"

    def prepare(self, release: ImageSource) -> Image:
        folder = self.folder_of(release.tree)
        if not folder.exists():
            release.export(folder)
        image = Image(id=release.tree, name=f"toy {release.tag}")
        note = self.images.place(image.name) / "note.json"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"name": image.name, "id": image.id}))
        return image

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        start = time.monotonic()
        with self.candidate(probe) as folder:
            files = ToyFiles(folder, Bounds.of(self.config.engine, memory_size()))
            steps: list[StepOutcome] = []
            for step in probe.steps:
                for name in find_files(folder / "source", probe.deletes_before(step), files.bounds):
                    (folder / "source" / name).unlink()
                steps.append(self.run_step(step, folder, probe, listen))
                if steps[-1].is_failure:
                    break
            return outcome_of(probe, steps, files, files.bounds, start=start, trouble=str)

    def describe_remote(self, image: Image) -> RemoteImage:
        return RemoteImage(image=image, needs_source=True, confined=False)

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:
        assert remote.image.id == release.tree
        return self.prepare(release)

    def close(self) -> None:
        """A toy holds nothing."""

    def folder_of(self, name: str) -> Path:
        return self.state / "toy" / hashlib.sha256(name.encode()).hexdigest()[:16]

    @contextmanager
    def candidate(self, probe: Probe) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="toy-"))
        try:
            (folder / "home").mkdir()
            shutil.copytree(self.folder_of(probe.image.id), folder / "source", symlinks=True)
            for file in probe.overlay:
                put_in(folder / "source", file)
            yield folder
        finally:
            delete_folder(folder)

    def run_step(self, step: Step, folder: Path, probe: Probe, listen: Listen) -> StepOutcome:
        script = folder / "script"
        script.write_bytes(step.command.encode("utf-8", "surrogateescape") + b"\n")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "INTEGRAND_RESULTS": str(folder / "results"),
            **probe.environment,
        }
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                ["sh", str(script)],
                cwd=folder / "source",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                process.wait(step.timeout)
                ending = "exited"
            except subprocess.TimeoutExpired:
                ending = "timeout"
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
        for line in text.splitlines(keepends=True):
            listen(line)
        done = StepOutcome(name=step.name, status=status if status >= 0 else 128 - status, log=text)
        return done.stopped("timeout", "") if ending == "timeout" else done


def put_in(source: Path, file: OverlayFile) -> None:
    place = source / file.path
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    if file.content is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if file.is_folder:
        place.mkdir()
    elif file.mode == 0o120000:
        place.symlink_to(os.fsdecode(file.content))
    else:
        place.write_bytes(file.content)
        place.chmod(file.mode & 0o777)


@dataclass
class ToyTransfer:
    """Image folders in a tar archive."""

    images: ToyImages

    def find(self, name: str) -> Image | None:
        place = self.images.place(name)
        note = self.images.note(place)
        return Image(id=note.get("id", place.name), name=name) if note else None

    def names_here(self, image: Image) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def save(self, names: Sequence[str], path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            for place in map(self.images.place, names):
                archive.add(place, place.name)

    def load(self, ids: Mapping[str, str], path: Path) -> bool:
        if all(self.find(name) for name in ids):
            return False
        with tarfile.open(path) as archive:
            archive.extractall(self.images.engine.state / "toy", filter="data")
        return True


@dataclass(frozen=True)
class ToyArchives:
    """Archives that are kept as images of a toy."""

    images: ToyImages

    def save(self, name: str, inputs: str, archive: Callable[[], IO[bytes]]) -> None:
        place = self.images.place(name)
        if self.images.note(place).get("inputs") == inputs:
            return
        shutil.rmtree(place, ignore_errors=True)
        with archive() as stream, tarfile.open(fileobj=stream) as files:
            files.extractall(place, filter="data")
        (place / "note.json").write_text(json.dumps({"name": name, "inputs": inputs}))

    def read(self, name: str, folder: str) -> IO[bytes]:
        stream = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        with tarfile.open(fileobj=stream, mode="w") as archive:
            archive.add(self.images.place(name) / folder, folder)
        stream.seek(0)
        return stream


@dataclass(frozen=True)
class ToyImages:
    """Images are folders with a note of their name, labels and inputs; the registry is a folder beside them."""

    engine: ToyEngine

    def place(self, name: str) -> Path:
        return self.engine.folder_of(f"image {name}")

    def published(self, name: str) -> Path:
        return self.engine.state / "toy-registry" / self.place(name).name

    def note(self, place: Path) -> dict[str, str]:
        note = place / "note.json"
        known: dict[str, str] = json.loads(note.read_text()) if note.exists() else {}
        return known

    @property
    def transfer(self) -> ToyTransfer:
        return ToyTransfer(self)

    @property
    def archives(self) -> ToyArchives:
        return ToyArchives(self)

    def check_login(self) -> None:
        """Anybody may push."""

    def make(self, inspection: Inspection, listen: Listen) -> Image | None:
        place, candidate = self.place(inspection.name), inspection.candidate
        image = Image(id=place.name, name=inspection.name)
        if self.note(place).get("inputs") == inspection.inputs:
            return image
        with self.engine.candidate(candidate) as folder, tempfile.TemporaryDirectory() as scratch:
            if self.engine.run_step(candidate.steps[0], folder, candidate, listen).is_failure:
                return None
            for path in inspection.without:
                delete_folder(folder / "source" / path)
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(folder / "source", place / "source", symlinks=True)
            for path, content in inspection.fill(Path(scratch)).items():
                target = place / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                if content.is_dir():
                    shutil.copytree(content, target, symlinks=True, dirs_exist_ok=True)
                elif content.exists():
                    shutil.copy2(content, target)
        labels = {"date": inspection.labels.get("io.github.integrand.date", "")}
        (place / "note.json").write_text(json.dumps({"name": inspection.name, "inputs": inspection.inputs, **labels}))
        return image

    def enter(self, image: Image) -> None:
        subprocess.run(["sh"], cwd=self.place(image.name), check=False)

    def prune(self, *, keep: frozenset[str], before: str) -> int:
        notes = [(place, self.note(place)) for place in (self.engine.state / "toy").iterdir()]
        old = [
            place for place, note in notes if note.get("name", "") not in keep and "" < note.get("date", "") < before
        ]
        for place in old:
            shutil.rmtree(place)
        return len(old)

    def push(self, name: str) -> Pushed:
        before, place = self.digest(name), self.place(name)
        if before != self.digest_of(place):
            shutil.rmtree(self.published(name), ignore_errors=True)
            shutil.copytree(place, self.published(name), symlinks=True)
        digest = self.digest(name)
        return Pushed(reference=f"{name.rpartition(':')[0]}@{digest}", is_new=digest != before)

    def pull(self, name: str) -> Image:
        shutil.copytree(self.published(name), self.place(name), symlinks=True, dirs_exist_ok=True)
        return Image(id=self.place(name).name, name=name)

    def digest(self, name: str) -> str | None:
        return self.digest_of(self.published(name)) if self.published(name).exists() else None

    def digest_of(self, place: Path) -> str:
        return f"sha256:{hashlib.sha256(json.dumps(self.note(place)).encode()).hexdigest()}"

    def built_here(self, image: Image) -> tuple[Built, ...]:  # noqa: ARG002
        return ()

    def tag(self, image: str, name: str) -> None:
        raise NotImplementedError


def test_auto_takes_no_engine_that_exposes_the_users_files(tmp_path: Path) -> None:
    for name in ("docker", "local"):
        del ENGINES[name]
    with pytest.raises(InfrastructureError, match=r"^A toy confines nothing, .* run with --engine toy"):
        choose_engine(config(), "auto", tmp_path)
    assert choose_engine(config(), "auto", tmp_path, trusted=True).name == "toy"
    (tmp_path / "no-toys").touch()
    with pytest.raises(InfrastructureError, match=r"^No toy is here: bring one"):
        choose_engine(config(), "toy", tmp_path)


def test_an_engine_is_an_option_once_it_is_registered(tmp_path: Path) -> None:
    (tmp_path / "integration.toml").touch()
    assert parse(tmp_path, "--engine", "toy").engine == "toy"  # type: ignore[attr-defined]
    del ENGINES["toy"]
    with pytest.raises(UsageError, match="invalid choice: 'toy'"):
        parse(tmp_path, "--engine", "toy")


def parse(folder: Path, *words: str) -> object:
    return parse_options(["--date", DATE, *words], session="integrate", called_from=folder, home=HOME)


# All of the sample's tickets at a desk; in CI some of each kind, but for the one whose search makes the manual often.
PLAYED = (101, 102, 103, 110, 114, 115, 116, 119, 122, 125, 126) if IN_PART else tuple(expectations())


def must_not_run(*_: object) -> None:
    raise InfrastructureError("a result was not carried over")


@pytest.mark.slow
def test_a_whole_day_runs_on_it_and_the_next_machine_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (HOME / "integration.toml").read_text().replace('kind       = "auto"', f'kind = "toy"\nimage = "{NAME}"')
    (tmp_path / "integration.toml").write_text(text)
    words = ["--date", DATE, "--publish", "--only", ",".join(map(str, PLAYED))]
    options = parse_options(words, session="integrate", called_from=tmp_path, home=HOME)
    record = record_data(integrate(options, Console(to_stderr=True)))
    assert verdicts(record) == {number: str(expectations()[number].verdict) for number in PLAYED}
    assert record["state"] == "green"
    assert record["published"]["image"]["reference"].startswith(f"{NAME}@sha256:")
    images = engine_class("toy").open(config(image=NAME), options.state, Opening(why="test")).images
    assert images is not None
    assert images.digest(f"{NAME}:state")

    # The next machine has nothing but the registry.
    shutil.copytree(options.state / "toy-registry", tmp_path / "next" / "toy-registry", symlinks=True)
    shutil.copytree(options.state / "sample", tmp_path / "next" / "sample", symlinks=True)
    following = parse_options([*words, "--state", "next"], session="integrate", called_from=tmp_path, home=HOME)
    monkeypatch.setattr(ToyEngine, "run", must_not_run)
    again = record_data(integrate(following, Console(to_stderr=True)))
    assert verdicts(again) == verdicts(record)
