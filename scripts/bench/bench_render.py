"""How long drawing takes: charts of three sizes, the ladder, a table, an order line. One JSON line, microseconds.

Usage: python scripts/bench/bench_render.py
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from decimal import Decimal

from stockpulse_engine.actions.orderline import OrderContext, read_order_line
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Bar, Depth, Level, Quote, parse_bar_spec
from stockpulse_engine.render.chart import ChartData, ChartOrder, StudyLine, render_chart
from stockpulse_engine.render.ladder import LadderData, render_ladder
from stockpulse_engine.render.span import to_ansi
from stockpulse_engine.render.table import Cell, Column, Row, TableView, render_table
from stockpulse_engine.render.theme import THEMES

ROUNDS = 200
D = Decimal


def bars(count: int) -> tuple[Bar, ...]:
    """A wave of five-minute bars."""
    spec, made, price = parse_bar_spec("5m"), [], D("230.00")
    for i in range(count):
        close = D(round((230 + 3 * math.sin(i / 11) + math.sin(i * 1.7) * 0.4) * 100)) / 100
        ts = 1_795_098_600_000_000_000 + i * spec.duration_ns
        high, low = max(price, close) + D("0.15"), min(price, close) - D("0.12")
        made.append(Bar("AAPL.XNAS", spec, ts, price, high, low, close, D(100_000 + i), ts + spec.duration_ns))
        price = close
    return tuple(made)


def chart() -> ChartData:
    """A chart with two overlays, an oscillator and two orders."""
    series = bars(300)
    wave = [230 + 2 * math.sin(i / 20) for i in range(len(series))]
    return ChartData(
        symbol="AAPL",
        tick=D("0.01"),
        bars=series,
        spec=series[0].spec,
        zone="America/New_York",
        last=series[-1].close,
        studies=(
            StudyLine(name="sma20", values=wave),
            StudyLine(name="sma50", values=[v + 0.5 for v in wave], series=2),
            StudyLine(name="rsi14", values=[(v - 228) * 20 for v in wave], pane="rsi 14", series=4, levels=(30, 70)),
        ),
        orders=(
            ChartOrder(is_buy=True, price=D("229.00"), label="buy 45 LMT"),
            ChartOrder(is_buy=False, price=D("227.40"), label="stop 60"),
        ),
    )


def ladder() -> LadderData:
    """A full book of ten levels a side."""
    best, tick = D("231.40"), D("0.01")
    bids = tuple(Level(best - tick * i, D(100 + i)) for i in range(10))
    asks = tuple(Level(best + tick * (i + 1), D(100 + i)) for i in range(10))
    return LadderData(tick=tick, center=best, depth=Depth("AAPL.XNAS", bids, asks, 1), last=best)


def order_context() -> OrderContext:
    """One instrument and its quote."""
    apple = Instrument(
        instrument_id="AAPL.XNAS", name="Apple", asset_class=AssetClass.EQUITY, currency="USD", tick_size=D("0.01")
    )
    quote = Quote("AAPL.XNAS", D("232.11"), D("232.12"), D(100), D(100), 1)
    known = {"AAPL": apple}
    return OrderContext(account_id="main", resolve=known.get, quote=lambda _: quote, equity=D(100_000))


def table() -> TableView:
    """Forty rows of six columns."""
    columns = tuple(Column(title=f"c{i}", width=9) for i in range(6))
    return TableView(columns=columns, rows=[Row(cells=tuple(Cell("1,234.50") for _ in range(6)))] * 40, selected=3)


def median_of(work: Callable[[], object]) -> float:
    """Median microseconds of a call."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - start)
    return round(sorted(taken)[ROUNDS // 2] / 1000, 1)


def main() -> None:
    """Measure and print."""
    data, steps, view, context = chart(), ladder(), table(), order_context()
    drawn = render_chart(data, 118, 36)
    result = {
        "chart_70x22_us": median_of(lambda: render_chart(data, 70, 22)),
        "chart_118x36_us": median_of(lambda: render_chart(data, 118, 36)),
        "chart_190x50_us": median_of(lambda: render_chart(data, 190, 50)),
        "chart_118x36_to_ansi_us": median_of(lambda: to_ansi(drawn, THEMES["dark"])),
        "ladder_80x36_us": median_of(lambda: render_ladder(steps, 80, 36)),
        "table_40_rows_us": median_of(lambda: render_table(view, 100, 41)),
        "order_line_us": median_of(lambda: read_order_line("buy AAPL risk 0.1% lmt mid +2% -1%", context)),
    }
    print(json.dumps({"bench": "render", **result}))


if __name__ == "__main__":
    main()
