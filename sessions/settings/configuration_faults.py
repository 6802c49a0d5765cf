"""What may be wrong with a configuration whose keys and types are right: names, sizes, durations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sessions.settings.configuration import Build, Config, EngineSettings, Gate, Project, ReleaseLine
from sessions.settings.ref_names import branch_fault
from sessions.settings.ticket_settings import tracker_faults
from sessions.terminal.durations import parse_duration
from sessions.tickets.trackers import TRACKERS

# As registries demand: https://docs.docker.com/reference/cli/docker/image/tag/
_REPOSITORY = r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"
# A size as Docker reads it, in powers of 1024.
_SIZE = r"[1-9]\d*([bkmgt]b?)?"
# Each probe has these, with another meaning.
_TAKEN_VARIABLES = ("HOME", "PATH", "TMPDIR", "INTEGRAND_RESULTS")


class ConfigurationFault(NamedTuple):
    """A mistake: the table, such as ``gates[1]``, the key in it, and a clause on why."""

    where: str
    key: str
    why: str


def config_faults(config: Config) -> Iterator[ConfigurationFault]:
    """Yield what is wrong with a configuration whose keys and types are right."""
    if config.version != 1:
        yield ConfigurationFault("", "version", f"is {config.version}, and this Integrand reads version 1")
    if not config.gates:
        yield ConfigurationFault("", "gates", "at least one gate is needed")
    yield from _project_faults(config.project)
    for place, key, why in tracker_faults(config.tickets, {name: kind.tokens for name, kind in TRACKERS.items()}):
        yield ConfigurationFault(f"tickets[{place}]" if len(config.tickets) > 1 else "tickets", key, why)
    yield from _engine_faults(config.engine)
    names = [gate.name for gate in config.gates]
    for number, gate in enumerate(config.gates):
        yield from _gate_faults(f"gates[{number}]", gate, names)
    for number, line in enumerate(config.lines):
        yield from _line_faults(
            f"lines[{number}]", config.of_line(line.name), [each.name for each in config.lines], line
        )
    yield from _build_faults(config.build)
    yield from _size_faults(config)
    for key in ("ripe_after", "stalled_after"):
        if getattr(config.cooking, key) < 1:
            yield ConfigurationFault("cooking", key, "must be 1 or more")


def _build_faults(build: Build) -> Iterator[ConfigurationFault]:
    yield from _duration_faults("build", build.timeout)
    for name in build.cache:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or name in _TAKEN_VARIABLES:
            yield ConfigurationFault(
                "build", "cache", f"{name!r} is not a variable that names a compiler's cache, such as CCACHE_DIR"
            )
    if build.cache and not build.run:
        yield ConfigurationFault("build", "cache", "nothing fills it: it needs `run`")


def _size_faults(config: Config) -> Iterator[ConfigurationFault]:
    sizes = {("engine", key): getattr(config.engine, key) for key in ("memory", "disk", "output", "artifacts")}
    for (where, key), size in {**sizes, ("build", "keep"): config.build.keep}.items():
        if not re.fullmatch(_SIZE, size, re.IGNORECASE) and (size or key != "memory"):
            yield ConfigurationFault(
                where, key, f"{size!r} is not a size: write a number and a unit, such as 500m or 4g"
            )


def _line_faults(where: str, config: Config, names: list[str], line: ReleaseLine) -> Iterator[ConfigurationFault]:
    yield from _name_faults(where, line.name, names, "line")
    yield from _project_faults(config.project, where)


def _name_faults(where: str, name: str, names: list[str], what: str) -> Iterator[ConfigurationFault]:
    if names.count(name) > 1 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        yield ConfigurationFault(
            where,
            "name",
            f"{name!r} must be a plain word of at most 100 letters, and no other {what} may have the same name",
        )


def _project_faults(project: Project, where: str = "project") -> Iterator[ConfigurationFault]:
    for marker in re.findall(r"\{(\w*)\}", project.branch):
        if marker not in ("release", "date"):
            yield ConfigurationFault(where, "branch", f"{{{marker}}} is not known: use {{release}} and {{date}}")
    filled = project.branch.replace("{release}", "1.0").replace("{date}", "2026-01-31")
    if why := branch_fault(filled):
        yield ConfigurationFault(where, "branch", f"git refuses the branch name {filled!r}: it {why}")
    if not re.fullmatch(r"[^<>\n\0]+ <[^<>\n\0]*>", project.committer):
        yield ConfigurationFault("project", "committer", "must have the form `Name <address>`")
    if project.release in ("", "branch:"):
        yield ConfigurationFault(where, "release", "must be `latest`, a tag, or a branch such as `branch:main`")
    try:
        re.compile(project.tags if "(?P<version>" in project.tags else "")
    except re.error as error:
        yield ConfigurationFault(where, "tags", f"is not a regular expression: {error}")


def _engine_faults(engine: EngineSettings) -> Iterator[ConfigurationFault]:
    for marker in re.findall(r"\{(\w*)\}", engine.baseline):
        if marker not in ("release", "commit", "branch"):
            yield ConfigurationFault(
                "engine", "baseline", f"{{{marker}}} is not known: use {{release}}, {{commit}}, {{branch}}"
            )
    if engine.image and not re.fullmatch(_REPOSITORY, engine.image):
        yield ConfigurationFault(
            "engine", "image", "must be a repository in lower case and without a tag: host/you/project"
        )
    if not re.fullmatch(r"(\d{4}-\d\d-\d\d)?", engine.packages_until):
        yield ConfigurationFault("engine", "packages_until", "must be a day such as 2026-01-31")
    if engine.processes < 1:
        yield ConfigurationFault("engine", "processes", "must be 1 or more")
    if engine.keep_days < 1:
        yield ConfigurationFault("engine", "keep_days", "must be 1 or more")
    if engine.workers == "dask" and not engine.scheduler:
        yield ConfigurationFault("engine", "scheduler", 'workers = "dask" needs its address, such as tcp://host:8786')
    if engine.scheduler and not re.fullmatch(r"(tcp|tls|ws|wss)://\S+:\d+", engine.scheduler):
        yield ConfigurationFault("engine", "scheduler", "must be an address such as tcp://host:8786 or tls://host:8786")


def _gate_faults(where: str, gate: Gate, names: list[str]) -> Iterator[ConfigurationFault]:
    yield from _name_faults(where, gate.name, names, "gate")
    yield from _duration_faults(where, gate.timeout)
    if gate.format == "latex" and not gate.artifacts:
        yield ConfigurationFault(where, "artifacts", "format latex reads PDFs: name them here, such as build/**/*.pdf")
    if gate.format == "latex" and gate.files:
        yield ConfigurationFault(
            where, "files", "format latex reads whole documents, not single files: remove this key"
        )
    if gate.soak != "off" and not (gate.files and "{files}" in gate.run):
        yield ConfigurationFault(
            where, "soak", "only single files can run often: name them in `files`, and put {files} in `run`"
        )
    if gate.soak_share < 1:
        yield ConfigurationFault(where, "soak_share", "must be 1 or more")
    if gate.slower and not 1.1 <= gate.slower <= 100:
        yield ConfigurationFault(where, "slower", "must be a factor from 1.1 to 100, such as 1.3, or 0")


def _duration_faults(where: str, text: str) -> Iterator[ConfigurationFault]:
    try:
        parse_duration(text)
    except ValueError as error:
        yield ConfigurationFault(where, "timeout", str(error))
