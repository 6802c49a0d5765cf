"""Every command of the README and the guides, typed in an empty folder beside a copy of this one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.guides import Type, Write, script, steps
from tests.repositories import run_git

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with nothing but ``integrand``, as `git clone` would leave it."""
    names = run_git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tmp_path / "integrand" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "integrand" / name)
    return tmp_path


def follow(page: str, desk: Path) -> str:
    """Do what a page says; all that was printed."""
    guide = (ROOT / page).read_text(encoding="utf-8")
    for step in steps(guide):
        if isinstance(step, Write):
            (desk / step.path).parent.mkdir(parents=True, exist_ok=True)
            (desk / step.path).write_text(step.text, encoding="utf-8")
    person = {f"GIT_{role}_{key}": "you@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    desk_alone = {name: value for name, value in os.environ.items() if name != "CI"}  # where `auto` is careful
    surroundings = desk_alone | person | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "DOCKER_HOST": "unix:///nowhere",  # a newcomer may have none, and its images are not what is tested here
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "-x", "-c", script(guide)], cwd=desk, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def record(folder: Path, day: str = "latest") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / ".integrand" / day / "run.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_the_readme_can_be_followed(desk: Path) -> None:
    said = follow("README.md", desk)
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", told, re.DOTALL)
    assert shown
    # The date, and the commits of a day, which have it in them.
    dated = r"\d{4}-\d\d-\d\d|\b[0-9a-f]{10}\b"
    for line in shown[1].splitlines():
        words = re.sub(dated, "", line.split(" […]")[0]).strip()
        assert words in re.sub(dated, "", said), f"the README shows {line!r}"
    assert record(desk / "integrand")["state"] == "green"
    assert record(desk / "integrand")["timings"]["probes_run"] == 0  # the same day again
    assert (desk / "integrand" / ".integrand" / "latest" / "report.html").is_file()


@pytest.mark.slow
def test_ones_own_project_can_be_followed(desk: Path) -> None:
    said = follow("docs/your-project.md", desk)
    assert record(desk / "thing")["state"] == "empty"  # the last thing typed is a plan…
    days = [path for path in (desk / "thing" / ".integrand" / "days").iterdir() if path.is_dir()]
    whole = next(path for path in days if not path.name.endswith("-plan"))  # …of a day that was integrated before
    tickets = json.loads((whole / "run.json").read_text(encoding="utf-8"))["tickets"]
    assert {each["number"]: each["verdict"] for each in tickets} == {1: "integrated", 2: "culprit", 3: "conflict"}
    assert "2 that are" in said or "3 that are open, in tickets.toml" in said


@pytest.mark.slow
def test_a_matrix_can_be_followed(desk: Path) -> None:
    said = follow("docs/machines.md", desk)
    assert '{"shard": ["1/2", "2/2"]}' in said
    assert "results gathered from 2 state folders" in said
    assert record(desk / "integrand")["state"] == "green"


def test_the_configuration_of_fifteen_lines_has_fifteen_lines() -> None:
    guide = (ROOT / "docs" / "your-project.md").read_text(encoding="utf-8")
    files = {step.path: step.text for step in steps(guide) if isinstance(step, Write)}
    lines = [line for line in files["thing/integration.toml"].splitlines() if line.strip()]
    assert len(lines) <= 15


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_has_typed_exists(page: str) -> None:
    """Sessions and options that a page names are real ones, be they run here or not."""
    from sessions.settings.init_options import build_init_parser
    from sessions.settings.options import build_parser

    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE))
    known = {option for action in build_parser("x")._actions for option in action.option_strings}
    first = {option for action in build_init_parser()._actions for option in action.option_strings}
    for step in steps((ROOT / page).read_text(encoding="utf-8")):
        if isinstance(step, Type) and (
            typed := re.match(r"nox (?:-f \S+ )?-s ([\w -]+?)(?: -- (.*))?$", _plain(step.line))
        ):
            names = typed[1].split()
            assert {name.replace("-", "_") for name in names} <= sessions, step.line
            if names[0] in {"baseline", "integrate", "doc-pdf", "report", "init"}:
                asked = set(re.findall(r"--[a-z][a-z-]*", typed[2] or ""))
                assert asked <= (first if names[0] == "init" else known), step.line


def _plain(line: str) -> str:
    return line.split("  #", maxsplit=1)[0].strip()


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    words = ["-m", "sphinx", "-E", "-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        name = Path(page).stem
        assert (tmp_path / "site" / f"{name}.html").is_file()
        assert name == "index" or f'href="{name}.html"' in index, f"{page} is not in the table of contents"
    for made in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?:[^\"]+)", made.read_text(encoding="utf-8")
        )
        assert not loaded, f"{made.name} loads {loaded}"
