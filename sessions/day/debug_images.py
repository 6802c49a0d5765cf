"""Images for debugging: one of the head, and for each ticket at fault one that shows what it breaks."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.question import Question
from sessions.engines import ignore
from sessions.engines.image_names import LABEL, PROBE_FOLDER, legal_name, legal_tag
from sessions.engines.images import Inspection
from sessions.engines.probe import Image
from sessions.ledger.record import Purpose, Record, State
from sessions.ledger.record_file import record_data
from sessions.source.evidence_bundle import BUNDLE, write_bundle
from sessions.source.shallow import copy_since
from sessions.terminal.ticket_numbers import file_name


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one ticket breaks in one gate, and the candidate that shows it; ``files`` hold the failing tests."""

    number: int
    gate: str
    commit: str
    tree: str
    files: tuple[str, ...]
    is_build: bool = False


def evidence_of(record: Record) -> tuple[Evidence, ...]:
    """Return the evidence in a record, in its order; a candidate that could not be merged again has none."""
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


def evidence_commits(record: Record) -> list[str]:
    """Return the commits that show what tickets break."""
    return [evidence.commit for evidence in evidence_of(record)]


def bundle_evidence(day: Day, record: Record) -> None:
    """Write the commits that show failures as a git bundle beside the record; raises :class:`SourceError`."""
    write_bundle(day.mirror.repository, evidence_commits(record), day.release.commit, day.folder / BUNDLE)


# Writes the files to add to an image into a folder, and returns the absolute path in the image for each.
Fill = Callable[[Path], Mapping[str, Path]]


@dataclass(frozen=True)
class DebugImages:
    """The images of a day, each described from its record alone, so that any later call can make it."""

    day: Day
    runner: ProbeRunner

    def head(self, record: Record) -> Inspection:
        """Describe the head: built, with documents, test results and the record; for a red day, named ``…-failed``."""
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
        """Describe a candidate in which a ticket breaks something: running its image shows the failure."""
        command, release = self.command(shown), self.day.release.tag
        return self._inspection(
            commit=shown.commit,
            tree=shown.tree,
            branch=f"evidence-{file_name(shown.number)}",
            labels={"ticket": str(shown.number), "gate": shown.gate},
            more=command,
            name=lambda inputs: legal_tag(f"{release[:60]}-{file_name(shown.number)}-{shown.gate[:40]}-{inputs[:8]}"),
            command=("sh", "-c", command),
            built=not shown.is_build,
        )

    def command(self, shown: Evidence) -> str:
        """Return the command that runs exactly the failing tests in the image of ``shown``."""
        if shown.is_build:
            return self.day.config.build.run
        return self.runner.builder.command(self.day.config.gate(shown.gate), shown.files or None, shown.tree)

    def make(self, inspection: Inspection) -> Image | None:
        """Return the image, made if it is not here; ``None`` if the engine makes no images, or it does not build."""
        images = self.runner.engine.images
        return images.make(inspection, ignore) if images else None

    def tidy(self, needed: Sequence[Inspection]) -> None:
        """Remove the builds of candidates that nobody needs again, and images of old days.

        Those of the base, the head and candidates that show a failure stay, whenever they were made.
        """
        if (images := self.runner.engine.images) is None:
            return
        builds = {self.runner.builder.candidate(self.day.base.tree).candidate}
        builds |= {inspection.candidate.candidate for inspection in needed}
        names = {inspection.name for inspection in needed}
        days = self.day.options.date.toordinal() - self.day.config.engine.keep_days
        before = dt.date.fromordinal(max(1, days)).isoformat()
        if gone := images.prune(keep=frozenset(builds | names), before=before):
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
        candidate = self.runner.builder.candidate(tree, built=built)
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
        """Return the record, the report, and each gate's log, results and documents; these also at their own paths."""
        names = ("run.json", "report.md", "report.html", "junit")
        found = {f"{PROBE_FOLDER}/{name}": self.day.folder / name for name in names}
        head = replace(self.day.base, commit=record.head, tree=record.tree)
        for gate in self.day.config.gates:
            probe_result = self.runner.cache.find(Question(gate=gate, candidate=head, why="", purpose=Purpose.HEAD))
            if probe_result is None:
                continue
            results = scratch / f"{gate.name}.json"
            results.write_text(json.dumps([str(failure.test) for failure in probe_result.results.failures]))
            found[f"{PROBE_FOLDER}/gates/{gate.name}.json"] = results
            log = self.day.state / probe_result.log
            if log.is_file():
                found[f"{PROBE_FOLDER}/gates/{gate.name}.log"] = log
            made = self.runner.cache.artifacts(record.tree, gate)
            for document in sorted(path for path in made.rglob("*") if path.is_file()):
                inside = document.relative_to(made).as_posix()
                found[f"{self.day.config.engine.source}/{inside}"] = document
                found[f"{PROBE_FOLDER}/documents/{gate.name}/{inside}"] = document
        return found
