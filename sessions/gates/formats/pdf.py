"""Check that PDFs have pages, in a separate process with limits, because a PDF may be malicious.

Run as a program, this file is that process: its arguments are the limits (seconds for a PDF, bytes) and paths, and it
prints a line of JSON for each path.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_SECONDS = 60  # for one PDF; the 8,000 pages of a large manual take 2
_SECONDS_IN_ALL = 300
_MEMORY = 2 * 2**30


def flaws(pdfs: Mapping[str, bytes]) -> dict[str, str]:
    """Return a clause on what is wrong with each of ``pdfs``, except for those that are PDFs with pages."""
    end = time.monotonic() + _SECONDS_IN_ALL
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        places = {str(Path(folder) / f"{n}.pdf"): name for n, name in enumerate(sorted(pdfs))}
        for place, name in places.items():
            if pdfs[name].lstrip()[:5] == b"%PDF-":
                Path(place).write_bytes(pdfs[name])
            else:
                found[name] = "is not a PDF"
        left = [place for place, name in places.items() if name not in found]
        while left:
            # If the process died, the PDF that it was reading is at fault; a new process reads the others.
            answers = list(_ask(left, min(_SECONDS * len(left), end - time.monotonic())))
            found |= {places[place]: flaw for place, flaw in zip(left, answers, strict=False) if flaw}
            if len(answers) < len(left):
                found[places[left[len(answers)]]] = "cannot be read in reasonable time and memory"
            left = left[len(answers) + 1 :]
    return found


def _ask(paths: list[str], seconds: float) -> Iterator[str]:
    """Yield what is wrong with each path (empty: nothing), in order, until the process ends."""
    command = [sys.executable, "-I", __file__, str(_SECONDS), str(_MEMORY), *paths]
    try:
        done = subprocess.run(command, capture_output=True, timeout=max(seconds, 1), check=False)
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    for line in said.split(b"\n")[:-1]:
        yield json.loads(line)


def _flaw(path: str) -> str:
    from pypdf import PdfReader

    try:
        return "" if len(PdfReader(path).pages) else "has no pages"
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  pypdf raises whatever a broken file makes it stumble over
        return f"is not a complete PDF ({type(error).__name__}: {str(error)[:200]})"


def _main(seconds: int, memory: int, paths: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    logging.disable()
    for path in paths:
        # Only the soft limit, which is raised for each PDF.
        resource.setrlimit(resource.RLIMIT_CPU, (_cpu() + seconds, resource.RLIM_INFINITY))
        print(json.dumps(_flaw(path)), flush=True)


def _cpu() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
