"""A file's rows as the store takes them, each with the reason why it is refused or none. Pure over frames."""

from __future__ import annotations

import polars as pl

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.storage.importing.checks import (
    Check,
    mark_repeats,
    mark_units,
    negative_checks,
    ohlc_checks,
    price_checks,
    with_reason,
)
from stockpulse_engine.storage.importing.days import sessions_of
from stockpulse_engine.storage.importing.identity import EARLY, Maps, with_instrument
from stockpulse_engine.storage.importing.mapping import PRICES, SIDES, Kind
from stockpulse_engine.storage.importing.moments import local_date, moment_series
from stockpulse_engine.storage.importing.plan import ImportPlan
from stockpulse_engine.storage.importing.splits import printed, undone_splits
from stockpulse_engine.storage.importing.table import ROW, Table
from stockpulse_engine.storage.importing.values import e8, fault
from stockpulse_engine.storage.words import few_words

_TICK_NUMBERS = {Kind.TRADES: ("price", "size"), Kind.QUOTES: ("bid", "ask", "bid_size", "ask_size")}
THEIRS = "their "
"""Begins the names of the file's own columns, so that none of them is taken for one of ours."""
SUSPICIOUS = 1
"""In `flags`: the source itself doubts the row."""
MAX_WORD = 32
_NO_DATE = pl.lit(None, pl.Date).alias("date")


class Shaper:
    """Shapes chunks of one file by its plan."""

    def __init__(self, plan: ImportPlan, table: Table, maps: Maps) -> None:
        self._plan = plan
        self._types = {f"{THEIRS}{name}": kind for name, kind in table.types.items()}
        self._maps = maps if plan.follows_ticker else Maps()
        self.columns = {ours: f"{THEIRS}{name}" for ours, name in plan.mapping.columns.items()}
        self.splits = undone_splits(table, plan)

    def parts(self, chunk: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The series a chunk holds, by what their source's name ends in; the file's own cells begin with THEIRS."""
        chunk = chunk.select(ROW, pl.exclude(ROW).name.prefix(THEIRS))
        kind = self._plan.mapping.kind
        if kind is Kind.QUOTE_BARS:
            return {f"/{side}": self.bars(chunk, f"{side}_") for side in SIDES}
        if kind is Kind.CLOSES:
            return {"/close": self.closes(chunk)}
        return {"": self.bars(chunk) if kind is Kind.BARS else self.ticks(chunk)}

    def bars(self, chunk: pl.DataFrame, prefix: str = "") -> pl.DataFrame:
        """Bars (of one side, with `bid_` or `ask_` as prefix) with `reason`."""
        spec = self._plan.spec
        assert spec is not None
        names = [f"{prefix}{price}" for price in PRICES]
        frame = self._based(chunk, [*names, f"{prefix.rstrip('_')}_size" if prefix else "volume"])
        sized = f"{prefix.rstrip('_')}_size_e8" if prefix else "volume_e8"
        frame = self._timed(frame, spec)
        checks = [
            *self._base_checks(),
            *self._value_checks(names),
            *price_checks(PRICES, prefix=prefix),
            *ohlc_checks(prefix),
            *self._value_checks([sized.removesuffix("_e8")]),
            *negative_checks((sized,)),
        ]
        frame = with_reason(frame, checks)
        frame = frame.rename({f"{name}_e8": f"{name.removeprefix(prefix)}_e8" for name in names})
        frame = frame.rename({sized: "volume_e8"}) if sized != "volume_e8" else frame
        values = [*(f"{price}_e8" for price in PRICES), "volume_e8"]
        frame = mark_units(mark_repeats(frame, values))
        return printed(frame, self.splits) if self.splits else frame

    def ticks(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """Trades or quotes with `reason`, in the file's order."""
        kind = self._plan.mapping.kind
        numbers = [name for name in _TICK_NUMBERS[kind] if name in self.columns]
        frame = self._based(chunk, list(_TICK_NUMBERS[kind]))
        frame = frame.with_columns(pl.col("ts").alias("ts_event"), pl.col("ts").alias("known_at"))
        checks = self._base_checks()
        if kind is Kind.TRADES:
            checks += [*self._value_checks(numbers), *price_checks(("price",)), *negative_checks(("size_e8",))]
        else:
            none = pl.col("bid_e8").is_null() & pl.col("ask_e8").is_null()
            checks += [
                (none, pl.lit("neither bid nor ask")),
                *price_checks(("bid", "ask")),
                *negative_checks(("bid_size_e8", "ask_size_e8")),
            ]
        words = [_word(frame, name, self.columns[name]) for name in ("exchange", "conditions") if name in self.columns]
        if "suspicious" in self.columns:
            words.append(_flags(frame[self.columns["suspicious"]]))
        return with_reason(frame, checks).with_columns(words)

    def closes(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """A bar for each price: open, high, low and close are the one price that is told; rows without one are none."""
        names = [f"{THEIRS}{name}" for name in self._plan.mapping.symbols]
        long = chunk.unpivot(on=names, index=[ROW, self.columns["ts"]], variable_name="symbol", value_name="price")
        long = long.filter(pl.col("price").is_not_null() & (pl.col("price").cast(pl.String) != ""))
        own = pl.col("symbol").str.strip_prefix(THEIRS)
        symbol = pl.lit(self._plan.symbol) if self._plan.mapping.is_one_price else own
        long = long.with_columns(symbol.alias("symbol"))
        kind = long.schema["price"]
        frame = long.with_columns(self._moments(long), self._date(), e8(long["price"]).alias("close_e8"))
        frame = with_instrument(frame, pl.col("date"), self._maps, venue=self._plan.options.venue)
        frame = self._timed(frame, self._plan.spec or BarSpec(1, "d"))
        checks = [
            *self._base_checks(),
            (pl.col("close_e8").is_null(), fault("price", kind, "price")),
            *price_checks(("close",)),
        ]
        frame = with_reason(frame, checks).with_columns(
            *(pl.col("close_e8").alias(f"{price}_e8") for price in PRICES[:3]),
            pl.lit(0, pl.Int64).alias("volume_e8"),
        )
        return mark_repeats(frame, ["close_e8"])

    def _based(self, chunk: pl.DataFrame, numbers: list[str]) -> pl.DataFrame:
        """Symbol, time and scaled numbers; a number the file does not have is 0, of a quote's side null."""
        symbol = self.columns.get("symbol")
        added: list[pl.Expr | pl.Series] = [self._moments(chunk), self._date() if self._has_days else _NO_DATE]
        added.append((pl.col(symbol) if symbol else pl.lit(self._plan.symbol)).cast(pl.String).alias("symbol"))
        if mic := self.columns.get("mic"):
            added.append(pl.col(mic).cast(pl.String).alias("mic"))
        for name in numbers:
            theirs = self.columns.get(name)
            added.append((e8(chunk[theirs]) if theirs else self._absent()).alias(f"{name}_e8"))
        kept = [ROW, *dict.fromkeys(self.columns.values())]
        frame = chunk.select(kept).with_columns(added)
        return with_instrument(frame, pl.col("date"), self._maps, venue=self._plan.options.venue)

    def _absent(self) -> pl.Expr:
        return pl.lit(None if self._plan.mapping.kind is Kind.QUOTES else 0, pl.Int64)

    @property
    def _has_days(self) -> bool:
        """Whether anybody asks which day a row was: of ticks and minutes only maps, splits and dividends do."""
        spec = self._plan.spec
        is_daily = spec is not None and not spec.is_intraday
        return is_daily or bool(self._maps.listings) or "split" in self.columns or "dividend" in self.columns

    def _moments(self, frame: pl.DataFrame) -> pl.Series:
        assert self._plan.form is not None
        return moment_series(frame[self.columns["ts"]], self._plan.form).alias("ts")

    def _date(self) -> pl.Expr:
        assert self._plan.form is not None
        column = self.columns["ts"]
        return local_date(column, self._plan.form, self._types[column]).alias("date")

    def _timed(self, frame: pl.DataFrame, spec: BarSpec) -> pl.DataFrame:
        """`ts_event` and `known_at`; a day that is no session of its exchange has neither."""
        if spec.is_intraday:
            length = spec.duration_ns
            start = pl.col("ts") - (length if self._plan.options.label == "end" else 0)
            return frame.with_columns(start.alias("ts_event"), (start + length).alias("known_at"))
        frame = frame.join(sessions_of(frame), on=["instrument_id", "date"], how="left", maintain_order="left")
        return frame.rename({"open_ns": "ts_event", "close_ns": "known_at"})

    def _base_checks(self) -> list[Check]:
        column = self.columns["ts"]
        spelled = pl.col(column).cast(pl.String).str.slice(0, 24)
        checks = [
            (pl.col("ts").is_null(), pl.format("the time can not be read: {}", spelled.fill_null("empty"))),
            (
                pl.col("instrument_id").is_null(),
                pl.lit("the symbol or the venue can be no part of an instrument's name"),
            ),
        ]
        since = pl.format("{} is older than its ticker by the map files: another company's", "date")
        checks.append((pl.col(EARLY), since))
        if self._plan.spec is not None:
            checks.append((pl.col("ts_event").is_null(), pl.format("{} is no session of its exchange", pl.col("date"))))
        return checks

    def _value_checks(self, names: list[str]) -> list[Check]:
        return [
            (pl.col(f"{name}_e8").is_null(), fault(self.columns[name], self._types[self.columns[name]], name))
            for name in names
            if name in self.columns
        ]


def _word(frame: pl.DataFrame, name: str, theirs: str) -> pl.Series:
    word = few_words(frame[theirs].cast(pl.String).fill_null("").alias(name))
    if isinstance(word.dtype, pl.Enum):
        is_short = all(len(each.encode()) <= MAX_WORD for each in word.dtype.categories)
        return word if is_short else word.cast(pl.String).str.slice(0, MAX_WORD)
    longest = word.str.len_bytes().max()
    return word if isinstance(longest, int) and longest <= MAX_WORD else word.str.slice(0, MAX_WORD)


def _flags(told: pl.Series) -> pl.Series:
    is_told = told.cast(pl.String).str.to_lowercase().is_in(["true", "1", "t"]).fill_null(value=False)
    return (is_told.cast(pl.Int64) * SUSPICIOUS).alias("flags")
