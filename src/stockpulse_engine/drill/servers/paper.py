"""The paper venue's personality, at its strictest: our own protocol over the simulated broker.

It takes each client order id once, numbers its reports, complains about what is sent twice, and shows a market whose
prices move only when told to.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import structs

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, Quote
from stockpulse_engine.domain.orders import OrderEventKind, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.drill.core.orders import DrillOrder, News, NewsKind, Refused
from stockpulse_engine.drill.core.statements import fill_of
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import FaultPlan
from stockpulse_engine.drill.servers.frames import FrameLine, FrameServer
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.orders import NewOrder

WORLD = "sim"
QUOTE_EVERY_S = 0.5
"""How often whoever runs the server tells the market: an unchanged price is not a stale one."""
SIZE = Decimal(5_000)
_KINDS = {
    NewsKind.ACCEPT: OrderEventKind.ACCEPT,
    NewsKind.REJECT: OrderEventKind.REJECT,
    NewsKind.TRIGGER: OrderEventKind.TRIGGER,
    NewsKind.FILL: OrderEventKind.FILL,
    NewsKind.CANCEL: OrderEventKind.CANCEL,
    NewsKind.CANCEL_REJECT: OrderEventKind.CANCEL_REJECT,
    NewsKind.REPLACE: OrderEventKind.UPDATE,
    NewsKind.REPLACE_REJECT: OrderEventKind.UPDATE_REJECT,
    NewsKind.EXPIRE: OrderEventKind.EXPIRE,
    NewsKind.BUST: OrderEventKind.BUST,
    NewsKind.CORRECT: OrderEventKind.CORRECT,
    NewsKind.ACTION: OrderEventKind.SUSPEND,
    NewsKind.STRANGE: OrderEventKind.SUSPEND,
}


class MarketClock:
    """Market time that runs as wall time does, from a given moment of a given session."""

    def __init__(self, wall: Clock, start_ns: int, session_date: str) -> None:
        self._wall = wall
        self._start = start_ns
        self._began = wall.monotonic_ns()
        self._session = session_date

    def now(self) -> int:
        """Market time in UTC nanoseconds."""
        return self._start + self._wall.monotonic_ns() - self._began

    def state(self) -> ClockState:
        """As the protocol tells it."""
        return ClockState(market_ns=self.now(), wall_ns=self._wall.now_ns(), speed=1.0, session_date=self._session)


class PaperServer(FrameServer):
    """The simulated broker behind the paper adapter. Call `tell` after anything was done to `venue` from outside."""

    def __init__(
        self, venue: DrillVenue, path: Path, clock: MarketClock, plan: FaultPlan | None = None, *, seed: int = 0
    ) -> None:
        super().__init__(self._answer_to, path, plan, seed=seed)
        self.venue = venue
        self.rollback = 0
        """How far the counter of reports has gone back."""
        self._clock = clock
        self._seed_number = seed
        self._terms: dict[str, OrderTerms] = {}
        """Terms as sent, by client order id: what the core does not keep is told as it came."""
        self._handlers: dict[type[p.Ask], Callable[[Any], p.Answered]] = {
            p.GetInstruments: lambda _: p.Instruments(self.venue.instruments()),
            p.GetBars: lambda _: p.Bars(()),
            p.GetClock: lambda _: p.Clock(self._clock.state()),
            p.Control: lambda _: p.Clock(self._clock.state()),
            p.OpenAccount: self._open_account,
            p.Submit: self._submit,
            p.Replace: self._replace,
            p.Cancel: self._cancel,
            p.CancelAll: lambda asked: p.Done(len(self.venue.cancel_all(asked.account_id))),
            p.GetOrder: self._order,
            p.GetOpenOrders: self._open_orders,
            p.GetFills: self._fills,
            p.GetAccount: self._account,
            p.CountOrders: self._count_orders,
            p.Shutdown: lambda _: p.Done(),
        }

    def tell_market(self) -> None:
        """Send every quote and status to who follows the market."""
        batch = p.MarketBatch(tuple(self._market()), self._clock.now(), self._clock.state())
        for line in self.lines:
            if line.wants_market:
                line.send(batch)

    def tell(self) -> None:
        """Send what has happened at the broker since the last call to who follows reports."""
        for news in self.venue.take_news():
            for line in tuple(self.lines):
                if line.wants_reports in ("", news.account_id):
                    line.lane.push(self._frame([news]))

    # --- answers ------------------------------------------------------------------------------------------

    def _answer_to(self, line: FrameLine, question: p.Question) -> p.Answered | None:
        if isinstance(question, p.Hello):
            return self._welcome(line, question)
        if not line.is_greeted:
            self.complaints.append(f"{type(question).__name__} came before a greeting")
            return p.Failure("no_hello", "Say hello first.")
        if isinstance(question, p.SubscribeMarket):
            line.wants_market = True
            line.send(p.MarketBatch(tuple(self._market()), self._clock.now(), self._clock.state(), is_snapshot=True))
            return p.Done()
        if isinstance(question, p.SubscribeReports):
            return self._subscribe(line, question)
        handler = self._handlers.get(type(question))
        if handler is None:
            return p.Failure("bad_request", f"{type(question).__name__} cannot be asked here.")
        try:
            return handler(question)
        except Refused as refused:
            return p.Failure(refused.code, refused.words)
        finally:
            self.tell()

    def _welcome(self, line: FrameLine, hello: p.Hello) -> p.Answered:
        if hello.protocol != p.VENUE_PROTOCOL:
            self.complaints.append(f"{line.name} speaks version {hello.protocol}")
            return p.Failure("version", f"This venue speaks version {p.VENUE_PROTOCOL}.")
        line.is_greeted = True
        return p.Welcome(
            protocol=p.VENUE_PROTOCOL,
            world=WORLD,
            pid=os.getpid(),
            seed=self._seed_number,
            clock=self._clock.state(),
            last_report_seq=self._number(self.venue.last_seq),
        )

    def _subscribe(self, line: FrameLine, asked: p.SubscribeReports) -> p.Answered:
        self.tell()
        line.wants_reports = asked.account_id
        missed = [
            news
            for news in self.venue.news()
            if self._number(news.seq) > asked.after_seq and asked.account_id in ("", news.account_id)
        ]
        if missed:
            line.lane.push(self._frame(missed))
        return p.Done()

    def _open_account(self, asked: p.OpenAccount) -> p.Answered:
        account = asked.account
        if not self.venue.has_account(account.account_id):
            self.venue.open_account(account.account_id, account.initial_cash)
        return p.Done()

    def _submit(self, asked: p.Submit) -> p.Answered:
        for new in asked.orders:
            self._terms.setdefault(new.client_order_id, new.terms)
            if self.venue.count_requests(new.client_order_id):
                self.complaints.append(f"{new.client_order_id} was sent again")
        account_id = asked.orders[0].terms.account_id if asked.orders else ""
        made = self.venue.submit(account_id, [_drill_order(new) for new in asked.orders])
        return p.Submitted(tuple(order.venue_order_id for order in made))

    def _replace(self, asked: p.Replace) -> p.Answered:
        order = self._find(asked.account_id, asked.client_order_id)
        terms = asked.terms
        with contextlib.suppress(Refused):  # taken; what becomes of it is told by a report
            self.venue.replace(
                asked.account_id,
                order.venue_order_id,
                quantity=_changed(terms.quantity, order.quantity),
                limit_price=_changed(terms.limit_price, order.limit_price),
                stop_price=_changed(terms.stop_price, order.stop_price),
            )
        return p.Done(1)

    def _cancel(self, asked: p.Cancel) -> p.Answered:
        order = self._find(asked.account_id, asked.client_order_id)
        with contextlib.suppress(Refused):  # as above
            self.venue.cancel(asked.account_id, order.venue_order_id)
        return p.Done(1)

    def _order(self, asked: p.GetOrder) -> p.Answered:
        order = self.venue.order(asked.account_id, client_order_id=asked.client_order_id)
        return p.Orders((self._view(order),) if order is not None else ())

    def _open_orders(self, asked: p.GetOpenOrders) -> p.Answered:
        return p.Orders(tuple(self._view(order) for order in self.venue.open_orders(asked.account_id)))

    def _fills(self, asked: p.GetFills) -> p.Answered:
        found = [each for each in self.venue.executions(asked.account_id) if self._number(each.seq) > asked.after_seq]
        page = found[: p.PAGE]
        cursor = self._number(page[-1].seq) if page else asked.after_seq
        return p.Fills(tuple(map(fill_of, page)), cursor, len(found) <= p.PAGE)

    def _account(self, asked: p.GetAccount) -> p.Answered:
        state = self.venue.account(asked.account_id)
        return p.AccountNow(
            VenueAccount(
                account_id=asked.account_id,
                cash=state.cash,
                positions={name: held.quantity for name, held in state.positions.items() if held.quantity},
                last_report_seq=self._number(state.last_seq),
                ts_event=self._clock.now(),
            )
        )

    def _count_orders(self, asked: p.CountOrders) -> p.Answered:
        key = asked.client_order_id
        return p.Counted(self.venue.count_orders(key), self.venue.count_requests(key))

    # --- small things -------------------------------------------------------------------------------------

    def _market(self) -> Iterable[MarketEvent]:
        now = self._clock.now()
        for instrument in self.venue.instruments():
            key = instrument.instrument_id
            is_halted = self.venue.is_halted(key)
            bid, ask = self.venue.quote(key)
            yield InstrumentStatus(key, MarketPhase.OPEN, is_halted, now, "halted by the drill" if is_halted else "")
            yield Quote(key, bid, ask, SIZE, SIZE, now, "drill", last=bid)

    def _number(self, seq: int) -> int:
        return max(0, seq - self.rollback)

    def _frame(self, news: Iterable[News]) -> bytes:
        return p.encode_frame(p.ReportBatch(tuple(map(self._report, news))))

    def _report(self, news: News) -> ExecutionReport:
        order = news.order
        return ExecutionReport(
            client_order_id=order.client_order_id if order else "",
            venue_order_id=order.venue_order_id if order else "",
            kind=_KINDS[news.kind],
            ts_event=news.ts_ns,
            report_seq=self._number(news.seq),
            fill=fill_of(news.execution) if news.execution else None,
            terms=self._terms_of(order) if order and news.kind in {NewsKind.ACCEPT, NewsKind.REPLACE} else None,
            reason=news.reason,
            code=news.code,
            action=news.action,
        )

    def _view(self, order: DrillOrder) -> VenueOrder:
        return VenueOrder(
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            terms=self._terms_of(order),
            status=order.status,
            filled_quantity=order.filled,
            parent_id=order.parent_id,
            role=order.role.value,
            ts_event=order.changed_ns,
        )

    def _terms_of(self, order: DrillOrder) -> OrderTerms:
        sent = self._terms.get(order.client_order_id)
        if sent is None:  # made at the broker, by nobody's request here
            sent = OrderTerms(
                account_id=order.account_id,
                instrument_id=order.instrument_id,
                side=order.side,
                quantity=order.quantity,
                order_type=order.order_type,
                time_in_force=order.time_in_force,
            )
        return structs.replace(
            sent, quantity=order.quantity, limit_price=order.limit_price, stop_price=order.stop_price
        )

    def _find(self, account_id: str, client_order_id: str) -> DrillOrder:
        order = self.venue.order(account_id, client_order_id=client_order_id)
        if order is None:
            raise Refused("unknown_order", f"There is no order {client_order_id[:40]} here.")
        return order


def _drill_order(new: NewOrder) -> DrillOrder:
    terms = new.terms
    return DrillOrder(
        client_order_id=new.client_order_id,
        instrument_id=terms.instrument_id,
        side=terms.side,
        quantity=terms.quantity,
        order_type=terms.order_type,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        trail=terms.trail_amount,
        trail_percent=None if terms.trail_fraction is None else terms.trail_fraction * 100,
        expires_ns=terms.expires_at,
        time_in_force=terms.time_in_force,
        session=terms.session,
        role=new.role,
        parent_id=new.parent_id,
    )


def _changed(wanted: Decimal | None, held: Decimal | None) -> Decimal | None:
    return wanted if wanted != held else None
