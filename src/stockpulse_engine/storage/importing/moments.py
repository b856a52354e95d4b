"""When a row was: dates and times in whatever spelling a file has, as UTC nanoseconds.

A time without a zone is refused unless the person says which zone it is in; a date like 1/2/2014 is read only when the
file itself shows whether the month or the day comes first, or the person says so.
"""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.storage.importing.isotimes import DAY_NS, iso_times
from stockpulse_engine.storage.importing.table import Table

_DATE = r"^\d{4}-\d{2}-\d{2}$"
_SLASHED = r"^(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})$"
_COMPACT = r"^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
_ZONED = r"(?:Z|[+-]\d{2}:?\d{2})$"
_EPOCHS = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0.0, 1_000_000_000))
"""From which size on a number counts so many nanoseconds each."""
SAMPLE = 20_000


class TimeForm(msgspec.Struct, frozen=True, kw_only=True):
    """How the times of a file are read. `is_date`: they name days, not moments."""

    is_date: bool
    style: str
    """date, compact (20131007), zoned, naive, epoch, slashed."""
    zone: str = ""
    is_day_first: bool = False
    unit_ns: int = 1

    def words(self) -> str:
        """As shown to the person."""
        order = " (day first)" if self.is_day_first else " (month first)"
        extra = {"naive": f" in {self.zone}", "slashed": order}
        return ("dates" if self.is_date else "times") + extra.get(self.style, "")


def time_form(table: Table, column: str, *, zone: str = "", dates: str = "") -> TimeForm:
    """Find out how a column tells time.

    Raises:
        InvalidValueError: a zone or the order of day and month is missing, or it is no column of times.
    """
    kind = table.types[column]
    if kind == pl.Date:
        return TimeForm(is_date=True, style="date")
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is not None:
            return TimeForm(is_date=False, style="zoned")
        return TimeForm(is_date=False, style="naive", zone=_require_zone(table, column, zone))
    sample = table.head(SAMPLE)[column].drop_nulls()
    if kind.is_numeric():
        return _compact(sample.cast(pl.Int64, strict=False).cast(pl.String)) or _epoch(sample)
    return _spelled(table, column, sample, zone=zone, dates=dates)


def _spelled(table: Table, column: str, sample: pl.Series, *, zone: str, dates: str) -> TimeForm:
    text = sample.cast(pl.String).str.strip_chars()
    if _share(text, _DATE) > 0.5:  # noqa: PLR2004 - most of them
        return TimeForm(is_date=True, style="date")
    if _share(text, _SLASHED) > 0.5:  # noqa: PLR2004 - most of them
        return TimeForm(is_date=True, style="slashed", is_day_first=_day_first(table, column, text, dates))
    if found := _compact(text):
        return found
    if _share(text, r"^\d{10,19}$") > 0.5:  # noqa: PLR2004 - most of them
        return _epoch(text)
    if _share(text, r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}") > 0.5:  # noqa: PLR2004 - most of them
        if _share(text, _ZONED) > 0.5:  # noqa: PLR2004 - most of them
            return TimeForm(is_date=False, style="zoned")
        return TimeForm(is_date=False, style="naive", zone=_require_zone(table, column, zone))
    first = str(text[0])[:40] if len(text) else "nothing"
    raise InvalidValueError(
        f"{table.path.name}: column {column!r} is no time ({first}).", fix="Name the column with --map ts=NAME."
    )


def moments(column: str, form: TimeForm, kind: pl.DataType) -> pl.Expr:
    """UTC nanoseconds of each row, of a date its first one; null where the cell is no time."""
    cell = pl.col(column)
    if form.style == "epoch":
        return cell.cast(pl.Int64, strict=False) * form.unit_ns
    if isinstance(kind, pl.Datetime) and form.style == "zoned":
        return cell.dt.epoch("ns")
    if kind == pl.Date:
        return cell.cast(pl.Datetime("ns")).dt.epoch("ns")
    if form.style == "naive":
        local = cell if isinstance(kind, pl.Datetime) else cell.str.strip_chars().str.to_datetime(strict=False)
        return _in_zone(local, form.zone)
    text = cell.cast(pl.String).str.strip_chars()
    if form.style == "compact":
        return text.str.slice(0, 8).str.to_date("%Y%m%d", strict=False).cast(pl.Datetime("ns")).dt.epoch("ns")
    if form.style == "zoned":
        return text.str.to_datetime(time_zone="UTC", time_unit="ns", strict=False).dt.epoch("ns")
    if form.style == "slashed":
        return _slashed(text, is_day_first=form.is_day_first)
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ns")).dt.epoch("ns")


def moment_series(cells: pl.Series, form: TimeForm) -> pl.Series:
    """The same of a whole column; what text spells as ISO times is read without looking at one row at a time."""
    thorough = moments("cells", form, cells.dtype)
    if cells.dtype != pl.String or form.style not in ("zoned", "naive"):
        return cells.alias("cells").to_frame().select(thorough.alias("ts")).to_series()
    found = iso_times(cells)
    is_read = found.is_read & (found.is_zoned == (form.style == "zoned"))
    ns = pl.Series("ts", found.days * DAY_NS + found.within - found.ahead)
    if form.style == "naive":
        ns = ns.cast(pl.Datetime("ns")).to_frame().select(_in_zone(pl.col("ts"), form.zone)).to_series()
    if is_read.all():
        return ns
    places = pl.Series(np.flatnonzero(~is_read))
    rest = cells.gather(places).alias("cells").to_frame().select(thorough).to_series()
    return ns.scatter(places, rest)


def local_date(column: str, form: TimeForm, kind: pl.DataType) -> pl.Expr:
    """The day a row names, by the clock it was written with: what a daily bar with an offset is for."""
    if form.style == "zoned" and not isinstance(kind, pl.Datetime):
        return pl.col(column).cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if form.style == "naive":
        cell = pl.col(column)
        return (cell if isinstance(kind, pl.Datetime) else cell.str.to_datetime(strict=False)).dt.date()
    return pl.from_epoch(moments(column, form, kind), time_unit="ns").dt.date()


def _in_zone(local: pl.Expr, zone: str) -> pl.Expr:
    """Moments of a zone's own clock."""
    if zone == "UTC":
        return local.dt.epoch("ns")
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("ns")


def _slashed(text: pl.Expr, *, is_day_first: bool) -> pl.Expr:
    parts = text.str.extract_groups(_SLASHED)
    one, two, year = (parts.struct.field(str(index)).cast(pl.Int32, strict=False) for index in (1, 2, 3))
    full = pl.when(year < 70).then(year + 2000).when(year < 100).then(year + 1900).otherwise(year)  # noqa: PLR2004 - two digits of a year
    month, day = (two, one) if is_day_first else (one, two)
    is_real = month.is_between(1, 12) & day.is_between(1, 31)
    spelled = pl.format("{}-{}-{}", full, month, day)
    date = pl.when(is_real).then(spelled).otherwise(None).str.to_date("%Y-%m-%d", strict=False)
    return date.cast(pl.Datetime("ns")).dt.epoch("ns")


def _day_first(table: Table, column: str, text: pl.Series, told: str) -> bool:
    if told:
        return told == "dmy"
    parts = text.str.extract_groups(_SLASHED).struct.unnest()
    one, two = (int(parts[name].cast(pl.Int32).max() or 0) for name in ("1", "2"))  # type: ignore[arg-type]  # numbers
    if (one > 12) == (two > 12):  # noqa: PLR2004 - months of a year
        raise InvalidValueError(
            f"{table.path.name}: {column!r} may be day/month or month/day ({text[0]}).", fix="Say --dates mdy or dmy."
        )
    return one > 12  # noqa: PLR2004 - the same


def _compact(text: pl.Series) -> TimeForm | None:
    """Days without separators: taken for seconds they would all be of 1970."""
    return TimeForm(is_date=True, style="compact") if _share(text, _COMPACT) == 1.0 else None


def _epoch(numbers: pl.Series) -> TimeForm:
    top = float(numbers.cast(pl.Float64, strict=False).abs().max() or 0)  # type: ignore[arg-type]  # a number
    return TimeForm(is_date=False, style="epoch", unit_ns=next(ns for least, ns in _EPOCHS if top >= least))


def _require_zone(table: Table, column: str, zone: str) -> str:
    if not zone:
        raise InvalidValueError(
            f"{table.path.name}: {column!r} has no time zone.",
            fix="Say which it is: --zone America/New_York, --zone UTC.",
        )
    from zoneinfo import available_timezones

    if zone not in available_timezones():
        raise InvalidValueError(f"{zone[:40]!r} is no time zone.", fix="Use a name like America/New_York or UTC.")
    return zone


def _share(text: pl.Series, pattern: str) -> float:
    return float(text.str.contains(pattern).mean() or 0.0) if len(text) else 0.0  # type: ignore[arg-type]  # a share
