"""The gate bound to this engine's balances, quotes and limits; it judges orders and previews them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.commands import SubmitOrder, stop_of_pair
from stockpulse_engine.domain.events import Event, LimitChanged
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderTerms
from stockpulse_engine.domain.views import Preview
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.risk.brakes import BrakeBook
from stockpulse_engine.risk.gate import check, passes
from stockpulse_engine.risk.kills import KillBook
from stockpulse_engine.risk.limit_book import LimitBook
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import Policy
from stockpulse_engine.risk.preview import build_preview, with_later_words
from stockpulse_engine.risk.rejections import RejectionBook
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.risk.view import SubmissionLog, ViewBuilder, ViewSources

_ALLOWED = Verdict(is_allowed=True, rows=())


class BoundGate:
    """Implements `trading.ports.Gate`."""

    def __init__(
        self,
        sources: ViewSources,
        limits: Limits | Policy,
        ledger: Ledger,
        *,
        session_of: Callable[[int], str],
        is_void: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`limits` are those of the files; `is_void` tells of an order's id whether it is over, nothing executed."""
        self.limits = LimitBook(limits if isinstance(limits, Policy) else Policy(limits))
        self.brakes = BrakeBook()
        self.rejections = RejectionBook()
        self.kills = KillBook()
        self.log = SubmissionLog(is_void)
        self.sources = structs.replace(sources, brake=self.brakes.of, refusals=self.rejections.of)
        self._views = ViewBuilder(self.sources, self.log)
        self._look_back()
        self._session_date = sources.session_date
        self._session_of = session_of
        self._ledger = ledger

    def observe(self, event: Event) -> None:
        """Follow a durable event, replay included: limits that were changed, losses, refusals, halts."""
        if isinstance(event, OrderEvent):
            self.rejections.observe(event)
            return
        self.limits.observe(event)
        self.brakes.observe(event)
        self.kills.observe(event)
        if isinstance(event, LimitChanged):
            self._look_back()

    def _look_back(self) -> None:
        """As far as any duplicate check does, those of limits to come included."""
        current = self.limits.current(self.sources.wall_ns())
        self._views.look_back(max(current.longest_window_ms(), self.limits.files.longest_window_ms()) * 1_000_000)

    def limits_of(self, terms: OrderTerms) -> Limits:
        """What is allowed of an order now; of all that applies the strictest."""
        policy = self.limits.current(self.sources.wall_ns())
        return policy.resolve(terms.account_id, terms.strategy, terms.instrument_id)

    def judge(self, command: SubmitOrder, *, exclude: str = "") -> Verdict:
        """Judge an order now. Pure and total: denies on any missing input. Rows come with a refusal alone.

        Of a pair both are judged, each as an order of its own: what may execute is never more than one of them.
        """
        verdict = self._judge(command, exclude)
        if command.oco_stop_price is None or not verdict.is_allowed:
            return verdict
        return self._judge(stop_of_pair(command), exclude)

    def _judge(self, command: SubmitOrder, exclude: str) -> Verdict:
        terms, view = command.terms, self._views.build(command.terms, replacing=exclude)
        bracket, is_repeat = (command.take_price, command.stop_price), command.allow_duplicate
        limits = self.limits_of(terms)
        if passes(terms, view, limits, allow_duplicate=is_repeat, bracket=bracket):
            return _ALLOWED
        return check(terms, view, limits, allow_duplicate=is_repeat, bracket=bracket)

    def preview(self, command: SubmitOrder) -> Preview:
        """What would happen, judged on the same view."""
        terms = command.terms
        view = self._views.build(terms)
        bracket, limits = (command.take_price, command.stop_price), self.limits_of(terms)
        verdict = check(terms, view, limits, allow_duplicate=command.allow_duplicate, bracket=bracket)
        if command.oco_stop_price is not None and verdict.is_allowed:
            stop = stop_of_pair(command).terms
            verdict = check(stop, self._views.build(stop), limits, allow_duplicate=True)
        price = self._entry_price(
            command, view.quote.bid if view.quote else None, view.quote.ask if view.quote else None
        )
        closing = () if price is None else self._ledger.preview_close(terms, price)
        made = build_preview(terms, verdict, view, limits, bracket=bracket, closing=closing)
        return with_later_words(made, command, verdict, view)

    def loss_limit(self, account_id: str, equity_open: Decimal) -> Decimal:
        """The day's loss at which the limit of an account acts, with what an admin let pass."""
        limits = self.limits.current(self.sources.wall_ns()).of_account(account_id)
        return max(ZERO, equity_open) * limits.daily_loss_fraction + self.brakes.of(account_id).forgiven_loss

    def note(self, order: Order, recorded_at: int) -> None:
        """An order was submitted (or its submission replayed)."""
        date = self._session_of(order.created_at) or self._session_date()
        self.log.note(order.terms, recorded_at, date, order.client_order_id)

    @staticmethod
    def _entry_price(command: SubmitOrder, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
        if command.terms.limit_price is not None:
            return command.terms.limit_price
        return ask if command.terms.side.sign > 0 else bid
