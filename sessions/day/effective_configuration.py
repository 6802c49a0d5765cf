"""The configuration of a day: with the options, the bundled sample and the release filled in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sessions.engines.image_names import legal_tag
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration import Config
from sessions.settings.configuration_file import load_config
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.source.releases import Release
from sessions.source.start import BRANCH
from sessions.terminal.errors import UsageError
from sessions.tickets.trackers import TRACKERS

_SAMPLE = "sample:"


def read_configuration(options: Options) -> Config:
    """Read the configuration file, with the options and the bundled sample filled in; the state folder must be held.

    Raises :class:`UsageError` for a mistake in the file.
    """
    return with_sample(configuration_of(options), options.state)


def configuration_of(options: Options) -> Config:
    """Read the configuration file, with the options filled in. Raises :class:`UsageError` for a mistake in it."""
    return apply_options(load_config(options.config), options)


def apply_options(config: Config, options: Options) -> Config:
    """Return the configuration with options applied and its paths made absolute."""
    home = options.config.parent
    config = config.of_line(options.line) if options.line else config
    project, engine = config.project, config.engine
    if options.repository:
        project = replace(project, repository=options.repository)
    elif project.repository != _SAMPLE and (home / project.repository).exists():
        project = replace(project, repository=str((home / project.repository).resolve()))
    trackers = tuple(_with_path(each, home) for each in config.tickets)
    if engine.dockerfile:
        engine = replace(engine, dockerfile=str((home / engine.dockerfile).resolve()))
    return replace(config, project=project, engine=engine, tickets=trackers)


def _with_path(tracker: Tracker, home: Path) -> Tracker:
    """Return a tracker with an absolute path, if it is a file."""
    if not TRACKERS[tracker.tracker].is_file or tracker.url == _SAMPLE or "://" in tracker.url:
        return tracker
    return replace(tracker, url=str((home / tracker.url).resolve()))


def with_baseline(config: Config, release: Release) -> Config:
    """Return the configuration with the release's commit and branch in the name of its image.

    Raises :class:`UsageError` if the name asks for a branch, and the day starts from a tag.
    """
    name, start = config.engine.baseline.replace("{commit}", release.commit), config.project.release
    # A day of the past, looked into, is named by its commit.
    branch = release.branch or (start.removeprefix(BRANCH) if start.startswith(BRANCH) else "")
    if "{branch}" in name and not branch and config.engine.kind != "local":
        raise UsageError(
            f"[engine] baseline has {{branch}}, and the day starts from the tag {release.tag}: write {{release}}, or "
            'start from a branch, as [project] release = "branch:main".'
        )
    name = name.replace("{branch}", legal_tag(branch))
    return replace(config, engine=replace(config.engine, baseline=name))


def with_sample(config: Config, state: Path) -> Config:
    """``sample:`` in the configuration as the paths of the bundled sample, made on first use."""
    places = (config.project.repository, *(tracker.url for tracker in config.tickets))
    if _SAMPLE not in places:
        return config
    sample = unpack_sample(state / "sample")
    project, path = config.project, str(sample.tickets)
    if project.repository == _SAMPLE:
        project = replace(project, repository=str(sample.repository))
    trackers = tuple(replace(each, url=path) if each.url == _SAMPLE else each for each in config.tickets)
    return replace(config, project=project, tickets=trackers)
