"""The configuration: its keys with their defaults and meanings.

These dataclasses are the only source: :mod:`sessions.settings.configuration_file` checks the file against them, and the
JSON Schema for editors (``integration.schema.json``, see :mod:`sessions.settings.schema`) is generated from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from sessions.settings.cooking_settings import CookingSettings
from sessions.settings.hint_settings import HintLabels
from sessions.settings.keys import key as _key
from sessions.settings.line_settings import ReleaseLine
from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import UsageError
from sessions.terminal.phrases import suggest
from sessions.terminal.ticket_numbers import prefix_of

__all__ = [
    "Build",
    "Config",
    "CookingSettings",
    "EngineSettings",
    "Gate",
    "Project",
    "ReleaseLine",
    "Tracker",
]


@dataclass(frozen=True, kw_only=True)
class Project:
    """``[project]``: the repository, its releases and the integration branch."""

    name: str = _key("Short name, used in image names and reports.")
    repository: str = _key("URL or path from which git fetches; `sample:` is the bundled sample.")
    release: str = _key("`latest` (newest tag by version), a tag, or `branch:NAME` (the tip of a branch).", "latest")
    tags: str = _key("Which tags are releases: a glob, or a regular expression with `(?P<version>…)`.", "")
    branch: str = _key("Name of the integration branch.", "{release}+integration-{date}")
    submodules: bool = _key("Whether submodules are fetched and tested; otherwise each is an empty folder.", False)
    report: str = _key("Web address of the report for comments on tickets; if empty, the run in GitHub Actions.", "")
    committer: str = _key("Committer of the merges, as `Name <address>`.", "Integrand <integrand@localhost>")


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """``[engine]``: where probes run."""

    kind: str = _key("`auto` uses Docker if a daemon answers, else the local engine; see security.md.", "auto")
    baseline: str = _key("The release's image; `{release}`, `{commit}` and `{branch}` are filled in.", "")
    recipe: str = _key("Path of the project's own Dockerfile, to build the baseline if it cannot be pulled.", "")
    target: str = _key("Stage of `recipe` to build; empty: the last one.", "")
    dockerfile: str = _key(
        "A Dockerfile that adds layers to the baseline (`ARG BASELINE`); its context is the release's source.", ""
    )
    image: str = _key("Repository to which `--publish` pushes images, such as `ghcr.io/you/project/integration`.", "")
    keep_days: int = _key(
        "Number of days that images, results, logs, artifacts and reports are kept after a day last needed them.", 14
    )
    builder: Literal["auto", "buildkit", "classic"] = _key("`auto` uses BuildKit if the docker client has it.", "auto")
    source: str = _key("Folder of the source in the image.", "/source")
    memory: str = _key("Memory limit of a probe, such as `4g`; empty: three quarters of the machine's.", "")
    processes: int = _key("Maximum number of processes of a probe.", 4096)
    disk: str = _key("Maximum disk space that a probe may fill, such as `20g`.", "8g")
    output: str = _key("Maximum output of each command of a probe.", "24m")
    artifacts: str = _key("Maximum size of all artifacts of a gate.", "100m")
    user: str = _key("User and group of commands in the container, as `1000:1000`; empty: the image's own.", "")
    runtime: str = _key("Container runtime, such as `runsc`; empty: the daemon's default.", "")
    packages: tuple[str, ...] = _key("Python packages that pip installs once for the local engine.", ())
    packages_until: str = _key(
        "Day such as `2026-01-31`: uv installs no version of `packages`, or of what they need, that was uploaded "
        "later. Without uv on the PATH, pip installs the newest.",
        "",
    )
    workers: Literal["here", "dask"] = _key(
        "Where probes run: on this machine, or on the workers of a Dask cluster.", "here"
    )
    scheduler: str = _key("Address of the Dask scheduler, such as `tcp://host:8786`.", "")


@dataclass(frozen=True, kw_only=True)
class Build:
    """``[build]``: the command that prepares a merged source for the tests."""

    run: str = _key("Shell command that runs in the source before each gate.", "")
    incremental: bool = _key(
        "Whether `run` builds only what changed: a search then starts from the nearest kept build; see builds.md.",
        False,
    )
    cache: tuple[str, ...] = _key(
        "Variables that name the folder of a compiler's cache, such as `CCACHE_DIR` or `GOCACHE`: the release's build "
        "fills it, and what a candidate writes there is lost; see builds.md.",
        (),
    )
    keep: str = _key("Maximum disk space of builds that are kept for later probes, such as `20g`.", "20g")
    timeout: str = _key("Maximum duration of the build.", "4h")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """``[[gates]]``: a check that a candidate must pass."""

    name: str = _key("Name of the gate, such as `doctest`.")
    run: str = _key("Shell command; `{files}`, `{results}`, `{jobs}` and `{seed}` are filled in.")
    format: Literal["sage", "junit", "tap", "go", "latex", "exit"] = _key(
        "Format in which the results are read.", "exit"
    )
    results: str = _key("Glob of the report files that `run` writes, such as `target/surefire-reports/*.xml`.", "")
    files: tuple[str, ...] = _key("Globs of the test files; they fill `{files}`.", ())
    artifacts: tuple[str, ...] = _key("Globs of files to keep as artifacts, such as PDFs.", ())
    timeout: str = _key("Maximum duration of one run.", "2h")
    soak: Literal["off", "tell", "refuse"] = _key(
        "Whether the test files that tickets add or change run often, to find flaky tests; `refuse` leaves tickets out "
        "that bring one. See soak.md.",
        "off",
    )
    soak_share: int = _key(
        "At most so many percent of the seconds of the gate's other probes of the day go to its soak, and as many "
        "to `slower`; or ten minutes.",
        25,
    )
    slower: float = _key(
        "How many times as long a test file may take on the head as on the release before it is told, with the ticket "
        "that makes it so, such as 1.3; 0 does not measure. See slowness.md.",
        0.0,
    )

    @property
    def reports(self) -> tuple[str, ...]:
        """The globs of the report files to collect."""
        return (self.results,) if self.results else ()

    @property
    def outdated(self) -> tuple[str, ...]:
        """The globs of documents of an earlier build, which say nothing about a run that does not make them."""
        return tuple(glob for glob in self.artifacts if self.format == "latex" and glob.endswith((".pdf", ".log")))


@dataclass(frozen=True, kw_only=True)
class Config:
    """``integration.toml`` as a whole."""

    version: int = _key("Version of this format: 1.")
    project: Project = _key("The repository, its releases and the integration branch.")
    tickets: tuple[Tracker, ...] = _key("The tracker, or several as `[[tickets]]`, and which of its tickets are ready.")
    engine: EngineSettings = _key("Where probes run.", EngineSettings())
    build: Build = _key("The command that prepares a merged source for the tests.", Build())
    gates: tuple[Gate, ...] = _key("The checks that a candidate must pass, in this order.")
    cooking: CookingSettings = _key("When a ticket is ripe or stalled, and the release notes.", CookingSettings())
    hints: HintLabels = _key("Labels that keep a ticket out, let it in, or make it urgent.", HintLabels())
    lines: tuple[ReleaseLine, ...] = _key("The release lines that one call integrates, in this order.", ())

    @property
    def order(self) -> Literal["number", "listed"]:
        """The order of tickets of equal priority: the first table has it for all trackers."""
        return self.tickets[0].order

    @property
    def select(self) -> Literal["first", "best"]:
        """How tickets are chosen: the first table says so for all trackers."""
        return self.tickets[0].select

    @property
    def priorities(self) -> tuple[str, ...]:
        """The priorities of all trackers, highest first; labels of the same rank are one priority."""
        levels = zip_longest(*(tracker.priorities for tracker in self.tickets))
        return tuple(" / ".join(dict.fromkeys(filter(None, level))) for level in levels)

    def tracker_of(self, number: int) -> Tracker:
        """Return the table of the tracker that a ticket is in."""
        prefix = prefix_of(number)
        return next((tracker for tracker in self.tickets if tracker.prefix == prefix), self.tickets[0])

    def line(self, name: str) -> ReleaseLine:
        """Return the release line of that name. Raises :class:`UsageError` if there is none."""
        for line in self.lines:
            if line.name == name:
                return line
        known = suggest(name, [line.name for line in self.lines]) if self.lines else ", which has no [[lines]]"
        raise UsageError(f"There is no line {name!r} in the configuration{known}")

    def of_line(self, name: str) -> Config:
        """Return the configuration of one release line. Raises :class:`UsageError` if there is none of that name."""
        line = self.line(name)
        ours = {each: value for each in ("release", "tags", "branch") if (value := getattr(line, each))}
        theirs = {each: value for each in ("milestone", "target", "ready") if (value := getattr(line, each))}
        return replace(
            self, project=replace(self.project, **ours), tickets=tuple(replace(each, **theirs) for each in self.tickets)
        )

    def gate(self, name: str) -> Gate:
        """Return the gate of that name. Raises :class:`UsageError` if there is none."""
        for gate in self.gates:
            if gate.name == name:
                return gate
        raise UsageError(f"There is no gate {name!r} in the configuration{suggest(name, [g.name for g in self.gates])}")
