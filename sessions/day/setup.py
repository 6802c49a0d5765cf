"""What another machine needs to make a probe's environment: written into the run record, and read from there."""

from __future__ import annotations

import platform
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit

from sessions.ledger.record import Record, RecordedSetup
from sessions.ledger.record_file import write_whole
from sessions.settings.configuration import Config
from sessions.source.command import call_git
from sessions.source.refusals import without_secret
from sessions.terminal.errors import UsageError

# Keys of [engine] that say where a day runs and where its images go, and nothing of what a probe finds there.
_OF_THE_DAY = frozenset({"kind", "dockerfile", "image", "keep_days", "workers", "scheduler"})
# https://git-scm.com/docs/git-clone#_git_urls; file:// is an address on one machine alone.
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*://.+|[^/\s:]+:(?!//).+", re.IGNORECASE)
SAMPLE = "sample:"


def describe_setup(config: Config, state: Path) -> RecordedSetup:
    """Return the record's ``setup``: the parts of a configuration that a probe depends on, without paths.

    ``state`` is the state folder, in which the bundled sample lies.
    """
    dockerfile = Path(config.engine.dockerfile) if config.engine.dockerfile else None
    return RecordedSetup(
        repository=public_address(config.project.repository, state),
        submodules=config.project.submodules,
        engine=_changed(config.engine, _OF_THE_DAY),
        dockerfile=dockerfile.read_text("utf-8", "replace") if dockerfile and dockerfile.is_file() else "",
        build=_changed(config.build),
        gates=tuple(_changed(gate) for gate in config.gates),
        python=platform.python_version(),
    )


def public_address(repository: str, state: Path) -> str:
    """Return where everybody can fetch a repository from, or an empty text: for a local clone, where its origin is."""
    path = Path(repository)
    if path.is_relative_to(state / "sample"):
        return SAMPLE
    if not path.exists():
        return without_secret(repository) if _ADDRESS.fullmatch(repository) else ""
    git_dir = path / ".git" if (path / ".git").exists() else path
    origin = call_git("config", "--get", "remote.origin.url", git_dir=git_dir).text if git_dir.is_dir() else ""
    return without_secret(origin) if _ADDRESS.fullmatch(origin) and not Path(origin).exists() else ""


def write_configuration(record: Record, folder: Path) -> Path:
    """Write the configuration that a record's ``setup`` describes to a folder, and return the file.

    Raises :class:`UsageError` if the record has no such description.
    """
    if (setup := record.setup) is None:
        raise UsageError(
            f"The record of {record.date} does not say how its probes were set up, as it was written by an older "
            "Integrand: name the project's configuration with --config FILE."
        )
    engine = dict(setup.engine)
    if setup.dockerfile:
        write_whole(folder / "Dockerfile", setup.dockerfile)
        engine["dockerfile"] = "Dockerfile"
    document = {
        "version": 1,
        "project": {
            "name": record.project,
            "repository": setup.repository,
            "release": record.release,
            "submodules": setup.submodules,
        },
        # No ticket is read here; the key is needed.
        "tickets": {"url": SAMPLE if setup.repository == SAMPLE else "tickets.toml"},
        "engine": engine,
        "build": setup.build,
        "gates": list(setup.gates),
    }
    path = folder / "integration.toml"
    write_whole(path, tomlkit.dumps(document))
    return path


def _changed(table: Any, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the keys of a table of the configuration that are not at their default, as JSON and TOML have them."""
    values = {each.name: getattr(table, each.name) for each in fields(table) if each.name not in without}
    changed = {
        each.name: values[each.name] for each in fields(table) if values.get(each.name, each.default) != each.default
    }
    return {key: list(value) if isinstance(value, tuple) else value for key, value in changed.items()}
