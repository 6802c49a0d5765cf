"""Ranges of a project's history that people name by tags or branches."""

from __future__ import annotations

from sessions.source.mirror import Mirror
from sessions.terminal.errors import SourceError, UsageError


def fetch_range(mirror: Mirror, text: str) -> str:
    """Fetch both ends of a range such as ``v1.0..main``, and return it with full commit ids.

    Raises :class:`UsageError` if it has no two ends, :class:`SourceError` if the repository has no tag and no branch of
    such a name.
    """
    names = text.split("..")
    if len(names) != 2 or not all(names) or any(name.startswith(".") for name in names):
        raise UsageError(f"{text!r} is no range: name two tags or branches, as in v1.0..v1.1.")
    commits = list[str]()
    for place, name in enumerate(names):
        tag = f"refs/tags/{name}"
        ref = tag if tag in mirror.remote else mirror.refs.head_ref(name)
        if ref is None:
            raise SourceError(f"The repository has no tag and no branch {name!r}.")
        local = f"refs/integrand/range/{place}"
        mirror.fetch({local: ref})
        commits.append(mirror.repository.git("rev-parse", "--verify", f"{local}^{{commit}}").text)
    return "..".join(commits)
