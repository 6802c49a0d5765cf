"""The arrows between the rooms, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "first_steps",
    "tickets",
    "source",
    "gates",
    "engines",
    "culprits",
    "ledger",
    "publishing",
    "reporting",
    "sample",
)
# What anyone may import: words, not stories.
SHARED = {"terminal", "settings"}
ALLOWED: dict[str, set[str]] = {
    "first_steps": {"source", "tickets"},
    "tickets": set(),
    "source": {"tickets"},
    "gates": set(),
    "engines": {"source"},
    "culprits": {"tickets", "gates"},
    "ledger": {"gates", "tickets"},
    "publishing": {"source", "engines", "tickets", "ledger", "reporting"},
    "reporting": {"ledger", "gates", "tickets"},
    "sample": {"tickets", "source"},
}
PURE = (
    *("tickets/order.py", "tickets/eligibility.py", "tickets/dependencies.py", "tickets/model.py"),
    *("culprits/search.py", "culprits/inquiry.py", "culprits/signatures.py", "culprits/evidence.py"),
    *(
        "culprits/bisection.py",
        "culprits/suspicion.py",
        "gates/comparison.py",
        "gates/shards.py",
        "gates/shard_results.py",
    ),
    *("source/stacked.py", "source/releases.py", "source/tags.py", "source/trunk.py", "culprits/first_bad.py"),
    *("first_steps/commands.py", "first_steps/draft.py", "tickets/trackers/github_tickets.py"),
)
EFFECTS = {"git", "docker", "requests", "subprocess", "os", "pathlib", "sqlite3", "time", "datetime", "random"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    for path in (ROOT / "sessions" / room).rglob("*.py"):
        if "project" in path.parts:
            continue
        ours = {name.split(".")[1] for name in imports(path) if name.startswith("sessions.")}
        assert ours <= ALLOWED[room] | {room} | SHARED, f"{path.relative_to(ROOT)} imports {ours}"


@pytest.mark.parametrize("name", PURE)
def test_decisions_touch_nothing_outside(name: str) -> None:
    used = {module.split(".")[0] for module in imports(ROOT / "sessions" / name)}
    assert not used & EFFECTS


def test_engines_need_no_git() -> None:
    """They run on machines where there is none."""
    engines = ("dask.job", "docker.engine", "local.engine", "pool")
    words = "".join(f"import sessions.engines.{name}\n" for name in engines)
    script = f"import sys\nsys.modules.update(git=None, gitdb=None)\n{words}"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_only_publishing_pushes() -> None:
    for path in (ROOT / "sessions").rglob("*.py"):
        if "publishing" not in path.parts and "project" not in path.parts:
            assert '"push"' not in path.read_text(), path
