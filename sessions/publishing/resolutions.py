"""Kept resolutions and ready merges, pushed to the project's repository."""

from __future__ import annotations

from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.source.refusals import without_secret
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError


def publish_resolutions(mirror: Mirror, ref: str, ready: str, options: Options, console: Console) -> None:
    """Push ``ref`` and the refs below ``ready`` if ``--publish`` was given; else say what would be pushed.

    A ref that somebody else has moved since it was fetched is not overwritten.

    Raises :class:`SourceError` if the push is refused.
    """
    repository = mirror.repository
    rows = repository.git("for-each-ref", "--format=%(objectname) %(refname)", ref, ready).lines()
    refs = {name: commit for commit, name in (row.split(" ", 1) for row in rows)}
    new = {name: commit for name, commit in refs.items() if mirror.remote.get(name) != commit}
    if not new:
        console.detail("the project's repository has all resolutions already" if refs else "there is nothing to push")
        return
    if not options.publish:
        console.detail(f"not pushed without --publish: {', '.join(sorted(new))}")
        return
    leases = [f"--force-with-lease={name}:{mirror.remote.get(name, '')}" for name in new]
    arguments = [f"{commit}:{name}" for name, commit in new.items()]
    push = ("push", "--quiet", "--atomic", *leases, "--", mirror.url, *arguments)
    reply = repository.git(*push, ok=(0, 1, 128), online=True)
    if reply.status:
        why = " ".join(reply.err.split())[:300]
        message = f"Pushing {ref} to {mirror.url} was refused ({why}): type the same command to fetch it and try again."
        raise SourceError(without_secret(message))
    console.detail(f"pushed: {', '.join(sorted(new))}")
