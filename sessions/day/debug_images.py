"""What people can look into: an image of the head, and of each ticket at fault one that shows what it breaks."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner, Question
from sessions.engines.docker.container import ROOM
from sessions.engines.docker.daemon import LABEL, legal_name, legal_tag
from sessions.engines.probe import Image, Inspection
from sessions.ledger.record import Purpose, Record, State
from sessions.ledger.record_file import record_data
from sessions.source.shallow import copy_since


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one ticket breaks in one gate, as one candidate shows it; ``files`` are those of the failing tests."""

    number: int
    gate: str
    commit: str
    tree: str
    files: tuple[str, ...]
    is_build: bool = False


def evidence_of(record: Record) -> tuple[Evidence, ...]:
    """All that a record has to show, in its order; what could not be merged again cannot be shown."""
    found: dict[tuple[int, str, str, str, bool], list[str]] = defaultdict(list)
    for ticket in record.tickets:
        for broke in ticket.broke:
            if broke.tree:
                key = (ticket.number, broke.gate, broke.commit, broke.tree, broke.is_build)
                found[key].append(broke.file)
    return tuple(
        Evidence(
            number=number, gate=gate, commit=commit, tree=tree, files=tuple(sorted({*files} - {""})), is_build=is_build
        )
        for (number, gate, commit, tree, is_build), files in found.items()
    )


# Writes what goes into an image into a folder, and tells to which absolute path each of it goes.
Fill = Callable[[Path], Mapping[str, Path]]


@dataclass(frozen=True)
class DebugImages:
    """The images of a day, each described from its record alone, so that any later call can make it, too."""

    day: Day
    runner: ProbeRunner

    def head(self, record: Record) -> Inspection:
        """The head: built, with its documents, the tests' results and the record; of a red day, as ``…-failed``."""
        tag = legal_tag(record.branch)
        if record.state is State.RED:
            tag = f"{tag[:121]}-failed"
        verdicts = [(ticket.number, ticket.verdict) for ticket in record.tickets]
        gates = {name: {**gate, "seconds": 0} for name, gate in record_data(record)["gates"].items()}
        return self._inspection(
            commit=record.head,
            tree=record.tree,
            branch=record.branch,
            labels={"head": record.head, "tickets": ",".join(map(str, record.order))},
            more=json.dumps([verdicts, gates]),
            name=lambda _inputs: tag,
            fill=lambda scratch: self._findings(record, scratch),
        )

    def evidence(self, shown: Evidence) -> Inspection:
        """The candidate in which a ticket breaks something: to run the image is to see it fail."""
        command, release = self.command(shown), self.day.release.tag
        return self._inspection(
            commit=shown.commit,
            tree=shown.tree,
            branch=f"evidence-{shown.number}",
            labels={"ticket": str(shown.number), "gate": shown.gate},
            more=command,
            name=lambda inputs: legal_tag(f"{release[:60]}-{shown.number}-{shown.gate[:40]}-{inputs[:8]}"),
            command=("sh", "-c", command),
            built=not shown.is_build,
        )

    def command(self, shown: Evidence) -> str:
        """What runs exactly the failing tests in the image of ``shown``."""
        if shown.is_build:
            return self.day.config.build.run
        return self.runner.command(self.day.config.gate(shown.gate), shown.files or None, shown.tree)

    def make(self, wanted: Inspection) -> Image | None:
        """The image, made where it is not here yet; ``None`` where the engine makes none."""
        return self.runner.engine.inspection(wanted, lambda _line: None)

    def tidy(self, record: Record) -> None:
        """Remove the builds of candidates that nobody will ask for again, and images of days long gone.

        Those of the head and of what shows a failure stay, whenever they were made.
        """
        trees = {self.day.base.tree, record.tree, *(shown.tree for shown in evidence_of(record))}
        builds = {self.runner.candidate(tree).candidate for tree in trees}
        names = {self.head(record).name, *(self.evidence(shown).name for shown in evidence_of(record))}
        before = self.day.options.date - dt.timedelta(days=self.day.config.engine.keep_days)
        if gone := self.runner.engine.prune(keep=frozenset(builds | names), before=before.isoformat()):
            self.day.console.detail(f"{gone} image{'s' * (gone != 1)} that nothing needs any more removed")

    def _inspection(
        self,
        *,
        commit: str,
        tree: str,
        branch: str,
        labels: Mapping[str, str],
        more: str,
        name: Callable[[str], str],
        fill: Fill = lambda _scratch: {},
        command: tuple[str, ...] | None = None,
        built: bool = True,
    ) -> Inspection:
        day = self.day
        candidate = self.runner.candidate(tree, built=built)
        inputs = hashlib.sha256(f"{candidate.candidate}\0{commit}\0{branch}\0{more}".encode()).hexdigest()[:16]
        repository = day.config.engine.image or f"integrand/{legal_name(day.config.project.name)}"
        source = day.config.engine.source

        def put(scratch: Path) -> Mapping[str, Path]:
            copy_since(day.mirror.repository, day.release, commit, branch, scratch / "git")
            return {f"{source}/.git": scratch / "git", **fill(scratch)}

        own = {"release": day.release.tag, "date": day.options.date.isoformat(), **labels}
        return Inspection(
            candidate=candidate,
            name=f"{repository}:{name(inputs)}",
            inputs=inputs,
            labels={
                "org.opencontainers.image.created": f"{day.options.date}T00:00:00Z",
                "org.opencontainers.image.title": day.config.project.name,
                "org.opencontainers.image.version": branch,
                "org.opencontainers.image.revision": commit,
                **{f"{LABEL}.{key}": value for key, value in own.items()},
            },
            without=(".git",),
            fill=put,
            command=command,
        )

    def _findings(self, record: Record, scratch: Path) -> Mapping[str, Path]:
        """The record and its report, each gate's log and results, and its documents: also where the gate left them."""
        found = {f"{ROOM}/{name}": self.day.folder / name for name in ("run.json", "report.md", "report.html", "junit")}
        head = replace(self.day.base, commit=record.head, tree=record.tree)
        for gate in self.day.config.gates:
            probe_result = self.runner.recall(Question(gate=gate, candidate=head, why="", purpose=Purpose.HEAD))
            if probe_result is None:
                continue
            results = scratch / f"{gate.name}.json"
            results.write_text(json.dumps([str(failure.test) for failure in probe_result.results.failures]))
            found[f"{ROOM}/gates/{gate.name}.json"] = results
            log = self.day.state / probe_result.log
            if log.is_file():
                found[f"{ROOM}/gates/{gate.name}.log"] = log
            made = self.runner.artifacts(record.tree, gate)
            for document in sorted(path for path in made.rglob("*") if path.is_file()):
                inside = document.relative_to(made).as_posix()
                found[f"{self.day.config.engine.source}/{inside}"] = document
                found[f"{ROOM}/documents/{gate.name}/{inside}"] = document
        return found
