"""Reads large output in a process of its own, under limits: what a ticket wrote must not cost the session its memory.

A report of 32 MiB may have ten million elements, which take a parser more than a gigabyte.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace

from sessions.gates.formats.findings import account
from sessions.gates.results import GateOutput, Results

# What is smaller is read at once: starting a process takes longer. A parser takes at most about 100 bytes for a byte.
_SMALL = 2**19
_SECONDS = 60
_MEMORY = 2 * 2**30
# The results of 100,000 tests have about this size, in bytes.
_MOST = 16 * 2**20
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from sessions.gates.formats.apart import main; main({memory}, {seconds})"
)


def output_size(output: GateOutput) -> int:
    """Return how many bytes there are to read."""
    reports = sum(map(len, output.reports.values()))
    return len(output.log) + len(output.results or b"") + reports


def is_large(output: GateOutput) -> bool:
    """Whether to read an output in a process of its own."""
    return output_size(output) > _SMALL


def read_apart(name: str, output: GateOutput) -> Results:
    """Read an output by the format called ``name``, in another process.

    Where that exceeds a limit, or finds more than fits in the session's memory, the gate has failed as a whole.
    """
    program = _PROGRAM.format(path=sys.path, memory=_MEMORY, seconds=_SECONDS)
    # The other process needs no token, and gets none.
    own = {"TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as reader:
        assert reader.stdin and reader.stdout  # noqa: S101, PT018  as they are pipes
        try:
            with reader.stdin:
                pickle.dump((name, output), reader.stdin)
            answer = reader.stdout.read(_MOST + 1)
        except OSError:  # it ended before it had read everything
            answer = b""
        if len(answer) > _MOST:
            reader.kill()
            return _too_much(output, "names more tests than can be kept")
    if reader.returncode or not answer:
        return _too_much(output, "cannot be read in reasonable time and memory")
    results: Results = pickle.loads(answer)  # noqa: S301  our own process wrote it
    return results


def _too_much(output: GateOutput, why: str) -> Results:
    size = f"{output_size(output) / 2**20:.0f} MiB"
    short = replace(output, log=output.log[-(2**16) :])
    return account(short, trouble=f"what {output.gate} reports ({size}) {why}", kind="crash")


def main(memory: int, seconds: int) -> None:
    """Be the other process: read the name of a format and an output from standard input, and write the results.

    ``memory`` is its limit in bytes, and ``seconds`` that of its processor time.
    """
    from sessions.gates.formats.registry import FORMATS

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    name, output = pickle.load(sys.stdin.buffer)  # noqa: S301  the session wrote it
    sys.stdout.buffer.write(pickle.dumps(FORMATS[name](output)))
