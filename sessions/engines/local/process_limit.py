"""How many processes a local probe may have: a limit that the kernel keeps, so that a fork bomb stops no machine.

Root's processes are under no limit but that of a control group, and others may make no group; they have `ulimit`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# Where version 1 of control groups has that of processes, and where version 2 has all, see cgroups(7).
_PARENTS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
_NAME = "integrand-"


@contextmanager
def limited_group(most: int) -> Iterator[Path | None]:
    """A control group for so many processes, removed at the end; ``None`` where this user may make none."""
    group = next(filter(None, (_made(parent, most) for parent in _PARENTS)), None)
    try:
        yield group
    finally:
        if group:
            _remove(group)


def joining(group: Path | None, command: Sequence[str]) -> list[str]:
    """The command that runs ``words`` in a group."""
    if group is None:
        return list(command)
    return ["sh", "-c", '{ echo $$ > "$0"; } 2> /dev/null; exec "$@"', str(group / "cgroup.procs"), *command]


def shell_limit(most: int) -> str:
    """The line of shell that limits the processes of a user; its option is -u in bash, and -p in dash."""
    return f'for limit in "-u {most}" "-p {most}"; do (ulimit $limit) && ulimit $limit && break; done 2> /dev/null'


def remove_groups() -> None:
    """Remove the groups of sessions that were killed; those in which a process runs stay."""
    for parent in _PARENTS:
        for group in parent.glob(f"{_NAME}*"):
            _remove(group)


def _made(parent: Path, most: int) -> Path | None:
    group = parent / f"{_NAME}{uuid.uuid4().hex[:12]}"
    try:
        group.mkdir()
        # To read as well, so that no file is made where this is no control group.
        with (group / "pids.max").open("r+", encoding="ascii") as limit:
            limit.write(str(most))
    except OSError:
        _remove(group)
        return None
    return group


def _remove(group: Path) -> None:
    with suppress(OSError):
        group.rmdir()
