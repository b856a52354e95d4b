"""Splits and dividends out of rows: one event a row, Yahoo's columns beside its bars, Lean's cumulative factors."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.actions import FORMERLY, ActionKind, CorporateAction
from stockpulse_engine.marketdata.listings import Listing, renames
from stockpulse_engine.storage.importing.days import next_day, session_ns
from stockpulse_engine.storage.importing.identity import Maps, mic_of, with_instrument
from stockpulse_engine.storage.importing.mapping import Kind, plain_name
from stockpulse_engine.storage.importing.moments import local_date
from stockpulse_engine.storage.importing.plan import ImportPlan
from stockpulse_engine.storage.importing.splits import Splits, is_told, ratio_of
from stockpulse_engine.storage.importing.table import ROW, Table
from stockpulse_engine.storage.importing.values import SCALE

_FACTOR_ERROR = 1.05e-7
"""Lean rounds its factors to seven decimals; two of them go into an amount."""
_FINEST = 6
"""Decimals of a dividend that are looked for, coarsest first."""


class ActionRows(NamedTuple):
    """What the rows tell, and those that tell nothing we can store: number and reason."""

    actions: list[CorporateAction]
    refused: list[tuple[int, str]]


class _Event(NamedTuple):
    """What takes effect on one ex-date."""

    instrument_id: str
    ex_date: dt.date
    split: Fraction = Fraction(1)
    amount: Decimal = Decimal(0)
    reference: Decimal = Decimal(0)
    currency: str = ""


def told_actions(table: Table, plan: ImportPlan, maps: Maps) -> ActionRows:
    """Every action of a file of events or of factors."""
    frame = next(iter(table.chunks(rows=max(1, table.rows))), None)
    if frame is None:
        return ActionRows([], [])
    rows = _identified(frame, plan, table.types, maps)
    events, refused = _of_factors(rows) if plan.mapping.kind is Kind.FACTORS else _of_events(rows, plan)
    return ActionRows(_stored(events, plan.source), refused)


def bar_actions(frame: pl.DataFrame, columns: Mapping[str, str], source: str, splits: Splits) -> list[CorporateAction]:
    """Splits and dividends beside bars. Where prices were divided by later splits, dividends were too."""
    told = [name for name in ("split", "dividend") if name in columns]
    if not told:
        return []
    says = pl.any_horizontal(is_told(columns[name]) for name in told)
    rows = frame.filter(says & pl.col("instrument_id").is_not_null())
    events = []
    for row in rows.filter(pl.col("date").is_not_null()).iter_rows(named=True):
        later = [ratio for day, ratio in splits.get(row["symbol"], ()) if day >= row["date"]]
        try:
            amount = _decimal(row.get(columns.get("dividend", ""))) * _as_decimal(math.prod(later, start=Fraction(1)))
            split = _split(row.get(columns.get("split", "")))
        except InvalidValueError:
            continue  # the bar beside it is stored; a cell that is no number is no event
        events.append(_Event(row["instrument_id"], row["date"], split, amount))
    return _stored(events, source)


def renamed(known: Sequence[Listing], told: Sequence[Listing], plan: ImportPlan) -> list[CorporateAction]:
    """A rename for each ticker that one of the companies told of gave up for another."""
    found = []
    for one in renames(known, (listing.company for listing in told)):
        mic = plan.options.venue or mic_of(one.home)
        name, since = f"{one.home}.{mic}", dt.date.fromisoformat(one.since)
        start, _ = session_ns(name, since)
        if start is None:
            start, _ = session_ns(name, next_day(name, since))
        if start is None:
            continue
        action = CorporateAction(
            instrument_id=name, kind=ActionKind.RENAME, ts_event=start, known_at=start, source=plan.source
        )
        found.append(msgspec.structs.replace(action, other_id=f"{one.after}.{mic}", note=f"{FORMERLY}{one.before}"))
    return found


def _identified(
    frame: pl.DataFrame, plan: ImportPlan, types: Mapping[str, pl.DataType], maps: Maps
) -> list[dict[str, Any]]:
    assert plan.form is not None
    columns = plan.mapping.columns
    ours = [pl.col(theirs).cast(pl.String).str.strip_chars().alias(name) for name, theirs in columns.items()]
    date = local_date(columns["ts"], plan.form, types[columns["ts"]]).alias("date")
    frame = frame.with_columns(date).select(ROW, "date", *ours)
    return with_instrument(frame, pl.col("date"), maps, venue=plan.options.venue).to_dicts()


def _of_events(rows: Iterable[dict[str, Any]], plan: ImportPlan) -> tuple[list[_Event], list[tuple[int, str]]]:
    is_cum = plain_name(plan.mapping.columns["ts"]) == "lastcumdate"
    events, refused = [], []
    for row in rows:
        try:
            event = _event(row, is_cum=is_cum)
        except InvalidValueError as error:
            refused.append((row[ROW], error.message))
            continue
        events.append(event)
    return events, refused


def _event(row: Mapping[str, Any], *, is_cum: bool) -> _Event:
    name, date = row["instrument_id"], row["date"]
    if name is None or date is None:
        raise InvalidValueError("the symbol or the date can not be read", fix="Check the row.")
    event = _Event(
        name,
        next_day(name, date) if is_cum else date,
        _split(row.get("split")),
        _decimal(row.get("dividend")),
        _decimal(row.get("reference")),
        (row.get("currency") or "")[:8].upper(),
    )
    if event.amount < 0:
        raise InvalidValueError(f"the dividend is negative: {event.amount}", fix="Check the row.")
    if event.split == 1 and not event.amount:
        raise InvalidValueError("tells neither a split nor a dividend", fix="Check the row.")
    return event


def _of_factors(rows: Sequence[dict[str, Any]]) -> tuple[list[_Event], list[tuple[int, str]]]:
    """A row's factors hold up to its date, the next row's from the session after it."""
    events: list[_Event] = []
    refused = [(row[ROW], "the symbol or the date can not be read") for row in rows if not _is_whole(row)]
    whole = sorted((row for row in rows if _is_whole(row)), key=lambda row: (row["symbol"], row["date"]))
    for _, group in itertools.groupby(whole, key=operator.itemgetter("symbol")):
        for row, after in itertools.pairwise(group):
            try:
                event = _between(row, after)
            except InvalidValueError as error:
                refused.append((row[ROW], error.message))
                continue
            if event.split != 1 or event.amount:
                events.append(event)
    return events, refused


def _is_whole(row: Mapping[str, Any]) -> bool:
    return row["instrument_id"] is not None and row["date"] is not None


def _between(row: Mapping[str, Any], after: Mapping[str, Any]) -> _Event:
    price, next_price = _decimal(row["price_factor"]), _decimal(after["price_factor"])
    split, next_split = _decimal(row["split_factor"]), _decimal(after["split_factor"])
    reference = _decimal(row.get("reference"))
    if min(price, next_price, split, next_split) <= 0:
        raise InvalidValueError("a factor is not positive", fix="Check the row.")
    ratio = Fraction(1) if split == next_split else _split(str(float(next_split / split)))
    name = row["instrument_id"]
    amount = Decimal(0) if price == next_price else amount_of(price, next_price, reference)
    return _Event(name, next_day(name, row["date"]), ratio, amount, reference)


def amount_of(factor: Decimal, following: Decimal, reference: Decimal) -> Decimal:
    """The dividend between two price factors: the roundest amount that makes the one out of the other.

    Raises:
        InvalidValueError: the close before it is not told, or the factors grow.
    """
    estimate = reference * (1 - factor / following)
    if reference <= 0 or estimate <= 0:
        raise InvalidValueError("no dividend makes this price factor", fix="Check the row.")
    for places in range(2, _FINEST + 1):
        amount = estimate.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        if amount and abs(following * (1 - amount / reference) - factor) <= Decimal(_FACTOR_ERROR):
            return amount
    return estimate.quantize(Decimal(1).scaleb(-_FINEST), ROUND_HALF_EVEN)


def _stored(events: Iterable[_Event], source: str) -> list[CorporateAction]:
    """One action per key; what is told again is told once."""
    found: dict[tuple[str, ActionKind, int], CorporateAction] = {}
    for event in events:
        start, _ = session_ns(event.instrument_id, event.ex_date)
        if start is None:  # no session: it takes effect with the next one
            start, _ = session_ns(event.instrument_id, next_day(event.instrument_id, event.ex_date))
        if start is None:
            continue
        base = CorporateAction(
            instrument_id=event.instrument_id,
            kind=ActionKind.SPLIT,
            ts_event=start,
            known_at=start,
            source=source,
            reference_e8=int(event.reference * SCALE) if event.reference > 1 else 0,
        )
        for action in _of_event(event, base):
            found[event.instrument_id, action.kind, start] = action
    return list(found.values())


def _of_event(event: _Event, base: CorporateAction) -> Iterator[CorporateAction]:
    if event.split != 1:
        yield msgspec.structs.replace(base, numerator=event.split.numerator, denominator=event.split.denominator)
    if event.amount:
        amount = int((event.amount * SCALE).to_integral_value(ROUND_HALF_EVEN))
        yield msgspec.structs.replace(base, kind=ActionKind.DIVIDEND, amount_e8=amount, currency=event.currency)


def _split(value: object) -> Fraction:
    text = str(value or "").strip()
    try:
        if not text or float(text) in (0.0, 1.0):
            return Fraction(1)
    except ValueError:
        pass
    return ratio_of(text)


def _decimal(value: object) -> Decimal:
    text = str(value if value is not None else "").strip()
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        raise InvalidValueError(f"{text[:20]!r} is no number", fix="Check the row.") from None
    return found if found.is_finite() else Decimal(0)


def _as_decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
