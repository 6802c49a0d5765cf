"""How much of a gate must run until a fault shows, in the order that the evidence gives to its files.

    nox -s bench -- recall --repository packaging --source src/packaging --tests tests --faults 40

``--repository`` is a work tree with pytest tests that this session's Python, or ``--python``, can run; it is copied.
Each fault is a mutation of one function: a comparison, sum or condition turned round, a number one higher, a lost
result. The whole suite runs with each, to know which files show it; a fault that none shows, or with which the suite
does not end, is no fault. Then the files are put in order as for a head whose tickets change the fault's module and
those of ``--others`` further tickets, and a fault is found when the first file that shows it has ended.

What the product learns after a quarter is told as well: it runs a first part of the files by itself, and sees a fault
then if any file of that part shows it. No result is known before a probe has ended.
"""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, folder, several, status, up_to, write_figures
from sessions.culprits.file_order import first_part, order_files
from sessions.day.head_questions import FIRST_SHARE
from sessions.gates.python_imports import ImportGraph, imported_names
from sessions.settings.options import at_least

_SHARES = (0.1, 0.25, 0.5, 0.75)
_PLUGIN = """
import json, os
import pytest
seconds, failed = {}, set()

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if item.location[0] in failed:
        pytest.skip("its file has failed already")

def pytest_runtest_logreport(report):
    file = report.location[0]
    seconds[file] = seconds.get(file, 0.0) + report.duration
    if report.failed:
        failed.add(file)

def pytest_collectreport(report):
    if report.failed:
        failed.add(report.nodeid.partition("::")[0])

def pytest_sessionfinish(session):
    with open(os.environ["RECALL"], "w") as out:
        json.dump({"seconds": seconds, "failed": sorted(failed)}, out)
"""
_OPPOSITE: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    source: str
    tests: str
    faults: int
    seed: int
    others: Sequence[int]
    python: str
    paths: str
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """Seconds of each test file, and those that failed."""

    seconds: Mapping[str, float]
    failed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SeededFault:
    """A mutation that the tests notice: its module, its function, and the files that show it."""

    path: str
    function: str
    shown_by: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 however the figures come out."""
    return status(lambda: _run(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("recall", "how much of a gate must run until a fault shows")
    parser.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a work tree")
    parser.add_argument("--source", default="src", metavar="DIR", help="where the functions are")
    parser.add_argument("--tests", default="tests", metavar="DIR", help="where the tests are")
    parser.add_argument("--faults", type=at_least(1), default=40, metavar="N", help="how many faults, at most")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which faults")
    parser.add_argument("--others", type=several(up_to(1000)), default=(0, 9), metavar="N,N", help="further tickets")
    parser.add_argument("--python", default=sys.executable, metavar="FILE", help="what runs the tests")
    parser.add_argument("--paths", default="src", metavar="DIRS", help="PYTHONPATH, within the work tree or absolute")
    return Options(**vars(parser.parse_args(arguments)))


def _run(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="integrand-recall-") as place:
        work = Path(place) / "work"
        shutil.copytree(options.repository, work, ignore=shutil.ignore_patterns(".git"))
        (Path(place) / "recall_plugin.py").write_text(_PLUGIN, encoding="utf-8")
        healthy = _test(options, work, timeout=3600)
        if not healthy:
            raise OSError("the tests do not come to their end without a fault")
        faults = list(_seeded(options, work, healthy))
    names = {
        str(path.relative_to(options.repository)): imported_names(path.read_bytes())
        for path in sorted(options.repository.rglob("*.py"))
    }
    figures = _figures(options, healthy, faults, ImportGraph(names))
    _show(figures)
    write_figures(options.json, figures | {"found": [asdict(each) for each in faults], "seconds": healthy.seconds})


def _test(options: Options, work: Path, timeout: float) -> Run | None:
    """Run the whole suite; ``None`` if it does not end. What fails already says nothing about a fault."""
    answer = work.parent / "answer.json"
    answer.unlink(missing_ok=True)
    paths = [str(work / each) for each in options.paths.split(os.pathsep)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*paths, str(work.parent)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RECALL": str(answer),
    }
    plugins = ("-p", "recall_plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly")
    command = [options.python, "-m", "pytest", "-q", "--no-header", "--tb=no", *plugins, options.tests]
    try:
        subprocess.run(
            command,
            cwd=work,
            env=environment,
            timeout=timeout,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None
    if not answer.is_file():
        return None
    told = json.loads(answer.read_text(encoding="utf-8"))
    return Run(seconds=told["seconds"], failed=tuple(told["failed"]))


def _seeded(options: Options, work: Path, healthy: Run) -> Iterator[SeededFault]:
    """Yield the faults that the tests notice. A suite with one may take three times as long, and a minute more."""
    chance, known = random.Random(options.seed), set(healthy.failed)  # noqa: S311  the same faults each time
    modules = sorted((options.repository / options.source).rglob("*.py"))
    places = [(path, at) for path in modules for at in range(len(_mutable(ast.parse(path.read_bytes()))))]
    timeout = 60 + 3 * sum(healthy.seconds.values())
    for path, at in chance.sample(places, min(options.faults, len(places))):
        relative = path.relative_to(options.repository)
        text, function = _mutated(path.read_bytes(), at)
        (work / relative).write_text(text, encoding="utf-8")
        run = _test(options, work, timeout)
        shutil.copy(path, work / relative)
        if run and (shown := tuple(file for file in run.failed if file not in known)):
            yield SeededFault(path=str(relative), function=function, shown_by=shown)


def _mutable(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """Return what can be mutated within functions, with the function's name; those within others belong to both."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found: dict[int, tuple[str, ast.AST]] = {}
    for function in functions:
        for statement in function.body:
            for node in ast.walk(statement):
                if _mutation(node):
                    found.setdefault(id(node), (function.name, node))
    return list(found.values())


def _mutation(node: ast.AST) -> Callable[[], None] | None:  # noqa: PLR0911  a table of kinds
    """Return what mutates a node in place; ``None`` for one that is left alone."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _OPPOSITE:
            return lambda: node.ops.__setitem__(0, _OPPOSITE[type(operator)]())  # type: ignore[call-overload]
        case ast.BinOp(op=ast.Add() | ast.Sub() as sign):
            return lambda: setattr(node, "op", _OPPOSITE[type(sign)]())
        case ast.BoolOp(op=word):
            return lambda: setattr(node, "op", _OPPOSITE[type(word)]())
        case ast.If(test=test):
            return lambda: setattr(node, "test", ast.UnaryOp(op=ast.Not(), operand=test))
        case ast.Return(value=ast.expr()):
            return lambda: setattr(node, "value", ast.Constant(value=None))
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return lambda: setattr(node, "value", number + 1)
    return None


def _mutated(source: bytes, at: int) -> tuple[str, str]:
    tree = ast.parse(source)
    function, node = _mutable(tree)[at]
    mutate = _mutation(node)
    assert mutate is not None  # noqa: S101  only such nodes are listed
    mutate()
    return ast.unparse(ast.fix_missing_locations(tree)), function


def _figures(options: Options, healthy: Run, faults: Sequence[SeededFault], graph: ImportGraph) -> dict[str, object]:
    files = sorted(healthy.seconds)
    modules = sorted(path for path in graph.names if path.startswith(f"{options.source}/"))
    orders: dict[str, Callable[[SeededFault, random.Random], Sequence[str]]] = {
        "by name": lambda _fault, _chance: files,
        "shortest first": lambda _fault, _chance: sorted(files, key=lambda file: healthy.seconds[file]),
    }
    for others in map(int, options.others):

        def evidence(fault: SeededFault, chance: random.Random, others: int = others) -> Sequence[str]:
            rest = [path for path in modules if path != fault.path]
            changed = {fault.path, *chance.sample(rest, min(others, len(rest)))}
            return order_files(files, healthy.seconds, changed, graph.distances, {})

        orders[f"by evidence, {others + 1} ticket{'s' * bool(others)}"] = evidence
    shares: dict[str, dict[float, float]] = {}
    parts: dict[str, float] = {}
    for name, order in orders.items():
        chance = random.Random(options.seed)  # noqa: S311
        orders_of = [(fault, order(fault, chance)) for fault in faults]
        ends = [_found_at(files_of, fault, healthy.seconds) for fault, files_of in orders_of]
        shares[name] = {share: sum(end <= share for end in ends) / max(len(ends), 1) for share in _SHARES}
        seen = sum(_is_in_first_part(files_of, fault, healthy.seconds) for fault, files_of in orders_of)
        parts[name] = seen / max(len(faults), 1)
    gate = sum(healthy.seconds.values())
    return {"faults": len(faults), "files": len(files), "gate": gate, "recall": shares, "first part": parts}


def _is_in_first_part(order: Sequence[str], fault: SeededFault, seconds: Mapping[str, float]) -> bool:
    """Whether the part that the product runs first shows a fault."""
    return not set(fault.shown_by).isdisjoint(first_part(order, seconds, FIRST_SHARE))


def _found_at(order: Sequence[str], fault: SeededFault, seconds: Mapping[str, float]) -> float:
    """Return the share of the gate's seconds after which the first file that shows a fault has ended."""
    taken, whole = 0.0, sum(seconds.values())
    for file in order:
        taken += seconds[file]
        if file in fault.shown_by:
            return taken / whole
    return 1.0


def _show(figures: dict[str, object]) -> None:
    shares, parts = figures["recall"], figures["first part"]
    assert isinstance(shares, dict)  # noqa: S101
    assert isinstance(parts, dict)  # noqa: S101
    table = Table(
        title=f"{figures['faults']} faults, {figures['files']} files: found after a share of the gate's seconds"
    )
    table.add_column("order")
    for share in _SHARES:
        table.add_column(f"{share:.0%}", justify="right")
    table.add_column("in the first part", justify="right")
    for name, row in shares.items():
        table.add_row(name, *(f"{row[share]:.0%}" for share in _SHARES), f"{parts[name]:.0%}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
