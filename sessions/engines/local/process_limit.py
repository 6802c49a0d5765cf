"""Limit the number of a local probe's processes through the kernel, so that a fork bomb does not stop the machine.

For root, only a control group limits processes; other users may not create a group, and use `ulimit`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# The folder of process limits in version 1 of control groups, and that of all groups in version 2, see cgroups(7).
_PARENTS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
_NAME = "integrand-"


@contextmanager
def limited_group(most: int) -> Iterator[Path | None]:
    """Create a control group for ``most`` processes, and remove it at the end; yield ``None`` if not allowed."""
    group = next(filter(None, (_made(parent, most) for parent in _PARENTS)), None)
    try:
        yield group
    finally:
        if group:
            _remove(group)


def joining(group: Path | None, command: Sequence[str]) -> list[str]:
    """Return the command line that runs ``command`` in a group."""
    if group is None:
        return list(command)
    return ["sh", "-c", '{ echo $$ > "$0"; } 2> /dev/null; exec "$@"', str(group / "cgroup.procs"), *command]


def shell_limit(most: int) -> str:
    """Return the shell command that limits a user's processes; the option is -u in bash, and -p in dash."""
    return f'for limit in "-u {most}" "-p {most}"; do (ulimit $limit) && ulimit $limit && break; done 2> /dev/null'


def remove_groups() -> None:
    """Remove the groups of killed sessions, except for those with running processes."""
    for parent in _PARENTS:
        for group in parent.glob(f"{_NAME}*"):
            _remove(group)


def _made(parent: Path, most: int) -> Path | None:
    group = parent / f"{_NAME}{uuid.uuid4().hex[:12]}"
    try:
        group.mkdir()
        # Open for reading, too, so that no file is created if this is not a control group.
        with (group / "pids.max").open("r+", encoding="ascii") as limit:
            limit.write(str(most))
    except OSError:
        _remove(group)
        return None
    return group


def _remove(group: Path) -> None:
    with suppress(OSError):
        group.rmdir()
