"""Bars and charts for the tests of drawing: a fixed walk, no randomness."""

from __future__ import annotations

import math
from decimal import Decimal

from stockpulse_engine.domain.market import Bar, parse_bar_spec
from stockpulse_engine.render.chart import ChartData, ChartFill, ChartOrder, StudyLine

OPEN_NS = 1_795_098_600_000_000_000
"""2026-11-19 09:30 in New York."""
_DAY_NS = 86_400_000_000_000
_PER_DAY = 78


def walk(count: int, spec: str = "5m") -> tuple[Bar, ...]:
    """`count` bars that rise and fall like a slow wave, five-minute bars in sessions of 78."""
    length = parse_bar_spec(spec)
    bars = []
    price = Decimal("230.00")
    for i in range(count):
        close = Decimal(round((230 + 3 * math.sin(i / 11) + math.sin(i * 1.7) * 0.4) * 100)) / 100
        ts = OPEN_NS + i // _PER_DAY * _DAY_NS + i % _PER_DAY * length.duration_ns
        if not length.is_intraday:
            ts = OPEN_NS + i * _DAY_NS
        high, low = max(price, close) + Decimal("0.15"), min(price, close) - Decimal("0.12")
        volume = Decimal(100_000 + (i * 37_000) % 900_000)
        bars.append(Bar("AAPL.XNAS", length, ts, price, high, low, close, volume, ts + length.duration_ns))
        price = close
    return tuple(bars)


def chart(count: int = 160, **changes: object) -> ChartData:
    """A chart with an overlay, an oscillator, two working orders and two fills; fields replaced by `changes`."""
    bars = walk(count, str(changes.pop("spec_text", "5m")))
    mean = [math.nan if i < 19 else sum(float(b.close) for b in bars[i - 19 : i + 1]) / 20 for i in range(len(bars))]
    swing = [50 + 30 * math.sin(i / 7) for i in range(len(bars))]
    fields: dict[str, object] = {
        "symbol": "AAPL",
        "name": "Apple Inc",
        "venue": "XNAS",
        "tick": Decimal("0.01"),
        "bars": bars,
        "spec": bars[0].spec if bars else parse_bar_spec("5m"),
        "zone": "America/New_York",
        "last": bars[-1].close if bars else None,
        "change": Decimal("1.02"),
        "change_ratio": Decimal("0.0044"),
        "studies": (
            StudyLine(name="sma20", values=mean),
            StudyLine(name="rsi14", values=swing, pane="rsi 14", series=4, levels=(30, 70)),
        ),
        "orders": (
            ChartOrder(is_buy=True, price=Decimal("229.00"), label="buy 45 LMT"),
            ChartOrder(is_buy=False, price=Decimal("227.40"), label="stop 60"),
        ),
        "fills": (
            ChartFill(is_buy=True, quantity=Decimal(60), price=bars[-20].low, ts_event=bars[-20].ts_event),
            ChartFill(is_buy=False, quantity=Decimal(20), price=bars[-9].high, ts_event=bars[-9].ts_event + 5),
        )
        if len(bars) > 20
        else (),
    }
    fields.update(changes)
    return ChartData(**fields)  # type: ignore[arg-type]  # fields are collected by name
