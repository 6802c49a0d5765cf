"""What makes a day's candidates: the release that it starts from, and the project's memory of conflicts."""

from __future__ import annotations

from sessions.resolutions.memory import open_memory
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.source.merging import Merger
from sessions.source.mirror import Mirror
from sessions.source.start import find_start


def open_merger(mirror: Mirror, config: Config, options: Options) -> Merger:
    """Find the release, and return the merger that starts there.

    Raises :class:`SourceError` if the release or the project's resolutions cannot be had.
    """
    project = config.project
    return Merger(
        repository=mirror.repository,
        release=find_start(mirror, options.release or project.release, project.tags, project.name),
        date=options.date,
        committer=project.committer,
        submodules=project.submodules,
        memory=open_memory(mirror),
    )
