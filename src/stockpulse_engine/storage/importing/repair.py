"""Repairs of what Yahoo is known to get wrong, only when asked for (`--repair`), before anything is checked.

    units      a price a hundred times too small or too large among its neighbours (pounds for pence)
    splits     days that were not divided by a later split, or divided twice; a split that was applied some days late
    dividends  told twice or in pence; an adjusted close that misses one, or counts capital gains twice

Whatever is changed is counted by its name in the report. The file itself is never touched.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.storage.importing.mapping import PRICES, Kind
from stockpulse_engine.storage.importing.moments import local_date, moments
from stockpulse_engine.storage.importing.plan import ImportPlan
from stockpulse_engine.storage.importing.splits import is_step, ratio_of
from stockpulse_engine.storage.importing.table import Table

MAX_ROWS = 2_000_000
"""Repairs look at a whole series at once."""
UNIT = 100.0
UNIT_LOW, UNIT_HIGH = 50.0, 200.0
SPIKE_ROWS = 2
"""So many rows in another unit are a slip and follow their neighbours; more of them are a change of the unit."""
WINDOW = 5
"""Rows on each side that tell what a price usually is."""
LEAST_SPLIT = 0.3
"""Splits of a smaller ratio (in logarithms) can not be told from trading."""
NEAR = 0.25
LATE_ROWS = 10
"""So many rows after a split its step may come."""
LATE_NEAR = math.log(2.0)
"""A price may halve or double on the day of a late split of LATE_LEAST and more, and it is still told from trading."""
LATE_LEAST = math.log(8.0)
PENCE_LEAST = 0.1
"""A dividend of more than this part of the price, which the price did not follow, is in the smaller unit."""
TWICE_DAYS = 10
"""Two dividends so close together are one, told twice."""
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class _Series:
    """One instrument's rows, oldest first, as arrays that repairs change in place."""

    def __init__(self, frame: pl.DataFrame, columns: dict[str, str]) -> None:
        self.order = frame["__place"].to_numpy()
        self.days = frame["__day"].to_list()
        self._names = columns
        numbers = [name for name in (*PRICES, "adj_close", "volume", "dividend", "gains") if name in columns]
        self.values = {name: _floats(frame[columns[name]]) for name in numbers}
        self.repaired: dict[str, set[int]] = {}
        texts = frame[columns["split"]].to_list() if "split" in columns else []
        self.splits = [(place, ratio) for place, text in enumerate(texts) if (ratio := _ratio(text)) != 1.0]

    @property
    def steady(self) -> Floats:
        """Prices without the steps of dividends, when the file has them."""
        return self.values.get("adj_close", self.values["close"])

    def note(self, what: str, *places: int) -> None:
        """Count rows that were changed."""
        self.repaired.setdefault(what, set()).update(places)

    def scale(self, place: int, factor: float) -> None:
        """Multiply a row's prices, and divide its volume."""
        for name in (*PRICES, "adj_close"):
            if name in self.values:
                self.values[name][place] *= factor
        if "volume" in self.values:
            self.values["volume"][place] /= factor


def repaired(table: Table, plan: ImportPlan) -> Table:
    """The table with its repairs, and how many rows each took; the same table when nothing was wrong.

    Raises:
        InvalidValueError: it is no file of bars, or too long.
    """
    if plan.mapping.kind is not Kind.BARS:
        raise InvalidValueError(f"{table.path.name}: only bars can be repaired.", fix="Leave --repair out.")
    if table.rows > MAX_ROWS:
        raise InvalidValueError(f"{table.path.name}: more than {MAX_ROWS:,} rows.", fix="Repair it in parts.")
    frame = _prepared(table, plan)
    parts = [_Series(part, plan.mapping.columns) for part in frame.partition_by("__symbol", maintain_order=True)]
    for series in parts:
        mend_splits(series)
        mend_units(series)
        mend_dividends(series)
    counts: dict[str, int] = {}
    for series in parts:
        for what, places in series.repaired.items():
            counts[what] = counts.get(what, 0) + len(places)
    return table.replaced(_put_back(table, plan, parts), counts) if counts else table


def mend_splits(series: _Series) -> None:
    """Go back in time from each split; where the price steps by its ratio, the rows before it are in other shares."""
    for split, ratio in series.splits:
        if abs(math.log(ratio)) < LEAST_SPLIT:
            continue
        price, state, what = series.steady.copy(), 0, "split not (or twice) adjusted"
        for place in range(min(split + LATE_ROWS, len(price) - 1) - 1, -1, -1):
            step = price[place] / price[place + 1]
            found = is_step if place < split else _is_late_step
            state += found(step, ratio) - found(1 / step if step else None, ratio)
            what = "split applied on a later day" if state and place >= split else what
            if state:
                series.scale(place, ratio**-state)
                series.note(what, place)


def _is_late_step(step: float | None, ratio: float) -> bool:
    """Whether a price fell by about a large split's ratio on a day that is not the split's."""
    if step is None or not 0 < step < math.inf or abs(math.log(ratio)) < LATE_LEAST:
        return False
    return abs(math.log(step) - math.log(ratio)) < LATE_NEAR


def mend_units(series: _Series) -> None:
    """First spans in the smaller unit (they go up: London quotes in pence), then single cells."""
    _mend_spans(series)
    cells = np.stack([series.values[name] for name in PRICES], axis=1)
    for place in range(len(cells)):
        around = cells[max(0, place - WINDOW) : place + WINDOW + 1]
        usual = np.nanmedian(around) if np.isfinite(around).any() else math.nan
        changed = False
        for name in PRICES:
            factor = _unit_factor(series.values[name][place], usual)
            if factor != 1.0:
                changed = True
                series.values[name][place] *= factor
                if name == "close" and "adj_close" in series.values:
                    series.values["adj_close"][place] *= factor
        if changed:
            _keep_order(series, place)
            series.note("price in another unit", place)


def mend_dividends(series: _Series) -> None:
    """Put the adjusted closes right around each dividend."""
    if not {"adj_close", "dividend"} <= series.values.keys():
        return
    _divide_by_own_split(series)
    _tell_in_prices_unit(series)
    _drop_told_twice(series)
    close, adjusted, gains = series.values["close"], series.values["adj_close"], series.values.get("gains")
    for place in np.flatnonzero(np.nan_to_num(series.values["dividend"]) > 0):
        before = _before(close, int(place))
        if before is None:
            continue
        amount = series.values["dividend"][place]
        due = 1 - amount / close[before]
        done = (adjusted[before] / close[before]) / (adjusted[place] / close[place])
        extra = float(np.nan_to_num(gains[place])) if gains is not None else 0.0
        doubled = 1 - (amount + extra) / close[before]
        if due <= 0:
            continue
        if extra and abs(done - doubled) < abs(done - due):
            _readjust(series, int(place), due / done, "capital gains counted twice")
        elif abs(1 - done) < NEAR * (1 - due):
            _readjust(series, int(place), due / done, "dividend missing in the adjusted close")


def _mend_spans(series: _Series) -> None:
    close = series.values["close"]
    known = np.flatnonzero(np.isfinite(close) & (close > 0))
    if len(known) < 2:  # noqa: PLR2004 - a step needs two
        return
    steps = np.diff(np.log10(close[known]))
    edge = math.log10(UNIT_LOW)
    jumps = np.where((np.abs(steps) >= edge) & (np.abs(steps) <= math.log10(UNIT_HIGH)), np.sign(steps), 0)
    levels = np.concatenate([[0.0], np.cumsum(jumps)])
    cuts = np.flatnonzero(np.diff(levels)) + 1
    runs = [run for run in np.split(np.arange(len(known)), cuts) if len(run) > SPIKE_ROWS]
    if len({levels[run[0]] for run in runs}) < 2:  # noqa: PLR2004 - one unit
        return
    top = max(levels[run[0]] for run in runs)
    for run in runs:
        factor = UNIT ** (top - levels[run[0]])
        for place in known[run] if factor != 1.0 else ():
            for name in (*PRICES, "adj_close"):
                if name in series.values:
                    series.values[name][place] *= factor
            series.note("price in another unit", int(place))


def _unit_factor(value: float, usual: float) -> float:
    times = value / usual if usual and math.isfinite(value) else math.nan
    if UNIT_LOW < times < UNIT_HIGH:
        return 1 / UNIT
    return UNIT if 1 / UNIT_HIGH < times < 1 / UNIT_LOW else 1.0


def _keep_order(series: _Series, place: int) -> None:
    """The high stays the highest and the low the lowest when a cell was put right."""
    prices = [series.values[name][place] for name in PRICES]
    series.values["high"][place], series.values["low"][place] = max(prices), min(prices)


def _divide_by_own_split(series: _Series) -> None:
    """A dividend on the day of a split that is told in old shares: the adjusted close knows it in new ones."""
    close, adjusted, paid = (series.values[name] for name in ("close", "adj_close", "dividend"))
    for place, ratio in series.splits:
        before = _before(close, place)
        if before is None or not paid[place] > 0:
            continue
        done = 1 - (adjusted[before] / close[before]) / (adjusted[place] / close[place])
        told = paid[place] / close[before]
        if done > 0 and abs(told / ratio - done) < NEAR * done < abs(told - done):
            paid[place] /= ratio
            series.note("dividend in the shares before its split", place)


def _tell_in_prices_unit(series: _Series) -> None:
    """A dividend in pence beside prices in pounds: the adjusted close knows it, or the price that did not follow."""
    close, adjusted, paid = (series.values[name] for name in ("close", "adj_close", "dividend"))
    for place in np.flatnonzero(np.nan_to_num(paid) > 0):
        before = _before(close, int(place))
        if before is None:
            continue
        told = paid[place] / close[before]
        done = 1 - (adjusted[before] / close[before]) / (adjusted[place] / close[place])
        fell = (close[before] - series.values["open"][place]) / close[before]
        if done > 0 and abs(told / UNIT - done) < NEAR * done:
            paid[place] /= UNIT
        elif told > PENCE_LEAST and fell < NEAR * told:
            paid[place] /= UNIT
            if done > PENCE_LEAST / 2:  # the adjusted close believed it
                series.values["adj_close"][:place] *= (1 - told / UNIT) / (1 - done)
        else:
            continue
        series.note("dividend in another unit", int(place))


def _drop_told_twice(series: _Series) -> None:
    """Of two dividends within days, the one whose ex-date the price did not follow goes, with its adjustment."""
    paid = series.values["dividend"]
    places = [int(place) for place in np.flatnonzero(np.nan_to_num(paid) > 0)]
    for one, two in itertools.pairwise(places):
        is_near = (series.days[two] - series.days[one]).days <= TWICE_DAYS
        if not is_near or not paid[one] or abs(paid[one] - paid[two]) > NEAR * paid[one]:
            continue
        phantom = max((one, two), key=lambda place: _miss(series, place))
        before = _before(series.values["close"], phantom)
        paid[phantom] = 0.0
        series.note("dividend told twice", phantom)
        if before is not None:
            close, adjusted = series.values["close"], series.values["adj_close"]
            done = (adjusted[before] / close[before]) / (adjusted[phantom] / close[phantom])
            _readjust(series, phantom, 1 / done, "dividend told twice")


def _miss(series: _Series, place: int) -> float:
    """How far the open was from falling by the dividend."""
    before = _before(series.values["close"], place)
    if before is None:
        return math.inf
    fell = series.values["close"][before] - series.values["open"][place]
    return float(abs(fell - series.values["dividend"][place]))


def _readjust(series: _Series, place: int, factor: float, what: str) -> None:
    series.values["adj_close"][:place] *= factor
    series.note(what, place)


def _before(close: Floats, place: int) -> int | None:
    known = np.flatnonzero(np.isfinite(close[:place]) & (close[:place] > 0))
    return int(known[-1]) if len(known) and close[place] > 0 else None


def _prepared(table: Table, plan: ImportPlan) -> pl.DataFrame:
    assert plan.form is not None
    columns, stamp = plan.mapping.columns, plan.mapping.columns["ts"]
    symbol = pl.col(columns["symbol"]).cast(pl.String) if "symbol" in columns else pl.lit("")
    frame = table.columns(list(dict.fromkeys(columns.values()))).with_row_index("__place")
    frame = frame.with_columns(
        symbol.fill_null("").alias("__symbol"),
        moments(stamp, plan.form, table.types[stamp]).alias("__ts"),
        local_date(stamp, plan.form, table.types[stamp]).alias("__day"),
    )
    return frame.drop_nulls("__ts").sort("__symbol", "__ts", maintain_order=True)


def _put_back(table: Table, plan: ImportPlan, parts: list[_Series]) -> pl.DataFrame:
    frame = table.columns(table.names)
    for name in parts[0].values:
        theirs = plan.mapping.columns[name]
        cells = _floats(frame[theirs])
        for series in parts:
            cells[series.order] = series.values[name]
        frame = frame.with_columns(pl.Series(theirs, cells).fill_nan(None))
    return frame


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy().copy()


def _ratio(text: object) -> float:
    words = str(text or "").strip()
    try:
        return float(ratio_of(words)) if words not in ("", "0", "0.0") else 1.0
    except InvalidValueError:
        return 1.0
