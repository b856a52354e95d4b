"""Bytes of the chart endpoint to bars and a quote; pure.

Its habits, all met in recordings: prices are 32-bit floats to be rounded to `priceHint`; rows may be null;
without a trade there is no `timestamp` at all; London quotes in pence; the newest row is live and stands at
the time of asking instead of the start of its bar.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import msgspec

from stockpulse_engine.adapters.yahoo.errors import error_of, unreadable
from stockpulse_engine.adapters.yahoo.symbols import asset_class_of, instrument_id_of
from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import SECOND_NS, Bar, BarSpec, Quote
from stockpulse_engine.domain.money import ZERO, round_to_tick

SOURCE = "yahoo"
MAX_ROWS = 20_000
_OK = 200
_LARGEST = Decimal(10) ** 12
_MINOR_UNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Currencies written in hundredths."""


class _Period(msgspec.Struct):
    start: int
    end: int


class _Periods(msgspec.Struct):
    regular: _Period | None = None


class _Meta(msgspec.Struct, rename="camel"):
    symbol: str
    currency: str | None = None
    exchange_name: str = ""
    instrument_type: str = ""
    price_hint: int = 2
    regular_market_price: Decimal | None = None
    regular_market_time: int = 0
    regular_market_volume: Decimal | None = None
    long_name: str = ""
    short_name: str = ""
    current_trading_period: _Periods = msgspec.field(default_factory=_Periods)


_Column = list[Decimal | None] | None


class _Rows(msgspec.Struct):
    open: _Column = None
    high: _Column = None
    low: _Column = None
    close: _Column = None
    volume: _Column = None


class _Indicators(msgspec.Struct):
    quote: list[_Rows] = []


class _Split(msgspec.Struct):
    date: int
    numerator: Decimal
    denominator: Decimal


class _Dividend(msgspec.Struct):
    date: int
    amount: Decimal


class _Events(msgspec.Struct):
    splits: dict[str, _Split] = {}
    dividends: dict[str, _Dividend] = {}


class _Result(msgspec.Struct):
    meta: _Meta
    indicators: _Indicators
    timestamp: list[int] | None = None
    events: _Events | None = None


class _Error(msgspec.Struct):
    code: str = ""
    description: str | None = ""


class _Chart(msgspec.Struct):
    result: list[_Result] | None = None
    error: _Error | None = None


class _Body(msgspec.Struct):
    chart: _Chart


class YahooAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, ours. `skipped` counts rows left out because they were null or contradicted themselves."""

    instrument: Instrument
    quote: Quote | None
    bars: tuple[Bar, ...]
    skipped: int = 0
    splits: tuple[tuple[int, Fraction], ...] = ()
    """Moment of the ex-date and new shares for one old; the prices before it are divided by this."""
    dividends: tuple[tuple[int, Decimal], ...] = ()
    """Moment of the ex-date and amount per share, divided by every split from that day on."""


def parse_chart(status: int, body: bytes, symbol: str, spec: BarSpec) -> YahooAnswer:
    """Read one answer.

    Raises:
        NotFoundError, InvalidValueError, UnavailableError: by status and Yahoo's own error, in our words.
    """
    chart = _decode(body) if _is_json(body) else None
    if status != _OK or chart is None or chart.error is not None or not chart.result:
        described = (
            (chart.error.description or chart.error.code) if chart is not None and chart.error is not None else ""
        )
        raise error_of(status, described, symbol) if status != _OK else unreadable(described or "no chart in it")
    result = chart.result[0]
    try:
        return _answer(result, spec)
    except (InvalidOperation, OverflowError) as error:
        raise unreadable("a number out of range") from error


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


def _decode(body: bytes) -> _Chart:
    """Through text, so that a price is the decimal that was written and not the nearest float."""
    try:
        raw = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
        return msgspec.convert(raw, _Body, strict=False).chart
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise unreadable(str(error)) from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _answer(result: _Result, spec: BarSpec) -> YahooAnswer:
    meta = result.meta
    is_minor = meta.currency in _MINOR_UNITS
    places = min(8, max(0, meta.price_hint))
    tick = Decimal(1).scaleb(-places - (2 if is_minor else 0))
    scale = Decimal("0.01") if is_minor else Decimal(1)
    instrument = Instrument(
        instrument_id=instrument_id_of(meta.symbol.upper(), meta.exchange_name),
        name=clean_text(meta.long_name or meta.short_name or meta.symbol, 80),
        asset_class=asset_class_of(meta.instrument_type),
        currency=_MINOR_UNITS.get(meta.currency or "", (meta.currency or "USD").upper()),
        tick_size=tick,
    )
    reader = _RowReader(instrument, spec, meta, scale)
    bars = reader.read(result)
    events = result.events or _Events()
    return YahooAnswer(
        instrument=instrument,
        quote=_quote(instrument, meta, scale),
        bars=bars,
        skipped=reader.skipped,
        splits=tuple(sorted(_splits(events.splits.values()))),
        dividends=tuple(sorted(_dividends(events.dividends.values(), scale))),
    )


def _splits(told: Iterable[_Split]) -> Iterator[tuple[int, Fraction]]:
    for one in told:
        if 0 < one.numerator < _LARGEST and 0 < one.denominator < _LARGEST:
            yield one.date * SECOND_NS, Fraction(one.numerator) / Fraction(one.denominator)


def _dividends(told: Iterable[_Dividend], scale: Decimal) -> Iterator[tuple[int, Decimal]]:
    for one in told:
        if 0 < one.amount < _LARGEST:
            yield one.date * SECOND_NS, one.amount * scale


def _quote(instrument: Instrument, meta: _Meta, scale: Decimal) -> Quote | None:
    """The last price as a quote without sides: the endpoint tells no bid and no ask, so both sizes are 0."""
    price = meta.regular_market_price
    if price is None or not 0 < price < _LARGEST or meta.regular_market_time <= 0:
        return None
    last = round_to_tick(price * scale, instrument.tick_size)
    ts = meta.regular_market_time * SECOND_NS
    return Quote(instrument.instrument_id, last, last, ZERO, ZERO, ts, SOURCE, last, meta.regular_market_volume)


class _RowReader:
    def __init__(self, instrument: Instrument, spec: BarSpec, meta: _Meta, scale: Decimal) -> None:
        self._instrument = instrument
        self._spec = spec
        self._scale = scale
        self._now = meta.regular_market_time * SECOND_NS
        self._session = meta.current_trading_period.regular
        self.skipped = 0

    def read(self, result: _Result) -> tuple[Bar, ...]:
        times = (result.timestamp or [])[:MAX_ROWS]
        rows = result.indicators.quote[0] if result.indicators.quote else _Rows()
        bars: list[Bar] = []
        for index, seconds in enumerate(times):
            prices = self._prices(rows, index)
            start = self._start(seconds * SECOND_NS, bars, is_last=index == len(times) - 1)
            if prices is None or (bars and start < bars[-1].ts_event):
                self.skipped += 1
                continue
            bar = self._bar(start, prices, _at(rows.volume, index) or ZERO)
            if bars and start == bars[-1].ts_event:
                bars[-1] = _merge(bars[-1], bar)
            else:
                bars.append(bar)
        return tuple(bars)

    def _prices(self, rows: _Rows, index: int) -> tuple[Decimal, ...] | None:
        """Open, high, low, close on the tick; None when one is missing or can not be."""
        raw = [_at(column, index) for column in (rows.open, rows.high, rows.low, rows.close)]
        if any(value is None or not 0 < value < _LARGEST for value in raw):
            return None
        tick = self._instrument.tick_size
        opened, high, low, close = (round_to_tick(value * self._scale, tick) for value in raw if value is not None)
        if low > high:
            return None
        return opened, max(high, opened, close), min(low, opened, close), close

    def _start(self, ts: int, bars: Sequence[Bar], *, is_last: bool) -> int:
        """The start of the bar a row belongs to: the newest row carries the time of asking."""
        if not is_last:
            return ts
        if self._spec.unit == "d" and self._session is not None and ts >= self._session.start * SECOND_NS:
            return self._session.start * SECOND_NS
        if not bars or self._spec.unit == "d":
            return ts
        step = self._spec.duration_ns
        return bars[-1].ts_event + (ts - bars[-1].ts_event) // step * step

    def _bar(self, start: int, prices: tuple[Decimal, ...], volume: Decimal) -> Bar:
        end = start + self._spec.duration_ns
        if self._spec.unit == "d" and self._session is not None:
            end = start + (self._session.end - self._session.start) * SECOND_NS
        is_open = self._now > 0 and end > self._now >= start
        known = self._now if is_open else end
        opened, high, low, close = prices
        return Bar(
            self._instrument.instrument_id,
            self._spec,
            start,
            opened,
            high,
            low,
            close,
            max(volume, ZERO),
            known,
            is_open,
            SOURCE,
        )


def _merge(bar: Bar, newer: Bar) -> Bar:
    """The live row of a bar that is there already: it goes on from it."""
    return Bar(
        bar.instrument_id, bar.spec, bar.ts_event, bar.open, max(bar.high, newer.high), min(bar.low, newer.low),
        newer.close, max(bar.volume, newer.volume), newer.known_at, newer.is_open, SOURCE,
    )  # fmt: skip


def _at(column: _Column, index: int) -> Decimal | None:
    return column[index] if column is not None and index < len(column) else None
