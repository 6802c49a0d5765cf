"""The configuration file: its keys, their defaults and meanings, and how a mistake in it is told.

The dataclasses are the one source: the loader checks against them, and the JSON Schema for editors
(``integration.schema.json``, see :mod:`sessions.settings.schema`) is generated from them.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from sessions.settings.ref_names import branch_fault
from sessions.terminal.durations import parse_duration
from sessions.terminal.errors import UsageError

# As registries demand: https://docs.docker.com/reference/cli/docker/image/tag/
_REPOSITORY = r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"

# As Docker reads them, in powers of 1024. Only memory may be left empty.
_SIZE = r"[1-9]\d*([bkmgt]b?)?"


# Plain types of values, and what TOML's users call them.
_PLAIN = {str: "text", int: "a whole number", bool: "true or false"}


def _key(meaning: str, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Project:
    """``[project]``: what is integrated."""

    name: str = _key("Short name, used in image names and reports.")
    repository: str = _key("Where git fetches from: URL or path; `sample:` is the bundled sample.")
    release: str = _key("`latest` (newest tag by version), a tag, or `branch:NAME` (the tip of a branch).", "latest")
    tags: str = _key("Which tags are releases: a glob, or a regular expression with `(?P<version>…)`.", "")
    branch: str = _key("Name of the integration branch.", "{release}+integration-{date}")
    submodules: bool = _key("Fetch submodules and test with their files; otherwise each is an empty folder.", False)
    report: str = _key("Web address of the report, for tickets; in GitHub Actions the run, if empty.", "")
    committer: str = _key("Who signs the merges.", "Integrand <integrand@localhost>")


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """``[tickets]``: where tickets come from, and which of them are ready."""

    tracker: Literal["file", "trac", "github"] = _key("Kind of tracker.", "file")
    url: str = _key("The tracker: a TOML file; `sample:` is the bundled sample's.")
    milestone: str = _key("`current` (from the release), a milestone's name, or empty for any.", "current")
    target: str = _key("The branch that tickets are for (empty: the default branch), or `*` for any.", "")
    ready: tuple[str, ...] = _key("Labels or statuses, one of which a ticket must have.", ())
    never: tuple[str, ...] = _key("Labels or statuses that keep a ticket out.", ())
    priorities: tuple[str, ...] = _key("Labels that give a ticket's priority, highest first.", ())
    require_checks: tuple[str, ...] = _key("Checks that must have passed on a pull request's head.", ())
    at_fault: str = _key("Label or workflow action for a ticket that is at fault; empty: labels stay.", "")
    fixes: tuple[str, ...] = _key("Labels of tickets that may mend a gate which cannot measure the release.", ())
    order: Literal["number", "listed"] = _key("Who comes first of equals: lower number, or listed first.", "number")


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """``[engine]``: where probes run."""

    kind: Literal["auto", "docker", "local"] = _key(
        "`auto` takes Docker where a daemon answers; see security.md.", "auto"
    )
    baseline: str = _key("The release's image; `{release}`, `{commit}` and `{branch}` are filled in.", "")
    recipe: str = _key("The project's own Dockerfile at the release, where the baseline cannot be pulled.", "")
    target: str = _key("The stage of `recipe` to build; empty: the last.", "")
    dockerfile: str = _key("Layers to put on the baseline (ARG BASELINE); its context is the release's source.", "")
    image: str = _key("Repository for what `--publish` pushes, such as `ghcr.io/you/project/integration`.", "")
    keep_days: int = _key(
        "What no day within so many days needed is removed: images, results, logs, artifacts, reports.", 14
    )
    builder: Literal["auto", "buildkit", "classic"] = _key(
        "`auto` takes BuildKit where a docker client has it.", "auto"
    )
    source: str = _key("Where the source lies in the image.", "/source")
    memory: str = _key("Memory limit of a probe, such as `4g`; empty: three quarters of the machine's.", "")
    processes: int = _key("Limit of processes of a probe.", 4096)
    disk: str = _key("How much a probe may write, such as `20g`.", "8g")
    output: str = _key("How much each command of a probe may print.", "24m")
    artifacts: str = _key("How large the artifacts of a gate may be, together.", "100m")
    user: str = _key("Who runs commands in the container, as `1000:1000`; empty: as the image says.", "")
    runtime: str = _key("The container runtime, such as `runsc`; empty: the daemon's default.", "")
    packages: tuple[str, ...] = _key("Python packages for the local engine, installed once by pip.", ())
    workers: Literal["here", "dask"] = _key("Who runs probes: this machine, or the workers of a Dask cluster.", "here")
    scheduler: str = _key("Address of the Dask scheduler, such as `tcp://host:8786`.", "")


@dataclass(frozen=True, kw_only=True)
class Build:
    """``[build]``: what makes a merged source testable."""

    run: str = _key("Shell command, run in the source before each gate.", "")
    timeout: str = _key("How long the build may take.", "4h")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """``[[gates]]``: a check that a candidate must pass."""

    name: str = _key("Name of the gate, such as `doctest`.")
    run: str = _key("Shell command; `{files}`, `{results}`, `{jobs}` and `{seed}` are filled in.")
    format: Literal["sage", "junit", "tap", "go", "latex", "exit"] = _key("How its results are read.", "exit")
    results: str = _key("Glob of the reports that `run` writes itself, such as `target/surefire-reports/*.xml`.", "")
    files: tuple[str, ...] = _key("Globs of the files it tests; they fill `{files}`.", ())
    artifacts: tuple[str, ...] = _key("Globs of files to keep, such as PDFs.", ())
    timeout: str = _key("How long one run may take.", "2h")

    @property
    def reports(self) -> tuple[str, ...]:
        """The globs of the report files to bring out."""
        return (self.results,) if self.results else ()


@dataclass(frozen=True, kw_only=True)
class Config:
    """``integration.toml`` as a whole, and the folder it lies in, from which its paths count."""

    version: int = _key("Version of this format: 1.")
    project: Project = _key("What is integrated.")
    tickets: Tracker = _key("Where tickets come from, and which of them are ready.")
    engine: EngineSettings = _key("Where probes run.", EngineSettings())
    build: Build = _key("What makes a merged source testable.", Build())
    gates: tuple[Gate, ...] = _key("The checks that a candidate must pass, in this order.")

    def gate(self, name: str) -> Gate:
        """The gate of that name. Raises :class:`UsageError` where there is none."""
        for gate in self.gates:
            if gate.name == name:
                return gate
        raise UsageError(f"There is no gate {name!r} in the configuration{_hint(name, [g.name for g in self.gates])}")


def load_config(path: Path) -> Config:
    """The configuration in ``path``.

    Raises :class:`UsageError` with file, line, key and the nearest valid name for whatever is wrong in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise UsageError(f"There is no configuration {path}: write one, or name yours with --config FILE.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
    reader = _Reader(path, text)
    config: Config = reader.table(Config, raw, "")
    reader.check_meaning(config)
    return config


@dataclass(frozen=True)
class _Reader:
    """Turns TOML tables into the dataclasses above, and knows where in the file each key stands."""

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
        return kind(**{key: self.value(hints[key], value, where, key) for key, value in raw.items()})

    def value(self, hint: Any, value: Any, where: str, key: str) -> Any:
        inside = f"{where}.{key}" if where else key
        if typing.get_origin(hint) is tuple:
            item = typing.get_args(hint)[0]
            if not isinstance(value, list):
                self.refuse(where, key, f"must be a list, not {value!r}")
            return tuple(self.value(item, each, where, f"{key}[{n}]") for n, each in enumerate(value))
        if typing.get_origin(hint) is Literal:
            if value not in typing.get_args(hint):
                names = [str(each) for each in typing.get_args(hint)]
                self.refuse(where, key, f"must be one of {', '.join(names)}, not {value!r}{_hint(value, names)}")
            return value
        if hint in _PLAIN:
            if type(value) is not hint:
                self.refuse(where, key, f"must be {_PLAIN[hint]}, not {value!r}")
            return value
        if not isinstance(value, dict):
            self.refuse(where, key, f"must be a table, not {value!r}")
        return self.table(hint, value, inside)

    def check_meaning(self, config: Config) -> None:
        if config.version != 1:
            self.refuse("", "version", f"is {config.version}, and this Integrand reads version 1")
        if not config.gates:
            self.refuse("", "gates", "at least one gate is needed")
        self.check_project(config.project)
        self.check_engine(config.engine)
        names = [gate.name for gate in config.gates]
        for number, gate in enumerate(config.gates):
            self.check_gate(f"gates[{number}]", gate, names)
        self.check_duration("build", config.build.timeout)

    def check_project(self, project: Project) -> None:
        for marker in re.findall(r"\{(\w*)\}", project.branch):
            if marker not in ("release", "date"):
                self.refuse("project", "branch", f"{{{marker}}} is not known: use {{release}} and {{date}}")
        filled = project.branch.replace("{release}", "1.0").replace("{date}", "2026-01-31")
        if why := branch_fault(filled):
            self.refuse("project", "branch", f"git takes no branch of that name, as {filled!r} {why}")
        if not re.fullmatch(r"[^<>\n\0]+ <[^<>\n\0]*>", project.committer):
            self.refuse("project", "committer", "must read as `Name <address>`")
        if project.release in ("", "branch:"):
            self.refuse("project", "release", "must be `latest`, a tag, or a branch such as `branch:main`")
        try:
            re.compile(project.tags if "(?P<version>" in project.tags else "")
        except re.error as error:
            self.refuse("project", "tags", f"is no regular expression: {error}")

    def check_engine(self, engine: EngineSettings) -> None:
        for marker in re.findall(r"\{(\w*)\}", engine.baseline):
            if marker not in ("release", "commit", "branch"):
                self.refuse("engine", "baseline", f"{{{marker}}} is not known: use {{release}}, {{commit}}, {{branch}}")
        if engine.image and not re.fullmatch(_REPOSITORY, engine.image):
            self.refuse("engine", "image", "must be a repository in lower case and without a tag: host/you/project")
        for key in ("memory", "disk", "output", "artifacts"):
            size = getattr(engine, key)
            if not re.fullmatch(_SIZE, size, re.IGNORECASE) and (size or key != "memory"):
                self.refuse("engine", key, f"{size!r} is no size: write a number and a unit, such as 500m or 4g")
        if engine.processes < 1:
            self.refuse("engine", "processes", "must be 1 or more")
        if engine.keep_days < 1:
            self.refuse("engine", "keep_days", "must be 1 or more")
        if engine.workers == "dask" and not engine.scheduler:
            self.refuse("engine", "scheduler", 'workers = "dask" needs its address, such as tcp://host:8786')
        if engine.scheduler and not re.fullmatch(r"(tcp|tls|ws|wss)://\S+:\d+", engine.scheduler):
            self.refuse("engine", "scheduler", "must be an address such as tcp://host:8786 or tls://host:8786")

    def check_gate(self, where: str, gate: Gate, names: list[str]) -> None:
        if names.count(gate.name) > 1 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", gate.name):
            self.refuse(where, "name", f"{gate.name!r} must be a plain word that no other gate has")
        self.check_duration(where, gate.timeout)
        if gate.format == "latex" and not gate.artifacts:
            self.refuse(where, "artifacts", "format latex looks at PDFs: name where they come out, as build/**/*.pdf")
        if gate.format == "latex" and gate.files:
            self.refuse(where, "files", "format latex knows whole documents, not files: leave this key out")

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
    """The line on which ``key`` of the table ``where`` stands, or that table's own line, or 0."""
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
