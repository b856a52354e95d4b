"""The gate bound to this engine's balances, quotes and limits; it judges orders and previews them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import Preview
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.risk.gate import check, passes
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.preview import build_preview
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.risk.view import SubmissionLog, ViewBuilder, ViewSources

_ALLOWED = Verdict(is_allowed=True, rows=())


class BoundGate:
    """Implements `trading.ports.Gate`."""

    def __init__(
        self,
        sources: ViewSources,
        limits: Limits,
        ledger: Ledger,
        *,
        session_of: Callable[[int], str],
        is_void: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_void` tells of an order's id whether it is over and nothing was executed."""
        self._log = SubmissionLog(is_void)
        self._views = ViewBuilder(sources, self._log, window_ns=limits.duplicate_window_ms * 1_000_000)
        self._session_date = sources.session_date
        self._session_of = session_of
        self._limits = limits
        self._ledger = ledger

    def judge(self, command: SubmitOrder, *, exclude: str = "") -> Verdict:
        """Judge an order now. Pure and total: denies on any missing input. Rows come with a refusal alone."""
        terms, view = command.terms, self._views.build(command.terms, replacing=exclude)
        bracket, is_repeat = (command.take_price, command.stop_price), command.allow_duplicate
        if passes(terms, view, self._limits, allow_duplicate=is_repeat, bracket=bracket):
            return _ALLOWED
        return check(terms, view, self._limits, allow_duplicate=is_repeat, bracket=bracket)

    def preview(self, command: SubmitOrder) -> Preview:
        """What would happen, judged on the same view."""
        terms = command.terms
        view = self._views.build(terms)
        bracket = (command.take_price, command.stop_price)
        verdict = check(terms, view, self._limits, allow_duplicate=command.allow_duplicate, bracket=bracket)
        price = self._entry_price(
            command, view.quote.bid if view.quote else None, view.quote.ask if view.quote else None
        )
        closing = () if price is None else self._ledger.preview_close(terms, price)
        return build_preview(terms, verdict, view, self._limits, bracket=bracket, closing=closing)

    def note(self, order: Order, recorded_at: int) -> None:
        """An order was submitted (or its submission replayed)."""
        date = self._session_of(order.created_at) or self._session_date()
        self._log.note(order.terms, recorded_at, date, order.client_order_id)

    @staticmethod
    def _entry_price(command: SubmitOrder, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
        if command.terms.limit_price is not None:
            return command.terms.limit_price
        return ask if command.terms.side.sign > 0 else bid
