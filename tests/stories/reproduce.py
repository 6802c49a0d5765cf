"""Runs ``nox -s reproduce`` in a process of its own, as nox would."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sessions.main import run_reproduce

if __name__ == "__main__":
    trouble = run_reproduce(sys.argv[1:], Path.cwd())
    if trouble:
        print(f"TROUBLE {trouble}", file=sys.stderr)
    sys.exit(1 if trouble else 0)
