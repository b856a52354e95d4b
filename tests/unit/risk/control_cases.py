"""Cases of the controls that came last: smallest money, net, drawdown, strategies, refusals, last print, signs."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.accounts import Account, AccountKind, TradingState
from stockpulse_engine.domain.events import LossLimitActed
from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.risk.brakes import DAILY_LOSS, DRAWDOWN, Brake
from stockpulse_engine.risk.codes import DenialCode as Code
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.rejections import Refusals
from stockpulse_engine.risk.verdict import DENIED, OK, READ
from stockpulse_engine.risk.view import UNTOLD, Arming, GateView
from tests.fakes.portfolio_build import SECOND, D, order, quote, terms
from tests.unit.risk.build import (
    BUY,
    LIMITS,
    NOW,
    VIEW,
    holding,
    instrument,
    limits,
    phase,
    view,
    with_orders,
)

NAN, INF = D("NaN"), D("Infinity")
replace = msgspec.structs.replace
MARKET = terms("10", None)
SELL = terms("-10", "100.00")
AUTO = replace(BUY, strategy="trend")
ARMED = limits(armed=("trend",))
FUTURE = instrument(asset_class=AssetClass.FUTURE)
THIN = instrument(average_daily_volume=D(99_999))
REFUSED = Refusals(count=3, terms=BUY, reason="MARGIN", sent_ns=NOW - 59 * SECOND)

Case = tuple[str, OrderTerms, GateView, Limits, str, Code | None]


def case(
    name: str,
    instruction: OrderTerms = BUY,
    seen: GateView = VIEW,
    allowed: Limits = LIMITS,
    verdict: str = OK,
    code: Code | None = None,
) -> Case:
    return name, instruction, seen, allowed, DENIED if code is not None else verdict, code


def acted(kind: str) -> LossLimitActed:
    return LossLimitActed(
        account_id="main",
        kind=kind,
        state=TradingState.REDUCING,
        session_date="2024-03-08",
        amount=D(3000),
        limit=D(3000),
        ts_event=NOW,
        recorded_at=NOW,
    )


def real(arming: Arming | None) -> GateView:
    """What is seen of an account of real money."""
    return view(account=replace(must(VIEW.account), kind=AccountKind.LIVE), arming=arming)


def must(account: Account | None) -> Account:
    assert account is not None
    return account


def braked(**changes: object) -> Brake:
    return replace(Brake(), **changes)


DAILY, FALLEN = braked(daily=acted(DAILY_LOSS)), braked(drawdown=acted(DRAWDOWN))

CONTROL_CASES: list[Case] = [
    # 1 the wider collar of what trades little; what is not known trades enough
    case("collar", terms("10", "110.00"), view(instrument=THIN)),
    case("collar", terms("10", "110.01"), view(instrument=THIN), code=Code.PRICE_COLLAR),
    case(
        "collar",
        terms("10", "105.01"),
        view(instrument=instrument(average_daily_volume=D(100_000))),
        code=Code.PRICE_COLLAR,
    ),
    case(
        "collar", terms("10", "105.01"), view(instrument=instrument(average_daily_volume=D(0))), code=Code.PRICE_COLLAR
    ),
    case("collar", seen=view(instrument=None), code=Code.INSTRUMENT_UNKNOWN),
    case("collar", allowed=limits(collar_fraction=NAN), code=Code.CANNOT_CHECK),
    case("collar", seen=view(quote=quote("NaN", "NaN", last=None)), code=Code.CANNOT_CHECK),
    # 4 net: long less short
    case("net", seen=view(net=D(124_000))),
    case("net", seen=view(net=D("124000.01")), code=Code.MAX_NET),
    case("net", seen=view(net=D(120_000), pending=D(4000))),
    case("net", seen=view(net=D(120_000), pending=D("4000.01")), code=Code.MAX_NET),
    case("net", SELL, view(net=D(-124_000))),
    case("net", SELL, view(net=D("-124000.01")), code=Code.MAX_NET),
    case("net", SELL, view(net=D(900_000))),
    case("net", SELL, view(net=D(500)), verdict=OK),
    case("net", SELL, holding("10", net=D(900_000))),
    case("net", seen=view(equity=D(0)), code=Code.MAX_NET),
    *(
        case("net", seen=view(**{name: value}), code=Code.CANNOT_CHECK)
        for name in ("net", "equity", "pending")
        for value in (None, NAN, INF)
    ),
    # 6 drawdown, and what the loss limits have done already
    case("drawdown", seen=view(peak=D(110_000))),
    case("drawdown", seen=view(peak=D(117_000)), verdict=READ),
    case("drawdown", seen=view(equity=D("85000.01")), verdict=READ),
    case("drawdown", seen=view(equity=D(85_000)), code=Code.DRAWDOWN),
    case("drawdown", seen=view(equity=D(120_000))),
    case("drawdown", seen=view(peak=D(0), equity=D(0))),
    case("drawdown", seen=view(peak=D(0), equity=D(-1)), code=Code.DRAWDOWN),
    case("drawdown", SELL, holding("10", equity=D(50_000)), verdict=READ),
    case("drawdown", seen=view(brake=FALLEN), code=Code.DRAWDOWN),
    case("drawdown", SELL, holding("10", brake=FALLEN)),
    case("drawdown", seen=view(equity=D(80_000), brake=braked(forgiven_fall=D(20_000)))),
    case("drawdown", seen=view(equity=D(65_000), brake=braked(forgiven_fall=D(20_000))), code=Code.DRAWDOWN),
    *(
        case("drawdown", seen=view(**{name: value}), code=Code.CANNOT_CHECK)
        for name in ("peak", "equity")
        for value in (None, NAN, D("1e20"))
    ),
    case("drawdown", seen=view(brake=None), code=Code.CANNOT_CHECK),
    case("daily loss", seen=view(brake=DAILY), code=Code.DAILY_LOSS),
    case("daily loss", SELL, holding("10", brake=DAILY)),
    case("daily loss", seen=view(day_pnl=D(-3000), brake=braked(forgiven_loss=D(3000)))),
    case("daily loss", seen=view(day_pnl=D("-5999.99"), brake=braked(forgiven_loss=D(3000))), verdict=READ),
    case("daily loss", seen=view(day_pnl=D(-6000), brake=braked(forgiven_loss=D(3000))), code=Code.DAILY_LOSS),
    case("daily loss", seen=view(equity_open=D(-5), day_pnl=D(0)), code=Code.DAILY_LOSS),
    case("daily loss", seen=view(brake=None), code=Code.CANNOT_CHECK),
    # 7 one strategy's own pace
    case("strategy rate", seen=view(strategy_last_second=19)),
    case("strategy rate", seen=view(strategy_last_second=20), code=Code.RATE_STRATEGY),
    case("strategy rate", seen=view(strategy_today=4999)),
    case("strategy rate", seen=view(strategy_today=5000), code=Code.RATE_STRATEGY),
    case("strategy rate", seen=view(strategy_today=None), code=Code.CANNOT_CHECK),
    case("strategy rate", seen=view(strategy_last_second=None), code=Code.CANNOT_CHECK),
    case("rate", seen=view(sent_last_second=None), code=Code.CANNOT_CHECK),
    # 10 a trade with yourself
    case("self-cross", seen=with_orders(order("a", terms("-5", "100.01")))),
    case("self-cross", seen=with_orders(order("a", terms("-5", "100.00"))), code=Code.SELF_TRADE),
    case("self-cross", SELL, with_orders(order("a", terms("5", "100.00"))), code=Code.SELF_TRADE),
    case("self-cross", SELL, with_orders(order("a", terms("5", "99.99")))),
    case("self-cross", MARKET, with_orders(order("a", terms("-5", "100.01"))), code=Code.SELF_TRADE),
    case("self-cross", MARKET, with_orders(order("a", terms("-5", "100.02")))),
    case("self-cross", terms("-10", None), with_orders(order("a", terms("5", "99.99"))), code=Code.SELF_TRADE),
    case("self-cross", MARKET, with_orders(order("a", terms("5", "100.01")))),
    case("self-cross", MARKET, with_orders(order("a", terms("-5", None, stop="99")))),
    case("self-cross", terms("10", None, stop="101"), with_orders(order("a", terms("-5", "100.00")))),
    case("self-cross", MARKET, with_orders(order("a", terms("-5", "100.01")), quote=None), code=Code.QUOTE_MISSING),
    case("self-cross", seen=view(orders=None), code=Code.CANNOT_CHECK),
    # 11 and 12: restricted beside others, half day
    case("instrument", allowed=limits(restricted=("GME.XNYS",))),
    case("session", MARKET, view(status=phase(MarketPhase.POST)), code=Code.MARKET_CLOSED),
    case(
        "session",
        MARKET,
        view(status=phase(MarketPhase.OPEN, is_halted=True, reason="news")),
        code=Code.INSTRUMENT_HALTED,
    ),
    # 15 least money
    case("smallest", terms("1", "100.00"), allowed=limits(min_order_notional=D(100))),
    case("smallest", terms("1", "99.99"), allowed=limits(min_order_notional=D(100)), code=Code.MIN_NOTIONAL),
    case("smallest", terms("-1", "99.99"), holding("1"), limits(min_order_notional=D(100))),
    case("smallest", allowed=limits(min_order_notional=NAN), code=Code.CANNOT_CHECK),
    case("smallest", seen=view(quote=None), code=Code.QUOTE_MISSING),
    # 16 the age a strategy is held to, and the last print beside the quote
    case("quote", AUTO, view(quote_age_ns=2_000_000_000), ARMED),
    case("quote", AUTO, view(quote_age_ns=2_001_000_000), ARMED, code=Code.QUOTE_STALE),
    case("quote", seen=view(quote_age_ns=None), code=Code.CANNOT_CHECK),
    case("last price", MARKET, view(quote=quote(last="110.00"))),
    case("last price", MARKET, view(quote=quote(last="110.01")), code=Code.QUOTE_DISAGREES),
    case("last price", MARKET, view(quote=quote(last="89.99")), code=Code.QUOTE_DISAGREES),
    case("last price", BUY, view(quote=quote(last="110.01")), verdict=READ),
    case("last price", MARKET, view(quote=quote(last=None))),
    case("last price", MARKET, view(quote=quote(last="NaN")), code=Code.CANNOT_CHECK),
    case("last price", MARKET, view(quote=None), code=Code.QUOTE_MISSING),
    # 17 signs by what it is: a share has no price below zero, a future may
    *(case("numbers", terms("10", bad), code=Code.INVALID_NUMBER) for bad in ("0", "-1", "NaN", "Infinity")),
    *(case("numbers", terms("10", good), view(instrument=FUTURE)) for good in ("-37.63", "0", "0.01")),
    *(case("numbers", terms("10", bad), view(instrument=FUTURE), code=Code.INVALID_NUMBER) for bad in ("NaN", "-1e20")),
    case("numbers", replace(BUY, quantity=D(-1)), view(instrument=FUTURE), code=Code.INVALID_NUMBER),
    case("numbers", terms("10", "-1"), view(instrument=None), code=Code.INVALID_NUMBER),
    case("collar", terms("10", "-95.00"), view(instrument=FUTURE, quote=quote("-100.01", "-99.99", last=None))),
    case(
        "collar",
        terms("10", "-94.99"),
        view(instrument=FUTURE, quote=quote("-100.01", "-99.99", last=None)),
        code=Code.PRICE_COLLAR,
    ),
    case(
        "notional",
        terms("10", "-100.00"),
        view(instrument=FUTURE, quote=quote("-100.01", "-99.99", last=None)),
        limits(max_order_notional=D("999.99")),
        code=Code.MAX_NOTIONAL,
    ),
    # 19 strategies
    case("armed"),
    case("armed", AUTO, code=Code.STRATEGY_NOT_ARMED),
    case("armed", AUTO, allowed=ARMED),
    case("armed", replace(BUY, strategy="other"), allowed=ARMED, code=Code.STRATEGY_NOT_ARMED),
    case("armed", replace(BUY, strategy=""), allowed=ARMED, code=Code.STRATEGY_NOT_ARMED),
    case("armed", seen=real(Arming())),
    case("armed", seen=real(Arming("it is not")), code=Code.NOT_ARMED),
    case("armed", seen=real(Arming("", "too much")), code=Code.ARMED_AMOUNT),
    case("armed", seen=real(None), code=Code.CANNOT_CHECK),
    case("armed", seen=real(UNTOLD), code=Code.NOT_ARMED),
    case("armed", AUTO, allowed=limits(armed=None), code=Code.CANNOT_CHECK),
    # 20 refused alike again and again
    case("rejections", seen=view(refusals=replace(REFUSED, count=2))),
    case("rejections", seen=view(refusals=REFUSED), code=Code.REPEATED_REJECTION),
    case("rejections", terms("11", "100.00"), view(refusals=REFUSED), code=Code.REPEATED_REJECTION),
    case(
        "rejections", seen=view(refusals=replace(REFUSED, sent_ns=NOW - 60 * SECOND + 1)), code=Code.REPEATED_REJECTION
    ),
    case("rejections", seen=view(refusals=replace(REFUSED, sent_ns=NOW - 60 * SECOND)), verdict=READ),
    case("rejections", SELL, holding("10", refusals=REFUSED)),
    case("rejections", SELL, holding("10", refusals=replace(REFUSED, terms=SELL)), code=Code.REPEATED_REJECTION),
    case("rejections", seen=view(refusals=replace(REFUSED, terms=None, reason="")), code=Code.REPEATED_REJECTION),
    case("rejections", seen=view(refusals=None), code=Code.CANNOT_CHECK),
]
"""Name of the check, what is sent, what is known, what is allowed, the verdict and the code."""
