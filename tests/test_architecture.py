"""The borders between the rooms: import-linter's contracts in pyproject.toml, and what no import shows."""

from __future__ import annotations

import ast
import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


# A module of a room, and what it must not import.
FORBIDDEN = (
    ("tickets.model", "subprocess"),
    ("culprits.evidence", "os"),
    ("gates.comparison", "sessions.day.context"),
    ("gates.comparison", "sessions.settings.options"),
    ("engines.probe", "sessions.ledger.record"),
    ("engines.probe", "sessions.tickets.model"),
    ("engines.probe", "sessions.gates.results"),
    ("reporting.html", "sessions.source.mirror"),
    ("reporting.html", "sessions.engines.probe"),
    ("day.context", "sessions.first_steps.files"),
    ("day.context", "sessions.integrate"),
    ("terminal.errors", "sessions.settings.options"),
    ("init", "sessions.publishing.writes"),
    ("init", "sessions.culprits.search"),
    ("init", "sessions.reporting.html"),
    ("main", "tools.release"),
    ("auditing.patches", "sessions.source.merge_tree"),
    ("init", "sessions.planning.footprints"),
    ("radar", "sessions.resolutions.memory"),
)


@functools.cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def lint_imports(folder: Path) -> str:
    """Check the import rules of a folder, and return what import-linter prints."""
    script = "import importlinter.cli, sys; sys.exit(importlinter.cli.lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ("0 broken" in done.stdout), done.stdout + done.stderr
    return done.stdout


def test_the_import_rules_are_kept() -> None:
    assert "0 broken" in lint_imports(ROOT)


def test_an_import_within_a_function_breaks_each_rule(tmp_path: Path) -> None:
    for name in ("sessions", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("project", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "sessions" / "loose.py").touch()
    for module, imported in FORBIDDEN:
        with (tmp_path / "sessions" / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
            file.write(f"\ndef f() -> None:\n    import {imported}\n")
    printed = lint_imports(tmp_path)
    assert " KEPT" not in printed
    assert "sessions.loose" in printed
    for module, imported in FORBIDDEN:
        assert f"sessions.{module} -> {imported} (l." in printed, printed


def test_engines_need_no_git() -> None:
    """They run on machines where there is none."""
    engines = ("dask.job", "docker.engine", "local.engine", "pool")
    statements = "".join(f"import sessions.engines.{name}\n" for name in engines)
    script = f"import sys\nsys.modules.update(git=None, gitdb=None)\n{statements}"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_only_the_docker_engine_knows_docker() -> None:
    for path in (ROOT / "sessions").rglob("*.py"):
        if path.is_relative_to(ROOT / "sessions" / "engines" / "docker"):
            continue
        known = {name for name in imports(path) if name.split(".")[0] == "docker" or ".engines.docker" in name}
        assert not known, f"{path.relative_to(ROOT)} imports {known}"


def test_no_engine_is_known_by_its_type() -> None:
    """What an engine cannot do, it says through the protocol."""
    for path in (ROOT / "sessions").rglob("*.py"):
        assert not re.search(r"isinstance\([\w.]*engine\b", path.read_text()), path
        known = {name for name in imports(path) if name.startswith("sessions.engines.local")}
        assert not known or "local" in path.parts, f"{path.relative_to(ROOT)} imports {known}"


def test_the_options_need_no_engine() -> None:
    """Each `--help` would wait for docker-py."""
    script = (
        "import sys, sessions.settings.options; assert not {'docker', 'requests', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_only_publishing_pushes() -> None:
    for path in (ROOT / "sessions").rglob("*.py"):
        if "publishing" not in path.parts and "project" not in path.parts:
            assert '"push"' not in path.read_text(), path
