#!/usr/bin/env python3
"""Run doctests as ``sage -t`` runs them: with its log, its statistics file and its exit status.

    python3 tools/doctests.py --seed 0 --stats-path stats.json abacus/dice.py abacus/text.py
"""

import argparse
import doctest
import importlib
import json
import random
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True  # a stale cache must not stand in for a file that was just merged
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def counted(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def module_name(path):
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_file(path):
    """Run one file's doctests; return how many there are and how many failed."""
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module_name(path)))
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    failures, total = [], 0
    for test in tests:
        test.filename = path  # as the command line names it, wherever it was imported from
        failed, tried = runner.run(test)[:2]
        total += tried
        if failed:
            failures.append((test.name, failed, tried))
    if failures:
        print("*" * 70)
        print(counted(len(failures), "item"), "had failures:")
        for name, failed, tried in sorted(failures):
            print(f" {failed:3} of {tried:3} in {name}")
    return total, sum(failed for _, failed, _ in failures)


def report_file(path, stats):
    """Run one file and tell about it; return what the summary says of it and its bit of the exit status."""
    start = time.perf_counter()
    try:
        total, failed = run_file(path)
    except Exception:
        print("    Error in doctesting framework (bad result returned)")
        print(f"{'*' * 70}\nTests run before error:\n{traceback.format_exc()}\n{'*' * 70}")
        return "Testing error: bad result", 64
    wall = time.perf_counter() - start
    stats[module_name(path)] = {**({"failed": True} if failed else {}), "ntests": total, "walltime": wall}
    failures = f"{counted(failed, 'failure')}, " if failed else ""
    print(f"    [{counted(total, 'test')}, {failures}{wall:.2f}s wall]", flush=True)
    return (f"{counted(failed, 'doctest')} failed", 1) if failed else ("", 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stats-path", default="stats.json")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))
    stats, summary, status, start = {}, [], 0, time.perf_counter()
    print(f"Doctesting {counted(len(options.files), 'file')}.")
    for path in options.files:
        head = f"sage -t --random-seed={options.seed} {path}"
        print(head)
        random.seed(options.seed)
        trouble, bit = report_file(path, stats)
        status |= bit
        if trouble:
            summary.append(f"{head}  # {trouble}")
    wall = time.perf_counter() - start
    print("-" * 70, *(summary or ["All tests passed!"]), "-" * 70, sep="\n")
    print(f"Total time for all tests: {wall:.1f} seconds")
    Path(options.stats_path).write_text(json.dumps(stats, indent=4, sort_keys=True) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
