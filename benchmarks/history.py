"""What a release manager merged, read from first parents, so that it can be merged again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from sessions.source.releases import Release, version_of
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers import merge_subjects


@dataclass(frozen=True, kw_only=True)
class Step:
    """One first-parent commit: the merge of ticket ``number``, or something else where that is ``None``."""

    commit: str
    parents: tuple[str, ...]
    message: str
    number: int | None

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def ticket(self) -> str:
        """The commit that was merged."""
        return self.parents[1]


@dataclass(frozen=True, kw_only=True)
class History:
    """Where it starts, and the steps up to the last ticket that is merged again."""

    start: Release
    end: str
    steps: tuple[Step, ...]

    @property
    def merges(self) -> tuple[Step, ...]:
        """The steps that merge a ticket."""
        return tuple(step for step in self.steps if step.number is not None)


def read_history(repository: Repository, start: str, end: str, limit: int) -> History:
    """Return the first ``limit`` merges of tickets on the first parents of ``start..end``, and what lies between them.

    Raises :class:`SourceError` if a tag is missing, or there is no such merge.
    """
    release = Release(
        tag=start,
        version=version_of(start) or Version("0"),
        commit=_resolve(repository, start, "commit"),
        tree=_resolve(repository, start, "tree"),
    )
    last = _resolve(repository, end, "commit")
    arguments = ("log", "-z", "--first-parent", "--reverse", "--format=%H%n%P%n%B", f"{release.commit}..{last}")
    steps = [_step(record) for record in repository.git(*arguments).fields()]
    at = [index for index, step in enumerate(steps) if step.number is not None][:limit]
    if not at:
        raise SourceError(f"Nothing to replay: no first-parent commit of {start}..{end} merges a ticket.")
    return History(start=release, end=last, steps=tuple(steps[: at[-1] + 1]))


def carry(repository: Repository, head: str, step: Step) -> tuple[str, str]:
    """``head`` with the files of a step that merges no ticket, as that step left them: a commit and its tree.

    The step itself is the second parent, as a ticket that was begun on a beta release must find that release.
    """
    changes = repository.git("diff-tree", "-r", "-z", "--no-renames", step.parents[0], step.commit).fields()
    entries = (f"{raw.split()[1]} {raw.split()[3]}\t{path}\0" for raw, path in zip(*[iter(changes)] * 2, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        repository.git("read-tree", head, env=index)
        put = "".join(entries).encode("utf-8", "surrogateescape")
        repository.git("update-index", "-z", "--index-info", put=put, env=index)
        tree = repository.git("write-tree", env=index).text
    content = f"tree {tree}\nparent {head}\nparent {step.commit}\nauthor {WHO} 0 +0000\ncommitter {WHO} 0 +0000\n\n"
    return repository.write_commit((content + step.message).encode("utf-8", "surrogateescape")), tree


WHO = "Release Manager <release@sagemath.org>"


def _resolve(repository: Repository, name: str, kind: str) -> str:
    reply = repository.git("rev-parse", "--verify", "--quiet", f"{name}^{{{kind}}}", ok=(0, 1, 128))
    if reply.status:
        raise SourceError(f"The repository has no tag {name!r}.")
    return reply.text


def _step(record: str) -> Step:
    commit, parents, message = record.split("\n", 2)
    step = Step(commit=commit, parents=tuple(parents.split()), message=message, number=None)
    numbers = merge_subjects().numbers([step.subject]) if len(step.parents) == 2 else ()
    return Step(commit=commit, parents=step.parents, message=message, number=next(iter(numbers), None))
