"""The filter of system calls that a jail refuses, as a program for the kernel.

Namespaces do not hide everything: the kernel's keys and the sockets between virtual machines and their hosts belong to
no namespace, and some calls have been ways out before. Docker's default profile refuses the same ones. Large segments
of shared memory and message queues (System V's) are refused as well: no process holds them, so that nothing counts
what they take. The program is classic BPF, see seccomp(2); numbers are from Linux's ``syscall_64.tbl`` and
``asm-generic/unistd.h``.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

# Offsets in `struct seccomp_data`: the call's number, the machine, the lower half of the first argument, both halves of
# the second one.
_NUMBER, _MACHINE, _FIRST, _SECOND, _SECOND_UPPER = 0, 4, 16, 24, 28
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
# Numbers from here on belong to x32, another ABI for the same calls.
_X32 = 0x40000000
# Sockets to the hypervisor, and into the kernel's cryptography.
_FAMILIES = (40, 38)
# Bytes. PostgreSQL needs 56; all that a probe can have are 4096 segments.
_LARGEST_SEGMENT = 2**16


@dataclass(frozen=True, kw_only=True)
class _Machine:
    """A machine's number in ``linux/audit.h``, and those of its calls.

    ``refused`` are keys, BPF, io_uring, message queues.
    """

    number: int
    socket: int
    shmget: int
    refused: tuple[int, ...]


_IO_URING = (425, 426, 427)
_MACHINES = {
    # add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, msgget
    "x86_64": _Machine(number=0xC000003E, socket=41, shmget=29, refused=(248, 249, 250, 298, 321, 323, 68, *_IO_URING)),
    "aarch64": _Machine(
        number=0xC00000B7, socket=198, shmget=194, refused=(217, 218, 219, 241, 280, 282, 186, *_IO_URING)
    ),
}


def refusing_filter(machine: str) -> bytes:
    """Return the program for a machine as :func:`platform.machine` names it; empty for an unknown machine."""
    known = _MACHINES.get(machine)
    if known is None:
        return b""
    # Each line: operation, value, instructions to skip if true, and if false. Refused calls jump to the end.
    body = [
        (_LOAD, _NUMBER, 0, 0),
        (_JUMP_AT_LEAST, _X32, "refuse", 0),
        *((_JUMP_EQUAL, call, "refuse", 0) for call in known.refused),
        (_JUMP_EQUAL, known.shmget, 0, 4),
        (_LOAD, _SECOND_UPPER, 0, 0),
        (_JUMP_AT_LEAST, 1, "refuse", 0),
        (_LOAD, _SECOND, 0, 0),
        (_JUMP_AT_LEAST, _LARGEST_SEGMENT + 1, "refuse", "allow"),
        (_JUMP_EQUAL, known.socket, 0, "allow"),
        (_LOAD, _FIRST, 0, 0),
        *((_JUMP_EQUAL, family, "refuse", 0) for family in _FAMILIES),
    ]
    program = [(_LOAD, _MACHINE, 0, 0), (_JUMP_EQUAL, known.number, 0, "refuse"), *body]
    ends = {"allow": len(program), "refuse": len(program) + 1}
    lines = []
    for place, (operation, value, true, false) in enumerate(program):
        skips = [ends[skip] - place - 1 if isinstance(skip, str) else skip for skip in (true, false)]
        lines.append(struct.pack("=HBBI", operation, *skips, value))
    lines += [struct.pack("=HBBI", _RETURN, 0, 0, answer) for answer in (_ALLOW, _REFUSE)]
    return b"".join(lines)
