"""Frames on their way into the store: columns and types as agreed, keys unique, sorted as files are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import require_instrument_id
from stockpulse_engine.marketdata.history import ACTIONS, BARS, QUOTES, SCHEMAS, TRADES
from stockpulse_engine.storage.words import is_in_order

PUBLISHED, RETRACTED, RECORDED = "published_at", "is_retracted", "recorded_at"
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    BARS: ("instrument_id", "ts_event"),
    QUOTES: ("instrument_id", "ts_event", "seq"),
    TRADES: ("instrument_id", "ts_event", "seq"),
    ACTIONS: ("instrument_id", "ts_event", "kind"),
}
"""What tells the rows of one kind apart."""
_NOTHING = pl.lit("", pl.Enum([""]))
_TICK_DEFAULTS: Final[Mapping[str, pl.Expr]] = {"exchange": _NOTHING, "conditions": _NOTHING, "flags": pl.lit(0)}
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def stored_columns(table: str) -> list[str]:
    """Columns of a file, in order."""
    return [*SCHEMAS[table], RECORDED, RETRACTED]


def value_columns(table: str) -> list[str]:
    """Columns whose change makes a correction."""
    return [name for name in SCHEMAS[table] if name not in KEYS[table] and name != "known_at"]


def summed_columns(table: str) -> list[str]:
    """Integer columns of a file: what the sums of its rows are made of."""
    return [*(name for name, kind in SCHEMAS[table].items() if kind.startswith("Int64")), RECORDED]


def empty_frame(table: str) -> pl.DataFrame:
    """No rows, with the columns of a stored file."""
    types: dict[str, Any] = {name: getattr(pl, kind.rstrip("?")) for name, kind in SCHEMAS[table].items()}
    return pl.DataFrame(schema={**types, RECORDED: pl.Int64, RETRACTED: pl.Boolean})


def normalized(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with the agreed columns (and `published_at`, `recorded_at` where given), checked and sorted.

    Raises:
        InvalidValueError: a column is missing, unknown, of another type or has nulls; a key occurs twice; a row is
            known before it happened. It names the column, and the row's key where there is one.
    """
    frame = _with_defaults(frame, table)
    _require_columns(frame, table)
    frame = _typed(frame, table)
    _require_known(frame, table)
    frame = _sorted(frame, table)
    for name in frame["instrument_id"].rle().struct.field("value").unique().to_list():
        require_instrument_id(name)
    return frame


def _with_defaults(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    missing: dict[str, pl.Expr] = {RETRACTED: pl.lit(value=False)}
    if table in (QUOTES, TRADES):
        missing |= _TICK_DEFAULTS
    added = [value.alias(name) for name, value in missing.items() if name not in frame.columns]
    frame = frame.with_columns(added)
    if table in (QUOTES, TRADES) and "seq" not in frame.columns:
        frame = frame.with_columns(pl.int_range(pl.len()).over("instrument_id", "ts_event").alias("seq"))
    return frame


def _require_columns(frame: pl.DataFrame, table: str) -> None:
    wanted, found = {*SCHEMAS[table], RETRACTED}, set(frame.columns)
    optional = {PUBLISHED, RECORDED}
    if wanted - found:
        raise InvalidValueError(f"{table}: column {min(wanted - found)} is missing.")
    if found - wanted - optional:
        raise InvalidValueError(f"{table}: column {min(found - wanted - optional)} is not known.")


def _typed(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    casts = []
    kinds = {**SCHEMAS[table], RETRACTED: "Boolean", PUBLISHED: "Int64?", RECORDED: "Int64"}
    for name in [*stored_columns(table), PUBLISHED]:
        if name not in frame.columns:
            continue
        kind = kinds[name]
        _require_type(frame, table, name)
        if not kind.endswith("?") and frame[name].null_count():
            raise InvalidValueError(f"{table}: column {name} has {frame[name].null_count()} empty cells.")
        casts.append(pl.col(name) if is_in_order(frame.schema[name]) else _cast(name, kind))
    return frame.select(casts)


def _cast(name: str, kind: str) -> pl.Expr:
    return pl.col(name).cast(getattr(pl, kind.rstrip("?")))


def _require_type(frame: pl.DataFrame, table: str, name: str) -> None:
    kind = {**SCHEMAS[table], RETRACTED: "Boolean"}.get(name, "Int64?")
    allowed: tuple[Any, ...] = {"String": _TEXTS, "Boolean": (pl.Boolean,)}.get(kind, _INTEGERS)
    found = frame.schema[name]
    is_empty = kind.endswith("?") and found == pl.Null
    if found.base_type() not in allowed and not is_empty:
        raise InvalidValueError(f"{table}: column {name} is {found}, expected {kind.rstrip('?')}.")


def _require_known(frame: pl.DataFrame, table: str) -> None:
    if table == ACTIONS:  # they are declared before they happen
        return
    is_early = frame["known_at"].to_numpy() < frame["ts_event"].to_numpy()
    if is_early.any():
        early = frame.row(int(is_early.argmax()), named=True)
        raise InvalidValueError(f"{table}: {_key_text(early, table)} is known before it happened.")


def _sorted(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Sorted by key, each key once. What comes like that, as imports do, is only looked at."""
    if _is_sorted(frame, table):
        return frame
    frame = frame.sort(KEYS[table], maintain_order=True)
    repeated = frame.filter(_same_as_before(table))
    if repeated.height:
        raise InvalidValueError(f"{table}: {_key_text(repeated.row(0, named=True), table)} occurs twice.")
    return frame


def _is_sorted(frame: pl.DataFrame, table: str) -> bool:
    """Whether every row has a later key than the one before."""
    runs = frame["instrument_id"].rle().struct
    names = runs.field("value")
    if names.n_unique() < len(names) or not names.is_sorted():
        return False
    times = frame["ts_event"].to_numpy()
    is_later = times[1:] > times[:-1]
    if len(KEYS[table]) > 2:  # noqa: PLR2004 - instrument and time
        third = frame[KEYS[table][2]]
        is_later |= (times[1:] == times[:-1]) & (third[1:] > third[:-1]).to_numpy()
    is_later[np.cumsum(runs.field("len").to_numpy())[:-1] - 1] = True
    return bool(is_later.all())


def _same_as_before(table: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in reversed(KEYS[table])).fill_null(
        value=False
    )


def _key_text(row: Mapping[str, Any], table: str) -> str:
    return ", ".join(f"{name} {row[name]}" for name in KEYS[table])
