"""The configuration file: its keys with their defaults and meanings, and the checks that name a mistake's line.

The dataclasses are the only source: the loader checks against them, and the JSON Schema for editors
(``integration.schema.json``, see :mod:`sessions.settings.schema`) is generated from them.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from dataclasses import MISSING, dataclass, fields, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from sessions.engines.registry import engine_choices
from sessions.settings.cooking_settings import CookingSettings
from sessions.settings.hint_settings import HintLabels
from sessions.settings.keys import key as _key
from sessions.settings.line_settings import ReleaseLine
from sessions.settings.ref_names import branch_fault
from sessions.settings.ticket_settings import Tracker, tracker_faults, with_prefixes
from sessions.terminal.durations import parse_duration
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import prefix_of
from sessions.tickets.trackers import TRACKERS

__all__ = [
    "Build",
    "Config",
    "CookingSettings",
    "EngineSettings",
    "Gate",
    "Project",
    "ReleaseLine",
    "Tracker",
    "load_config",
    "registered_values",
]

# As registries demand: https://docs.docker.com/reference/cli/docker/image/tag/
_REPOSITORY = r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"

# A size as Docker reads it, in powers of 1024.
_SIZE = r"[1-9]\d*([bkmgt]b?)?"


# How messages call the plain types of TOML.
_PLAIN = {str: "text", int: "a whole number", bool: "true or false"}


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
        "At most so many percent of the seconds of the gate's other probes of the day go to its soak, or ten minutes.",
        25,
    )

    @property
    def reports(self) -> tuple[str, ...]:
        """The globs of the report files to collect."""
        return (self.results,) if self.results else ()


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
        known = _hint(name, [line.name for line in self.lines]) if self.lines else ", which has no [[lines]]"
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
        raise UsageError(f"There is no gate {name!r} in the configuration{_hint(name, [g.name for g in self.gates])}")


def registered_values(kind: type, key: str) -> tuple[str, ...]:
    """Return the permitted values of a key of the table ``kind``, if a registry lists them; else an empty tuple."""
    if (kind, key) == (EngineSettings, "kind"):
        return engine_choices()
    return tuple(TRACKERS) if (kind, key) == (Tracker, "tracker") else ()


def load_config(path: Path) -> Config:
    """Read and check the configuration in ``path``.

    Raises :class:`UsageError` for any mistake, with the file, line, key, and the nearest valid name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise UsageError(
            f"There is no configuration {path}. Type `nox -s init` to write one, or name yours with --config FILE."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
    reader = _Reader(path, text)
    config: Config = reader.table(Config, raw, "")
    config = replace(
        config, tickets=with_prefixes(config.tickets, {name: kind.prefix for name, kind in TRACKERS.items()})
    )
    reader.check_meaning(config)
    return config


@dataclass(frozen=True)
class _Reader:
    """Convert TOML tables into the dataclasses above; a mistake is reported with its line."""

    path: Path
    text: str

    def table(self, kind: type, raw: dict[str, Any], where: str) -> Any:
        known = {each.name: each for each in fields(kind)}
        hints = typing.get_type_hints(kind)
        for key in raw:
            if key not in known:
                self.refuse(where, key, f"unknown key{_hint(key, list(known))}")
        for name, each in known.items():
            if name not in raw and each.default is MISSING:
                self.refuse(where, name, "this key is missing")
        for key, value in raw.items():
            if choices := registered_values(kind, key):
                self.check_choice(value, choices, where, key)
        return kind(**{key: self.value(hints[key], value, where, key) for key, value in raw.items()})

    def value(self, hint: Any, value: Any, where: str, key: str) -> Any:
        inside = f"{where}.{key}" if where else key
        if typing.get_origin(hint) is tuple:
            item = typing.get_args(hint)[0]
            if hint == tuple[Tracker, ...] and isinstance(value, dict):
                return (self.value(item, value, where, key),)
            if not isinstance(value, list):
                self.refuse(where, key, f"must be a list, not {value!r}")
            return tuple(self.value(item, each, where, f"{key}[{n}]") for n, each in enumerate(value))
        if typing.get_origin(hint) is Literal:
            self.check_choice(value, typing.get_args(hint), where, key)
            return value
        if hint in _PLAIN:
            if type(value) is not hint:
                self.refuse(where, key, f"must be {_PLAIN[hint]}, not {value!r}")
            return value
        if not isinstance(value, dict):
            self.refuse(where, key, f"must be a table, not {value!r}")
        return self.table(hint, value, inside)

    def check_choice(self, value: object, choices: tuple[str, ...], where: str, key: str) -> None:
        if value not in choices:
            names = [str(each) for each in choices]
            self.refuse(where, key, f"must be one of {', '.join(names)}, not {value!r}{_hint(value, names)}")

    def check_meaning(self, config: Config) -> None:
        if config.version != 1:
            self.refuse("", "version", f"is {config.version}, and this Integrand reads version 1")
        if not config.gates:
            self.refuse("", "gates", "at least one gate is needed")
        self.check_project(config.project)
        for place, key, why in tracker_faults(config.tickets, {name: kind.tokens for name, kind in TRACKERS.items()}):
            self.refuse(f"tickets[{place}]" if len(config.tickets) > 1 else "tickets", key, why)
        self.check_engine(config.engine)
        names = [gate.name for gate in config.gates]
        for number, gate in enumerate(config.gates):
            self.check_gate(f"gates[{number}]", gate, names)
        for number, line in enumerate(config.lines):
            self.check_line(f"lines[{number}]", config.of_line(line.name), [each.name for each in config.lines], line)
        self.check_duration("build", config.build.timeout)
        self.check_size("build", "keep", config.build.keep)
        for key in ("ripe_after", "stalled_after"):
            if getattr(config.cooking, key) < 1:
                self.refuse("cooking", key, "must be 1 or more")

    def check_line(self, where: str, config: Config, names: list[str], line: ReleaseLine) -> None:
        self.check_name(where, line.name, names, "line")
        self.check_project(config.project, where)

    def check_name(self, where: str, name: str, names: list[str], what: str) -> None:
        if names.count(name) > 1 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            self.refuse(where, "name", f"{name!r} must be a plain word, and no other {what} may have the same name")

    def check_project(self, project: Project, where: str = "project") -> None:
        for marker in re.findall(r"\{(\w*)\}", project.branch):
            if marker not in ("release", "date"):
                self.refuse(where, "branch", f"{{{marker}}} is not known: use {{release}} and {{date}}")
        filled = project.branch.replace("{release}", "1.0").replace("{date}", "2026-01-31")
        if why := branch_fault(filled):
            self.refuse(where, "branch", f"git refuses the branch name {filled!r}: it {why}")
        if not re.fullmatch(r"[^<>\n\0]+ <[^<>\n\0]*>", project.committer):
            self.refuse("project", "committer", "must have the form `Name <address>`")
        if project.release in ("", "branch:"):
            self.refuse(where, "release", "must be `latest`, a tag, or a branch such as `branch:main`")
        try:
            re.compile(project.tags if "(?P<version>" in project.tags else "")
        except re.error as error:
            self.refuse(where, "tags", f"is not a regular expression: {error}")

    def check_engine(self, engine: EngineSettings) -> None:
        for marker in re.findall(r"\{(\w*)\}", engine.baseline):
            if marker not in ("release", "commit", "branch"):
                self.refuse("engine", "baseline", f"{{{marker}}} is not known: use {{release}}, {{commit}}, {{branch}}")
        if engine.image and not re.fullmatch(_REPOSITORY, engine.image):
            self.refuse("engine", "image", "must be a repository in lower case and without a tag: host/you/project")
        for key in ("memory", "disk", "output", "artifacts"):
            if key != "memory" or engine.memory:
                self.check_size("engine", key, getattr(engine, key))
        if engine.processes < 1:
            self.refuse("engine", "processes", "must be 1 or more")
        if engine.keep_days < 1:
            self.refuse("engine", "keep_days", "must be 1 or more")
        if engine.packages_until and not re.fullmatch(r"\d{4}-\d\d-\d\d", engine.packages_until):
            self.refuse("engine", "packages_until", "must be a day such as 2026-01-31")
        self.check_cluster(engine)

    def check_cluster(self, engine: EngineSettings) -> None:
        if engine.workers == "dask" and not engine.scheduler:
            self.refuse("engine", "scheduler", 'workers = "dask" needs its address, such as tcp://host:8786')
        if engine.scheduler and not re.fullmatch(r"(tcp|tls|ws|wss)://\S+:\d+", engine.scheduler):
            self.refuse("engine", "scheduler", "must be an address such as tcp://host:8786 or tls://host:8786")

    def check_gate(self, where: str, gate: Gate, names: list[str]) -> None:
        self.check_name(where, gate.name, names, "gate")
        self.check_duration(where, gate.timeout)
        if gate.format == "latex" and not gate.artifacts:
            self.refuse(where, "artifacts", "format latex reads PDFs: name them here, such as build/**/*.pdf")
        if gate.format == "latex" and gate.files:
            self.refuse(where, "files", "format latex reads whole documents, not single files: remove this key")
        if gate.soak != "off" and not (gate.files and "{files}" in gate.run):
            self.refuse(
                where, "soak", "only single files can run often: name them in `files`, and put {files} in `run`"
            )
        if gate.soak_share < 1:
            self.refuse(where, "soak_share", "must be 1 or more")

    def check_size(self, where: str, key: str, size: str) -> None:
        if not re.fullmatch(_SIZE, size, re.IGNORECASE):
            self.refuse(where, key, f"{size!r} is not a size: write a number and a unit, such as 500m or 4g")

    def check_duration(self, where: str, text: str) -> None:
        try:
            parse_duration(text)
        except ValueError as error:
            self.refuse(where, "timeout", str(error))

    def refuse(self, where: str, key: str, why: str) -> typing.NoReturn:
        name = f"{where}.{key}" if where else key
        line = _line_of(self.text, where, re.sub(r"\[\d+\]$", "", key))
        raise UsageError(f"{self.path}{f', line {line}' if line else ''}: {name}: {why}.")


def _line_of(text: str, where: str, key: str) -> int:
    """Return the line of ``key`` in the table ``where``, or the line of the table, or 0."""
    table, seen, header = "", {"gates": -1}, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]", line):
            table = found[1]
            if line.strip().startswith("[["):
                seen[table] = seen.get(table, -1) + 1
                table = f"{table}[{seen[table]}]"
            header = number if table == where else header
            if not where and table == key:
                return number
        elif table == where and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return header


def _hint(typed: object, names: list[str]) -> str:
    near = difflib.get_close_matches(str(typed), names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"
