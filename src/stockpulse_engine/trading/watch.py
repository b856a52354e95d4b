"""The order service's own watch: the latch, requests the venue has not answered, and the regular comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stockpulse_engine.domain.orders import Order
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import needs_answer
from stockpulse_engine.trading.halt import Halter
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.link import Link
from stockpulse_engine.trading.resolver import Resolver

_NS: Final = 1_000_000_000


class Watch:
    """Looks around a few times a second; liveness does not depend on a message that may never come."""

    def __init__(
        self,
        desk: Desk,
        intake: Intake,
        halter: Halter,
        resolver: Resolver,
        links: Mapping[str, Link],
        *,
        day_end: Callable[[], int] = lambda: 0,
    ) -> None:
        self._desk = desk
        self._intake = intake
        self._halter = halter
        self._resolver = resolver
        self._links = links
        self._day_end = day_end
        self._closed = 0
        """Close of the session after which everything was compared."""
        self._waiting: dict[str, int] = {}
        """Order → monotonic time since which the venue owes an answer."""

    def follow(self, order: Order) -> None:
        """An order changed: does the venue owe us a word about it?"""
        if needs_answer(order):
            self._waiting.setdefault(order.client_order_id, self._desk.clock.monotonic_ns())
        else:
            self._waiting.pop(order.client_order_id, None)

    async def run(self) -> None:
        """Watch for ever."""
        compared_at = polled_at = self._desk.clock.monotonic_ns()
        self._closed = self._past_close()  # the start has compared
        while True:
            await self._desk.sleep(self._desk.timing.watch)
            await self._halter.watch_latch()
            self.ask_overdue()
            self._intake.release()
            now = self._desk.clock.monotonic_ns()
            if now - compared_at >= self._desk.timing.reconcile * _NS:
                compared_at = now
                self._want_compare()
            if now - polled_at >= self._desk.timing.poll * _NS:
                polled_at = now
                self._poll()
            self._compare_after_close()
            self._tend()

    def _tend(self) -> None:
        """What a link wants is done beside the watch: a broker that hangs must not hold up latch and others."""
        for link in self._links.values():
            if link.is_due:
                self._desk.spawn(link.tend(), f"tend {link.name}")

    def _poll(self) -> None:
        for link in self._links.values():
            if link.is_followed:
                self._desk.spawn(link.poll(), f"poll {link.name}")

    def _past_close(self) -> int:
        """Close of the session, once it is over."""
        end = self._day_end()
        return end if 0 < end <= self._desk.market_now() else 0

    def _compare_after_close(self) -> None:
        """Once after each close: a day that ended is compared whole, orders or none."""
        closed = self._past_close()
        if closed and closed != self._closed:
            self._closed = closed
            for link in self._links.values():
                link.want_compare()

    def ask_overdue(self) -> None:
        """Ask about requests that the venue has not answered in time."""
        limit = self._desk.clock.monotonic_ns() - int(self._desk.timing.overdue * _NS)
        for key, since in tuple(self._waiting.items()):
            if since <= limit:
                self._resolver.ask(key)

    def _want_compare(self) -> None:
        desk = self._desk
        has_orders = any(True for _ in desk.recorder.front.all_open())
        if has_orders or any(desk.positions(account_id) for account_id in desk.recorder.front.accounts):
            for link in self._links.values():
                link.want_compare()
