"""Write the memory that sessions were measured to take into ``docs/security.md``.

The tests write the measurements, one a line, into the file that ``INTEGRAND_MEMORY_REPORT`` names::

    export INTEGRAND_MEMORY=all INTEGRAND_MEMORY_REPORT=memory.txt
    nox -s tests -- tests/stories/test_memory.py tests/engines/test_hostile.py
    python -m tools.memory memory.txt
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.figures import ROOT, replace_between

PAGE = ROOT / "docs" / "security.md"
MARKERS = ("<!-- memory: `python -m tools.memory` writes this table -->", "<!-- end of memory -->")
_DAY = re.compile(r"(?P<size>\d+) MB day: (?P<name>.*)")
_ATTACK = re.compile(r"(?P<size>[\d.-]+) MiB (?P<engine>\w+) \w+: (?P<name>.*)")


def main(report: Path) -> None:
    """Write the table of a report into the documentation."""
    table = memory_table(report.read_text(encoding="utf-8"))
    PAGE.write_text(replace_between(PAGE.read_text(encoding="utf-8"), *MARKERS, table), encoding="utf-8")


def memory_table(report: str) -> str:
    """Return a Markdown table: each day's peak, and on each engine how much the worst attack adds."""
    rows = ["| a day with a ticket that leaves | the session's peak |", "|---|---|"]
    rows += [f"| {day['name']} | {day['size']} MB |" for day in _DAY.finditer(report)]
    attacks = list(_ATTACK.finditer(report))
    rows += ["", "| attacks below | tried | the worst adds | which |", "|---|---|---|---|"]
    for engine in sorted({attack["engine"] for attack in attacks}):
        own = [attack for attack in attacks if attack["engine"] == engine]
        worst = max(own, key=lambda attack: float(attack["size"]))
        size = float(worst["size"]) * 2**20 / 1e6
        rows.append(f"| {engine} | {len(own)} | {size:.0f} MB | {worst['name']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
