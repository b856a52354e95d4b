"""One request as both clients send it, and the two shapes most requests have."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from urllib.parse import quote as escape

import msgspec

T = TypeVar("T")


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One request. `kind` is the answer's type, `role` the token it needs."""

    path: str
    kind: Any
    body: Any = None
    query: dict[str, str] = {}
    role: str = ""
    extra_s: float = 0.0
    """How much longer than usual its answer may take."""

    @property
    def target(self) -> str:
        """Path and query as they go on the wire."""
        pairs = [f"{name}={escape(value, safe='')}" for name, value in self.query.items()]
        return f"{self.path}?{'&'.join(pairs)}" if pairs else self.path


def get(path: str, kind: Any, /, **query: object) -> Call[Any]:
    """A read; empty values are left out."""
    return Call(path, kind, None, {name: str(value) for name, value in query.items() if value not in ("", None)})


def post(path: str, kind: Any, body: Any, role: str = "") -> Call[Any]:
    """A request with a body."""
    return Call(path, kind, body, {}, role)
