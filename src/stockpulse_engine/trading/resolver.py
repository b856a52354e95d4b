"""Asking the venue about one order until there is evidence: for as long as it takes, and never sending it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stockpulse_engine.domain.brokers import BrokerCapabilities
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus
from stockpulse_engine.domain.reports import VenueOrder
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import findings, lacks_fills, needs_answer, since_adoption, was_ever_confirmed
from stockpulse_engine.trading.intake import Intake

_K, _S = OrderEventKind, OrderStatus
_ALARM_AFTER = 5
"""Looks without a result before a person is told."""
NEVER_REACHED = "never reached the venue"


class Resolver:
    """Targeted queries about orders whose outcome is unknown, one task per order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._active: set[str] = set()
        self.intake: Intake | None = None
        """Set by the service: the two need each other."""
        self.send_once_more: Callable[[Order], bool] = lambda _: False
        """Sends an order that the engine had held and that is proven never to have arrived; whether it did."""

    def ask(self, key: str) -> None:
        """Start asking about an order, unless that is under way."""
        if key in self._active or self._desk.is_stopping:
            return
        self._active.add(key)
        self._desk.spawn(self._ask_until_known(key), f"ask about {key}")

    @property
    def active(self) -> frozenset[str]:
        """Orders being asked about."""
        return frozenset(self._active)

    async def _ask_until_known(self, key: str) -> None:
        desk, timing = self._desk, self._desk.timing
        delay, looks, absences = timing.first_look, 0, 0
        try:
            while needs_answer(desk.order(key)):
                await desk.sleep(max(delay, timing.settle) if absences else delay)
                if sending := desk.sending.get(key):
                    await sending.wait()
                delay = min(delay * 2, timing.longest_look)
                looks += 1
                absences = await self._look(key, absences)
                if looks == _ALARM_AFTER and desk.order(key).is_unknown:
                    desk.alert("danger", f"{key} is still UNKNOWN at the venue.", key)
        except NotFoundError:  # the record that made it known here never reached the disk
            return
        finally:
            self._active.discard(key)

    async def _look(self, key: str, absences: int) -> int:
        """One look; returns how often in a row the venue has said that there is no such order."""
        desk = self._desk
        order = desk.order(key)
        if not needs_answer(order):
            return 0
        try:
            broker = desk.router.broker_of(order.terms.account_id)
            venue = await broker.fetch_order(order.terms.account_id, key)
            if venue is not None:
                await self.apply(order, venue, is_settled=absences > 0 or _is_old(desk, order))
                return 0
        except Exception:  # noqa: BLE001 - an exception proves nothing (F07): ask again
            return 0
        if absences:  # a second authenticated no, some time after the first
            await self.conclude_absence(desk.order(key))
        return absences + 1

    async def apply(self, order: Order, venue: VenueOrder, *, is_settled: bool) -> None:
        """Record what the venue's answer proves; re-send a cancel that it has not acted on."""
        desk, key = self._desk, order.client_order_id
        venue = since_adoption(order, venue)
        if lacks_fills(order, venue) and self.intake is not None:
            account = desk.router.account(order.terms.account_id)
            broker = desk.router.broker_of(account.account_id)
            since = self._since(order, broker.capabilities)
            self.intake.take_fills(account.broker, await broker.fetch_fills(account.account_id, since))
            self.intake.release(account.account_id, names={venue.venue_order_id: key})
            order = desk.order(key)
        found = findings(order, venue, is_settled=is_settled)
        events = [
            desk.event(
                one.kind,
                key,
                terms=one.terms,
                reason=one.reason,
                venue_order_id=venue.venue_order_id,
                actor="reconcile",
            )
            for one in found
        ]
        await self._write(events)
        order = desk.order(key)
        if order.status is _S.PENDING_CANCEL and venue.status not in ("CANCELED", "FILLED", "EXPIRED", "REJECTED"):
            # Asking again to cancel cannot cost money, and the first request may be lost.
            await desk.router.cancel(order, f"again-{key}-{desk.clock.now_ns()}")

    def _since(self, order: Order, able: BrokerCapabilities) -> int:
        """From where on executions are asked for: the order's beginning, and never before its account was ours."""
        adopted = self._desk.recorder.front.adopted.get(order.terms.account_id)
        start = 0 if able.numbers_reports else order.created_at
        return max(0, max(start, adopted.report_seq if adopted else 0) - able.overlap)

    async def conclude_absence(self, order: Order) -> None:
        """The venue has said twice, some time apart, that there is no such order."""
        desk, key = self._desk, order.client_order_id
        if not order.is_open:
            return
        if was_ever_confirmed(order):
            if not order.is_unknown:
                desk.alert("danger", f"The venue no longer knows {key}, which it had confirmed.", key)
                await self._write([desk.event(_K.MARK_UNKNOWN, key, reason="the venue no longer knows it")])
        elif not order.status.is_terminal and not self.send_once_more(order):
            await self._write([desk.event(_K.CANCEL, key, reason=NEVER_REACHED, actor="reconcile")])
        elif order.is_unknown:
            await self._write([desk.event(_K.RESOLVE, key, reason=NEVER_REACHED, actor="reconcile")])

    async def _write(self, events: Sequence[OrderEvent]) -> None:
        if not events:
            return
        try:
            await self._desk.recorder.write(events, is_hearsay=True)
        except UnavailableError as error:
            self._desk.alert("danger", f"What the venue answered could not be recorded: {error.message}")


def _is_old(desk: Desk, order: Order) -> bool:
    """Whether the last request about it had its time to arrive."""
    return desk.market_now() - order.updated_at > int(desk.timing.overdue * 1e9)
