"""Write files as a checkout has them: git itself converts line ends, encodings, ``$Id$`` and Git LFS pointers.

Each tree is written with a temporary index and work tree, so that the bare repository needs neither.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.source.command import GitReply, configured
from sessions.source.refusals import is_passing, without_secret
from sessions.source.repository import Repository
from sessions.source.tree_reader import ATTRIBUTES
from sessions.terminal.errors import ContentError, SourceError

# The attributes that say how a file is converted on its way out, see gitattributes(5).
_CONVERTING = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")
_LFS = re.compile(rb"filter\s*=\s*lfs")
_POINTER = b"version https://git-lfs.github.com/spec/"
# A server (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md) or a folder lacks an object. All other
# errors may come from the network.
_LACKING = re.compile(r"\[404\]|remote missing object|does not exist|not found", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A tree in an index, ready to be written into ``folder``. ``uses_lfs``: its attributes name Git LFS."""

    repository: Repository
    index: Path
    folder: Path
    uses_lfs: bool

    def write(self, tree: str) -> None:
        """Write all files of the staged ``tree``, and an empty folder for each submodule.

        Raises :class:`ContentError` if the content of a file is not available.
        """
        self._check_pointers(self.paths())
        self._convert("read-tree", "--reset", "-u", tree)

    def write_some(self, paths: Sequence[str]) -> None:
        """Write some files, none of which is a submodule; raises :class:`ContentError` as :meth:`write` does."""
        self._check_pointers(paths)
        # In the second pass: as long as attribute files do not exist, git reads attributes from the index.
        others = [path for path in paths if Path(path).name != ATTRIBUTES]
        for some in (others, [path for path in paths if Path(path).name == ATTRIBUTES]):
            if some:
                self._convert("checkout-index", "-z", "--stdin", "--force", put=_joined(some))

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all entries."""
        return tuple(self._git("ls-files", "-z").fields())

    def conversions(self, paths: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the conversion attributes of each file: two trees with equal ones convert the file alike."""
        fields = self._git("check-attr", "-z", "--cached", "--stdin", *_CONVERTING, put=_joined(paths)).fields()
        step = 3 * len(_CONVERTING)
        return {fields[at]: tuple(fields[at + 2 : at + step : 3]) for at in range(0, len(fields), step)}

    def _check_pointers(self, paths: Sequence[str]) -> None:
        if not self.uses_lfs or shutil.which("git-lfs"):
            return
        kept = [path for path, values in self.conversions(paths).items() if "lfs" in values]
        contents = self._stored(kept)
        if lacking := sorted(path for path, content in contents.items() if content.startswith(_POINTER)):
            raise ContentError(f"{lacking[0]} is kept in Git LFS, and git-lfs is not installed here: install it")

    def _stored(self, paths: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of files as the repository stores them."""
        found = {}
        for row in self._git("ls-files", "-z", "--stage").fields():
            details, path = row.split("\t", 1)
            found[path] = details.split()[1]
        blobs = self.repository.read({found[path] for path in paths if path in found})
        return {path: blobs[found[path]] for path in paths if found.get(path) in blobs}

    def _convert(self, *arguments: str, put: bytes = b"") -> None:
        if not self.uses_lfs:
            # git writes a file that it cannot encode as it is, with a warning. Missing content changes its status.
            self.repository.git(*arguments, put=put, env=self._places, may_complain=True)
            return
        # Git LFS fetches from the remote what the repository does not have yet.
        env = self._places | (self._lfs_settings if shutil.which("git-lfs") else {})
        reply = self.repository.git(*arguments, put=put, ok=(0, 1, 128), env=env, online=True)
        if reply.status:
            raise _lfs_error(reply, self.repository)

    def _git(self, *arguments: str, put: bytes = b"") -> GitReply:
        return self.repository.git(*arguments, put=put, env=self._places)

    @property
    def _lfs_settings(self) -> dict[str, str]:
        # What `git lfs install` writes. No other driver is known, as in a fresh clone.
        origin = self.repository.origin
        return configured(
            filter__lfs__clean="git-lfs clean -- %f",
            filter__lfs__smudge="git-lfs smudge -- %f",
            filter__lfs__process="git-lfs filter-process",
            filter__lfs__required="true",
            core__hooksPath=str(self.index.parent / "hooks"),  # Git LFS installs hooks wherever it runs
            **({"remote__origin__url": origin} if origin else {}),
        )

    @property
    def _places(self) -> dict[str, str]:
        return {"GIT_INDEX_FILE": str(self.index), "GIT_WORK_TREE": str(self.folder)}


@contextmanager
def staged(repository: Repository, tree: str, folder: Path) -> Iterator[Staged]:
    """Prepare a tree to be written into a new folder. Leaves nothing in the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="integrand-") as scratch:
        index = Path(scratch, "index")
        stage = Staged(repository=repository, index=index, folder=folder.resolve(), uses_lfs=False)
        stage._git("read-tree", tree)  # noqa: SLF001
        rows = stage._git("ls-files", "-z", "--stage", "--", f":(glob)**/{ATTRIBUTES}").fields()  # noqa: SLF001
        attributes = repository.read(row.split()[1] for row in rows)
        uses_lfs = any(_LFS.search(content) for content in attributes.values())
        yield Staged(repository=repository, index=index, folder=folder.resolve(), uses_lfs=uses_lfs)


def _lfs_error(reply: GitReply, repository: Repository) -> SourceError:
    if not (found := re.search(r"(?m)^fatal: (.*): smudge filter lfs failed$", reply.err)):
        return SourceError(f"git could not write the files of a tree in {repository.path}: {reply.last_words}")
    said = re.search(r"Smudge error: (?:Error downloading .*?\): )?(.*)", reply.err)
    why = without_secret(said[1].strip() if said else "it failed")
    if _LACKING.search(why) or not repository.origin:
        return ContentError(f"{found[1]} is kept in Git LFS, which does not have its content: {why}")
    again = " Run again." if is_passing(reply) else ""
    return SourceError(f"{found[1]} cannot be fetched from Git LFS: {why.rstrip('.')}.{again}")


def _joined(paths: Sequence[str]) -> bytes:
    return "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
