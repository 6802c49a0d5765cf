"""The cost of a probe of the local engine, beside the gate's command itself.

    nox -s bench -- probes --files 20000 --differ 10

In each round, three parties run the same command on the same candidate, one after the other in a changing order:

* the command: ``sh -c`` in a folder that holds the candidate already, as a developer would run it;
* overlay: a probe as the local engine runs it here, on an overlay of the release where this machine can mount one;
* copy: a probe that copies the release first, as the local engine does where nothing else works.

The project is generated: Python files of 2 kB in folders of 50. ``--source DIR`` takes a real one instead, and
``--command`` a gate of it. A ratio is the median over the rounds of a party's time divided by the command's time in the
same round.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, folder, status, write_figures
from sessions.engines import ignore
from sessions.engines.images import ImageSource
from sessions.engines.local.engine import LocalEngine
from sessions.engines.local.layers import Copies
from sessions.engines.probe import Probe, Step
from sessions.settings.configuration import Config, EngineSettings, Gate, Project, Tracker
from sessions.settings.options import at_least
from sessions.source.overlay_files import OverlayFile
from sessions.terminal.errors import InfrastructureError

_COMMAND = 'python3 -c "print(sum(i * i for i in range(10_000_000)))"'
_LINE = "value = 0  # a line of a generated file\n"
_TIMEOUT = 3600.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one call."""

    files: int
    differ: int
    rounds: int
    source: Path | None
    command: str
    no_copy: bool
    json: Path | None


def write_project(place: Path, files: int) -> None:
    """Write a generated project."""
    for number in range(files):
        path = place / f"package_{number // 50:04}" / f"module_{number % 50:02}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_LINE * 50, encoding="ascii")


def measure(options: Options, scratch: Path) -> dict[str, list[float]]:
    """Return the seconds of each party in each round."""
    differing = tuple(
        OverlayFile(path=f"integrand_bench/{number}.py", mode=0o100644, content=_LINE.encode())
        for number in range(options.differ)
    )
    steps = (Step(name="gate", command=options.command, timeout=_TIMEOUT),)
    candidate = scratch / "candidate"
    _export(options)(candidate)
    for file in differing:
        (candidate / file.path).parent.mkdir(exist_ok=True)
        (candidate / file.path).write_bytes(file.content or b"")
    parties: dict[str, Callable[[], None]] = {"the command": lambda: _run(options.command, candidate)}
    for name in ("overlay",) if options.no_copy else ("overlay", "copy"):
        engine = LocalEngine(_config(options.command), scratch / name, reason="it is measured")
        image = engine.prepare(ImageSource(tag="1.0", tree="tree", export=_export(options)))
        if name == "copy":
            vars(engine.confinement)["layers"] = Copies()
        probe = Probe(image=image, overlay=differing, steps=steps)
        parties[name] = lambda engine=engine, probe=probe: _probe(engine, probe)  # type: ignore[misc]
    return take_turns(parties, options.rounds)


def take_turns(parties: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Run each party once a round, in an order that changes, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in parties}
    names = list(parties)
    for number in range(rounds + 1):
        at = number % len(names)
        for name in names[at:] + names[:at]:
            start = time.perf_counter()
            parties[name]()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(seconds: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Return each party's median and its median ratio to the command in the same round."""
    baseline = seconds["the command"]
    return {
        name: {
            "median": round(statistics.median(values), 4),
            "ratio": round(statistics.median(each / base for each, base in zip(values, baseline, strict=True)), 4),
        }
        for name, values in seconds.items()
    }


def _export(options: Options) -> Callable[[Path], None]:
    def export(place: Path) -> None:
        if options.source:
            shutil.copytree(options.source, place, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        else:
            write_project(place, options.files)

    return export


def _run(command: str, place: Path) -> None:
    done = subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, check=False)
    if done.returncode:
        raise InfrastructureError(f"The command fails: {done.stderr.decode(errors='replace').strip()[-200:]}")


def _probe(engine: LocalEngine, probe: Probe) -> None:
    (step,) = engine.run(probe, ignore).steps
    if step.is_failure:
        raise InfrastructureError(f"The probe fails: {step.log.strip()[-200:]}")


def _config(command: str) -> Config:
    return Config(
        version=1,
        project=Project(name="bench", repository="."),
        tickets=(Tracker(tracker="file", url="tickets.toml"),),
        engine=EngineSettings(),
        gates=(Gate(name="gate", run=command),),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its status."""
    return status(lambda: _report(_parse(arguments)))


def _report(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="integrand-bench-") as scratch:
        seconds = measure(options, Path(scratch))
        files = sum(path.is_file() for path in (Path(scratch) / "candidate").rglob("*")) - options.differ
    figures = summary(seconds)
    title = f"A probe of {files} files, {options.differ} of which differ, {options.rounds} rounds"
    table = Table("")
    for column in ("median s", "ratio"):
        table.add_column(column, justify="right")
    for name, each in figures.items():
        table.add_row(name, f"{each['median']:.3f}", f"{each['ratio']:.3f}")
    print(title)
    Console().print(table)
    settings = {"files": files, "differ": options.differ, "rounds": options.rounds, "command": options.command}
    write_figures(options.json, {**settings, "parties": figures})


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("probes", "The cost of a local probe, beside the gate's command itself.")
    parser.add_argument("--files", type=at_least(1), default=20_000, metavar="N", help="how many (20000)")
    parser.add_argument("--differ", type=at_least(1), default=10, metavar="N", help="files that differ (10)")
    parser.add_argument("--rounds", type=at_least(1), default=11, metavar="N", help="runs of each party (11)")
    parser.add_argument("--source", type=folder, metavar="DIR", help="a real project instead")
    parser.add_argument("--command", default=_COMMAND, metavar="COMMAND", help="what to run (about 1 s)")
    parser.add_argument("--no-copy", action="store_true", help="leave the copies out: they keep the disk busy")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
