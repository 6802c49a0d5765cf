"""Push the integration branch to the project's repository."""

from __future__ import annotations

from sessions.ledger.record import PublishedBranch
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.source.refusals import without_secret
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError


def publish_branch(
    mirror: Mirror, branch: str, commit: str, console: Console, options: Options
) -> PublishedBranch | None:
    """Push ``commit`` as ``branch`` if ``--publish`` was given; else say what would be pushed, and return ``None``.

    Nothing is pushed if the branch is at that commit already. A branch that somebody else moved in the meantime is not
    overwritten.

    Raises :class:`SourceError` if the push is refused.
    """
    mirror.repository.keep(f"days/{branch}", commit)
    current = mirror.refs.tip(branch)
    if not options.publish:
        console.detail(f"not pushed without --publish: branch {branch} at {commit[:10]}")
        console.detail(f"look into it: git fetch {mirror.repository.path} {commit}")
        return None
    if current != commit:
        lease = f"--force-with-lease=refs/heads/{branch}:{current or ''}"
        refs = f"{commit}:refs/heads/{branch}"
        reply = mirror.repository.git("push", "--quiet", lease, "--", mirror.url, refs, ok=(0, 1, 128), online=True)
        if reply.status:
            why = " ".join(reply.err.split())[:300]
            message = f"Pushing {branch} to {mirror.url} was refused ({why}): fix that, then run again."
            raise SourceError(without_secret(message))
    console.detail(f"branch {branch} is at {commit[:10]}" + (" already" if current == commit else ", pushed"))
    return PublishedBranch(name=branch, commit=commit, repository=without_secret(mirror.url))
