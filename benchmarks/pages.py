"""How long the report of a large day takes to be written, and to be there in a real browser.

    nox -s bench -- pages --tickets 500

The day is made up (`tests/reporting/big_day.py`). Counted are: writing the page; the browser's own time from the
beginning of the navigation to the end of its load event, and until the page has been painted; and what a person waits
for between typing in the search and seeing the rows. Each is the median of ``--times`` runs, each in a fresh context.
Wanted: a Chromium (`apt-get install chromium`), and playwright in the Python that runs nox.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, status, write_figures
from sessions.ledger.record_file import parse_record
from sessions.reporting.html import page
from sessions.settings.options import at_least
from sessions.terminal.errors import UsageError
from tests.reporting.big_day import big_day

_SEARCH = """() => new Promise(done => {
    const field = document.getElementById("search"), start = performance.now();
    field.value = "matrix";
    field.dispatchEvent(new Event("input"));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    tickets: int
    times: int
    json: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise UsageError("There is no Chromium to look at pages with: apt-get install chromium.")
    record = parse_record(big_day(size=options.tickets))
    with tempfile.TemporaryDirectory() as folder:
        place, writing = Path(folder) / "report.html", list[float]()
        for _ in range(options.times):
            start = time.perf_counter()
            place.write_text(page(record, Path(folder)), encoding="utf-8")
            writing.append(1000 * (time.perf_counter() - start))
        measured = {"write the page": writing, **_in_browser(chromium, place, options.times)}
        size = place.stat().st_size
    table = Table("milliseconds", "median", "slowest", title=f"{options.tickets} tickets, {size / 1000:.0f} kB")
    for what, times in measured.items():
        table.add_row(what, f"{statistics.median(times):.0f}", f"{max(times):.0f}")
    Console().print(table)
    figures = {what: {"median": statistics.median(times), "slowest": max(times)} for what, times in measured.items()}
    write_figures(options.json, {"tickets": options.tickets, "bytes": size, "milliseconds": figures})


def _in_browser(chromium: str, place: Path, times: int) -> dict[str, list[float]]:
    from playwright.sync_api import sync_playwright

    values: dict[str, list[float]] = {"painted": [], "loaded": [], "searched": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(times):
            seen = browser.new_page(viewport={"width": 1440, "height": 900})
            seen.goto(place.as_uri())
            seen.wait_for_timeout(200)
            values["loaded"].append(seen.evaluate(_LOADED))
            values["painted"].append(seen.evaluate(_PAINTED))
            values["searched"].append(seen.evaluate(_SEARCH))
            seen.close()
        browser.close()
    return values


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("pages", "Write the report of a large day, and look at it in Chromium.")
    parser.add_argument("--tickets", type=at_least(1), default=500, metavar="N", help="how many tickets (500)")
    parser.add_argument("--times", type=at_least(1), default=9, metavar="N", help="how often (9)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
