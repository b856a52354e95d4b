"""The sections of limits.toml: everybody's, and those of one account, strategy or instrument.

`[limits]`, `[limits.account.NAME]`, `[limits.strategy.NAME]`, `[limits.instrument."AAPL.XNAS"]`.
Bare keys at the head of the file are the same as those of `[limits]`. Whatever is wrong is named with its place, its
key and the nearest spelling.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from stockpulse_engine.domain.errors import ConfigError, InvalidValueError
from stockpulse_engine.domain.instruments import require_instrument_id
from stockpulse_engine.risk.limits import Limits, limits_from
from stockpulse_engine.risk.policy import INSTRUMENT, SCOPES, Scope, ScopedLimit, allowed_scopes

HEAD = "limits"
Place = Callable[[str, str], str]
"""(section, key) → file and line, to blame a mistake by."""
_KEYS = Limits.__struct_fields__


def split_tree(tree: Mapping[str, Any], place: Place) -> tuple[dict[str, Any], dict[Scope, dict[str, Any]]]:
    """Everybody's keys, and the tables of the scopes, as they were written.

    Raises:
        ConfigError: a section is no table, or unknown, or a key is there twice.
    """
    base = {key: value for key, value in tree.items() if key != HEAD}
    whole = tree.get(HEAD, {})
    if not isinstance(whole, dict):
        raise ConfigError(f"{place('', HEAD)}: {HEAD} is a section, not a value.", fix="Write [limits].")
    scopes: dict[Scope, dict[str, Any]] = {}
    for key, value in whole.items():
        if isinstance(value, dict):
            scopes.update(_tables(key, value, place))
        elif key in base:
            raise ConfigError(f"{place(HEAD, key)}: {key} is there twice.", fix="Keep one of the two.")
        else:
            base[key] = value
    return base, scopes


def _tables(kind: str, tables: Mapping[str, Any], place: Place) -> dict[Scope, dict[str, Any]]:
    where = place(f"{HEAD}.{kind}", kind)
    if kind not in SCOPES:
        raise ConfigError(f"{where}: limits.{kind} is not a section.", fix=_near(kind, SCOPES, "Sections are"))
    for name, values in tables.items():
        if not isinstance(values, dict):
            raise ConfigError(
                f"{where}: limits.{kind}.{name} is a section, not a value.", fix=f"Write [limits.{kind}.NAME]."
            )
    return {Scope(kind, str(name)): dict(values) for name, values in tables.items()}


def check_section(scope: Scope, values: Mapping[str, Any], source: str, place: Place) -> list[ScopedLimit]:
    """The keys of one section, each checked.

    Raises:
        ConfigError: naming the place, the key, and the nearest or where it belongs.
    """
    if scope.kind == INSTRUMENT:
        _require_instrument(scope, place)
    head = f"{HEAD}.{scope.kind}.{scope.name}"
    return [
        ScopedLimit(scope=scope, key=key, value=check_limit(scope, key, value, place(head, key)), source=source)
        for key, value in values.items()
    ]


def check_limit(scope: Scope, key: str, value: Any, place: str) -> Any:
    """One value as the gate uses it.

    Raises:
        ConfigError: an unknown key, one that has no place in this section, or a value that can not be.
    """
    if key not in _KEYS:
        raise ConfigError(f"{place}: {key} is not a limit.", fix=_near(key, _KEYS, "Limits are"))
    if scope.kind and scope.kind not in allowed_scopes(key):
        belongs = " or ".join(f"[limits.{kind}.NAME]" for kind in allowed_scopes(key))
        twin = f"max_strategy_{key.removeprefix('max_')}"
        also = f"; for a strategy there is {twin}" if twin in _KEYS else ""
        raise ConfigError(f"{place}: {key} is no limit of one {scope.kind}.", fix=f"Put it into {belongs}{also}.")
    return getattr(limits_from({key: value}, source=place), key)


def _require_instrument(scope: Scope, place: Place) -> None:
    try:
        require_instrument_id(scope.name)
    except InvalidValueError as error:
        where = place(f"{HEAD}.{INSTRUMENT}.{scope.name}", scope.name)
        raise ConfigError(f"{where}: {error.message}", fix='Write [limits.instrument."AAPL.XNAS"].') from None


def _near(text: str, known: tuple[str, ...], otherwise: str) -> str:
    near = difflib.get_close_matches(text, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"{otherwise}: {', '.join(known)}."
