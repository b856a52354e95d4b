"""The OpenAPI document made true: what every route answers when it refuses, and the token that each wants."""

from __future__ import annotations

from typing import Any

import msgspec

from stockpulse_engine.api.problems import PROBLEM_TYPE
from stockpulse_engine.wire.rest import Problem

Document = dict[str, Any]
_REF = "#/components/schemas/{name}"
_REFUSALS = {
    "4XX": "Refused: the document says why, and what to do about it in `fix`.",
    "5XX": "The engine, or what it needs, is not able to.",
}
"""Guard, routing, bodies and handlers answer errors in one place: none has another shape."""


def complete(document: Document) -> Document:
    """Add to the framework's document what it can not know. Changes and returns it."""
    _, schemas = msgspec.json.schema_components([Problem], ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] = _answers(operation["responses"])
    return document


def _answers(described: Document) -> Document:
    """The good answers as described; of the others only ours are ever sent."""
    good = {status: answer for status, answer in described.items() if status.startswith("2")}
    body = {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(name=Problem.__name__)}}}
    return good | {status: {"description": words, "content": body} for status, words in _REFUSALS.items()}
