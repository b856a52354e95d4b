"""How the last comparison with each broker stands, as people see it: ours, theirs, the difference, the evidence."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.events import SuspenseRaised
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.views import ReconcileRow, ReconcileView, SuspenseView
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.suspense import CASH


class ReconcileReader:
    """Reads what is durable beside what each broker showed last."""

    def __init__(self, desk: Desk, cash: Callable[[str], Decimal | None] | None) -> None:
        self._desk = desk
        self._cash = cash

    def suspense(self, account_id: str) -> tuple[SuspenseView, ...]:
        """Differences that are open, and those known and left standing, oldest first."""
        book = self._desk.recorder.book
        known = [one for one in book.ignored.values() if one.account_id == account_id]
        return (
            *(_suspense_view(one, is_known=False) for one in book.open_suspense(account_id)),
            *(_suspense_view(one, is_known=True) for one in known),
        )

    def view(self, account: Account, failure: str = "") -> ReconcileView:
        """One account; `failure` says why it could not be compared just now."""
        desk, account_id = self._desk, account.account_id
        last, fact = desk.comparisons.get(account_id), desk.recorder.book.reconciled.get(account_id)
        return ReconcileView(
            account_id=account_id,
            broker=account.broker,
            is_clean=account_id in desk.clean,
            compared_at=last.market_time if last is not None else 0,
            compared_wall=last.wall_time if last is not None else 0,
            rows=self._rows(account_id),
            fills_added=fact.fills_added if fact is not None else 0,
            order_differences=tuple(one for one in fact.differences if one.startswith("order ")) if fact else (),
            failure=failure,
        )

    def _rows(self, account_id: str) -> tuple[ReconcileRow, ...]:
        desk = self._desk
        last = desk.comparisons.get(account_id)
        suspended = {one.instrument_id: one for one in self.suspense(account_id)}
        ours = dict(desk.positions(account_id))
        cash = self._cash(account_id) if self._cash is not None else None
        theirs: dict[str, Decimal] = dict(last.venue.positions) if last is not None else {}
        if cash is not None:
            ours[CASH] = cash
            if last is not None:
                theirs[CASH] = last.venue.cash
        keys = sorted({*ours, *theirs, *suspended}, key=lambda key: (key not in suspended, key == CASH, key))
        return tuple(
            _row(key, ours.get(key, ZERO), theirs.get(key, ZERO) if last else None, suspended.get(key)) for key in keys
        )


def _row(key: str, ours: Decimal, theirs: Decimal | None, one: SuspenseView | None) -> ReconcileRow:
    """A row in suspense shows the figures of the moment it was raised; any other those of now."""
    if one is not None:
        return ReconcileRow(instrument_id=key, ours=one.ours, theirs=one.theirs, suspense=one)
    return ReconcileRow(instrument_id=key, ours=ours, theirs=theirs)


def _suspense_view(one: SuspenseRaised, *, is_known: bool) -> SuspenseView:
    return SuspenseView(
        suspense_id=one.suspense_id,
        account_id=one.account_id,
        instrument_id=one.instrument_id,
        ours=one.ours,
        theirs=one.theirs,
        is_blocking=one.is_blocking and not is_known,
        is_known=is_known,
        since=one.ts_event,
        report_seq=one.report_seq,
        last_fills=one.last_fills,
        price=one.price,
    )
