"""All bounds of a probe: how much of the machine it may use, and how many of its files are read.

Sizes are bytes. A probe that exceeds a bound is stopped, or its files are not read, and the ending of its last step
says so. That is a result of the probe, not a failure of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions.engines.probe import Ending
from sessions.settings.configuration import EngineSettings

_KIB, _MIB, _GIB = 2**10, 2**20, 2**30
_FACTORS = {"": 1, "k": _KIB, "m": _MIB, "g": _GIB, "t": 2**40}
# The share of the machine's memory that one probe may use if [engine] memory is empty.
_MEMORY_SHARE = 0.75


class ExceededError(Exception):
    """A probe exceeds a bound; the message says which, as a sentence without its full stop."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending: Ending = ending


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How many files of a kind are read at most, and how many bytes in total. ``what`` names the kind in messages."""

    what: str
    files: int
    size: int
    key: str = ""

    def check(self, files: int, size: int) -> None:
        """Raise :class:`ExceededError` for more files or bytes than allowed."""
        if files > self.files:
            raise ExceededError("too large", f"there are more than {self.files} {self.what}")
        if size > self.size:
            hint = f" ([engine] {self.key} sets how much)" if self.key else ""
            raise ExceededError("too large", f"the {self.what} are larger than {say_bytes(self.size)}{hint}")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The bounds for the probes of one engine; ``[engine]`` sets the fields without a default."""

    # What a probe may use while it runs: all its processes together.
    memory: int  # without swap
    disk: int  # what it writes in addition to the image or the release's folder
    processes: int
    # Bytes that one step may print. A step that prints more is stopped.
    output: int
    # Artifacts of one probe, together. They are in memory until they are written to the state folder.
    artifacts: int
    # Of each process, where the system allows so many.
    open_files: int = 65_536
    # /dev/shm, as Docker gives it by default.
    shared_memory: int = 64 * _MIB
    # /tmp of a local probe's jail, for programs that do not honour TMPDIR: it is in memory.
    scratch: int = 256 * _MIB
    # Bytes that are kept of the beginning, and of the end, of a log that became too long.
    kept: int = _MIB
    # A listener gets longer lines in pieces, and if there are many lines, only the last ones of each chunk.
    line: int = 64 * _KIB
    flood: int = 1000
    # The file behind $INTEGRAND_RESULTS. Sage's, for all its doctests, has about 5 MB.
    results: int = 32 * _MIB
    # Report files, together. A Maven project writes one for each of its test classes.
    reports: int = 32 * _MIB
    # Artifacts, or report files, of one probe.
    files: int = 10_000
    # Nested folders, and bytes of a path: not every file system can store more under a state folder.
    depth: int = 64
    path: int = 1024
    # Files and bytes that are searched for matches of globs.
    entries: int = 1_000_000
    searched: int = 16 * _GIB

    @classmethod
    def of(cls, settings: EngineSettings, memory: int) -> Bounds:
        """Return the bounds that a configuration sets, on a machine with ``memory`` bytes."""
        return cls(
            memory=bytes_of(settings.memory) if settings.memory else int(memory * _MEMORY_SHARE),
            disk=bytes_of(settings.disk),
            processes=settings.processes,
            output=bytes_of(settings.output),
            artifacts=bytes_of(settings.artifacts),
        )

    @property
    def ulimits(self) -> str:
        """A shell command that limits each process: no core dumps, no file larger than the probe's disk.

        Each limit is tried in a subshell first, because a shell exits if it requests more than it may have.
        """
        limits = f'"-c 0" "-f {self.disk // 512}" "-n {self.open_files}"'
        return f"for limit in {limits}; do (ulimit $limit) && ulimit $limit; done 2> /dev/null"

    @property
    def results_quota(self) -> Quota:
        """The quota of the results file."""
        return Quota(what="results", files=1, size=self.results)

    @property
    def reports_quota(self) -> Quota:
        """The quota of report files."""
        return Quota(what="report files", files=self.files, size=self.reports)

    @property
    def artifacts_quota(self) -> Quota:
        """The quota of artifacts."""
        return Quota(what="artifacts", files=self.files, size=self.artifacts, key="artifacts")

    def check_path(self, path: str) -> None:
        """Raise :class:`ExceededError` for a path that is too long, or lies too deep in folders."""
        if path.count("/") >= self.depth:
            raise ExceededError("too large", f"a file lies in more than {self.depth} folders: {path[:60]!r}…")
        if len(path.encode("utf-8", "surrogateescape")) > self.path:
            raise ExceededError("too large", f"a file's path has more than {self.path} bytes: {path[:60]!r}…")

    def check_search(self, entries: int, size: int = 0) -> None:
        """Raise :class:`ExceededError` for more files or bytes to search than allowed."""
        if entries > self.entries:
            raise ExceededError(
                "too large", f"the folders of artifacts and reports hold more than {self.entries} files"
            )
        if size > self.searched:
            text = f"the folders of artifacts and reports are larger than {say_bytes(self.searched)}"
            raise ExceededError("too large", text)


def say_bytes(size: int) -> str:
    """Return a size as ``24 MiB``: in powers of two, as limits are set."""
    for unit, factor in (("GiB", _GIB), ("MiB", _MIB), ("KiB", _KIB)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def bytes_of(text: str) -> int:
    """Return the bytes of a size such as ``4g`` or ``500mb``, in powers of 1024; the configuration has checked it."""
    number = text.rstrip("bBkKmMgGtT")
    unit = text[len(number) :].lower().removesuffix("b")
    return int(number) * _FACTORS[unit]
