"""A tiny project for one real test runner, with a known failure on its release and a ticket for each kind of change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from sessions.gates.results import GateOutput, TestId

Format = Literal["junit", "tap", "go"]
Ways = Literal["report", "log", "reports"]

GOOD, OTHER = "@GOOD@", "@OTHER@"


class Change(StrEnum):
    """What a ticket does to the release."""

    NONE = "release"
    HARMLESS = "harmless"
    BREAKS = "breaks one test"
    DIES = "breaks the runner midway"
    DELETES = "deletes a test"
    SKIPS = "skips a test"
    RENAMES = "renames a test file"


@dataclass(frozen=True, kw_only=True)
class Other:
    """The second file's first test, as it is written in each state."""

    passes: str
    dies: str
    skips: str


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A project with two test files.

    The ``first`` file holds a test that passes (``@GOOD@`` is what it asserts: ``passes`` or ``fails``) and one that
    fails; the ``second`` one holds ``@OTHER@`` and a last test that passes. ``renamed`` is what the second file is
    called after its renaming. ``run`` is a shell command in which ``{results}``, ``{python}``, ``{modules}`` (npm's
    packages) and ``{cache}`` (a folder that all variants share) stand for paths.

    ``good``, ``bad``, ``other``, ``last`` and ``moved`` (the other test after the renaming) are the tests' names.
    """

    name: str
    run: str
    first: str
    first_text: str
    second: str
    second_text: str
    renamed: str
    passes: str
    fails: str
    test: Other
    good: TestId
    bad: TestId
    other: TestId
    last: TestId
    moved: TestId
    format: Format = "junit"
    way: Ways = "report"
    reports: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    missing: Callable[[], str] = lambda: ""
    mentions: tuple[str, ...] = ()  # support files that name the second file
    environment: Mapping[str, str] = field(default_factory=dict)
    outlives_a_test: bool = False  # a test that kills its process is a failure of its own
    hides_failures: bool = False  # a failing test may be written as one that passed: then the status tells
    names_no_skips: bool = False  # what is skipped has no name in the report
    changes: tuple[Change, ...] = tuple(Change)

    def __str__(self) -> str:
        return self.name

    def tree(self, change: Change) -> dict[str, str]:
        """All files of the project after ``change``."""
        second = self.renamed if change is Change.RENAMES else self.second
        good = self.fails if change is Change.BREAKS else self.passes
        files = dict(self.files) | {
            self.first: self.first_text.replace(GOOD, good),
            second: self.second_text.replace(OTHER, self._other(change)),
            "README": "changed\n" if change is Change.HARMLESS else "a project\n",
        }
        for path in self.mentions:
            files[path] = files[path].replace(self.second, second)
        return files

    def _other(self, change: Change) -> str:
        match change:
            case Change.DIES:
                return self.test.dies
            case Change.SKIPS:
                return self.test.skips
            case Change.DELETES:
                return ""
            case _:
                return self.test.passes

    def lacking(self) -> str:
        """Why the kit cannot run here, or nothing."""
        absent = [command for command in self.needs if not shutil.which(command)]
        return f"{', '.join(absent)} is not installed" if absent else self.missing()

    def execute(self, change: Change, folder: Path, cache: Path) -> GateOutput:
        """Write the project into ``folder``, run its tests, and gather what they left behind."""
        source = folder / "source"
        write(source, self.tree(change))
        results = folder / "results"
        command = self.command(results, cache)
        own = {key: value.replace("{cache}", str(cache)) for key, value in self.environment.items()}
        environment = {**os.environ, **own, "CI": "", "NO_COLOR": "1"}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=source,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=300,
            start_new_session=True,  # some kill their whole group
        )
        return GateOutput(
            gate="unit",
            status=done.returncode if done.returncode >= 0 else 128 - done.returncode,
            log=done.stdout.decode("utf-8", "replace"),
            command=command,
            results=results.read_bytes() if results.is_file() else None,
            reports={str(p.relative_to(source)): p.read_bytes() for p in source.glob(self.reports or "\0")},
        )

    def command(self, results: Path, cache: Path) -> str:
        """What the shell runs."""
        paths = {"results": results, "python": sys.executable, "cache": cache, "modules": MODULES}
        command = self.run
        for word, path in paths.items():
            command = command.replace(f"{{{word}}}", str(path))
        return command


MODULES = Path(os.environ.get("INTEGRAND_NODE_MODULES", "") or Path.home() / ".cache/integrand/node_modules")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if text.startswith("#!"):
            file.chmod(0o755)


def test_id(text: str) -> TestId:
    """``file::name`` as a test's id."""
    file, _, name = text.partition("::")
    return TestId(file, name)
