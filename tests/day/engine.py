"""An engine for tests: it runs gates on small tables of tests, in this process, on the files that a probe brings.

A line of a ``.test`` file is a test's name and what it does: ``pass``; ``fail``; ``skip``; ``without FILE``, which
passes where there is no such file; ``imports MODULE``, whose module is missing; ``uses FILE``, which fails where that
file says ``raises``, in that file; ``odd SEED``, which passes in runs with an even seed; ``every N``, which fails
where N divides the seed; ``with N``, which fails in every run of fewer than N files; ``beside FILE``, which fails in
every run of that file; ``takes N FILE …``, which takes about N seconds, and twice as long where all these files are.
The build fails, naming the file, where one holds the word ``uncompilable``; a file ``crash`` breaks a gate off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self
from xml.sax.saxutils import quoteattr

from sessions.day.baselines import Baselines
from sessions.day.budget import Budget
from sessions.day.context import Day
from sessions.day.gate_files import GateFiles
from sessions.day.green_head import GreenHead
from sessions.day.line_selection import LineSelection
from sessions.day.probe_builder import ProbeBuilder
from sessions.day.probe_outcomes import BUILD_STEP, GATE_STEP
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress
from sessions.day.question import Question
from sessions.day.result_cache import ResultCache
from sessions.engines import Opening, RemoteImage
from sessions.engines.pool import Threads
from sessions.engines.probe import Image, Outcome, Probe, StepOutcome
from sessions.ledger.ledger import Ledger
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Build, Config, Gate, Project, Tracker
from sessions.settings.options import Options
from sessions.source.line import Queue, merge_line
from sessions.source.merging import Candidate
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError
from sessions.tickets.model import Ticket
from tests.repositories import DATE, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from sessions.engines import Listen
    from sessions.engines.images import ImageSource, ImageStore

UNIT = Gate(name="unit", run="check seed={seed} {files}", format="junit", files=("*.test",))
LINT = Gate(name="lint", run="check seed={seed} lint.test", format="junit")


@dataclass
class TableEngine:
    """Implements the engines' protocol. Each probe takes ``seconds``; one on a file of ``fails_on`` is an error."""

    name: ClassVar[str] = "table"
    release: dict[str, str]
    seconds: float = 1.0
    case_seconds: float = 0.0
    fails_on: str = ""
    probes: list[Probe] = field(default_factory=list)
    why: str = "a test asks for it"
    exposure: str = ""
    images: ImageStore | None = None

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> Self:
        raise NotImplementedError(f"no session opens it: {config.project.name}, {state}, {opening.why}")

    def check_disk(self, release: str, source: int) -> str:
        return f"{source} bytes for {release}"

    def prepare(self, release: ImageSource) -> Image:
        return Image(id=f"table:{release.tree}", name=release.tag)

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        self.probes.append(probe)
        files = dict(self.release)
        for each in probe.overlay:
            files.pop(each.path, None)
            if each.content is not None:
                files[each.path] = each.content.decode()
        if self.fails_on in files:
            raise InfrastructureError(f"The table with {self.fails_on} broke")
        steps = [self._build(files)]
        results = None
        if not steps[0].status and probe.steps[1:]:
            results = self._report(probe.steps[-1].command, files)
            broken_off = "crash" in files
            listen("checked")
            status = 137 if broken_off else int(b"<failure" in results)
            steps.append(StepOutcome(name=GATE_STEP, status=status, log="checked\n"))
            results = results[:-30] if broken_off else results
        return Outcome(steps=tuple(steps), results=results, artifacts={}, seconds=self.seconds)

    def describe_remote(self, image: Image) -> RemoteImage:
        return RemoteImage(image=image)

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:  # noqa: ARG002
        return remote.image

    def close(self) -> None:
        """Nothing was borrowed."""

    @staticmethod
    def _build(files: dict[str, str]) -> StepOutcome:
        broken = [path for path, content in sorted(files.items()) if "uncompilable" in content]
        log = "".join(f"{path}:1:2: error: expected expression\n" for path in broken)
        return StepOutcome(name=BUILD_STEP, status=int(bool(broken)), log=log)

    def _report(self, command: str, files: dict[str, str]) -> bytes:
        _, seed, *names = command.split()
        usual = f' time="{self.case_seconds}"' if self.case_seconds else ""
        number = int(seed.removeprefix("seed="))
        odd = number % 2
        cases = []
        for path in names:
            for line in files[path].splitlines():
                test, does, *words = line.split()
                fails = does == "fail" or (does == "odd" and odd) or (does == "without" and words[0] in files)
                fails |= does == "every" and not number % int(words[0])
                fails |= does == "with" and len(names) < int(words[0])
                fails |= does == "beside" and words[0] in names
                took = usual
                if does == "takes":
                    seconds = float(words[0]) * (2 if words[1:] and set(words[1:]) <= files.keys() else 1)
                    took = f' time="{seconds * (1 + number % 13 / 100):.3f}"'
                inside = "<failure/>" if fails else "<skipped/>" if does == "skip" else ""
                if does == "imports":
                    inside = f"<failure>E   ModuleNotFoundError: No module named '{words[0]}'</failure>"
                elif does == "uses" and "raises" in files[words[0]]:
                    text = f"&gt;   {files[words[0]].strip()}\nE   ValueError: no\n\n{words[0]}:1: ValueError"
                    inside = f"<failure>{text}</failure>"
                cases.append(f"<testcase file={quoteattr(path)} name={quoteattr(test)}{took}>{inside}</testcase>")
        return f'<testsuite name="table" tests="{len(cases)}">{"".join(cases)}</testsuite>'.encode()


def queue_of(tickets: Collection[Ticket]) -> Queue:
    """A queue of tickets that need no other."""
    return Queue(tickets=tuple(tickets), needs={ticket.number: frozenset() for ticket in tickets})


@dataclass
class Desk:
    """A day on a real repository and a real ledger, with the table engine; may be opened again on the same state."""

    scene: Scene
    state: Path
    config: Config
    engine: TableEngine
    ledger: Ledger
    day: Day
    runner: ProbeRunner

    @classmethod
    def of(
        cls,
        scene: Scene,
        state: Path,
        *,
        gates: tuple[Gate, ...] = (UNIT,),
        runnable: frozenset[str] | None = None,
        size: int = 1,
        shards: int = 1,
        deadline: float | None = None,
        globs: tuple[str, ...] = (),
    ) -> Desk:
        config = Config(
            version=1,
            project=Project(name="x", repository=scene.builder.url),
            tickets=(Tracker(url="x", ready=("ready",)),),
            build=Build(run="make"),
            gates=gates,
        )
        named = tuple(sorted(runnable)) if runnable is not None else ()
        options = Options(config=state / "integration.toml", state=state, date=DATE, gates=named, files=globs)
        release = scene.merger.bare
        engine = TableEngine(scene.files(release))
        ledger, console = Ledger(state / "ledger.sqlite"), Console()
        day = Day(
            options=options,
            config=config,
            console=console,
            state=state,
            ledger=ledger,
            mirror=scene.mirror,
            release=scene.release,
            merger=scene.merger,
            started=0.0,
        )
        files = GateFiles(scene.mirror.repository, globs)
        image = Image(id="table:1", name="table")
        runner = ProbeRunner(
            engine=engine,
            pool=Threads(engine, size),
            cache=ResultCache(config=config, files=files, image_id=image.id, ledger=ledger, state=state),
            builder=ProbeBuilder(config=config, files=files, image=image, release_tree=release.tree, jobs=4),
            budget=Budget(deadline),
            console=console,
            gates=frozenset(gate.name for gate in gates) if runnable is None else runnable,
            shards=shards,
        )
        return cls(scene=scene, state=state, config=config, engine=engine, ledger=ledger, day=day, runner=runner)

    def find_green_head(
        self,
        queue: Queue,
        *,
        progress: Progress | None = None,
        baselines: Baselines | None = None,
        on_stage: Callable[[str], None] = lambda _stage: None,
    ) -> Progress:
        """Find the green head of a queue."""
        progress = progress or Progress(line=merge_line(queue, self.scene.merger, {}))
        GreenHead(
            day=self.day,
            lines=LineSelection(day=self.day, queue=queue),
            runner=self.runner,
            baselines=baselines or self.baselines(),
            progress=progress,
            on_stage=on_stage,
        ).find()
        return progress

    def head(self, *branches: str) -> Candidate:
        """Merge branches named as ``t7`` onto the release."""
        tickets = self.scene.tickets(**{branch: int(branch[1:]) for branch in branches})
        candidate = self.scene.merger.combine(tickets.values())
        assert isinstance(candidate, Candidate), candidate
        return candidate

    def question(self, candidate: Candidate, gate: Gate = UNIT, **words: object) -> Question:
        return Question(gate=gate, candidate=candidate, why="to see", purpose=Purpose.HEAD, **words)  # type: ignore[arg-type]

    def baselines(self, **words: object) -> Baselines:
        return Baselines(day=self.day, runner=self.runner, **words)  # type: ignore[arg-type]

    def tested_files(self) -> list[list[str]]:
        """Return the files of each gate that ran, in the order of the probes."""
        return [re.findall(r"\S+\.test", probe.steps[-1].command) for probe in self.engine.probes]
