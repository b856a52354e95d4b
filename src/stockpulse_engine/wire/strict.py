"""The guard in front of types: what a request's bytes must be before they are decoded (R06).

JSON's holes as found in ordinary decoders are closed here: NaN and Infinity, numbers that overflow to infinity,
duplicate keys, deep nesting, unknown fields, and decimals written with exponents, underscores or other digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Any, NoReturn

from msgspec import inspect

from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import parse_decimal

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects."""
MAX_NUMBER = 40
"""Longest number text."""

_OPENINGS = re.compile(rb"[\[{]")
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""Strings are consumed whole, an unterminated one to the end, so that the scan stays linear."""

_Check = Callable[[Any, str], None]


class _Number(str):
    """The text of a JSON number, kept apart from a JSON string."""

    __slots__ = ()


def check(data: bytes, kind: Any) -> None:
    """Refuse bytes that must not be decoded into `kind`.

    Raises:
        InvalidValueError: naming what is wrong.
    """
    _guard_depth(data)
    tree = _parse(data)
    _check_of(kind)(tree, "body")


def _refuse(what: str, *, fix: str = "") -> NoReturn:
    raise InvalidValueError(what, fix=fix)


def _guard_depth(data: bytes) -> None:
    if len(_OPENINGS.findall(data)) <= MAX_DEPTH:
        return
    depth = 0
    for token in _NESTING.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(f"The body nests deeper than {MAX_DEPTH}.")
        elif first in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                _refuse(f"The key {clean_text(key, 40)!r} appears twice.", fix="Send each key once.")
            seen.add(key)
    return found


def _integer(text: str) -> _Number:
    if len(text) > MAX_NUMBER:
        _refuse(f"A number has {len(text)} digits, more than {MAX_NUMBER}.")
    return _Number(text)


def _real(text: str) -> _Number:
    if not isfinite(float(text)):
        _refuse(f"The number {text[:MAX_NUMBER]} is not finite.")
    return _integer(text)


def _constant(text: str) -> NoReturn:
    _refuse(f"{text} is not a number.", fix="Only finite numbers are accepted.")


_PARSER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_constant, strict=True
)


def _parse(data: bytes) -> Any:
    try:
        return _PARSER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8 text"
        _refuse(f"The body is not JSON: {clean_text(detail, 120)}.")


@cache
def _check_of(kind: Any) -> _Check:
    """What must hold of the raw tree before `kind` is decoded from the same bytes."""
    return _build(inspect.type_info(kind), {}) or _anything


def _anything(value: Any, where: str) -> None:
    """Nothing in here is a decimal or a struct."""


def _build(info: inspect.Type, known: dict[type, _Check]) -> _Check | None:
    if isinstance(info, inspect.DecimalType):
        return _decimal
    if isinstance(info, inspect.StructType):
        return known.get(info.cls) or _struct(info, known)
    if isinstance(info, inspect.UnionType):
        return _union(info, known)
    if isinstance(info, inspect.DictType):
        return _mapping(_build(info.value_type, known))
    if isinstance(info, inspect.CollectionType | inspect.VarTupleType):
        return _items(_build(info.item_type, known))
    return None


def _decimal(value: Any, where: str) -> None:
    if isinstance(value, str):
        parse_decimal(value, field=where)


def _struct(info: inspect.StructType, known: dict[type, _Check]) -> _Check:
    checks: dict[str, _Check | None] = {} if info.tag_field is None else {info.tag_field: None}

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if key not in checks:
                _refuse(f"{where} has no field {clean_text(key, 40)!r}.", fix=_nearest(key, checks))
            deeper = checks[key]
            if deeper is not None:
                deeper(item, f"{where}.{key}")

    known[info.cls] = check
    for field in info.fields:
        checks[field.encode_name] = _build(field.type, known)
    return check


def _union(info: inspect.UnionType, known: dict[type, _Check]) -> _Check | None:
    members = [(member, _build(member, known)) for member in info.types]
    by_tag = {m.tag: c for m, c in members if isinstance(m, inspect.StructType) and m.tag_field and c}
    if by_tag:
        tag_field = next(m.tag_field for m, _ in members if isinstance(m, inspect.StructType))

        def pick(value: Any, where: str) -> None:
            tag = value.get(tag_field) if isinstance(value, dict) else None
            chosen = by_tag.get(tag) if isinstance(tag, str) else None
            if chosen is not None:
                chosen(value, where)

        return pick
    return next((check for _, check in members if check is not None), None)


def _mapping(item: _Check | None) -> _Check | None:
    if item is None:
        return None

    def check(value: Any, where: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                item(inner, f"{where}.{clean_text(key, 40)}")

    return check


def _items(item: _Check | None) -> _Check | None:
    if item is None:
        return None

    def check(value: Any, where: str) -> None:
        if isinstance(value, list):
            for index, inner in enumerate(value):
                item(inner, f"{where}[{index}]")

    return check


def _nearest(key: str, names: dict[str, Any]) -> str:
    from difflib import get_close_matches  # wanted only when something is wrong

    close = get_close_matches(key, names, 1)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(sorted(names))}."
