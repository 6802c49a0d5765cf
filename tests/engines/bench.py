"""A bench to put an engine on: a toy project, its image and a way to run commands on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions.engines.images import ImageSource
from sessions.engines.probe import Image, Outcome, Probe, Step
from sessions.settings.configuration import Config, EngineSettings, Gate, Project, Tracker
from sessions.source.overlay_files import OverlayFile

if TYPE_CHECKING:
    from pathlib import Path

    from sessions.engines import Engine

RELEASED = 1_577_880_000  # 1 January 2020, noon: when the toy's files were written
FILES = {
    "a.txt": "a\n",
    "run.sh": "echo I run\n",
    "docs/one.txt": "one\n",
    "docs/two.txt": "two\n",
    "notes/one.txt": "a note\n",
}


def write_toy(folder: Path) -> None:
    """Write the toy's files, and `now`, a link to `notes`."""
    for name, text in FILES.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if name.endswith(".sh") else 0o644)
        os.utime(place, (RELEASED, RELEASED))
    (folder / "now").symlink_to("notes")


RELEASE = ImageSource(tag="1.0", commit="commit", tree="tree", export=write_toy)


def config(**engine: object) -> Config:
    """The toy's configuration."""
    return Config(
        version=1,
        project=Project(name="Toy+", repository="."),
        tickets=(Tracker(tracker="file", url="tickets.toml"),),
        engine=EngineSettings(**engine),  # type: ignore[arg-type]
        gates=(Gate(name="test", run="true"),),
    )


def put(path: str, content: str | bytes, mode: int = 0o100644) -> OverlayFile:
    """An overlay's file with a content."""
    return OverlayFile(path=path, mode=mode, content=content.encode() if isinstance(content, str) else content)


@dataclass
class Bench:
    """An engine, an image, and all that its probes said."""

    engine: Engine
    image: Image
    heard: list[str] = field(default_factory=list)

    def run(
        self,
        *commands: str,
        overlay: tuple[OverlayFile, ...] = (),
        artifacts: tuple[str, ...] = (),
        reports: tuple[str, ...] = (),
        outdated: tuple[str, ...] = (),
        timeout: float = 60,
        **environment: str,
    ) -> Outcome:
        """Run commands, each a step of a probe, of which only the last is given little time."""
        steps = [
            Step(name=f"step{number}", command=command, timeout=timeout if number == len(commands) else 60)
            for number, command in enumerate(commands, start=1)
        ]
        probe = Probe(
            image=self.image,
            overlay=overlay,
            steps=tuple(steps),
            environment=environment,
            artifacts=artifacts,
            reports=reports,
            outdated=outdated,
        )
        return self.engine.run(probe, self.heard.append)

    def says(self, command: str, *overlay: OverlayFile) -> str:
        """What one command prints, which must end well."""
        (step,) = self.run(command, overlay=overlay).steps
        assert step.status == 0, step.log
        return step.log
