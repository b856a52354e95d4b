"""What a file is taken for, found out from its head and shown to the person before a row is stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS, BarSpec, parse_bar_spec
from stockpulse_engine.storage.importing.identity import clean_symbol, symbol_of_file
from stockpulse_engine.storage.importing.mapping import ColumnMap, Kind, Remembered, override, plain_name, rivals, told
from stockpulse_engine.storage.importing.moments import SAMPLE, TimeForm, moments, time_form
from stockpulse_engine.storage.importing.table import Table

DAILY = BarSpec(1, "d")
_QUOTED = ("bid", "ask", "mid")
_SIDE_WORDS = frozenset({*_QUOTED, "trade", "trades", "quote", "quotes", "tick", "ticks", "bars"})
_LENGTH_OR_DATE = r"\d+[smhdw]?"
_LENGTHS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the person said; "" and () leave it to us."""

    kind: str = ""
    columns: tuple[str, ...] = ()
    """`ours=theirs` pairs."""
    spec: str = ""
    source: str = ""
    venue: str = ""
    """MIC of instruments whose file does not tell one."""
    symbol: str = ""
    """Of a file that has no column of symbols."""
    zone: str = ""
    dates: Literal["", "mdy", "dmy"] = ""
    label: Literal["start", "end"] = "start"
    """Whether a bar's time is its start or its end."""
    repair: bool = False
    """Put right what Yahoo is known to get wrong."""


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How one file will be read."""

    path: str
    rows: int
    mapping: ColumnMap
    form: TimeForm | None
    spec: BarSpec | None
    source: str
    symbol: str
    """For rows without one of their own."""
    options: ImportOptions
    is_remembered: bool = False
    rivals: dict[str, tuple[str, ...]] = {}
    """Columns that might have been meant instead, by our name for what was chosen."""

    @property
    def follows_ticker(self) -> bool:
        """Whether a symbol means who traded under it that day (exchange data), or one company's whole past (Yahoo)."""
        return self.mapping.kind is not Kind.CLOSES and "adj_close" not in self.mapping.columns

    @property
    def is_adjusted_already(self) -> bool:
        """Whether its prices were adjusted for splits that the file does not tell, so that we can not undo them."""
        columns = self.mapping.columns
        return self.mapping.kind is Kind.BARS and "adj_close" in columns and "split" not in columns

    def lines(self) -> tuple[tuple[str, str], ...]:
        """What is shown: name and value."""
        shown = [("what", f"{self.mapping.kind.value} {self.spec or ''}".strip()), ("rows", f"{self.rows:,}")]
        if self.form is not None:
            shown.append(("time", f"{self.mapping.columns['ts']}: {self.form.words()}"))
        shown.append(("source", self.source))
        if "symbol" not in self.mapping.columns and not self.mapping.symbols:
            shown.append(("symbol", f"{self.symbol} (from the file's name)"))
        pairs = [f"{ours}={theirs}" for ours, theirs in self.mapping.columns.items() if ours != "ts"]
        shown.append(("columns", "  ".join(pairs) or ", ".join(self.mapping.symbols[:12])))
        for ours, others in self.rivals.items():
            shown.append(
                ("chosen", f"{ours}={self.mapping.columns[ours]}, not {', '.join(others)} (--map {ours}=NAME)")
            )
        return tuple(shown)


def plan_import(path: Path, options: ImportOptions, remembered: Remembered) -> tuple[Table, ImportPlan]:
    """Open a file and decide how to read it.

    Raises:
        NotFoundError: there is no such file.
        InvalidValueError: it is not understood; the message names file, column and fix.
    """
    if options.venue and not re.fullmatch(r"[A-Z0-9]{4}", options.venue):
        raise InvalidValueError(f"{options.venue[:20]!r} is no MIC.", fix="Use four letters or digits, like XNAS.")
    table = Table(path)
    known = None if options.kind else remembered.get(table.names)
    try:
        mapping = known or told(table.names, options.columns, kind=_kind(options.kind))
        mapping = override(mapping, table.names, options.columns)
    except InvalidValueError as error:
        raise InvalidValueError(f"{path.name}: {error.message}", fix=error.fix) from None
    symbol = clean_symbol(options.symbol) or symbol_of_file(path)
    form = None
    if "ts" in mapping.columns:
        form = time_form(table, mapping.columns["ts"], zone=options.zone, dates=options.dates)
    plan = ImportPlan(
        path=str(path),
        rows=table.rows,
        mapping=mapping,
        form=form,
        spec=_spec(table, mapping, form, options),
        source=options.source or source_of_file(path, _one_symbol(table, mapping, symbol)),
        symbol=symbol,
        options=options,
        is_remembered=known is not None,
        rivals=rivals(mapping, [name for name in table.names if name not in _parts_of(table)]),
    )
    return table, plan


def _parts_of(table: Table) -> tuple[str, ...]:
    """The columns of which another one was made."""
    return tuple(name for name in table.names if plain_name(name) in ("date", "time")) if table.made else ()


def source_of_file(path: Path, symbol: str) -> str:
    """A source's name from a file's, without symbol, dates and lengths, so that one vendor's files are one source.

    `ibm_20131007_trade.parquet` in `ticks` is `ticks`, `djia_2006_2017` is `djia`, `usdjpy_ask_2013` ends in `/ask`.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", path.stem.lower()) if word]
    side = next((f"/{word}" for word in words if word in _QUOTED), "")
    named = [word for word in words if not _says_no_source(word, symbol.lower())]
    stem = "-".join(named) or re.sub(r"[^a-z0-9]+", "-", path.resolve().parent.name.lower()).strip("-") or "file"
    return stem[:28].strip("-") + side


def _says_no_source(word: str, symbol: str) -> bool:
    plain = re.sub(r"[^a-z0-9]+", "", symbol)
    is_symbol = bool(plain) and (plain.startswith(word) or plain.endswith(word))
    return is_symbol or word in _SIDE_WORDS or re.fullmatch(_LENGTH_OR_DATE, word) is not None


def _one_symbol(table: Table, mapping: ColumnMap, named: str) -> str:
    """What the file is about when it is about one thing: its only symbol, else the one it is named after."""
    if mapping.symbols and not mapping.is_one_price:
        return mapping.symbols[0] if len(mapping.symbols) == 1 else ""
    column = mapping.columns.get("symbol")
    if column is None:
        return named
    found = table.head(SAMPLE)[column].drop_nulls().unique()
    return str(found[0]) if len(found) == 1 else ""


def _kind(text: str) -> Kind | None:
    if not text:
        return None
    try:
        return Kind(text)
    except ValueError:
        names = ", ".join(kind.value for kind in Kind)
        raise InvalidValueError(f"--kind {text[:20]!r} is none of ours.", fix=f"Use one of {names}.") from None


def _spec(table: Table, mapping: ColumnMap, form: TimeForm | None, options: ImportOptions) -> BarSpec | None:
    if mapping.kind not in (Kind.BARS, Kind.QUOTE_BARS, Kind.CLOSES):
        return None
    if options.spec:
        return parse_bar_spec(options.spec)
    if form is None or form.is_date or mapping.kind is Kind.CLOSES:
        return DAILY
    step = _step(table, mapping, form)
    for seconds, unit in _LENGTHS:
        count, rest = divmod(step, seconds * SECOND_NS)
        if count and not rest:
            return BarSpec(count, unit) if unit != "d" else DAILY
    raise InvalidValueError(f"{table.path.name}: the bars' length can not be told.", fix="Say it: --spec 1m.")


def _step(table: Table, mapping: ColumnMap, form: TimeForm) -> int:
    """The most frequent distance between two bars of one symbol."""
    head = table.head(SAMPLE)
    column = mapping.columns["ts"]
    symbol = pl.col(mapping.columns["symbol"]) if "symbol" in mapping.columns else pl.lit("")
    steps = (
        head.select(symbol.alias("symbol"), moments(column, form, table.types[column]).alias("ts"))
        .drop_nulls()
        .sort("symbol", "ts")
        .select(pl.col("ts").diff().over("symbol").alias("step"))
        .filter(pl.col("step") > 0)
        .group_by("step")
        .len()
        .sort("len", "step", descending=[True, False])
    )
    return int(steps["step"][0]) if steps.height else 0
