"""What a chart is drawn from: bars, studies, own orders and fills, the view and the cross-hair."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.market import Bar, BarSpec


class StudyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One output of a study, one value per bar of the chart (NaN where it has none).

    Attributes:
        name: as the read-out says it, like `sma20`.
        pane: "price" to lie over the candles, else the title of the pane it shares, like `rsi 14`.
        series: which of the four study colours, 1 … 4.
        levels: prices or values marked with dots, like 30 and 70.
        decimals: places of the value; None takes those of the price.
        fill_to: values up to which the space from these is shaded, like the other side of a cloud.
        ahead: values of the bars to come, as far as they are known; `fill_ahead` the other side of the space there.
        is_columns: drawn as columns from zero, up and down, instead of a line.
    """

    name: str
    values: Sequence[float]
    pane: str = "price"
    series: int = 1
    levels: tuple[float, ...] = ()
    decimals: int | None = None
    fill_to: Sequence[float] = ()
    ahead: Sequence[float] = ()
    fill_ahead: Sequence[float] = ()
    is_columns: bool = False


class ChartOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One working order as a line: `label` is the chip, like `buy 45 LMT`."""

    is_buy: bool
    price: Decimal
    label: str
    is_picked: bool = False
    """Picked to be moved: drawn filled and with its distance."""


class ChartFill(msgspec.Struct, frozen=True, kw_only=True):
    """One own execution."""

    is_buy: bool
    quantity: Decimal
    price: Decimal
    ts_event: int


class TradeLine(msgspec.Struct, frozen=True, kw_only=True):
    """The line that is about to become an order. `label` is like `45 LMT`; `note` tells risk and reward."""

    is_buy: bool
    price: Decimal
    label: str
    note: str = ""
    take: Decimal | None = None
    stop: Decimal | None = None


class ChartData(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one chart panel shows.

    Attributes:
        bars: oldest first, more than fit; the newest may be open.
        offset: how many of the newest bars are scrolled out to the right.
        cursor: index into `bars` of the cross-hair, None without.
        cursor_price: height of the cross-hair, None for the bar's close.
        zoom: columns per bar, 1, 2 or 4; 0 chooses by the width.
        zone: time zone of the axis.
        specs: bar lengths offered in the title, the one of `spec` marked.
        stale_for: age in words when the data is old, else "".
        empty_text: said when there are no bars.
    """

    symbol: str
    tick: Decimal
    bars: Sequence[Bar]
    spec: BarSpec
    zone: str
    name: str = ""
    venue: str = ""
    last: Decimal | None = None
    change: Decimal | None = None
    change_ratio: Decimal | None = None
    studies: tuple[StudyLine, ...] = ()
    orders: tuple[ChartOrder, ...] = ()
    fills: tuple[ChartFill, ...] = ()
    trade: TradeLine | None = None
    offset: int = 0
    cursor: int | None = None
    cursor_price: Decimal | None = None
    zoom: int = 0
    is_log: bool = False
    style: str = "candles"
    """candles, or line: the closes alone."""
    is_focused: bool = False
    specs: tuple[str, ...] = ()
    stale_for: str = ""
    empty_text: str = "No bars yet."

    @property
    def ahead(self) -> int:
        """Bars to come for which something over the price is known."""
        return max((len(line.ahead) for line in self.studies if line.pane == "price"), default=0)
