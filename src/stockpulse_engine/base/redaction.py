"""Secrets never reach a log: known names, known shapes and registered values are replaced."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

_NAMES = re.compile(
    r"token|authorization|secret|password|passphrase|api[_-]?key|key[_-]id|cookie|credential", re.IGNORECASE
)
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (
        re.compile(r"(?i)\b((?:access_|auth_)?token|api_?key|secret|password|signature)(=|\"?:\s*\"?)[^&\s\",}]+"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"(\w://[^\s:@/]*:)\S+@"), rf"\1{REDACTED}@"),  # a password within an address
)
_MIN_SECRET = 8
_MAX_DEPTH = 6
_known: set[str] = set()


def register_secret(value: str) -> None:
    """Never let this value appear in a log, wherever it turns up. Short values are ignored: they would hit words."""
    if len(value) >= _MIN_SECRET:
        _known.update(_spellings(value))


def forget_secret(value: str) -> None:
    """It is held by nobody here any more; keeping it only to hide it would keep it."""
    _known.difference_update(_spellings(value))


def _spellings(value: str) -> set[str]:
    """As it is, and as addresses, JSON, Python and Basic authorization would write it."""
    encoded = value.encode()
    # The first letters of base64 depend on what stands before: the part that never does is enough to find it.
    inner = {base64.b64encode(b"x" * shift + encoded).decode().rstrip("=")[4:-2] for shift in range(3)}
    shown = {value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1]}
    return {one for one in shown | inner if len(one) >= _MIN_SECRET}


def redact(value: Any, *, depth: int = 0) -> Any:
    """The same value with every secret replaced; mappings and sequences are walked, at most six levels deep."""
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, bytes):
        return _redact_text(value.decode(errors="replace"))
    if depth >= _MAX_DEPTH:
        return _redact_text(str(value))
    if isinstance(value, Mapping):
        return {
            key: REDACTED if _NAMES.search(str(key)) else redact(item, depth=depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth=depth + 1) for item in value]
    return value


def _redact_text(text: str) -> str:
    for secret in _known:
        text = text.replace(secret, REDACTED)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text
