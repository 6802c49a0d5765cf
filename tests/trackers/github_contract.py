"""What GitHub promises, and once said: its OpenAPI description, GraphQL schema, and recordings, as npm's @octokit
packages carry them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import graphql
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

Json = dict[str, Any]
_OPENAPI = ("openapi", "23.0.2", "package/generated/api.github.com.json")
_GRAPHQL = ("graphql-schema", "15.26.1", "package/schema.graphql")
_FIXTURES = ("fixtures", "23.1.2", "package/scenarios/api.github.com/{}/normalized-fixture.json")


class UnavailableError(Exception):
    """The packages cannot be had here; the text is why."""


def fetch_contract(folder: Path) -> Contract:
    """The contract, from ``folder`` or by npm, which then leaves its packages there.

    Raises :class:`UnavailableError` where neither has it.
    """
    return Contract(json.loads(_packed(folder, *_OPENAPI)), _packed(folder, *_GRAPHQL).decode())


def fetch_recording(folder: Path, scenario: str) -> list[Json]:
    """The exchanges of a scenario that octokit recorded with the real GitHub, got as :func:`fetch_contract` does."""
    name, version, member = _FIXTURES
    exchanges: list[Json] = json.loads(_packed(folder, name, version, member.format(scenario)))
    return exchanges


def _packed(folder: Path, name: str, version: str, member: str) -> bytes:
    """A file of an npm package."""
    archive = folder / f"octokit-{name}-{version}.tgz"
    if not archive.exists():
        if not (npm := shutil.which("npm")):
            raise UnavailableError("there is no npm, which has GitHub's published contract")
        command = [npm, "pack", "--silent", f"@octokit/{name}@{version}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not archive.exists():
            archive.unlink(missing_ok=True)
            raise UnavailableError(f"npm cannot fetch @octokit/{name}: {done.stderr.strip()[-300:]}")
    with tarfile.open(archive) as tar, tar.extractfile(member) as file:  # type: ignore[union-attr]  # it is a file
        return file.read()


class Contract:
    """GitHub's published descriptions."""

    def __init__(self, openapi: Json, schema: str) -> None:
        self._api = _with_nulls(openapi)
        resource = Resource.from_contents(self._api, default_specification=DRAFT4)
        self._registry = Registry[Any]().with_resource("urn:github", resource)
        self.schema = graphql.build_schema(schema, assume_valid_sdl=True, assume_valid=True)

    @cache  # noqa: B019  one contract lives as long as the tests
    def parse(self, query: str) -> tuple[graphql.DocumentNode, tuple[str, ...]]:
        """A query, and what is wrong with it."""
        document = graphql.parse(query)
        return document, tuple(error.message for error in graphql.validate(self.schema, document))

    def faults_of_request(self, method: str, template: str, body: Any) -> list[str]:
        at = ("paths", template, method.lower(), "requestBody")
        if (self._find(at) is None) != (body is None):
            return [f"{method} {template}: has a body, and should not; or the other way round"]
        return [] if body is None else self._faults((*at, "content", "application/json", "schema"), body)

    def faults_of_response(self, method: str, template: str, status: int, body: Any) -> list[str]:
        at = ("paths", template, method.lower(), "responses", str(status))
        found = self._find(at)
        if found is None:
            return [f"{method} {template}: GitHub never answers {status}"]
        if "$ref" in found:
            at = tuple(found["$ref"].removeprefix("#/").split("/"))
        return self._faults((*at, "content", "application/json", "schema"), body)

    def _find(self, at: tuple[str, ...]) -> Any:
        found: Any = self._api
        for key in at:
            found = found.get(key) if found else None
        return found

    def _faults(self, at: tuple[str, ...], body: Any) -> list[str]:
        pointer = "/".join(key.replace("~", "~0").replace("/", "~1") for key in at)
        validator = Draft4Validator({"$ref": f"urn:github#/{pointer}"}, registry=self._registry)
        return [f"{'/'.join(at[1:3])}: {error.message}" for error in validator.iter_errors(body)]


def _with_nulls(node: Any) -> Any:
    """OpenAPI 3.0 says ``nullable``, for which JSON Schema has another word."""
    if isinstance(node, list):
        return [_with_nulls(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _with_nulls(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") is True else plain
