"""One order and one view that pass every check; each case changes what it is about."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.accounts import AccountType, TradingState
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase
from stockpulse_engine.domain.orders import Order, OrderTerms
from stockpulse_engine.portfolio.reservations import ClaimCache
from stockpulse_engine.risk.gate import check, passes
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.verdict import CheckRow, Verdict
from stockpulse_engine.risk.view import GateView, Sent
from tests.fakes.portfolio_build import AAPL, SECOND, D, account, quote, terms

NOW = 1_700_000_000 * SECOND
LIMITS = Limits()
INSTRUMENT = Instrument(
    instrument_id=AAPL,
    name="Apple Inc",
    asset_class=AssetClass.EQUITY,
    currency="USD",
    tick_size=D("0.01"),
    lot_size=D(1),
    average_daily_volume=D(50_000_000),
)
VIEW = GateView(
    now_ns=NOW,
    wall_ns=NOW,
    account=account(),
    trading_state=TradingState.ACTIVE,
    is_reconciled=True,
    instrument=INSTRUMENT,
    quote=quote("99.99", "100.01"),
    quote_age_ns=SECOND // 10,
    status=InstrumentStatus(AAPL, MarketPhase.OPEN, False, NOW),
    held=D(0),
    cash=D(100_000),
    equity=D(100_000),
    equity_open=D(100_000),
    day_pnl=D(0),
    bound=D(0),
    reserved=D(0),
    gross=D(0),
    pending=D(0),
    net=D(0),
    peak=D(100_000),
)
BUY = terms("10", "100.00")
CASH = account(kind=AccountType.CASH)


def view(**changes: object) -> GateView:
    return msgspec.structs.replace(VIEW, **changes)


def instrument(**changes: object) -> Instrument:
    return msgspec.structs.replace(INSTRUMENT, **changes)


def limits(**changes: object) -> Limits:
    return msgspec.structs.replace(LIMITS, **changes)


def with_orders(*orders: Order, **changes: object) -> GateView:
    """A view with these working orders of the instrument."""
    claims = tuple(ClaimCache(LIMITS.collar_fraction).claims(orders))
    return view(orders=orders, claims=claims, open_orders=len(orders), **changes)


def holding(quantity: str, **changes: object) -> GateView:
    """A view with a position at 100."""
    held = D(quantity)
    worth: dict[str, object] = {"held": held, "net": held * 100, "gross": abs(held) * 100, "bound": abs(held) * 50}
    return view(**{**worth, **changes})


def phase(name: MarketPhase, *, is_halted: bool = False, reason: str = "") -> InstrumentStatus:
    return InstrumentStatus(AAPL, name, is_halted, NOW, reason=reason)


def sent(instruction: OrderTerms, milliseconds_ago: int) -> Sent:
    return Sent(instruction, NOW - milliseconds_ago * 1_000_000)


def row(verdict: Verdict, name: str) -> CheckRow:
    return next(each for each in verdict.rows if each.name == name)


def ask(instruction: OrderTerms = BUY, seen: GateView = VIEW, allowed: Limits = LIMITS) -> Verdict:
    """What the gate says; said without words it is the same."""
    verdict = check(instruction, seen, allowed)
    assert passes(instruction, seen, allowed) is verdict.is_allowed
    return verdict
