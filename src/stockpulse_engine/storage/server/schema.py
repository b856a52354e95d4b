"""The tables, as they stand after the newest migration.

Every time is a `timestamptz` (microseconds) and the nanoseconds that are left, so that a row is exactly what the
embedded store holds; prices and sizes are its integers in 1e-8. The tables of history hold the newest version of each
row; every other version lies in a twin called `…_superseded`. Names of instruments and sources are keys of four bytes.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.history import ACTIONS, BARS, QUOTES, TRADES

metadata: Final = MetaData()
UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
BAR_TABLES: Final = tuple(f"bars_{word}" for word in UNITS.values())
SUPERSEDED: Final = "_superseded"
NAMES: Final = ("instruments", "sources", "words")
"""Tables of names: key and name."""
_BAR_VALUES: Final = ("open_e8", "high_e8", "low_e8", "close_e8", "volume_e8")


def table_of(table: str, spec: str = "") -> Table:
    """The table in which rows of a kind lie."""
    name = f"bars_{UNITS[spec[-1]]}" if table == BARS else "corporate_actions" if table == ACTIONS else table
    return metadata.tables[name]


def twin_of(table: Table) -> Table:
    """Where its older versions lie."""
    return metadata.tables[table.name + SUPERSEDED]


def key_names(table: Table) -> list[str]:
    """Columns that tell rows apart."""
    return [column.name for column in table.primary_key.columns]


def spec_text(table: str, step: int) -> str:
    """The length of the bars in a table of bars; "" for other tables."""
    unit = next((unit for unit, word in UNITS.items() if table == f"bars_{word}"), "")
    return str(BarSpec(step, unit)) if unit else ""


def kind_of(table: str) -> str:
    """The store's name for what lies in a table."""
    return BARS if table in BAR_TABLES else ACTIONS if table == "corporate_actions" else table


def _whole(name: str, *, is_key: bool = False, is_optional: bool = False) -> Column[Any]:
    return Column(name, BigInteger, primary_key=is_key, nullable=is_optional, autoincrement=False)


def _small(name: str, *, is_key: bool = False) -> Column[Any]:
    return Column(name, SmallInteger, primary_key=is_key, nullable=False, autoincrement=False)


def _key(name: str) -> Column[Any]:
    return Column(name, Integer, primary_key=True, nullable=False, autoincrement=False)


def _number(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def _time(name: str, *, is_key: bool = False, is_optional: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), primary_key=is_key, nullable=is_optional)


def _text(name: str, *, is_key: bool = False) -> Column[Any]:
    return Column(name, Text, primary_key=is_key, nullable=False)


def _amount(name: str, *, is_optional: bool = False) -> Column[Any]:
    return Column(name, Numeric, nullable=is_optional)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False)


def _versioned(name: str, *columns: Column[Any]) -> None:
    """A table of history and its twin, whose key has the version's times as well."""
    known = [_whole("known_at"), _whole("recorded_at"), _flag("is_retracted")]
    twin_known = [_whole("known_at", is_key=True), _whole("recorded_at", is_key=True), _flag("is_retracted")]
    Table(name, metadata, *columns, *known)
    Table(name + SUPERSEDED, metadata, *(column._copy() for column in columns), *twin_known)  # noqa: SLF001 - SQLAlchemy has no public way to use a column twice


for _word in UNITS.values():
    _versioned(
        f"bars_{_word}",
        *(_key("instrument"), _key("source"), _small("step", is_key=True)),
        *(_time("ts", is_key=True), _small("ts_ns", is_key=True)),
        *(_whole(name) for name in _BAR_VALUES),
    )
_versioned(
    QUOTES,
    *(_key("instrument"), _key("source"), _time("ts", is_key=True), _small("ts_ns", is_key=True)),
    _whole("seq", is_key=True),
    *(_whole(name, is_optional=True) for name in ("bid_e8", "bid_size_e8", "ask_e8", "ask_size_e8")),
    *(_number("exchange"), _number("conditions"), _whole("flags")),
)
_versioned(
    TRADES,
    *(_key("instrument"), _key("source"), _time("ts", is_key=True), _small("ts_ns", is_key=True)),
    _whole("seq", is_key=True),
    *(_whole("price_e8"), _whole("size_e8")),
    *(_number("exchange"), _number("conditions"), _whole("flags")),
)
_versioned(
    "corporate_actions",
    *(_key("instrument"), _key("source"), _time("ts", is_key=True), _small("ts_ns", is_key=True), _key("kind")),
    *(_whole("numerator"), _whole("denominator"), _whole("amount_e8"), _number("currency"), _whole("reference_e8")),
    *(_number("other_id"), _number("note")),
)
for _name in NAMES:
    Table(
        _name,
        metadata,
        Column("key", Integer, Identity(always=True), primary_key=True),
        Column("name", Text, nullable=False, unique=True),
    )

Table(
    "series",
    metadata,
    *(_text("tbl", is_key=True), _key("instrument"), _key("source"), _small("step", is_key=True)),
    *(_time("first_ts"), _time("last_ts")),
)
Table(
    "mirror_cursor",
    metadata,
    *(_text("stream", is_key=True), _text("owner"), _whole("seq"), _text("digest"), _time("moved_at")),
)
Table("mirror_refresh", metadata, _text("view", is_key=True), _time("low", is_key=True), _time("high", is_key=True))
Table(
    "predictions",
    metadata,
    *(_key("instrument"), _text("model", is_key=True), Column("horizon_s", Integer, primary_key=True)),
    *(_time("ts", is_key=True), _small("ts_ns", is_key=True), _whole("known_at")),
    *(Column(name, Double) for name in ("value", "low", "high", "probability")),
)
Table(
    "earnings_calendar",
    metadata,
    *(_key("instrument"), Column("report_date", Date, primary_key=True), _text("source", is_key=True)),
    *(_text("at"), _amount("eps_estimate", is_optional=True), _amount("eps_actual", is_optional=True)),
    _whole("known_at"),
)
Table(
    "model_metadata",
    metadata,
    *(_text("model", is_key=True), _text("version", is_key=True), _time("trained_at"), Column("card", JSONB)),
)
Table(
    "news",
    metadata,
    *(_text("news_id", is_key=True), _time("ts", is_key=True), _text("source"), _text("headline")),
    *(_small("tone"), Column("instruments", ARRAY(Text), nullable=False), _whole("known_at")),
)
Table(
    "jobs",
    metadata,
    *(_text("job", is_key=True), _text("run_key", is_key=True), _time("started_at", is_key=True)),
    *(_time("ended_at", is_optional=True), _text("outcome"), _text("detail")),
)
Table(
    "orders",
    metadata,
    *(_text("world", is_key=True), _text("client_order_id", is_key=True)),
    *(_text(name) for name in ("account_id", "instrument_id", "side", "order_type", "time_in_force", "session")),
    *(_amount("quantity"), _amount("limit_price", is_optional=True), _amount("stop_price", is_optional=True)),
    *(_text("status"), _flag("is_unknown"), _amount("filled_quantity"), _amount("average_price", is_optional=True)),
    *(_amount("fees"), *(_text(name) for name in ("role", "parent_id", "venue_order_id", "reason", "code", "origin"))),
    *(_whole("created_at"), _whole("updated_at"), _whole("journal_seq")),
)
Table(
    "fills",
    metadata,
    *(_text("world", is_key=True), _text("account_id", is_key=True), _text("fill_id", is_key=True)),
    *(_text("client_order_id"), _text("instrument_id"), _small("sign"), _amount("quantity"), _amount("price")),
    *(_amount("fee"), _text("currency"), _text("liquidity"), _time("ts"), _small("ts_ns"), _text("venue_order_id")),
    *(_text("corrects"), _flag("is_standing"), _whole("journal_seq")),
)
Table(
    "lots",
    metadata,
    *(_text("world", is_key=True), _text("account_id", is_key=True), _text("instrument_id", is_key=True)),
    *(_text("lot_id", is_key=True), _amount("quantity"), _amount("cost"), _amount("price"), _whole("opened_at")),
    *(_text("fill_id"), _whole("journal_seq")),
)
Table(
    "positions",
    metadata,
    *(_text("world", is_key=True), _text("account_id", is_key=True), _text("instrument_id", is_key=True)),
    *(_amount("quantity"), _amount("cost"), _amount("realized"), _amount("fees"), _whole("opened_at")),
    _whole("journal_seq"),
)
Table(
    "cash",
    metadata,
    *(_text("world", is_key=True), _text("account_id", is_key=True), _text("currency"), _amount("cash")),
    *(_amount("deposits"), _amount("realized"), _amount("fees"), _whole("journal_seq")),
)
