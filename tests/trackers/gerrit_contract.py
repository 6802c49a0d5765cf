"""What Gerrit promises: the entities of its REST interface, as its npm package for writers of plugins declares them.

The package ``@gerritcodereview/typescript-api`` is made from Gerrit's own source. ``ts-json-schema-generator`` turns
its declarations into a JSON Schema. The package has no entities that are only sent: those are written here from the
documentation.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from tests.trackers.github_contract import Json, UnavailableError

_API = "@gerritcodereview/typescript-api@3.13.0"
_GENERATOR = "ts-json-schema-generator@2.4.0"
# https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#review-input and #abandon-input, as far as
# a tracker may use them.
_NOTIFY = {"enum": ["NONE", "OWNER", "OWNER_REVIEWERS", "ALL"]}
_TEXT = {"type": "string", "minLength": 1}
_INPUTS: Json = {
    "ReviewInput": {
        "type": "object",
        "properties": {
            "message": _TEXT,
            "tag": _TEXT,
            "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
            "notify": _NOTIFY,
        },
        "additionalProperties": False,
    },
    "AbandonInput": {
        "type": "object",
        "properties": {"message": _TEXT, "notify": _NOTIFY},
        "additionalProperties": False,
    },
    "ReviewResult": {
        "type": "object",
        "properties": {"labels": {"type": "object"}, "ready": {"type": "boolean"}},
        "additionalProperties": False,
    },
}


class GerritContract:
    """Gerrit's entities, by name."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions | _INPUTS

    def faults(self, entity: str, value: Any) -> list[str]:
        """What is wrong with a value of that entity."""
        schema = {"$ref": f"#/definitions/{entity}", "definitions": self._definitions}
        return [f"{entity}: {error.message[:500]}" for error in Draft7Validator(schema).iter_errors(value)]


def fetch_gerrit_contract(folder: Path) -> GerritContract:
    """The contract, from ``folder`` or by npm, which then leaves its packages there.

    Raises :class:`UnavailableError` where neither has it.
    """
    schema = folder / "rest-api.schema.json"
    if not schema.exists():
        if not (npm := shutil.which("npm")):
            raise UnavailableError("there is no npm, which has Gerrit's entities")
        _run([npm, "pack", "--silent", _API], folder)
        _run([npm, "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", str(folder), _GENERATOR], folder)
        with tarfile.open(next(folder.glob("gerritcodereview-*.tgz"))) as tar:
            source = tar.extractfile("package/rest-api.ts").read().decode()  # type: ignore[union-attr]  # it is a file
        # `BrandType<string, '_branchName'>` is a string that the compiler lets nobody mistake for another.
        (folder / "rest-api.ts").write_text(re.sub(r"= BrandType<\s*([^,]+),\s*'\w+'\s*>", r"= \1", source))
        generator = str(folder / "node_modules" / ".bin" / "ts-json-schema-generator")
        schema.write_text(_run([generator, "--path", "rest-api.ts", "--type", "*", "--no-type-check"], folder))
    return GerritContract(json.loads(schema.read_text())["definitions"])


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise UnavailableError(f"{Path(command[0]).name} fails: {done.stderr.strip()[-300:]}")
    return done.stdout
