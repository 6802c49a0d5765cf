"""How much a probe may take of the machine, and how much of what it leaves is read: every bound in one place.

Sizes are bytes. A probe that exceeds a bound is stopped, or not read, and its last step's ending says so: that is a
result of this probe, and no failure of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from docker.utils import parse_bytes

from sessions.engines.probe import Ending
from sessions.settings.configuration import EngineSettings

_KIB, _MIB, _GIB = 2**10, 2**20, 2**30
# The share of the machine's memory that one probe may take where [engine] memory is empty.
_MEMORY_SHARE = 0.75


class ExceededError(Exception):
    """A probe exceeds a bound; the text is a sentence without its full stop that says which."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending: Ending = ending


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How many files of a kind are read, and of how many bytes together. ``what`` names the kind in messages."""

    what: str
    files: int
    size: int
    key: str = ""

    def check(self, files: int, size: int) -> None:
        """Raise :class:`ExceededError` where there are more files or bytes than this."""
        if files > self.files:
            raise ExceededError("too large", f"there are more than {self.files} {self.what}")
        if size > self.size:
            hint = f" ([engine] {self.key} sets how much)" if self.key else ""
            raise ExceededError("too large", f"the {self.what} are larger than {say_bytes(self.size)}{hint}")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The bounds of the probes of one engine; the fields without a default are set by ``[engine]``."""

    # What a probe may use while it runs: all its processes together.
    memory: int  # no swap beside it
    disk: int  # what it writes beside the image or the release's folder
    processes: int
    # Bytes that one step may print. A step that prints more is stopped.
    output: int
    # Artifacts of one probe, together. They are in memory until they are written to the state folder.
    artifacts: int
    # Of each process, where it may have so many.
    open_files: int = 65_536
    # /dev/shm, as Docker gives it by default.
    shared_memory: int = 64 * _MIB
    # /tmp of a local probe's jail, for programs that do not honour TMPDIR: it is in memory.
    scratch: int = 256 * _MIB
    # Of a step that printed too much, so many bytes of its begin and of its end are kept.
    kept: int = _MIB
    # A listener is told longer lines in pieces, and of a flood of lines only the last ones of each chunk.
    line: int = 64 * _KIB
    flood: int = 1000
    # The file behind $INTEGRAND_RESULTS. Sage's, for all its doctests, has about 5 MB.
    results: int = 32 * _MIB
    # Report files, together. A Maven project writes one for each of its test classes.
    reports: int = 32 * _MIB
    # Artifacts, or report files, of one probe.
    files: int = 10_000
    # Folders within folders, and bytes of a path: more cannot be kept under a state folder on every file system.
    depth: int = 64
    path: int = 1024
    # Files and bytes that are looked through to find those that globs name.
    entries: int = 1_000_000
    searched: int = 16 * _GIB

    @classmethod
    def of(cls, settings: EngineSettings, memory: int) -> Bounds:
        """The bounds that a configuration sets, on a machine with so many bytes of memory."""
        return cls(
            memory=_size(settings.memory) if settings.memory else int(memory * _MEMORY_SHARE),
            disk=_size(settings.disk),
            processes=settings.processes,
            output=_size(settings.output),
            artifacts=_size(settings.artifacts),
        )

    @property
    def ulimits(self) -> str:
        """The limits of each process, as a line of shell: no core dumps, no file larger than all may be.

        In a subshell first, as a shell ends where it asks for more than it may have.
        """
        limits = f'"-c 0" "-f {self.disk // 512}" "-n {self.open_files}"'
        return f"for limit in {limits}; do (ulimit $limit) && ulimit $limit; done 2> /dev/null"

    @property
    def results_quota(self) -> Quota:
        """For the results file."""
        return Quota(what="results", files=1, size=self.results)

    @property
    def reports_quota(self) -> Quota:
        """For report files."""
        return Quota(what="report files", files=self.files, size=self.reports)

    @property
    def artifacts_quota(self) -> Quota:
        """For artifacts."""
        return Quota(what="artifacts", files=self.files, size=self.artifacts, key="artifacts")

    def check_path(self, path: str) -> None:
        """Raise :class:`ExceededError` for a path that is too long, or lies too deep in folders."""
        if path.count("/") >= self.depth:
            raise ExceededError("too large", f"a file lies in more than {self.depth} folders: {path[:60]!r}…")
        if len(path.encode("utf-8", "surrogateescape")) > self.path:
            raise ExceededError("too large", f"a file's path has more than {self.path} bytes: {path[:60]!r}…")

    def check_search(self, entries: int, size: int = 0) -> None:
        """Raise :class:`ExceededError` where there is more to look through than this."""
        if entries > self.entries:
            raise ExceededError(
                "too large", f"the folders of artifacts and reports hold more than {self.entries} files"
            )
        if size > self.searched:
            text = f"the folders of artifacts and reports are larger than {say_bytes(self.searched)}"
            raise ExceededError("too large", text)


def say_bytes(size: int) -> str:
    """``24 MiB``, as limits are set: in powers of two."""
    for unit, factor in (("GiB", _GIB), ("MiB", _MIB), ("KiB", _KIB)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def _size(text: str) -> int:
    return int(parse_bytes(text))
