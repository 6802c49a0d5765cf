"""Find and fetch the submodules of a tree.

As in gitmodules(5) and `git submodule update --init --recursive`, the address is in ``.gitmodules``, and a relative one
is resolved against the superproject's origin. The objects are stored in the project's mirror.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from sessions.source.command import GitReply
from sessions.source.refusals import first_words, is_passing, without_secret
from sessions.source.repository import Repository
from sessions.source.trees import SUBMODULE, find_faults, list_files
from sessions.terminal.errors import ContentError, SourceError

_KEY = re.compile(r"submodule\.(?P<name>.*)\.(?P<key>path|url|update)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Submodule:
    """A submodule at a ``path`` of a tree: its commit and address; the latter is empty if missing or not to be used."""

    path: str
    commit: str
    url: str


def submodules_of(repository: Repository, tree: str, origin: str) -> tuple[Submodule, ...]:
    """Return the submodules of a tree, without nested ones. ``origin`` is the address of the tree's repository."""
    commits = {path: id_ for path, (mode, id_) in list_files(repository, tree).items() if mode == SUBMODULE}
    if not commits:
        return ()
    urls = _addresses(repository, tree)
    return tuple(
        Submodule(path=path, commit=commit, url=resolve_address(urls[path], origin) if urls.get(path) else "")
        for path, commit in commits.items()
    )


def fetch_submodules(repository: Repository, tree: str, origin: str) -> None:
    """Fetch the commits of a tree's submodules, nested ones included.

    Raises :class:`ContentError` if a commit does not exist or is not valid, and :class:`SourceError` if its repository
    does not answer.
    """
    for module in submodules_of(repository, tree, origin):
        if not module.url:
            continue
        if not _is_here(repository, module.commit):
            _fetch(repository, module)
        if fault := find_faults(repository, {0: module.commit}):
            raise ContentError(f"the submodule {module.path} is not a valid tree: {fault[0]}")
        fetch_submodules(repository, module.commit, module.url)


def resolve_address(url: str, origin: str) -> str:
    """Resolve an address in ``.gitmodules`` against ``origin`` if it is relative, as git's ``relative_url`` does.

    >>> resolve_address("../lib.git", "https://example.org/us/project.git")
    'https://example.org/us/lib.git'
    >>> resolve_address("../../lib", "git@example.org:us/project")
    'git@example.org:lib'
    """
    if not url.startswith(("./", "../")):
        return url
    base, separator = origin.rstrip("/"), "/"
    while url.startswith(("./", "../")):
        if url.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":") if "/" not in base else -1)
            separator = base[cut] if cut >= 0 else "/"
            base = base[:cut] if cut >= 0 else "."
        url = url.split("/", 1)[1]
    return f"{base}{separator}{url}".rstrip("/")


def _addresses(repository: Repository, tree: str) -> dict[str, str]:
    """Return the address of each path in ``.gitmodules``; none if the file is broken."""
    arguments = ("config", f"--blob={tree}:.gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url|update)$")
    reply = repository.git(*arguments, ok=(0, 1, 128), may_complain=True)
    entries: dict[str, dict[str, str]] = defaultdict(dict)
    for row in reply.fields():
        key, _, value = row.partition("\n")
        if found := _KEY.fullmatch(key):
            entries[found["name"]][found["key"]] = value
    active = (each for each in entries.values() if each.get("update") != "none")
    return {each["path"]: each["url"] for each in active if "path" in each and "url" in each}


def _is_here(repository: Repository, commit: str) -> bool:
    reply = repository.git("cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128), may_complain=True)
    return not reply.status


def _fetch(repository: Repository, module: Submodule) -> None:
    """Fetch one commit by its id, or all branches and tags if the server refuses that."""
    kept = f"refs/integrand/submodules/{module.commit}"
    reply = _ask(repository, module, f"{module.commit}:{kept}/commit")
    if reply.status:
        reply = _ask(repository, module, f"+refs/heads/*:{kept}/heads/*", f"+refs/tags/*:{kept}/tags/*")
    if not _is_here(repository, module.commit):
        why = first_words(reply) if reply.status else "no branch or tag there has it"
        message = f"the commit {module.commit[:10]} of the submodule {module.path} is not in {module.url}: {why}"
        raise ContentError(without_secret(message))


def _ask(repository: Repository, module: Submodule, *refs: str) -> GitReply:
    arguments = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--")
    # The address comes from the repository: with this variable, git refuses addresses of files on this disk.
    env = {"GIT_PROTOCOL_FROM_USER": "0"}
    reply = repository.git(*arguments, module.url, *refs, ok=(0, 1, 128), online=True, env=env)
    if reply.status and is_passing(reply) and "not our ref" not in reply.err:
        message = f"The submodule {module.path} cannot be fetched from {module.url}: {first_words(reply)}. Run again."
        raise SourceError(without_secret(message))
    return reply
