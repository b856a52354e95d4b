"""The order language, read as a trader types it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.actions.orderline import (
    GRAMMAR,
    LineError,
    OrderContext,
    ParsedOrder,
    format_order_line,
    parse_order_line,
    read_order_line,
)
from stockpulse_engine.actions.orderline_reader import KEYWORDS, SIDES
from stockpulse_engine.domain.conditions import PriceCondition, PriceKind, TimeCondition
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderType, SessionHours, Side, TimeInForce

D = Decimal


def _instrument(symbol: str, tick: str = "0.01", lot: str = "1", mic: str = "XNAS") -> Instrument:
    return Instrument(
        instrument_id=f"{symbol}.{mic}",
        name=symbol,
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=D(tick),
        lot_size=D(lot),
    )


LISTED = [
    _instrument("AAPL"),
    _instrument("ALL", mic="XNYS"),
    _instrument("DULL"),
    _instrument("NQ", tick="0.25"),
    _instrument("TM", tick="0.5", lot="100", mic="XTKS"),
]
KNOWN = {i.symbol: i for i in LISTED} | {i.instrument_id: i for i in LISTED}
QUOTES = {
    "AAPL.XNAS": Quote("AAPL.XNAS", D("232.11"), D("232.12"), D(1240), D(860), 1, last=D("232.10")),
    "ALL.XNYS": Quote("ALL.XNYS", D("190"), D("190.10"), D(0), D(100), 1),
    "NQ.XNAS": Quote("NQ.XNAS", D("5904.00"), D("5904.25"), D(10), D(10), 1),
    "TM.XTKS": Quote("TM.XTKS", D("2500"), D("2500.5"), D(500), D(500), 1),
}
HELD = {"AAPL.XNAS": D(61), "NQ.XNAS": D(-3)}

CONTEXT = OrderContext(
    account_id="main",
    resolve=KNOWN.get,
    quote=QUOTES.get,
    position=lambda instrument_id: HELD.get(instrument_id, D(0)),
    equity=D("104812.40"),
    nearest=lambda prefix: [i.symbol for i in LISTED if i.symbol.startswith(prefix[:2])],
    default_symbol="AAPL",
)


def order(text: str) -> ParsedOrder:
    parsed = parse_order_line(text, CONTEXT)
    assert isinstance(parsed, ParsedOrder), parsed
    return parsed


def wrong(text: str) -> LineError:
    parsed = parse_order_line(text, CONTEXT)
    assert isinstance(parsed, list), parsed
    return parsed[0]


def test_bracket_sized_by_risk_says_its_whole_meaning() -> None:
    parsed = order("buy AAPL risk 0.1% lmt mid +2% −1%")
    assert parsed.sentence == "Buy 45 AAPL at 232.11 limit, day order; take 236.75, stop 229.79"
    assert parsed.notional == D("10444.95")
    assert (parsed.risk_amount, parsed.reward_amount, parsed.reward_ratio) == (D("104.40"), D("208.80"), D(2))
    assert parsed.size_text == "risk 0.1%"
    command = parsed.command("c-1", is_staged=True, source="cli")
    assert (command.take_price, command.stop_price, command.is_staged) == (D("236.75"), D("229.79"), True)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("buy AAPL 100", "100"), ("buy AAPL 1,000", "1000"), ("buy AAPL 2.5k", "2500"), ("buy AAPL $10k mid", "43"),
     ("buy AAPL $10_000 mid", "43"), ("buy AAPL 10% mkt", "45"), ("sell AAPL all", "61"), ("sell AAPL -1", "61"),
     ("sell AAPL half", "30"), ("buy NQ all", "3"), ("buy AAPL risk $100 mid stop 230.11", "50"), ("buy TM 250", "200")],
)  # fmt: skip
def test_sizes(text: str, quantity: str) -> None:
    assert order(text).terms.quantity == D(quantity)


@pytest.mark.parametrize(
    ("text", "order_type", "limit", "stop"),
    [("buy AAPL 1", OrderType.MARKET, None, None), ("buy AAPL 1 mkt", OrderType.MARKET, None, None),
     ("buy AAPL 1 lmt 231.40", OrderType.LIMIT, "231.40", None), ("buy AAPL 1 @231.40", OrderType.LIMIT, "231.40", None),
     ("buy AAPL 1 @ bid-1t", OrderType.LIMIT, "232.10", None), ("buy AAPL 1 mid+0.02", OrderType.LIMIT, "232.13", None),
     ("sell AAPL 1 ask", OrderType.LIMIT, "232.12", None), ("buy AAPL 1 last-1%", OrderType.LIMIT, "229.77", None),
     ("sell AAPL 1 stp 229.79", OrderType.STOP, None, "229.79"),
     ("sell AAPL 1 stplmt 229.79 229.50", OrderType.STOP_LIMIT, "229.50", "229.79")],
)  # fmt: skip
def test_prices(text: str, order_type: OrderType, limit: str | None, stop: str | None) -> None:
    terms = order(text).terms
    assert terms.order_type is order_type
    assert terms.limit_price == (limit and D(limit))
    assert terms.stop_price == (stop and D(stop))


def test_conditions() -> None:
    terms = order("sell AAPL 10 lmt 240 gtc ext reduce lots L7,L2").terms
    assert (terms.time_in_force, terms.session) == (TimeInForce.GTC, SessionHours.EXTENDED)
    assert terms.is_reduce_only
    assert terms.lots == ("L7", "L2")
    assert order("buy AAPL 10 moc").terms.time_in_force is TimeInForce.AT_THE_CLOSE


def test_symbol_may_come_first_last_or_from_the_focused_pane() -> None:
    assert order("AAPL buy 100") == order("buy AAPL 100") == order("buy 100 AAPL") == order("b 100")


def test_upper_case_name_in_the_symbol_place_beats_the_keyword() -> None:
    assert order("buy ALL 10").terms.instrument_id == "ALL.XNYS"
    assert order("sell all").terms.instrument_id == "AAPL.XNAS"


def test_rounding_never_costs_more_than_written_and_is_named() -> None:
    buy, sell = order("buy NQ 1 lmt 5904.20"), order("sell NQ 1 lmt 5904.20")
    assert (buy.terms.limit_price, sell.terms.limit_price) == (D("5904.00"), D("5904.25"))
    assert buy.notes == ("5904.20 is 5904.2: 5,904.00 on the tick of 0.25",)
    assert order("buy TM 250").notes == ("200 instead of 250.00: rounded down to the lot of 100",)


def test_exits_round_towards_the_entry_on_both_sides() -> None:
    long, short = order("buy NQ 1 @ 5904 ±10.1"), order("sell NQ 1 @ 5904 ±10.1")
    assert (long.take_price, long.stop_price) == (D("5914.00"), D("5894.00"))
    assert (short.take_price, short.stop_price) == (D("5894.00"), D("5914.00"))


def test_sign_of_an_exit_is_the_direction_of_the_price() -> None:
    parsed = order("sell AAPL 10 lmt ask -2% +1%")
    assert parsed.take_price is not None
    assert parsed.stop_price is not None
    assert parsed.take_price < D("232.12") < parsed.stop_price
    by_name = order("sell AAPL 10 lmt ask take 2% stop 1%")
    assert (by_name.take_price, by_name.stop_price) == (parsed.take_price, parsed.stop_price)


@pytest.mark.parametrize(
    ("text", "part", "fix"),
    [("buy AAPL 100 lmmt 231", "lmmt", "lmt"), ("buy AAPPL 100 mkt", "AAPPL", "AAPL"), ("byu AAPL 100", "byu", "buy"),
     ("buy AAPL 100 231.40", "231.40", "lmt 231.40"), ("sell AAPL 100 stop 229 ", "229", "stp 229.00"),
     ("buy AAPL 100 lmt gtc", "lmt", "lmt 231.40"), ("buy AAPL all ", "all", "sell AAPL all"),
     ("buy AAPL 100 mkt lmt 231", "lmt", "one price"), ("buy ALL 10 mid ", "mid", "number"),
     ("buy DULL $10k ", "$10k", "lmt"), ("buy TM 50 ", "50", "larger"), ("buy AAPL 100 gtc ioc", "ioc", "one"),
     ("sell AAPL all +2% ", "+2%", "Leave out"), ("buy AAPL $10 ", "$10", "larger"), ("buy AAPL 0 ", "0", "100"),
     ("sell AAPL 100 trailing 5", "trailing", "trail 2%"), ("sell TRL AAPL 100", "TRL", "trail 2%"),
     ("buy AAPL 100 lmt 231 gtd soon", "gtd", "gtd fri")],
)  # fmt: skip
def test_errors_point_at_the_word_and_say_the_fix(text: str, part: str, fix: str) -> None:
    error = wrong(text)
    assert text[error.start : error.end] == part
    assert fix in error.fix
    assert not error.is_incomplete


def test_unfinished_line_is_not_wrong_yet() -> None:
    for text in ("", "buy", "buy AA", "buy AAPL", "buy AAPL 100 lmt", "buy AAPL risk", "buy AAPL risk 0.1%"):
        reading = read_order_line(text, CONTEXT)
        assert reading.order is None
        assert reading.is_incomplete, text


@pytest.mark.parametrize(
    ("text", "ghost"),
    [("", "buy AAPL 40 lmt mid"), ("buy AA", "PL"), ("buy AAPL ", "40"), ("buy AAPL 100 lmt ", "232.11"),
     ("sell AAPL 100 @ ", "232.12"), ("buy AAPL 100 lmt mid ", "+2% -1%"), ("buy AAPL 100 st", "p")],
)  # fmt: skip
def test_ghost_text_shows_how_to_go_on(text: str, ghost: str) -> None:
    assert read_order_line(text, CONTEXT).ghost == ghost


def test_taking_ghosts_alone_leads_to_a_complete_order() -> None:
    text = "buy "
    for _ in range(4):
        reading = read_order_line(text, CONTEXT)
        text += reading.ghost + " "
    assert order(text).sentence.startswith("Buy 40 AAPL at 232.11 limit")


def test_tokens_colour_the_line() -> None:
    text = "buy AAPL 100 lmt 231.40 gtc nonsense"
    kinds = {text[t.start : t.end]: t.kind for t in read_order_line(text, CONTEXT).tokens}
    assert kinds == {
        "buy": "buy", "AAPL": "symbol", "100": "quantity", "lmt": "keyword", "231.40": "price", "gtc": "option",
        "nonsense": "error",
    }  # fmt: skip


def test_line_too_long_is_refused_at_once() -> None:
    assert "longer" in wrong("buy " * 100).message


def test_grammar_table_names_every_word() -> None:
    told = {word for _, forms, _ in GRAMMAR for word in forms.replace("|", " ").split()}
    assert set(KEYWORDS) | set(SIDES) <= told


PIECES = st.sampled_from(
    [*KEYWORDS, *SIDES, "AAPL", "ALL", "NQ", "TM", "DULL", "100", "$10k", "10%", "0.1%", "-1", "+2%", "−1%", "±10", "±",
     "@", "@231", "231.403", "mid+0.02", "bid-1t", "last-99%", "L1,L2", "$", "%", ",", "999999999999", "0", "٣", "\x1b[2J"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=10).map(" ".join)))
@example("buy AAPL 999999999999 lmt 999999999999.99999999 last-99% ±999999999999%")
def test_never_raises_and_always_explains(text: str) -> None:
    reading = read_order_line(text, CONTEXT)
    assert (reading.order is None) == bool(reading.errors)
    for error in reading.errors:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message


SIZES = st.sampled_from(["100", "2.5k", "$25k", "10%", "risk 0.1%", "risk $250", "half", "all", "7.9"])
PRICES = st.sampled_from(
    ["", "mkt", "lmt 231.403", "@ 240", "mid", "bid-3t", "ask+0.015", "stp 231.005", "stplmt 230 229.997"]
)
EXITS = st.sampled_from(["", "+2% -1%", "-2% +1%", "±3", "±50t", "take 3% stop 1%", "stop 1%"])
OPTIONS = st.sampled_from(["", "gtc", "ioc ext", "fok", "moc", "reduce", "ext reduce lots L1,L2"])


@given(st.sampled_from(["buy", "sell"]), st.sampled_from(["AAPL", "NQ", "TM", "ALL"]), SIZES, PRICES, EXITS, OPTIONS)
def test_formatted_order_reads_back_to_the_same_terms(
    side: str, symbol: str, size: str, price: str, exits: str, options: str
) -> None:
    parsed = parse_order_line(f"{side} {symbol} {size} {price} {exits} {options}", CONTEXT)
    if isinstance(parsed, list):
        return
    again = order(format_order_line(parsed))
    assert (again.terms, again.take_price, again.stop_price) == (parsed.terms, parsed.take_price, parsed.stop_price)
    assert again.sentence == parsed.sentence
    assert not again.notes
    assert parsed.terms.side is (Side.BUY if side == "buy" else Side.SELL)


# --- types and times beyond a price and a day ------------------------------------------------------------

NOON_NS = 1_710_172_800_000_000_000  # 2024-03-11, a Monday: 12:00 at the exchange
TIMED = structs.replace(CONTEXT, now_ns=NOON_NS)


def timed(text: str) -> ParsedOrder:
    parsed = parse_order_line(text, TIMED)
    assert isinstance(parsed, ParsedOrder), parsed
    return parsed


@pytest.mark.parametrize(
    ("line", "amount", "fraction", "offset"),
    [
        ("sell AAPL 60 trail 0.50", "0.50", None, None),
        ("sell AAPL 60 trail 20t", "0.20", None, None),
        ("sell AAPL 60 trail 2% gtc", None, "0.02", None),
        ("sell AAPL 60 traillmt 2% 0.10", None, "0.02", "0.10"),
        ("sell AAPL 60 trail 0.501", "0.51", None, None),
    ],
)
def test_a_trailing_stop_has_a_distance_and_maybe_a_limit(
    line: str, amount: str | None, fraction: str | None, offset: str | None
) -> None:
    terms = order(line).terms
    assert terms.order_type is OrderType.TRAILING_STOP
    assert (terms.stop_price, terms.limit_price) == (None, None)
    wanted = tuple(None if text is None else D(text) for text in (amount, fraction, offset))
    assert (terms.trail_amount, terms.trail_fraction, terms.limit_offset) == wanted


@pytest.mark.parametrize(
    ("line", "at_ns", "session"),
    [
        ("buy AAPL 9 lmt 200 gtd fri", 0, "2024-03-15"),
        ("buy AAPL 9 lmt 200 gtd mon", 0, "2024-03-11"),
        ("buy AAPL 9 lmt 200 gtd 2024-04-01", 0, "2024-04-01"),
        ("buy AAPL 9 lmt 200 gtd 15:30", NOON_NS + 12_600_000_000_000, ""),
        ("buy AAPL 9 lmt 200 gtd 2024-11-04T12:00", NOON_NS + (238 * 24 + 1) * 3_600_000_000_000, ""),
    ],
)
def test_until_a_session_or_a_time_of_the_exchange(line: str, at_ns: int, session: str) -> None:
    terms = timed(line).terms
    assert (terms.time_in_force, terms.expires_at, terms.expires_on) == (TimeInForce.GTD, at_ns, session)


def test_a_pair_closes_and_has_its_take_first() -> None:
    parsed = order("sell AAPL all oco 236.75 229.79 gtc")
    assert (parsed.terms.limit_price, parsed.oco_stop_price) == (D("236.75"), D("229.79"))
    assert parsed.terms.is_reduce_only
    assert parsed.command("C").oco_stop_price == D("229.79")
    assert "take" in wrong("sell AAPL all oco 229.79 236.75").message
    assert "pair" in wrong("sell AAPL 60 oco 236.75 229.79 stop 228").message


def test_conditions_watch_prices_and_the_clock() -> None:
    condition = timed("sell AAPL 60 mkt if NQ<480 and if AAPL bid >= 230 and at 15:55").condition
    assert condition is not None
    assert condition.needs_all
    first, second, third = condition.parts
    assert first == PriceCondition(instrument_id="NQ.XNAS", price=D(480), is_above=False)
    assert second == PriceCondition(
        instrument_id="AAPL.XNAS", price=D(230), is_above=True, what=PriceKind.BID, is_inclusive=True
    )
    assert third == TimeCondition(at_ns=NOON_NS + 14_100_000_000_000)
    either = timed("sell AAPL 60 mkt if NQ > 480 or AAPL < 200").condition
    assert either is not None
    assert not either.needs_all


@pytest.mark.parametrize(
    "line",
    [
        "sell AAPL 60 trail",
        "sell AAPL 60 trail 0",
        "sell AAPL 60 trail 100%",
        "sell AAPL 60 trail 2% lmt 230",
        "sell AAPL 60 traillmt 2% 1%",
        "buy AAPL 9 lmt 200 gtd",
        "buy AAPL 9 lmt 200 gtd 11:59",
        "buy AAPL 9 lmt 200 gtd 2024-02-31",
        "sell AAPL all oco 236.75",
        "sell AAPL 60 mkt if",
        "sell AAPL 60 mkt if NQ",
        "sell AAPL 60 mkt if NQ <",
        "sell AAPL 60 mkt if NOPE < 5",
        "sell AAPL 60 mkt if NQ < mid",
        "sell AAPL 60 mkt and NQ < 5",
        "sell AAPL 60 mkt if NQ < 5 and AAPL > 1 or AAPL > 2",
        "sell AAPL 60 mkt if NQ < 5 and NQ < 6 and NQ < 7 and NQ < 8 and NQ < 9",
        "sell AAPL 60 mkt at noon",
    ],
)
def test_what_is_missing_or_can_not_be_is_said_with_a_fix(line: str) -> None:
    parsed = parse_order_line(line, TIMED)
    assert isinstance(parsed, list)
    assert all(error.message and (error.fix or error.message) for error in parsed)


def test_without_a_clock_no_time_is_guessed() -> None:
    assert "not known" in wrong("buy AAPL 9 lmt 200 gtd 15:30").message
    assert isinstance(parse_order_line("sell AAPL 9 mkt at 15:55", CONTEXT), list)


@pytest.mark.parametrize(
    "line",
    [
        "sell AAPL 60 trail 2% gtc",
        "sell AAPL 60 traillmt 0.50 0.10",
        "sell AAPL 60 oco 236.75 229.79 gtd 2024-03-15",
        "buy AAPL 9 lmt 200 gtd 15:30",
        "sell AAPL 60 mkt if NQ <= 480 or AAPL mark > 250 or at 15:55",
    ],
)
def test_the_line_of_such_an_order_gives_it_again(line: str) -> None:
    parsed = timed(line)
    again = timed(format_order_line(parsed))
    assert again.command("C") == parsed.command("C")
    assert again.sentence == parsed.sentence
