"""Every check of the gate: what it allows, what it denies, its boundary, and what is not known or not a number."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import OrderRole, OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.risk import gate
from stockpulse_engine.risk.buying_power import funds_needed
from stockpulse_engine.risk.catalog import CONTROLS
from stockpulse_engine.risk.codes import DenialCode as Code
from stockpulse_engine.risk.gate import CHECKS, check, passes
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.proposal import Proposal
from stockpulse_engine.risk.rows import denied
from stockpulse_engine.risk.verdict import DENIED, OK, READ, CheckRow
from stockpulse_engine.risk.view import GateView
from tests.fakes.portfolio_build import D, order, quote, terms
from tests.unit.risk.build import (
    BUY,
    CASH,
    LIMITS,
    NOW,
    VIEW,
    ask,
    holding,
    instrument,
    limits,
    phase,
    row,
    sent,
    view,
    with_orders,
)
from tests.unit.risk.control_cases import CONTROL_CASES, Case, case

pytestmark = pytest.mark.covers("F22", "F28", "F35", "F36", "F37")
NAN, INF = D("NaN"), D("Infinity")
replace = msgspec.structs.replace


def timed(tif: TimeInForce, limit: str | None = "100.00", session: SessionHours = SessionHours.REGULAR) -> OrderTerms:
    return replace(terms("10", limit), time_in_force=tif, session=session)


MARKET = terms("10", None)
EXTENDED = timed(TimeInForce.DAY, session=SessionHours.EXTENDED)
GTC = timed(TimeInForce.GTC)
DAY = timed(TimeInForce.DAY)
IOC = timed(TimeInForce.IOC)
AT_OPEN = timed(TimeInForce.AT_THE_OPEN, None)
AT_CLOSE = timed(TimeInForce.AT_THE_CLOSE, None)
STOP = replace(terms("10", None, stop="101"), order_type=OrderType.STOP)
TRAIL = replace(MARKET, order_type=OrderType.TRAILING_STOP, trail_amount=D(2))
SELL = terms("-10", "100.00")
EXIT = terms("-10", "100.00", reduce_only=True)


def closed(instruction: OrderTerms, name: MarketPhase) -> Case:
    return case("session", instruction, view(status=phase(name)), code=Code.MARKET_CLOSED)


def entered(instruction: OrderTerms, name: MarketPhase) -> Case:
    return case("session", instruction, view(status=phase(name)))


CASES: list[Case] = [
    # numbers
    case("numbers"),
    *(case("numbers", replace(BUY, quantity=bad), code=Code.INVALID_NUMBER) for bad in (NAN, INF, -INF, D(0), D(-1))),
    *(case("numbers", replace(BUY, limit_price=bad), code=Code.INVALID_NUMBER) for bad in (NAN, INF, D(0), D(-1))),
    case("numbers", replace(BUY, quantity=D("1e20")), code=Code.INVALID_NUMBER),
    case("numbers", replace(STOP, stop_price=NAN), code=Code.INVALID_NUMBER),
    case("numbers", replace(BUY, quantity=10.0), code=Code.INVALID_NUMBER),
    case("numbers", replace(BUY, quantity=None), code=Code.INVALID_NUMBER),
    # prices
    case("prices", MARKET),
    case("prices", STOP),
    case("prices", replace(BUY, limit_price=None), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(MARKET, limit_price=D(100)), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(STOP, stop_price=None), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(BUY, stop_price=D(100)), code=Code.INCOMPLETE_TERMS),
    # kind
    case("prices", TRAIL),
    case("prices", replace(TRAIL, trail_amount=None, trail_fraction=D("0.02"))),
    case("prices", replace(TRAIL, stop_price=D(98), limit_price=D(97))),
    case("prices", replace(TRAIL, trail_amount=None), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(TRAIL, trail_fraction=D("0.02")), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(TRAIL, trail_amount=None, trail_fraction=D(1)), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(TRAIL, limit_price=D(97)), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(BUY, trail_amount=D(1)), code=Code.INCOMPLETE_TERMS),
    case("prices", replace(BUY, limit_offset=D(1)), code=Code.INCOMPLETE_TERMS),
    *(case("numbers", replace(TRAIL, trail_amount=bad), code=Code.INVALID_NUMBER) for bad in (NAN, INF, D(0), D(-1))),
    case("numbers", replace(TRAIL, limit_offset=NAN), code=Code.INVALID_NUMBER),
    case("increments", replace(TRAIL, trail_amount=D("0.005")), code=Code.OFF_TICK),
    case("increments", replace(TRAIL, limit_offset=D("0.005")), code=Code.OFF_TICK),
    case("kind", replace(TRAIL, time_in_force=TimeInForce.FOK), code=Code.UNSUPPORTED),
    case("kind", replace(BUY, time_in_force=TimeInForce.GTD, expires_on="2026-11-27")),
    case("kind", replace(BUY, time_in_force=TimeInForce.GTD, expires_at=NOW + 1)),
    case("kind", replace(BUY, time_in_force=TimeInForce.GTD, expires_at=NOW), code=Code.UNSUPPORTED),
    case(
        "kind", replace(BUY, time_in_force=TimeInForce.GTD, expires_at=NOW + 1, expires_on="x"), code=Code.UNSUPPORTED
    ),
    case("kind", replace(BUY, time_in_force=TimeInForce.GTD), code=Code.UNSUPPORTED),
    case("kind", replace(BUY, expires_on="2026-11-27"), code=Code.UNSUPPORTED),
    case("kind", replace(BUY, time_in_force=TimeInForce.FOK)),
    case("kind", replace(STOP, time_in_force=TimeInForce.IOC), code=Code.UNSUPPORTED),
    case("kind", EXTENDED),
    case("kind", replace(MARKET, session=SessionHours.EXTENDED), code=Code.EXTENDED_NEEDS_LIMIT),
    case("kind", replace(EXTENDED, time_in_force=TimeInForce.AT_THE_CLOSE), code=Code.EXTENDED_NEEDS_LIMIT),
    # instrument and account
    case("instrument"),
    case("instrument", seen=view(instrument=None), code=Code.INSTRUMENT_UNKNOWN),
    case("instrument", seen=view(account=None), code=Code.ACCOUNT_UNKNOWN),
    case("instrument", seen=view(instrument=instrument(instrument_id="MSFT.XNAS")), code=Code.INSTRUMENT_UNKNOWN),
    case("instrument", seen=view(instrument=instrument(asset_class=AssetClass.INDEX)), code=Code.NOT_TRADABLE),
    case("instrument", seen=view(instrument=instrument(currency="EUR")), code=Code.CURRENCY_MISMATCH),
    case("instrument", allowed=limits(restricted=("AAPL.XNAS",)), code=Code.RESTRICTED),
    # increments
    case("increments", terms("10", "100.01")),
    case("increments", terms("10.5", "100.00"), code=Code.OFF_LOT),
    case("increments", terms("10", "100.005"), code=Code.OFF_TICK),
    case("increments", replace(STOP, stop_price=D("101.001")), code=Code.OFF_TICK),
    case("increments", terms("0.5", "100"), view(instrument=instrument(lot_size=D("0.5")))),
    case("increments", seen=view(instrument=None), code=Code.INSTRUMENT_UNKNOWN),
    # trading state
    case("trading state", seen=view(trading_state=TradingState.HALTED), code=Code.TRADING_HALTED),
    case("trading state", seen=view(trading_state=None), code=Code.TRADING_HALTED),
    case("trading state", seen=view(trading_state=TradingState.REDUCING), code=Code.REDUCING_ONLY),
    case("trading state", SELL, holding("10", trading_state=TradingState.REDUCING)),
    case("trading state", SELL, holding("9", trading_state=TradingState.REDUCING), code=Code.REDUCING_ONLY),
    case("trading state", SELL, view(held=None, trading_state=TradingState.REDUCING), code=Code.CANNOT_CHECK),
    case("trading state", EXIT, holding("10", trading_state=TradingState.HALTED), code=Code.TRADING_HALTED),
    # reconciled
    case("reconciled"),
    case("reconciled", seen=view(is_reconciled=False), code=Code.STREAM_RECONCILING),
    case("reconciled", seen=view(is_reconciled=None), code=Code.STREAM_RECONCILING),
    case("reconciled", EXIT, holding("10", is_reconciled=False), code=Code.STREAM_RECONCILING),
    case("reconciled", seen=view(suspended="10 here, 17 at the venue"), code=Code.SUSPENSE),
    case("reconciled", EXIT, holding("10", suspended="10 here, 17 at the venue"), code=Code.SUSPENSE),
    case("reconciled", seen=view(suspended=None), code=Code.SUSPENSE),
    # session
    *(entered(instruction, MarketPhase.OPEN) for instruction in (MARKET, BUY, GTC, IOC, STOP, EXTENDED, AT_CLOSE)),
    *(entered(instruction, MarketPhase.PRE) for instruction in (DAY, GTC, STOP, EXTENDED, AT_OPEN, AT_CLOSE)),
    *(entered(instruction, MarketPhase.POST) for instruction in (GTC, EXTENDED, AT_OPEN)),
    *(entered(instruction, MarketPhase.CLOSED) for instruction in (GTC, AT_OPEN)),
    entered(AT_CLOSE, MarketPhase.CLOSING_AUCTION),
    entered(AT_OPEN, MarketPhase.OPENING_AUCTION),
    *(closed(MARKET, name) for name in MarketPhase if name is not MarketPhase.OPEN),
    *(closed(instruction, MarketPhase.CLOSED) for instruction in (DAY, IOC, EXTENDED, STOP, AT_CLOSE)),
    *(closed(instruction, MarketPhase.POST) for instruction in (DAY, IOC, STOP, AT_CLOSE)),
    closed(IOC, MarketPhase.PRE),
    *(closed(AT_OPEN, name) for name in (MarketPhase.OPEN, MarketPhase.CLOSING_AUCTION)),
    case("session", seen=view(status=phase(MarketPhase.OPEN, is_halted=True)), code=Code.INSTRUMENT_HALTED),
    case("session", seen=view(status=None), code=Code.SESSION_UNKNOWN),
    # quote
    case("quote", MARKET),
    case("quote", seen=view(quote=None), code=Code.QUOTE_MISSING),
    case("quote", seen=view(quote_age_ns=10_000_000_000)),
    case("quote", seen=view(quote_age_ns=10_001_000_000), code=Code.QUOTE_STALE),
    case("quote", seen=view(quote_age_ns=-1), code=Code.QUOTE_STALE),
    case("quote", EXTENDED, view(quote_age_ns=60_000_000_000, status=phase(MarketPhase.PRE))),
    case("quote", EXTENDED, view(quote_age_ns=60_001_000_000, status=phase(MarketPhase.PRE)), code=Code.QUOTE_STALE),
    case("quote", GTC, view(quote_age_ns=60_000_000_000_000, status=phase(MarketPhase.CLOSED))),
    case("quote", seen=view(quote=replace(quote(), bid=NAN)), code=Code.CANNOT_CHECK),
    case("quote", seen=view(quote=replace(quote(), ask=INF)), code=Code.CANNOT_CHECK),
    case("quote", MARKET, view(quote=quote("99", "101"))),
    case("quote", MARKET, view(quote=quote("98.99", "101.01")), code=Code.SPREAD_TOO_WIDE),
    case("quote", MARKET, view(quote=quote("100.01", "100.00")), code=Code.SPREAD_TOO_WIDE),
    case("quote", MARKET, view(quote=replace(quote(), ask_size=D(0))), code=Code.QUOTE_ONE_SIDED),
    case("quote", BUY, view(quote=quote("90", "110")), verdict=READ),
    case("quote", AT_OPEN, view(quote=replace(quote(), bid_size=D(0), ask_size=D(0)))),
    case("quote", AT_OPEN, view(quote=quote("90", "110"))),
    case("quote", AT_OPEN, view(quote_age_ns=10_001_000_000), code=Code.QUOTE_STALE),
    # collar
    case("collar", terms("10", "105.00")),
    case("collar", terms("10", "105.01"), code=Code.PRICE_COLLAR),
    case("collar", terms("-10", "95.00")),
    case("collar", terms("-10", "94.99"), code=Code.PRICE_COLLAR),
    case("collar", terms("10", "90.00")),
    case("collar", terms("10", "80.00"), verdict=READ),
    case("collar", MARKET),
    case("collar", terms("10", "111.30", stop="106")),
    case("collar", terms("10", "111.31", stop="106"), code=Code.PRICE_COLLAR),
    case("collar", terms("-10", "85.50", stop="90")),
    case("collar", terms("-10", "85.49", stop="90"), code=Code.PRICE_COLLAR),
    case("collar", terms("-10", None, stop="80"), verdict=READ),
    case("collar", seen=view(quote=None), code=Code.QUOTE_MISSING),
    case("collar", terms("10", "105.01"), view(quote=quote("90", "110", last="104"))),
    # side of a stop
    case("stop side", terms("10", None, stop="100.02")),
    case("stop side", terms("10", None, stop="100.01"), code=Code.STOP_SIDE),
    case("stop side", terms("-10", None, stop="99.98")),
    case("stop side", terms("-10", None, stop="99.99"), code=Code.STOP_SIDE),
    case("stop side", STOP, view(quote=None), code=Code.QUOTE_MISSING),
    # reduce only
    case("reduce-only", EXIT, holding("10")),
    case("reduce-only", EXIT, holding("9"), code=Code.REDUCE_ONLY),
    case("reduce-only", EXIT, holding("0"), code=Code.REDUCE_ONLY),
    case("reduce-only", EXIT, holding("-10"), code=Code.REDUCE_ONLY),
    case("reduce-only", EXIT, view(held=None), code=Code.CANNOT_CHECK),
    case("reduce-only", EXIT, view(held=NAN), code=Code.CANNOT_CHECK),
    case("reduce-only", EXIT, with_orders(order("a", terms("-5")), held=D(15))),
    case("reduce-only", EXIT, with_orders(order("a", terms("-6")), held=D(15)), code=Code.REDUCE_ONLY),
    case("reduce-only", terms("10", "100", reduce_only=True), holding("-10")),
    # short
    case("short", SELL, holding("10")),
    case("short", SELL, verdict=READ),
    case("short", SELL, view(instrument=instrument(shortable=False)), code=Code.NO_LOCATE),
    case("short", SELL, holding("10", instrument=instrument(shortable=False))),
    case("short", SELL, view(account=CASH), code=Code.NO_SHORT),
    case("short", SELL, holding("10", account=CASH)),
    case("short", SELL, with_orders(order("a", terms("-1")), held=D(10), account=CASH), code=Code.NO_SHORT),
    case("short", SELL, view(held=None), code=Code.CANNOT_CHECK),
    # size
    case("quantity", allowed=limits(max_order_quantity=D(10))),
    case("quantity", allowed=limits(max_order_quantity=D(9)), code=Code.MAX_QUANTITY),
    case("quantity", EXIT, holding("10"), limits(max_order_quantity=D(9))),
    case("quantity", allowed=limits(max_order_quantity=NAN), code=Code.CANNOT_CHECK),
    case("notional", allowed=limits(max_order_notional=D(1000))),
    case("notional", allowed=limits(max_order_notional=D("999.99")), code=Code.MAX_NOTIONAL),
    case("notional", MARKET, allowed=limits(max_order_notional=D("1050.10")), code=Code.MAX_NOTIONAL),
    case("notional", EXIT, holding("10"), limits(max_order_notional=D(1))),
    case("notional", allowed=limits(confirm_notional=D(1000)), verdict=READ),
    case("notional", seen=view(quote=None), code=Code.QUOTE_MISSING),
    case("volume", seen=view(instrument=instrument(average_daily_volume=D(1000)))),
    case("volume", seen=view(instrument=instrument(average_daily_volume=D(999))), code=Code.MAX_ADV),
    case("volume", seen=view(instrument=instrument(average_daily_volume=D(0))), verdict=READ),
    case("volume", seen=view(instrument=instrument(average_daily_volume=NAN)), code=Code.CANNOT_CHECK),
    # buying power
    case("buying power", seen=view(account=CASH, cash=D(1000))),
    case("buying power", seen=view(account=CASH, cash=D("999.99")), code=Code.BUYING_POWER),
    case("buying power", seen=view(account=CASH, cash=D(1500), reserved=D("500.01")), code=Code.BUYING_POWER),
    case("buying power", seen=view(equity=D(500), cash=D(-9))),
    case("buying power", seen=view(equity=D("499.99")), code=Code.BUYING_POWER),
    case("buying power", seen=view(equity=D(1000), bound=D("500.01")), code=Code.BUYING_POWER),
    case("buying power", seen=view(equity=D(500), fee=lambda *_: D("0.01")), code=Code.BUYING_POWER),
    case("buying power", SELL, holding("10", equity=D(0), cash=D(0))),
    *(
        case("buying power", seen=view(**{name: value}), code=Code.CANNOT_CHECK)
        for name in ("cash", "equity", "bound", "reserved")
        for value in (None, NAN, INF, D("1e20"), D("-1e20"))
    ),
    # weight, gross, daily loss
    case("weight", terms("200", "100.00")),
    case("weight", terms("250", "100.00"), verdict=READ),
    case("weight", terms("251", "100.00"), code=Code.MAX_WEIGHT),
    case("weight", seen=with_orders(order("a", terms("241"))), code=Code.MAX_WEIGHT),
    case("weight", seen=with_orders(order("a", terms("240"))), verdict=READ),
    case("weight", seen=view(equity=D(0)), code=Code.MAX_WEIGHT),
    case("weight", SELL, holding("1000")),
    case("weight", seen=view(equity=None), code=Code.CANNOT_CHECK),
    case("gross", seen=view(gross=D(149_000))),
    case("gross", seen=view(gross=D("149000.01")), code=Code.MAX_GROSS),
    case("gross", seen=view(gross=D(140_000), pending=D("9000.01")), code=Code.MAX_GROSS),
    case("gross", SELL, holding("10", equity=D(1))),
    case("gross", seen=view(equity=D(-5)), code=Code.MAX_GROSS),
    *(case("gross", seen=view(**{name: None}), code=Code.CANNOT_CHECK) for name in ("gross", "pending", "equity")),
    case("daily loss", seen=view(day_pnl=D("-2400"))),
    case("daily loss", seen=view(day_pnl=D("-2999.99")), verdict=READ),
    case("daily loss", seen=view(day_pnl=D(-3000)), code=Code.DAILY_LOSS),
    case("daily loss", SELL, holding("10", day_pnl=D(-9000)), verdict=READ),
    case("daily loss", seen=view(day_pnl=None), code=Code.CANNOT_CHECK),
    case("daily loss", seen=view(day_pnl=NAN), code=Code.CANNOT_CHECK),
    case("daily loss", seen=view(equity_open=INF), code=Code.CANNOT_CHECK),
    # flow
    case("duplicate", seen=view(sent=(sent(BUY, 2000),))),
    case("duplicate", seen=view(sent=(sent(BUY, 1999),)), code=Code.DUPLICATE),
    case("duplicate", GTC, view(sent=(sent(DAY, 5), sent(EXTENDED, 5)))),
    case("duplicate", AT_CLOSE, view(sent=(sent(MARKET, 5), sent(AT_OPEN, 5)))),
    case("duplicate", AT_CLOSE, view(sent=(sent(AT_CLOSE, 5),)), code=Code.DUPLICATE),
    case("duplicate", seen=view(sent=(sent(terms("10", "100.01"), 5), sent(terms("11", "100.00"), 5), sent(SELL, 5)))),
    case("rate", seen=view(sent_last_second=19)),
    case("rate", seen=view(sent_last_second=20), code=Code.RATE_SECOND),
    case("rate", seen=view(sent_today=4999)),
    case("rate", seen=view(sent_today=5000), code=Code.RATE_DAY),
    case("rate", seen=view(sent_today=None), code=Code.CANNOT_CHECK),
    case("open orders", seen=view(open_orders=199)),
    case("open orders", seen=view(open_orders=200), code=Code.OPEN_ORDERS),
    case("open orders", EXIT, holding("10", open_orders=500)),
    case("open orders", seen=view(open_orders=None), code=Code.CANNOT_CHECK),
    *CONTROL_CASES,
]


@pytest.mark.parametrize(("name", "instruction", "seen", "allowed", "verdict", "code"), CASES)
def test_each_check_says_what_it_should(
    name: str, instruction: OrderTerms, seen: GateView, allowed: Limits, verdict: str, code: Code | None
) -> None:
    answer = check(instruction, seen, allowed)
    found = row(answer, name)
    assert (found.verdict, found.code) == (verdict, code), found.text
    assert answer.is_allowed == all(each.verdict != DENIED for each in answer.rows)
    if code is not None:
        assert not answer.is_allowed
        assert found.text
        assert "{" not in found.text + found.fix


def test_a_good_order_passes_every_check() -> None:
    answer = ask()
    assert answer.is_allowed
    assert [each.name for each in answer.rows] == [name for name, _ in CHECKS]
    assert {each.verdict for each in answer.rows} == {OK}
    assert (answer.denial, answer.sentence, answer.nearest_quantity) == ("", "", None)


def test_every_check_has_cases_and_every_code_is_reached() -> None:
    assert {name for name, *_ in CASES} | {"bracket"} == {name for name, _ in CHECKS}
    assert len(CASES) >= 100
    reached = {code for *_, code in CASES if code is not None} | {Code.PROTECTION_SIDE}
    assert reached == set(Code)


@pytest.mark.parametrize(
    ("signed", "take", "stop", "is_allowed"),
    [
        ("10", "105", "95", True),
        ("10", "100.01", "99.99", True),
        ("10", None, "95", True),
        ("10", "105", None, True),
        ("10", "100.00", "95", False),
        ("10", "105", "100.00", False),
        ("10", "95", "105", False),
        ("-10", "95", "105", True),
        ("-10", "105", "95", False),
        ("-10", "95", "100.00", False),
    ],
)
def test_a_bracket_lies_around_its_entry(signed: str, take: str | None, stop: str | None, is_allowed: bool) -> None:
    legs = (D(take) if take else None, D(stop) if stop else None)
    answer = check(terms(signed, "100.00"), VIEW, LIMITS, bracket=legs)
    assert row(answer, "bracket").verdict == (OK if is_allowed else DENIED)
    assert answer.is_allowed is is_allowed


def test_a_brackets_prices_are_numbers_on_the_tick() -> None:
    assert check(BUY, VIEW, LIMITS, bracket=(NAN, None)).code is Code.INVALID_NUMBER
    assert check(BUY, VIEW, LIMITS, bracket=(D("105.001"), None)).code is Code.OFF_TICK


def test_a_market_brackets_entry_is_the_touch() -> None:
    assert check(MARKET, VIEW, LIMITS, bracket=(D("100.02"), D("100.00"))).is_allowed
    assert check(MARKET, VIEW, LIMITS, bracket=(D("100.01"), None)).code is Code.PROTECTION_SIDE


@pytest.mark.covers("F12", "L10")
def test_the_bracket_of_a_position_is_in_flight_once() -> None:
    legs = (
        order("t", terms("-10", "110"), role=OrderRole.TAKE, parent_id="e"),
        order("s", terms("-10", None, stop="90"), role=OrderRole.STOP, parent_id="e"),
    )
    assert ask(EXIT, with_orders(*legs, held=D(20))).is_allowed
    denied = ask(EXIT, with_orders(*legs, held=D(19)))
    assert (denied.code, denied.nearest_quantity) == (Code.REDUCE_ONLY, D(9))


def test_a_duplicate_meant_twice_is_allowed_and_said() -> None:
    seen = view(sent=(sent(BUY, 10),))
    assert ask(BUY, seen).code is Code.DUPLICATE
    again = check(BUY, seen, LIMITS, allow_duplicate=True)
    assert again.is_allowed
    assert again.needs_reading


def test_the_first_refusal_in_the_gates_order_is_the_one_told() -> None:
    answer = ask(terms("10.5", "300"), view(trading_state=TradingState.HALTED))
    assert answer.code is Code.TRADING_HALTED
    assert {each.code for each in answer.rows} >= {Code.OFF_LOT, Code.PRICE_COLLAR}


@pytest.mark.parametrize(
    ("instruction", "seen", "allowed", "nearest"),
    [
        (terms("5000", "100.00"), VIEW, LIMITS, "250"),
        (
            terms("5000", "100.00"),
            view(equity=D(2000), peak=D(2000)),
            limits(max_position_weight=D(9), max_net=D(9)),
            "30",
        ),
        (terms("5000", "100.00"), view(account=CASH, cash=D("1234.56")), LIMITS, "12"),
        (terms("-50", "100.00"), holding("20", account=CASH), LIMITS, "20"),
        (terms("-50", "100.00", reduce_only=True), holding("20"), LIMITS, "20"),
        (terms("-50", "100.00"), holding("20", trading_state=TradingState.REDUCING), LIMITS, "20"),
        (terms("600", "100.00"), view(gross=D(149_000)), LIMITS, "10"),
        (terms("20", "100.00"), view(instrument=instrument(average_daily_volume=D(1200))), LIMITS, "12"),
        (terms("10", "300.00"), VIEW, LIMITS, None),
        (terms("5000", "300.00"), VIEW, LIMITS, None),
        (terms("10", "100.00"), view(account=CASH, cash=D(99)), LIMITS, None),
    ],
)
def test_the_nearest_quantity_passes_and_one_lot_more_does_not(
    instruction: OrderTerms, seen: GateView, allowed: Limits, nearest: str | None
) -> None:
    answer = ask(instruction, seen, allowed)
    assert not answer.is_allowed
    assert answer.nearest_quantity == (D(nearest) if nearest else None)
    if answer.nearest_quantity is not None:
        assert ask(replace(instruction, quantity=answer.nearest_quantity), seen, allowed).is_allowed
        assert not ask(replace(instruction, quantity=answer.nearest_quantity + 1), seen, allowed).is_allowed


def test_a_quantity_off_the_lot_is_rounded_down() -> None:
    assert ask(terms("10.7", "100.00")).nearest_quantity == 10
    assert ask(terms("0.7", "100.00")).nearest_quantity is None


@pytest.mark.parametrize("broken", [None, 3, "buy"])
def test_nonsense_is_denied_and_never_raised(broken: object) -> None:
    assert not check(broken, VIEW, LIMITS).is_allowed  # type: ignore[arg-type] # that is the test
    assert not check(BUY, broken, LIMITS).is_allowed  # type: ignore[arg-type] # the same
    assert not check(BUY, VIEW, broken).is_allowed  # type: ignore[arg-type] # the same
    assert not check(BUY, VIEW, LIMITS, bracket=broken).is_allowed  # type: ignore[arg-type] # the same
    assert not passes(BUY, broken, LIMITS)  # type: ignore[arg-type] # the same
    assert not passes(BUY, VIEW, LIMITS, bracket=broken)  # type: ignore[arg-type] # the same


def test_a_fee_schedule_that_fails_denies() -> None:
    def fail(*_: object) -> Decimal:
        raise RuntimeError("no schedule")

    answer = ask(BUY, view(fee=fail))
    assert answer.code is Code.CANNOT_CHECK
    assert "RuntimeError" in answer.sentence


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        (MarketPhase.PRE, {"limit price": DAY, "at-the-open": AT_OPEN}),
        (MarketPhase.OPENING_AUCTION, {"limit price": DAY, "at-the-open": AT_OPEN}),
        (MarketPhase.CLOSING_AUCTION, {"limit price": DAY, "at-the-close": AT_CLOSE}),
        (MarketPhase.POST, {"at-the-open": AT_OPEN, "`ext`": EXTENDED, "GTC": GTC}),
        (MarketPhase.CLOSED, {"at-the-open": AT_OPEN, "GTC": GTC}),
    ],
)
def test_what_a_market_order_is_told_to_be_instead_can_be_entered_at_that_hour(
    name: MarketPhase, instead: dict[str, OrderTerms]
) -> None:
    answer = check(MARKET, view(status=phase(name)), LIMITS)
    assert answer.code is Code.MARKET_CLOSED
    for words, better in instead.items():
        assert words in answer.fix
        assert check(better, view(status=phase(name)), LIMITS).is_allowed, words
    others = {"at-the-open", "at-the-close", "`ext`"} - set(instead)
    assert not [words for words in others if words in answer.fix]


def test_what_can_not_be_entered_is_named_in_good_english() -> None:
    assert "An IOC order can not" in check(IOC, view(status=phase(MarketPhase.PRE)), LIMITS).sentence
    assert "A DAY order can not" in check(DAY, view(status=phase(MarketPhase.CLOSED)), LIMITS).sentence


def test_the_table_of_controls_leaves_out_no_check_no_limit_and_no_code() -> None:
    assert {name for one in CONTROLS for name in one.checks} == {name for name, _ in CHECKS}
    assert {key for one in CONTROLS for key in one.limits} == set(Limits.__struct_fields__)
    assert {code for one in CONTROLS for code in one.codes} == set(Code)
    assert [one.number for one in CONTROLS if one.number] == list(range(1, 21))


def test_a_check_that_never_agrees_with_what_it_offers_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fickle(order: Proposal) -> CheckRow:
        return denied("fickle", Code.MAX_QUANTITY, nearest=order.terms.quantity - 1, quantity="", limit="")

    monkeypatch.setattr(gate, "CHECKS", (("fickle", fickle),))
    answer = check(terms("100", "100.00"), VIEW, LIMITS)
    assert (answer.is_allowed, answer.nearest_quantity) == (False, None)


def test_the_exit_of_an_entry_without_a_price_is_measured_from_the_market() -> None:
    entry = order("e", MARKET)
    exit_terms = terms("-10", None, stop="95", reduce_only=True)
    seen = view(entry=entry, held=D(0))
    assert ask(exit_terms, seen).is_allowed


def test_an_exit_binds_nothing_but_its_fee() -> None:
    assert funds_needed(SELL, holding("10"), LIMITS) == 0
    assert funds_needed(BUY, VIEW, LIMITS) == 500
