"""The price pane: grid, candles, studies, own orders and fills, the trade line, the cross-hair and the axis."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal

from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.render.candles import draw_candle, place_candle
from stockpulse_engine.render.canvas import CANDLE, CROSS, GRID, MARK, ORDER, STUDY, Canvas, Style
from stockpulse_engine.render.chartdata import ChartData, ChartFill, StudyLine, TradeLine
from stockpulse_engine.render.chartview import ChartView
from stockpulse_engine.render.format import format_number, format_percent, format_size
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.scale import Scale, fit_scale
from stockpulse_engine.render.strokes import draw_line, study_points
from stockpulse_engine.render.tags import Tag, place_tags

AXIS_EXTRA = 3
"""Columns of the axis besides its digits: one each side of a tag, one of inset."""
_GRID_EVERY = 4
_LABEL_ROWS = 3
_MAX_MARKS = 200
_COUNT_WIDTH = 5
"""Columns of the chip that counts orders without a label."""


def axis_width(data: ChartData) -> int:
    """Columns the price axis takes, so that the digits of all tags stand in line."""
    prices = [data.last] if data.last is not None else []
    if data.bars:
        prices += [data.bars[-1].high, max(bar.high for bar in data.bars[-400:])]
    places = decimals_of(data.tick)
    return max((len(format_number(price, places)) for price in prices), default=6) + AXIS_EXTRA


def price_scale(data: ChartData, view: ChartView, rows: int) -> Scale:
    """Fits the bars in view, own orders near them, and the line being traded."""
    if not view.bars:
        return fit_scale(0.0, 1.0, (), rows)
    extras = [float(order.price) for order in data.orders]
    if data.trade is not None:
        extras += [float(p) for p in (data.trade.price, data.trade.take, data.trade.stop) if p is not None]
    low, high = float(min(bar.low for bar in view.bars)), float(max(bar.high for bar in view.bars))
    return fit_scale(low, high, extras, rows, is_log=data.is_log)


def draw_price_pane(data: ChartData, view: ChartView, rows: int, width: int, glyphs: Glyphs) -> Canvas:
    """The pane as a canvas `width` wide: the plot, then the axis."""
    canvas = Canvas(width, rows)
    scale = price_scale(data, view, rows)
    pane = _Pane(data, view, canvas, scale, glyphs)
    pane.candles()
    pane.fills()
    pane.studies()
    pane.trade()
    pane.tags()
    pane.orders()
    pane.cross_hair()
    pane.axis()
    return canvas


class _Pane:
    def __init__(self, data: ChartData, view: ChartView, canvas: Canvas, scale: Scale, glyphs: Glyphs) -> None:
        self._data = data
        self._view = view
        self._canvas = canvas
        self._scale = scale
        self._glyphs = glyphs
        self._places = decimals_of(data.tick)
        self._tags: dict[Decimal, Style] = {}
        """Prices to be named on the axis, those that matter most first."""
        self._tagged: set[int] = set()
        self._more: dict[tuple[int, str], int] = {}
        """Orders of a row and side whose chip found no room, and where their count stands."""
        self._in_row: Counter[int] = Counter()
        self._counted: dict[tuple[int, str], int | None] = {}

    def candles(self) -> None:
        if self._data.style == "line":
            closes = [float(bar.close) for bar in self._view.bars]
            points = study_points(closes, self._scale, step=self._view.step, shift=self._view.shift)
            draw_line(self._canvas, points, "strong", self._glyphs)
            return
        place = self._scale.place
        for i, bar in enumerate(self._view.bars):
            opened, closed = float(bar.open), float(bar.close)
            upper, lower = (opened, closed) if opened > closed else (closed, opened)
            places = (place(float(bar.high)), place(upper), place(lower), place(float(bar.low)))
            candle = place_candle(places, height=self._canvas.height, is_up=closed >= opened)
            x = self._view.shift + i * self._view.step
            draw_candle(self._canvas, x, candle, body_width=self._view.body_width, glyphs=self._glyphs)

    def fills(self) -> None:
        for fill in self._data.fills[-_MAX_MARKS:]:
            index = self._view.index_at(fill.ts_event)
            if index is not None:
                self._fill(fill, index)

    def _fill(self, fill: ChartFill, index: int) -> None:
        """The mark under the low (buys) or over the high (sells), moved away until it has room."""
        bar = self._view.bars[index - self._view.start]
        sign = self._glyphs.up if fill.is_buy else self._glyphs.down
        text = sign + format_size(fill.quantity)
        direction = 1 if fill.is_buy else -1
        row = self._scale.row(float(bar.low if fill.is_buy else bar.high)) + direction
        x = min(self._view.column(index), self._view.width - len(text))
        for _ in range(_LABEL_ROWS):
            if self._canvas.is_free(x, row, len(text)):
                break
            row += direction
        row = min(max(0, row), self._canvas.height - 1)
        self._canvas.text(x, row, text, ("buy" if fill.is_buy else "sell", "panel", False), MARK)

    def studies(self) -> None:
        view = self._view
        for study in self._data.studies:
            if study.pane == "price" and study.fill_to:
                self._cloud(study)
        for study in self._data.studies:
            if study.pane == "price":
                values = view.values(study.values, study.ahead)
                points = study_points(values, self._scale, step=view.step, shift=view.shift)
                draw_line(self._canvas, points, f"series{study.series}", self._glyphs)

    def _cloud(self, study: StudyLine) -> None:
        """Shade the free cells between two lines: in the colour of rises where the first is above, else of falls."""
        view, place = self._view, self._scale.place
        sides = zip(view.values(study.values, study.ahead), view.values(study.fill_to, study.fill_ahead), strict=False)
        for i, (first, second) in enumerate(sides):
            if not (math.isfinite(first) and math.isfinite(second)):
                continue
            tint = "bid_bg" if first >= second else "ask_bg"
            rows = sorted((place(first), place(second)))
            for row in range(max(0, math.floor(rows[0])), min(self._canvas.height, math.ceil(rows[1]))):
                for x in range(view.shift + i * view.step, min(view.shift + (i + 1) * view.step, view.width)):
                    self._canvas.shade(x, row, tint)
                    if not self._glyphs.has_blocks:  # a terminal of letters alone may have no backgrounds either
                        self._canvas.put(x, row, ":" if first >= second else ",", ("faint", tint, False), GRID)

    def trade(self) -> None:
        trade = self._data.trade
        if trade is None:
            return
        side = "buy" if trade.is_buy else "sell"
        self._trade_chip(trade, side)
        for name, price in (("take", trade.take), ("stop", trade.stop)):
            if price is not None:
                exit_side = "sell" if trade.is_buy else "buy"
                self._order_line(price, f"{name} {trade.label.split(' ')[0]}", exit_side, dashes=3)
        row = self._scale.row(float(trade.price))
        self._tag(trade.price, ("ink", side, True))
        for x in range(self._view.width):
            self._canvas.put(x, row, self._glyphs.thick, (side, "panel", False), ORDER)

    def _trade_chip(self, trade: TradeLine, side: str) -> None:
        words = f" {side.upper()} {trade.label}{self._distance(trade.price)} "
        row, width = self._scale.row(float(trade.price)), self._view.width
        self._canvas.text(max(0, width - len(words)), row, words[:width], ("ink", side, True))
        note = f" {trade.note} "
        room = width - len(words) - len(note) - 1
        if trade.note and room >= 0:
            self._canvas.text(room, row, note, ("strong", "raised", False))
        elif trade.note:
            below = row + (1 if row + 1 < self._canvas.height else -1)
            self._canvas.text(max(0, width - len(note)), below, note[:width], ("strong", "raised", False))

    def _distance(self, price: Decimal) -> str:
        """How far from the last price, in ticks and percent."""
        last = self._data.last
        if not last:
            return ""
        away = price - last
        ticks = format_number(away / self._data.tick, 0, signed=True)
        return f"  {ticks} t  {format_percent(away / last)}"

    def orders(self) -> None:
        self._in_row.update(self._scale.row(float(order.price)) for order in self._data.orders)
        for order in sorted(self._data.orders, key=lambda order: (not order.is_picked, -order.price)):
            label = order.label + (self._distance(order.price) if order.is_picked else "")
            self._order_line(order.price, label, "buy" if order.is_buy else "sell", is_filled=order.is_picked)

    def _order_line(self, price: Decimal, label: str, side: str, *, dashes: int = 3, is_filled: bool = False) -> None:
        row = self._scale.row(float(price))
        if not 0 <= row < self._canvas.height:
            return
        tint = "bid_bg" if side == "buy" else "ask_bg"
        style: Style = ("ink", side, True) if is_filled else (side, tint, True)
        self._chip(row, label, side, style)
        for x in range(self._view.width):
            if x % dashes < dashes - 1:
                self._canvas.put(x, row, self._glyphs.horizontal, (side, "panel", False), ORDER)
        self._tag(price, style)

    def _chip(self, row: int, label: str, side: str, style: Style) -> None:
        """The label where there is room for it and for a count of those that come after it; else it is counted."""
        chip = f" {label} "
        spare = _COUNT_WIDTH if self._in_row[row] > 1 else 0
        at = None if (row, side) in self._more else self._gap(row, len(chip), spare=spare)
        if at is not None:
            self._canvas.text(at, row, chip, style)
            return
        count = self._more[row, side] = self._more.get((row, side), 0) + 1
        at = self._counted.setdefault((row, side), self._gap(row, _COUNT_WIDTH))
        if at is not None:
            self._canvas.text(at, row, f" +{min(count, 99)} ".ljust(_COUNT_WIDTH), style)

    def _gap(self, row: int, length: int, *, spare: int = 0) -> int | None:
        """The first place for a chip with a cell on each side: beside studies if it can be, over them if not."""
        for below in (STUDY, CANDLE, MARK):
            for x in range(1, self._view.width - length - spare):
                if self._canvas.is_free(x - 1, row, length + 2 + spare, below=below):
                    return x
        return None

    def cross_hair(self) -> None:
        price = self._cursor_price()
        data, view = self._data, self._view
        if price is None or data.cursor is None:
            return
        row, column = self._scale.row(float(price)), view.column(data.cursor)
        style: Style = ("faint", "panel", False)
        for x in range(view.width):
            self._canvas.put(x, row, self._glyphs.horizontal, style, CROSS)
        draw_vertical(self._canvas, column, self._glyphs)
        if self._canvas.is_free(column, row, below=ORDER):
            self._canvas.put(column, row, self._glyphs.cross, style, CROSS)

    def _cursor_price(self) -> Decimal | None:
        data, view = self._data, self._view
        if data.cursor is None or not view.contains(data.cursor):
            return None
        return data.cursor_price if data.cursor_price is not None else data.bars[data.cursor].close

    def tags(self) -> None:
        """Cross-hair and last price are named on the axis before own orders."""
        cursor = self._cursor_price()
        if cursor is not None:
            self._tag(cursor, ("ink", "muted", True))
        if self._data.last is not None:
            self._tag(self._data.last, self._last_style())

    def axis(self) -> None:
        """The tags, then round prices where none is, with grid dots through empty cells."""
        self._put_tags()
        for value in self._scale.marks(spacing=_LABEL_ROWS, smallest=float(self._data.tick)):
            row = self._scale.row(value)
            for x in range(0, self._view.width, _GRID_EVERY):
                if self._canvas.is_free(x, row, below=CROSS):
                    style: Style = ("line", self._canvas.styles[row][x][1], False)  # a cloud goes on behind it
                    self._canvas.put(x, row, "·" if self._glyphs.has_blocks else ".", style, GRID)
            if row not in self._tagged:
                text = format_number(Decimal(repr(value)), self._places)
                self._canvas.text(
                    self._view.width + 1, row, text.rjust(self._digits()), ("muted", "panel", False), GRID
                )

    def _last_style(self) -> Style:
        if self._data.stale_for:
            return ("faint", "raised", False)
        change = self._data.change
        return ("ink", "down" if change is not None and change < 0 else "up", True)

    def _tag(self, price: Decimal, style: Style) -> None:
        """Name a price on the axis; the first style of a price stays."""
        if self._scale.contains(float(price)):
            self._tags.setdefault(price, style)

    def _put_tags(self) -> None:
        prices = list(self._tags)
        wanted = [Tag(float(price), self._scale.row(float(price))) for price in prices]
        for index, row in place_tags(wanted, self._canvas.height).items():
            price = prices[index]
            text = f" {format_number(price, self._places).rjust(self._digits())} "
            self._canvas.text(self._view.width, row, text, self._tags[price])
            self._tagged.add(row)

    def _digits(self) -> int:
        return self._canvas.width - self._view.width - AXIS_EXTRA


def draw_vertical(canvas: Canvas, column: int, glyphs: Glyphs) -> None:
    """The upright of the cross-hair through empty cells."""
    for row in range(canvas.height):
        canvas.put(column, row, glyphs.vertical, ("faint", "panel", False), CROSS)
