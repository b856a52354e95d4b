"""An engine's answers to a ticket and a chart, by ordinary classes: previews, orders under their ids, bars, studies."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, InvalidValueError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar, parse_bar_spec
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus
from stockpulse_engine.domain.views import OrderLife, Preview, PreviewRow, StudyOutput, StudyView
from stockpulse_engine.wire.rest import ModifyBody, SubmitAnswer
from tests.fakes.fake_link import T0, FakeCommands, FakeLink

MOST = Decimal(1_000)
"""More than this is denied by the fake gate."""
HISTORY = 900
"""Bars there are of every instrument and length."""
HOPS = {"gate": 84_000, "fsync": 2_100_000, "sent": 40_000, "ack": 1_250_000}


class DeskCommands(FakeCommands):
    """Adds orders and market history to the fake. `is_silent`: the engine acts but the answer is lost."""

    def __init__(self, link: FakeLink) -> None:
        super().__init__(link)
        self.orders: dict[str, Order] = {}
        self.submitted: list[SubmitOrder] = []
        self.recorded: list[SubmitOrder] = []
        """Refusals that were put on record."""
        self.previewed: list[SubmitOrder] = []
        self.modified: list[tuple[str, ModifyBody]] = []
        self.bars_asked: list[tuple[str, str, int, int | None]] = []
        self.studies_asked: list[tuple[str, str]] = []
        self.is_silent = False
        self.denial_text = ""
        """What the gate says instead of its own words."""
        self.is_lenient = False
        """The preview lets everything pass; submitting does not."""
        self.previews, self.answers = _open_door(), _open_door()
        """Closed doors hold back previews, and the answers to orders the engine has."""
        self.has_bars = True
        self.fails_bars = False

    async def preview_order(self, command: SubmitOrder) -> Preview:
        """Rows as the engine words them."""
        self.previewed.append(command)
        await self.previews.wait()
        preview = preview_of(command, is_allowed=self.is_lenient or command.terms.quantity <= MOST)
        if not self.denial_text:
            return preview
        rows = tuple(replace(row, text=self.denial_text, name=self.denial_text) for row in preview.rows)
        return replace(preview, denial_text=self.denial_text, rows=rows)

    async def submit_order(self, command: SubmitOrder) -> SubmitAnswer:
        """Once per id: the same body is answered again, another one is a conflict; what is for the record, refused."""
        if command.is_for_record:
            self.recorded.append(command)
            raise DeniedError("Buying power 71,204.33 is too small.", denial="BUYING_POWER", fix="Send 306 or fewer.")
        self.submitted.append(command)
        known = self.orders.get(command.client_order_id)
        if known is not None and known.terms != command.terms:
            raise ConflictError("This id belongs to another order.", fix="Use a new id.")
        if known is None and command.terms.quantity > MOST:
            raise DeniedError("Buying power 71,204.33 is too small.", denial="BUYING_POWER", fix="Send 306 or fewer.")
        is_replay = known is not None
        if known is None:
            for order in _orders(command):
                self.orders[order.client_order_id] = order
        await self.answers.wait()
        if self.is_silent:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.")
        self._tell()
        mine = [o for o in self.orders.values() if command.client_order_id in (o.client_order_id, o.parent_id)]
        return SubmitAnswer(orders=tuple(mine), is_replay=is_replay)

    async def send_order(self, client_order_id: str, request_id: str = "") -> SubmitAnswer:
        """A staged order goes out."""
        self.asked.append(("send", client_order_id, request_id))
        self.orders[client_order_id] = replace(self.orders[client_order_id], status=OrderStatus.ACCEPTED)
        self._tell()
        return SubmitAnswer(orders=(self.orders[client_order_id],))

    async def order_life(self, client_order_id: str) -> OrderLife:
        """Its hops."""
        order = self.orders[client_order_id]
        hops = HOPS if order.status is not OrderStatus.FILLED else {**HOPS, "fill": 38_000_000}
        return OrderLife(order=order, fills=(), steps=(), hops=hops, is_verified=True)

    async def modify_order(self, client_order_id: str, body: ModifyBody) -> Order:
        """New terms at once."""
        self.modified.append((client_order_id, body))
        order = self.orders[client_order_id]
        changes = {"limit_price": body.limit_price, "stop_price": body.stop_price, "quantity": body.quantity}
        terms = replace(order.terms, **{name: value for name, value in changes.items() if value is not None})
        self.orders[client_order_id] = replace(order, terms=terms)
        self._tell()
        return self.orders[client_order_id]

    async def bars(
        self, instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None
    ) -> list[Bar]:
        """A wave of bars up to the end asked for."""
        self.bars_asked.append((instrument_id, spec, limit, end_ns))
        if self.fails_bars:
            raise UnavailableError("The venue does not answer.", fix="Wait; it is asked again.")
        if not self.has_bars:
            return []
        return [bar for bar in make_bars(instrument_id, spec) if end_ns is None or bar.ts_event < end_ns][-limit:]

    async def study(self, instrument_id: str, spec: str, text: str, limit: int = 300) -> StudyView:
        """A mean or an oscillation, by name."""
        self.studies_asked.append((spec, text))
        name, _, number = text.partition(" ")
        if name not in ("sma", "rsi"):
            raise InvalidValueError(f"{name} is not a study.", fix="Did you mean sma?")
        bars = make_bars(instrument_id, spec)[-limit:]
        closes = [float(bar.close) for bar in bars]
        period = int(number or 14)
        values: list[float | None] = [None] * (period - 1)
        values += [sum(closes[i - period + 1 : i + 1]) / period for i in range(period - 1, len(closes))]
        if name == "rsi":
            values = [None if v is None else 50 + 30 * math.sin(i / 9) for i, v in enumerate(values)]
        return StudyView(
            instrument_id=instrument_id, spec=spec, study=text, label=f"{name}{period}", is_overlay=name == "sma",
            times=tuple(bar.ts_event for bar in bars), outputs=(StudyOutput(name=name, values=tuple(values)),),
            levels=(30.0, 70.0) if name == "rsi" else (),
        )  # fmt: skip

    def fill(self, client_order_id: str, price: str) -> None:
        """The order is filled, as the stream would tell it."""
        order = self.orders[client_order_id]
        terms = order.terms
        filled = replace(
            order, status=OrderStatus.FILLED, filled_quantity=terms.quantity, average_price=Decimal(price),
            filled_notional=terms.quantity * Decimal(price),
        )  # fmt: skip
        self.orders[client_order_id] = filled
        fill = Fill(
            fill_id=f"F-{client_order_id}", client_order_id=client_order_id, account_id="main",
            instrument_id=terms.instrument_id, sign=terms.side.sign, quantity=terms.quantity, price=Decimal(price),
            ts_event=T0,
        )  # fmt: skip
        self.link.send(self.link.market.delta(orders=(filled,), fills=(fill,)))

    def _tell(self) -> None:
        self.link.send(self.link.market.delta(orders=tuple(self.orders.values())))


def _open_door() -> asyncio.Event:
    door = asyncio.Event()
    door.set()
    return door


def _orders(command: SubmitOrder) -> list[Order]:
    status = OrderStatus.INITIALIZED if command.is_staged else OrderStatus.ACCEPTED
    has_exits = command.take_price is not None or command.stop_price is not None
    entry = Order(
        client_order_id=command.client_order_id, terms=command.terms, status=status, source=command.source,
        role=OrderRole.ENTRY if has_exits else OrderRole.SINGLE, created_at=T0, updated_at=T0,
    )  # fmt: skip
    return [entry]


def preview_of(command: SubmitOrder, *, is_allowed: bool) -> Preview:
    """What the fake gate thinks of an order."""
    terms = command.terms
    price = terms.limit_price or terms.stop_price or Decimal("232.12")
    risk = None if command.stop_price is None else abs(price - command.stop_price) * terms.quantity
    return Preview(
        sentence="",
        notional=terms.quantity * price,
        rows=(
            PreviewRow(name="cost", text="1.60   spread 0.45   fee 1.15   rests at its price, may not fill", verdict="ok",
                       explanation="Spread is quantity × (touch - mid).", numbers={"spread": "0.45", "fee": "1.15"}),
            PreviewRow(name="risk", text=f"{risk or 0:,.2f}   0.10% of equity" if risk else "no stop   10,444.95 exposed",
                       verdict="ok" if risk else "read", explanation="Quantity × distance to the stop."),
            PreviewRow(name="weight", text="13.30% → 23.30%   limit 25.00%", verdict="ok", explanation="|position| / equity.",
                       numbers={"before": "0.133", "after": "0.233", "limit": "0.25"}),
            PreviewRow(name="power", text="71,204.33 → 60,759.38", verdict="ok" if is_allowed else "denied",
                       explanation="Free own money over the opening rate."),
            PreviewRow(name="checks", text="11 checks hold" if is_allowed else "buying power: short of 160,915.67",
                       verdict="ok" if is_allowed else "denied", explanation="collar ok   price ok"),
        ),
        is_allowed=is_allowed,
        denial="" if is_allowed else "BUYING_POWER",
        denial_text="" if is_allowed else "Buying power 71,204.33 is too small for 232,110.00. Send 306 or fewer.",
        nearest_quantity=None if is_allowed else Decimal(306),
        quantity=terms.quantity,
        as_of=T0,
        risk_amount=risk,
    )  # fmt: skip


def make_bars(instrument_id: str, spec: str) -> list[Bar]:
    """`HISTORY` bars that end at the clock of the fake: a slow wave with a quicker one on it."""
    length = parse_bar_spec(spec)
    end = T0 - T0 % length.duration_ns
    bars = []
    for i in range(HISTORY):
        back = HISTORY - 1 - i
        middle = 232.12 + 3 * (math.sin(back / 25) * 0.8 + math.sin(back / 6) * 0.25)
        opened, closed = middle + 0.2 * math.sin(back * 1.7), middle + 0.2 * math.cos(back * 2.3) if back else 232.12
        high, low = max(opened, closed) + 0.12, min(opened, closed) - 0.12
        o, h, l, c = (Decimal(f"{value:.2f}") for value in (opened, high, low, closed))  # noqa: E741 - a bar's own letters
        start = end - back * length.duration_ns
        volume = Decimal(1_000 + 700 * (i % 7))
        bars.append(Bar(instrument_id, length, start, o, h, l, c, volume, start + length.duration_ns, back == 0, "sim"))
    return bars
