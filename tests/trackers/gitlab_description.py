"""GitLab's own OpenAPI description, where ``INTEGRAND_GITLAB_OPENAPI`` names its file.

It is ``doc/api/openapi/openapi_v2.yaml`` (or ``openapi_v3.yaml``) of GitLab's repository, which is too large to fetch
in CI, and no package of a registry has all of it. It says which parameters a request may have and which properties an
answer; it does not say which of them are always there, or may be null. Version 2 calls many lists an object, and says
of much that it is a text, so that a text is anything but an object here; and a list may be a text with commas, as in
the reference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from ruamel.yaml import YAML

Json = Mapping[str, Any]
_PATH = os.environ.get("INTEGRAND_GITLAB_OPENAPI", "")
# Here the description is wrong, as GitLab's reference and its code show: the status of an answer, and properties that
# the paid editions add to one.
_NOT_SO = {("POST", "/projects/:id/statuses/:sha", 200): 201}
_MORE = {("GET", "/projects/:id/merge_requests/:iid/approvals"): ("approvals_left", "approvals_required")}


def described_faults(method: str, template: str, query: Json, body: Any, status: int, content: Any) -> list[str]:
    """What the description does not know of a request that was answered; nothing where it lacks the operation."""
    found = _operation(method, template) if _PATH and status < 400 else None
    if found is None:
        return []
    place = f"{method} {template}"
    parameters = {each["name"]: each for each in found.get("parameters", ()) if each["in"] == "query"}
    faults = [f"{place}: no parameter {name}" for name in query.keys() - parameters.keys()]
    if body is not None:
        faults += [f"{place}: body{fault}" for fault in _unlike(_body(found), body)]
    answers = {_NOT_SO.get((method, template, int(code)), int(code)): each for code, each in found["responses"].items()}
    if status not in answers:
        return [*faults, f"{place}: GitLab never answers {status}"]
    schema = _schema(answers[status])
    if more := _MORE.get((method, template)):
        content = {name: value for name, value in content.items() if name not in more}
    return faults + [f"{place}: answer{fault}" for fault in _unlike(schema, content)]


@cache
def _description() -> Json:
    loaded: Json = YAML(typ="safe").load(Path(_PATH))
    return loaded


@cache
def _operation(method: str, template: str) -> Json | None:
    shape = re.sub(r":\w+", "{}", f"/api/v4{template}")
    paths = {re.sub(r"{\w+}", "{}", path): each for path, each in _description()["paths"].items()}
    found: Json | None = paths.get(shape, {}).get(method.lower())
    return found


def _schema(part: Json) -> Json:
    """The schema of a body or an answer, in version 2 of OpenAPI or in version 3."""
    content = part.get("content")
    found: Json = next(iter(content.values()))["schema"] if content else part.get("schema", {})
    return found


def _body(operation: Json) -> Json:
    bodies = [each for each in operation.get("parameters", ()) if each["in"] == "body"]
    return _schema(operation.get("requestBody") or (bodies[0] if bodies else {}))


def _unlike(schema: Json, value: Any) -> list[str]:
    errors = Draft202012Validator(_strict(schema)).iter_errors(value)
    deepest = (best_match([error]) or error for error in errors)
    return [f"{error.json_path.removeprefix('$')}: {error.message[:200]}" for error in deepest]


def _strict(schema: Json, depth: int = 0) -> dict[str, Any]:
    """A schema in which anything may be null, and an object has no other properties."""
    if reference := schema.get("$ref"):
        target: Any = _description()
        for word in reference.removeprefix("#/").split("/"):
            target = target[word]
        return _strict(target, depth)
    if depth > 6 or schema.get("type") not in {"object", "array", "string", "integer", "boolean", "number"}:
        return {}
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    more = {"string": ["integer", "boolean", "array"], "array": ["string"]}.get(schema["type"], [])
    made: dict[str, Any] = {"type": [schema["type"], "null", *more]}
    if "items" in schema:
        made["items"] = _strict(schema["items"], depth + 1)
    if "properties" in schema:
        made["properties"] = {name: _strict(each, depth + 1) for name, each in schema["properties"].items()}
        made["additionalProperties"] = False
        return {"anyOf": [made, {"type": "array", "items": made}]}
    return made


if _PATH:
    _description()  # it takes longer to read than a request may
