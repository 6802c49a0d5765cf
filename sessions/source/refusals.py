"""Explain why git cannot read from a remote repository, in one sentence that says what to do.

Git's messages are matched in English, which ``LC_ALL=C`` ensures.
"""

from __future__ import annotations

import re

from sessions.source.command import GitReply

# Network trouble, which may be over when the command is repeated.
_PASSING = re.compile(
    r"could not resolve host|timed? ?out|connection (refused|reset|closed)|early eof|unexpected disconnect"
    r"|the remote end hung up|requested url returned error: (408|429|5\d\d)|rpc failed|couldn't find remote ref"
    r"|not our ref|temporary failure|network is unreachable",
    re.IGNORECASE,
)
_SHALLOW = re.compile(r"shallow roots are not allowed|shallow update not allowed")
_PARTIAL = re.compile(r"promisor remote|lazy fetching disabled")
_SECRET_PARAMETER = re.compile(r"([?&][\w.-]*(?:token|secret|passw|auth|key|sig)[\w.-]*=)[^&#\s'\"]+", re.IGNORECASE)
# Errors that concern the history of the requested ref alone.
_ITS_OWN = re.compile(
    r"not our ref|couldn't find remote ref|did not send all necessary objects|failed to traverse parents"
    r"|repository corruption|(missing|bad|corrupt|read|parse|invalid).{0,20} (object|tree|blob|commit)"
    r"|tree (entry|object|file)",
    re.IGNORECASE,
)


# What git says after ssh said why.
_OVER_SSH = "fatal: Could not read from remote repository."
# What git, ssh and the large forges say to somebody who is not logged in, or may not read.
_LOGIN = re.compile(
    r"could not read (username|password)|authentication failed|permission denied|access denied"
    r"|host key verification failed|requested url returned error: 40[13]",
    re.IGNORECASE,
)
_NOT_HERE = re.compile(r"not found|does not appear to be a git repository|does not exist", re.IGNORECASE)


def without_secret(text: str) -> str:
    """Remove users and passwords from all addresses in a text, and the values of parameters that hold secrets.

    >>> without_secret("https://jane:s3cret@example.org/a.git and git@example.org:b.git")
    'https://example.org/a.git and git@example.org:b.git'
    >>> without_secret("https://example.org/a.git?private_token=s3cret&x=1")
    'https://example.org/a.git?private_token=…&x=1'
    """
    return _SECRET_PARAMETER.sub(r"\1…", re.sub(r"(?<=://)[^/\s:@]*(?::[^/\s]*)?@", "", text))


def is_shallow(reply: GitReply) -> bool:
    """Whether a fetch left refs out because the remote is a shallow clone."""
    return bool(_SHALLOW.search(reply.err))


def is_passing(reply: GitReply) -> bool:
    """Whether the same command may succeed later, as after network trouble."""
    return bool(_PASSING.search(reply.err))


def is_of_one_branch(reply: GitReply) -> bool:
    """Whether a fetch failed because of one of its refs, so that the others may be fetched without it."""
    return bool(_ITS_OWN.search(reply.err)) and not _PARTIAL.search(reply.err)


def first_words(reply: GitReply) -> str:
    """Return git's reason: its first line marked as fatal or an error, or else its last line."""
    lines = [line.removeprefix("remote:").strip() for line in reply.err.splitlines()]
    reasons = [line for line in lines if line.startswith(("fatal:", "error:"))]
    if reasons and reasons[0] == _OVER_SSH and lines[0] != _OVER_SSH:
        return lines[lines.index(_OVER_SSH) - 1].rstrip(".")
    return (reasons or [reply.last_words or f"status {reply.status}"])[0].rstrip(".")


def unreadable(url: str, reply: GitReply) -> str:
    """Return the message for a repository whose refs cannot be listed."""
    if foreign := _foreign(reply):
        return without_secret(foreign)
    return without_secret(f"{url} cannot be read as a git repository: {first_words(reply)}. {_remedy(url, reply)}")


def _remedy(url: str, reply: GitReply) -> str:
    """Return the sentence that says what to type after git could not list a repository's refs."""
    if _LOGIN.search(reply.err):
        return (
            f"It lets only those in who are logged in: `git ls-remote {url}` must work without a question (with a "
            "credential helper, a token or an SSH agent); then type the same command again."
        )
    if is_passing(reply):
        return "Check the network, then type the same command again."
    if _NOT_HERE.search(reply.err):
        return "Correct `repository` in [project], or name another one with --repository."
    return f"Type `git ls-remote {url}` to see more."


def failed_fetch(url: str, reply: GitReply) -> str:
    """Return the message for a fetch that failed or left out requested refs."""
    if is_shallow(reply):
        message = (
            f"{url} is a shallow clone: it lacks the history that merges need. Type `git fetch --unshallow` in it "
            "(in a workflow of GitHub Actions: `fetch-depth: 0`), or name the repository that it was cloned from."
        )
    elif _PARTIAL.search(reply.err):
        message = (
            f"{url} is a partial clone: it lacks contents that merges need. Type `git fetch --refetch --no-filter` in "
            "it, or name the repository that it was cloned from."
        )
    elif not (message := _foreign(reply)):
        again = " Run again." if is_passing(reply) else ""
        message = f"Fetching from {url} failed: {first_words(reply)}.{again}"
    return without_secret(message)


def _foreign(reply: GitReply) -> str:
    found = re.search(r"dubious ownership in repository at '(.*)'", reply.err)
    if not found:
        return ""
    return (
        f"{found[1]} belongs to another user. If you trust what is in it, type "
        f"`git config --global --add safe.directory {found[1]}`."
    )
