"""An engine with a book of orders, lots and a day behind it: what blotter, positions, ladder and review are fed by."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase

from msgspec.structs import replace

from stockpulse_engine.domain.errors import ConflictError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Depth, Level, Trade
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.domain.positions import Lot
from stockpulse_engine.domain.views import (
    DayOrder,
    DayRefusal,
    DayReview,
    EquityPoint,
    LotView,
    OrderLife,
    PortfolioView,
    WhyStep,
)
from stockpulse_engine.wire.rest import CancelManyAnswer
from tests.fakes.fake_desk import HOPS, DeskCommands
from tests.fakes.fake_link import T0, FakeLink

SECOND = 1_000_000_000
_S = OrderStatus
D = Decimal


def _terms(side: str, quantity: int, symbol: str, kind: str, price: str, **more: object) -> OrderTerms:
    types = {"LMT": OrderType.LIMIT, "STP": OrderType.STOP, "MKT": OrderType.MARKET}
    return OrderTerms(
        account_id="main", instrument_id=symbol, side=Side(side), quantity=D(quantity), order_type=types[kind],
        limit_price=D(price) if kind == "LMT" else None, stop_price=D(price) if kind == "STP" else None, **more,  # type: ignore[arg-type] # fields of OrderTerms
    )  # fmt: skip


def _order(name: str, terms: OrderTerms, status: OrderStatus, age_s: int, **more: object) -> Order:
    at = T0 - age_s * SECOND
    venue = "" if status in (_S.INITIALIZED, _S.DENIED) else f"V-{name}"
    return Order(
        client_order_id=name, terms=terms, status=status, created_at=at, updated_at=at, venue_order_id=venue, **more,  # type: ignore[arg-type] # fields of Order
    )  # fmt: skip


def book() -> list[Order]:
    """The orders of the picture, a staged one, and two that are over."""
    aapl, nvda = "AAPL.XNAS", "NVDA.XNAS"
    return [
        _order("C01AAPL", _terms("BUY", 45, aapl, "LMT", "231.40"), _S.ACCEPTED, 42, role=OrderRole.ENTRY),
        _order("C01AAPL-T", _terms("SELL", 45, aapl, "LMT", "236.75"), _S.ACCEPTED, 42, role=OrderRole.TAKE, parent_id="C01AAPL"),
        _order("C01AAPL-S", _terms("SELL", 45, aapl, "STP", "229.79"), _S.ACCEPTED, 42, role=OrderRole.STOP, parent_id="C01AAPL"),
        _order("C02NVDA", _terms("SELL", 80, nvda, "LMT", "149.60"), _S.PARTIALLY_FILLED, 250, filled_quantity=D(32),
               filled_notional=D("4787.44"), average_price=D("149.6075"), arrival_bid=D("149.58"), arrival_ask=D("149.59")),
        _order("C03AAPL", _terms("SELL", 60, aapl, "STP", "229.79", time_in_force=TimeInForce.GTC), _S.ACCEPTED, 259_200),
        _order("C04TSLA", _terms("BUY", 20, "TSLA.XNAS", "LMT", "320.30"), _S.ACCEPTED, 86_500),
        _order("C05PLTR", _terms("BUY", 100, "PLTR.XNAS", "LMT", "65.10"), _S.SUBMITTED, 8, is_unknown=True, unknown_since=T0 - 8 * SECOND),
        _order("C06XOM", _terms("SELL", 25, "XOM.XNYS", "LMT", "118.40"), _S.PENDING_CANCEL, 1),
        _order("C07GOOGL", _terms("BUY", 10, "GOOGL.XNAS", "LMT", "170.00"), _S.INITIALIZED, 20),
        _order("C08MSFT", _terms("BUY", 24, "MSFT.XNAS", "MKT", "0"), _S.FILLED, 900, filled_quantity=D(24),
               filled_notional=D("10040.64"), average_price=D("418.36"), arrival_bid=D("418.30"), arrival_ask=D("418.34")),
        _order("C09F", _terms("BUY", 9000, "F.XNYS", "LMT", "10.98"), _S.DENIED, 300, code="BUYING_POWER",
               reason="Buying power 71,204.33 is too small for 98,820.00.", fix="Send 6,484 or fewer."),
    ]  # fmt: skip


class Orders(dict[str, Order]):
    """Orders by id, which also answer the request for past ones."""

    is_lost = False

    async def __call__(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Those that are over, and one of last week."""
        if self.is_lost:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.")
        old = _order("C00KO", _terms("BUY", 50, "KO.XNYS", "LMT", "61.90"), _S.CANCELED, 400_000)
        return [*(order for order in self.values() if order.status.is_terminal), old]


class BookCommands(DeskCommands):
    """Adds the book. `is_proven`: a cancel is proven at once; else it stays pending, as at a slow venue."""

    def __init__(self, link: FakeLink) -> None:
        super().__init__(link)
        self.orders = Orders({order.client_order_id: order for order in book()})
        self.is_proven = False
        self.is_lost = False
        self.lots_known = lots()

    async def cancel_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Pending until proven."""
        self.asked.append(("cancel", client_order_id, request_id))
        if self.is_lost:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.")
        order = self.orders[client_order_id]
        if not order.is_open:
            raise ConflictError(f"{client_order_id} is already {order.status.value}.", fix="Nothing is left to cancel.")
        status = _S.CANCELED if self.is_proven else _S.PENDING_CANCEL
        self.orders[client_order_id] = replace(order, status=status, resume_status=order.status)
        self._tell()
        return self.orders[client_order_id]

    async def cancel_orders(self, pattern: str = "*", account_id: str = "", request_id: str = "") -> CancelManyAnswer:
        """Every open one that matches."""
        self.asked.append(("cancel many", pattern, request_id))
        ids = [
            key for key, order in self.orders.items()
            if order.is_open and any(fnmatchcase(name, pattern) for name in (order.terms.instrument_id, symbol_of(order.terms.instrument_id)))
        ]  # fmt: skip
        for key in ids:
            self.orders[key] = replace(self.orders[key], status=_S.PENDING_CANCEL)
        self._tell()
        return CancelManyAnswer(client_order_ids=tuple(ids))

    async def discard_order(self, client_order_id: str, request_id: str = "") -> Order:
        """A staged one is thrown away."""
        self.asked.append(("discard", client_order_id, request_id))
        self.orders[client_order_id] = replace(self.orders[client_order_id], status=_S.CANCELED)
        self._tell()
        return self.orders[client_order_id]

    async def order_life(self, client_order_id: str) -> OrderLife:
        """A life of four steps, and the fills of the partial one."""
        self.asked.append(("life", client_order_id))
        if self.is_lost:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.")
        order = self.orders[client_order_id]
        return OrderLife(
            order=order, fills=tuple(nvda_fills()) if client_order_id == "C02NVDA" else (),
            steps=tuple(_steps(order)), hops={**HOPS, "ack": 47_600_000}, is_verified=True,
        )  # fmt: skip

    async def lots(self, account_id: str = "", instrument_id: str = "") -> list[LotView]:
        """The lots of NVDA, or of nothing."""
        self.asked.append(("lots", instrument_id))
        return [view for view in self.lots_known if view.lot.instrument_id == instrument_id]

    async def portfolio(self, account_id: str = "") -> PortfolioView:
        """The account with a curve that rose and fell."""
        market = self.link.market
        return PortfolioView(account=market.account(), positions=tuple(market.positions()), curve=curve())

    async def day(self, account_id: str = "", session_date: str = "") -> DayReview:
        """Two orders sent, one refused, one kill survived."""
        self.asked.append(("day", session_date))
        if self.is_lost:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.")
        return review(self.orders)


def _steps(order: Order) -> list[WhyStep]:
    words = (
        ("SUBMIT", "journalled", 0, "tui:1 sent it; the intent was made durable first."),
        ("ACCEPT", "accepted", 47_600_000, f"The venue accepted it as V-{order.client_order_id}."),
        ("FILL", "fill", 75_318_000_000, "Sold 20 at 149.60, fee 0.10 USD (execution E1)."),
        ("FILL", "fill", 156_502_653_000, "Sold 12 at 149.62, fee 0.06 USD (execution E2)."),
    )
    at, found = order.created_at, []
    for seq, (step, mark, gap, sentence) in enumerate(words if order.filled_quantity else words[:2], 48_211):
        at += gap
        found.append(WhyStep(seq=seq, recorded_at=at, ts_event=at, gap_ns=gap, mark=mark, step=step, sentence=sentence))
    return found


def nvda_fills() -> list[Fill]:
    """Two fills of the partial order."""
    return [
        Fill(fill_id=f"E{i}", client_order_id="C02NVDA", account_id="main", instrument_id="NVDA.XNAS", sign=-1,
             quantity=D(quantity), price=D(price), fee=D("0.10"), ts_event=T0 - age * SECOND)
        for i, (quantity, price, age) in enumerate(((20, "149.60", 175), (12, "149.62", 18)), 1)
    ]  # fmt: skip


def lots() -> list[LotView]:
    """Four lots of NVDA."""
    rows = ((28, "118.42", 282), (20, "132.80", 78), (22, "113.28", 246), (10, "126.00", 85))
    return [
        LotView(
            lot=Lot(lot_id=f"L{i}", account_id="main", instrument_id="NVDA.XNAS", quantity=D(quantity), price=D(price),
                    cost=quantity * D(price), opened_at=T0 - days * 86_400 * SECOND, fill_id=f"E{i}"),
            unrealized=quantity * (D("148.90") - D(price)), days_held=days,
        )
        for i, (quantity, price, days) in enumerate(rows, 1)
    ]  # fmt: skip


def curve() -> tuple[EquityPoint, ...]:
    """Up, down, and up again."""
    points, peak = [], D(0)
    for i in range(90):
        equity = D(100_000) + D(60 * i) - D(900 if 40 < i < 60 else 0)
        peak = max(peak, equity)
        points.append(EquityPoint(T0 - (90 - i) * 3600 * SECOND, equity, round(equity / peak - 1, 6)))
    return tuple(points)


def review(orders: dict[str, Order]) -> DayReview:
    """The day as the engine tells it."""
    sent = [
        DayOrder(order=orders["C02NVDA"], fills=tuple(nvda_fills()), arrival_mid=D("149.585"), spread_cost=D("0.16"),
                 slippage=D("-0.88"), fees=D("0.16"), hops=HOPS, best_excursion=D("12.40"), worst_excursion=D("-31.00")),
        DayOrder(order=orders["C08MSFT"], fills=(), arrival_mid=D("418.32"), spread_cost=D("0.48"), slippage=D("0.48"),
                 fees=D("0.35"), hops=HOPS, best_excursion=None, worst_excursion=None),
    ]  # fmt: skip
    refused = DayRefusal(
        client_order_id="C09F", instrument_id="F.XNYS", ts_event=T0 - 300 * SECOND, code="BUYING_POWER",
        sentence="Buying power 71,204.33 is too small for 98,820.00.",
    )  # fmt: skip
    return DayReview(
        account_id="main", session_date="2026-11-20", equity_open=D("104731.63"), equity_now=D("104812.40"),
        realized=D("212.40"), fees=D("0.51"), spread_cost=D("0.64"), slippage=D("-0.40"), orders=tuple(sent),
        refusals=(refused,), kills_survived=1, curve=curve(),
    )  # fmt: skip


def depth(instrument_id: str, bid: str, tick: str, ts: int, count: int = 10) -> Depth:
    """A book of `count` levels a side around a bid."""
    best, step = D(bid), D(tick)
    bids = tuple(Level(best - step * i, D(100 * (i % 4 + 1) + 40 * i)) for i in range(count))
    asks = tuple(Level(best + step * (i + 1), D(100 * ((i + 1) % 3 + 1) + 30 * i)) for i in range(count))
    return Depth(instrument_id, bids, asks, ts, "sim")


def prints(instrument_id: str, price: str, tick: str, ts: int) -> tuple[Trade, ...]:
    """Eight prints, one of them large."""
    rows = (
        (0, 100, "B"),
        (1, 300, "B"),
        (1, 100, "S"),
        (0, 2_400, "S"),
        (0, 100, "S"),
        (1, 200, "B"),
        (0, 100, "S"),
        (1, 100, "B"),
    )
    return tuple(
        Trade(instrument_id, D(price) + up * D(tick), D(size), ts - (len(rows) - i) * 400_000_000, side, "sim")
        for i, (up, size, side) in enumerate(rows)
    )
