"""Splits in a file of bars: Yahoo's prices are divided by every later split; what is stored is what was printed."""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.storage.importing.checks import REASON
from stockpulse_engine.storage.importing.mapping import PRICES, Kind
from stockpulse_engine.storage.importing.moments import local_date
from stockpulse_engine.storage.importing.plan import ImportPlan
from stockpulse_engine.storage.importing.table import Table
from stockpulse_engine.storage.importing.values import E8_TOP

Splits = Mapping[str, Sequence[tuple[dt.date, Fraction]]]
"""By the file's symbol: ex-date and new shares for one old, oldest first."""
_EXACT = 3e-6
"""Relative error a ratio out of rounded factors may have."""
_TOP = 10_000
_NEAR = 0.25
"""Part by which the step of a price may miss a split's (in logarithms) and still be that split."""


def ratio_of(text: str) -> Fraction:
    """A split's ratio: `7`, `7:1`, `7/1`, 6.999997 out of rounded factors.

    Raises:
        InvalidValueError: it is no ratio of whole numbers.
    """
    parts = text.replace(":", "/").split("/")
    try:
        if len(parts) == 2:  # noqa: PLR2004 - new and old
            return Fraction(parts[0].strip()) / Fraction(parts[1].strip())
        value = float(text)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not 0 < value < math.inf:
        raise InvalidValueError(f"{text[:20]!r} is no split's ratio.", fix="Write 7, 7:1 or 0.1.")
    large = max(value, 1 / value)
    for below in range(1, _TOP):
        above = round(large * below)
        if abs(above / below / large - 1) < _EXACT:
            return Fraction(above, below) if value >= 1 else Fraction(below, above)
    raise InvalidValueError(f"{text[:20]!r} is no ratio of whole numbers.", fix="Write it as 7:1.")


def undone_splits(table: Table, plan: ImportPlan) -> Splits:
    """Splits by which the prices of a file of bars were divided; none where the price itself shows the step."""
    columns = plan.mapping.columns
    if plan.mapping.kind is not Kind.BARS or "split" not in columns:
        return {}
    found: dict[str, list[tuple[dt.date, Fraction]]] = {}
    for (symbol,), rows in _told(table, plan).group_by("symbol", maintain_order=True):
        days, steps = rows["date"].to_list(), rows["step"].to_list()
        for day, step, text in zip(days, steps, rows["split"].to_list(), strict=True):
            ratio = _ratio_or_one(text)
            if ratio != 1 and not is_step(step, float(ratio)):
                found.setdefault(str(symbol), []).append((day, ratio))
    return found


def is_step(step: float | None, ratio: float) -> bool:
    """Whether a price fell by (about) a split's ratio from one row to the next."""
    if step is None or not 0 < step < math.inf or ratio <= 0 or ratio == 1:
        return False
    return abs(math.log(step) / math.log(ratio) - 1) < _NEAR


def printed(frame: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Prices times every later split, volumes divided by it: as they were on their day."""
    days = {symbol: [day for day, _ in told] for symbol, told in splits.items()}

    def later(symbol: str, date: dt.date) -> Fraction:
        told = splits.get(symbol, ())
        return math.prod(
            (ratio for _, ratio in told[bisect.bisect_right(days.get(symbol, []), date) :]), start=Fraction(1)
        )

    keys = frame.select("symbol", "date").unique()
    factors = [later(*key) if None not in key else Fraction(1) for key in keys.rows()]
    for name in (*(f"{price}_e8" for price in PRICES), "volume_e8"):
        frame = _scaled(frame, keys, [1 / each if name == "volume_e8" else each for each in factors], name)
    return frame


def _scaled(frame: pl.DataFrame, keys: pl.DataFrame, factors: Sequence[Fraction], name: str) -> pl.DataFrame:
    """One column times its row's factor; what fits no more is refused."""
    table = keys.with_columns(pl.Series("place", range(len(factors)), pl.Int64))
    places = frame.select("symbol", "date").join(table, on=["symbol", "date"], how="left", maintain_order="left")
    values = [
        None if value is None or place is None else _fitting(round(value * factors[place]))
        for value, place in zip(frame[name].to_list(), places["place"].to_list(), strict=True)
    ]
    undone = pl.Series(name, values, pl.Int64)
    is_lost = undone.is_null() & pl.col(REASON).is_null()
    words = pl.when(is_lost).then(pl.lit(f"{name.removesuffix('_e8')} before its splits does not fit"))
    return frame.with_columns(undone, pl.coalesce(REASON, words).alias(REASON))


def _fitting(value: int) -> int | None:
    return value if abs(value) <= E8_TOP else None


def _told(table: Table, plan: ImportPlan) -> pl.DataFrame:
    """Rows that tell a split, with the step from the close before to theirs."""
    assert plan.form is not None
    columns = plan.mapping.columns
    close = columns.get("adj_close", columns["close"])
    names = list(
        dict.fromkeys([columns["ts"], columns["split"], close, *([columns["symbol"]] if "symbol" in columns else [])])
    )
    symbol = pl.col(columns["symbol"]) if "symbol" in columns else pl.lit(plan.symbol)
    price = pl.col(close).cast(pl.Float64, strict=False)
    frame = table.columns(names).select(
        symbol.cast(pl.String).alias("symbol"),
        local_date(columns["ts"], plan.form, table.types[columns["ts"]]).alias("date"),
        price.alias("price"),
        pl.col(columns["split"]).cast(pl.String).str.strip_chars().alias("split"),
    )
    frame = frame.sort("symbol", "date", maintain_order=True)
    frame = frame.with_columns((pl.col("price").shift(1).over("symbol") / pl.col("price")).alias("step"))
    return frame.filter(is_told("split") & pl.col("date").is_not_null())


def is_told(name: str) -> pl.Expr:
    """Whether a cell says something: nothing, 0 and no number say nothing, 7:1 does."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    says = number.is_null() | ((number != 0) & number.is_not_nan())
    return pl.col(name).is_not_null() & (text != "") & says.fill_null(value=True)


def _ratio_or_one(text: str) -> Fraction:
    try:
        return ratio_of(text)
    except InvalidValueError:
        return Fraction(1)
