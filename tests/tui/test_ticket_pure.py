"""The ticket without a screen: intents that happen once, a form that says what its line says, lines that round-trip."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockpulse_engine.actions.orderline import OrderContext, read_order_line
from stockpulse_engine.base.ids import counted_ids
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError, UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import Preview
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.ticket import Ticket, Zone
from stockpulse_tui.ticket_form import FIELDS, read_form, write_line
from stockpulse_tui.trade_draft import TradeDraft

AAPL = Instrument(
    instrument_id="AAPL.XNAS",
    name="Apple Inc",
    asset_class=AssetClass.EQUITY,
    currency="USD",
    tick_size=Decimal("0.01"),
)
QUOTE = Quote("AAPL.XNAS", Decimal("232.11"), Decimal("232.13"), Decimal(100), Decimal(100), 1)
CONTEXT = OrderContext(
    account_id="main",
    resolve={"AAPL": AAPL, "AAPL.XNAS": AAPL}.get,
    quote=lambda _: QUOTE,
    position=lambda _: Decimal(60),
    equity=Decimal(100_000),
    default_symbol="AAPL",
)
TERMS = OrderTerms(
    account_id="main", instrument_id="AAPL.XNAS", side=Side.BUY, quantity=Decimal(45), order_type=OrderType.LIMIT,
    limit_price=Decimal("231.40"),
)  # fmt: skip
BODY = SubmitOrder(client_order_id="", terms=TERMS, source="tui")
SILENCE = UnavailableError("The engine did not answer in time.")


def order_of(command: SubmitOrder, status: OrderStatus) -> Order:
    return Order(client_order_id=command.client_order_id, terms=command.terms, status=status)


# -- intents


@given(st.lists(st.sampled_from(["enter", "silence", "heard", "working"]), max_size=30))
def test_whatever_happens_one_intent_asks_for_one_order(steps: list[str]) -> None:
    intent = Intent(counted_ids("C"))
    asked: list[SubmitOrder] = []
    for step in steps:
        if step == "enter":
            command = intent.begin(replace(BODY, is_staged=len(asked) % 2 == 1))
            if command is not None:
                asked.append(command)
        elif step == "silence" and intent.phase is Phase.ASKING:
            intent.doubt(SILENCE)
        elif step == "working" and intent.phase is Phase.ASKING:
            intent.accept(order_of(asked[0], OrderStatus.ACCEPTED))
        elif step == "heard" and asked:
            intent.hear({asked[0].client_order_id: order_of(asked[0], OrderStatus.ACCEPTED)})
    assert len(set(map(repr, asked))) <= 1


def test_only_a_refusal_ends_an_intent() -> None:
    intent = Intent(counted_ids("C"))
    first = intent.begin(BODY)
    assert first is not None
    assert intent.begin(BODY) is None
    intent.refuse(DeniedError("Too much.", denial="NOTIONAL"))
    second = intent.begin(BODY)
    assert second is not None
    assert second.client_order_id != first.client_order_id


def test_a_staged_order_is_sent_under_one_key_also_after_silence() -> None:
    intent = Intent(counted_ids("C"))
    command = intent.begin(replace(BODY, is_staged=True))
    assert command is not None
    intent.accept(order_of(command, OrderStatus.INITIALIZED))
    key = intent.begin_sending()
    assert key
    assert intent.begin_sending() == "", "the answer is awaited"
    intent.doubt(SILENCE)
    assert intent.phase is Phase.STAGED
    assert intent.begin_sending() == key


def test_a_denied_order_of_the_stream_is_a_refusal_in_its_own_words() -> None:
    intent = Intent(counted_ids("C"))
    command = intent.begin(BODY)
    assert command is not None
    denied = replace(order_of(command, OrderStatus.DENIED), reason="Too much.", fix="Send 10.")
    assert intent.hear({command.client_order_id: denied})
    assert intent.phase is Phase.REFUSED
    assert str(intent.problem) == "Too much. Send 10."


# -- line and form

_SIZES = st.one_of(
    st.integers(1, 5_000).map(str),
    st.just("$10k"),
    st.just("10%"),
    st.just("risk 0.1%"),
    st.just("all"),
    st.just("half"),
)
_PRICES = st.sampled_from(["", "mkt", "lmt 231.40", "lmt mid", "@ bid-1t", "stp 240.00", "stplmt 240.00 240.50", "mid"])
_EXITS = st.sampled_from(["", "+2% -1%", "take 250 stop 220", "-1%", "±2%", "take 3%", "stop 50t"])
_OPTIONS = st.lists(st.sampled_from(["gtc", "ext", "reduce", "lots L1,L2"]), max_size=3, unique=True)


@given(st.sampled_from(["buy", "sell"]), _SIZES, _PRICES, _EXITS, _OPTIONS)
def test_the_form_says_what_its_line_says(side: str, size: str, price: str, exits: str, options: list[str]) -> None:
    line = " ".join(part for part in (side, "AAPL", size, price, exits, *options) if part)
    order = read_order_line(line, CONTEXT).order
    again = read_order_line(write_line(read_form(line, CONTEXT)), CONTEXT).order
    if order is not None:
        assert again is not None, line
        assert (again.terms, again.take_price, again.stop_price) == (order.terms, order.take_price, order.stop_price)


@given(
    st.lists(
        st.sampled_from(["Tab", "Down", "Up", "Right", "Left", "Backspace", "Space", "1", "m", "b", "%", "-"]),
        max_size=40,
    )
)
def test_no_key_breaks_a_ticket(keys: list[str]) -> None:
    ticket = Ticket("buy AAPL 45 lmt mid +2% -1%", ids=counted_ids("C"))
    ticket.read(CONTEXT)
    for key in keys:
        ticket.press(key, CONTEXT)
    assert len(ticket.shown_fields()) == len(FIELDS)
    assert 0 <= ticket.edit.cursor <= len(ticket.edit.text)


def test_a_late_preview_of_another_line_is_dropped() -> None:
    ticket = Ticket("buy AAPL 45 lmt mid", ids=counted_ids("C"))
    ticket.read(CONTEXT)
    preview = Preview(sentence="", notional=None, rows=(), is_allowed=False)
    ticket.take_preview("buy AAPL 4500 lmt mid", preview)
    assert ticket.preview is None
    ticket.take_preview("buy AAPL 45 lmt mid", preview)
    assert ticket.is_denied
    ticket.press("0", CONTEXT)
    assert not ticket.is_denied, "it spoke of another order"


def test_a_price_typed_into_a_market_order_makes_it_a_limit_order() -> None:
    ticket = Ticket("buy AAPL 45", ids=counted_ids("C"))
    ticket.read(CONTEXT)
    ticket.zone, ticket.field = Zone.FORM, FIELDS.index("price")
    for key in "231.4":
        ticket.press(key, CONTEXT)
    assert ticket.edit.text == "buy AAPL 45 lmt 231.4"


# -- the trade line


@given(st.lists(st.integers(-30, 30), max_size=20), st.sampled_from([Side.BUY, Side.SELL]))
def test_exits_keep_their_distance_while_the_entry_moves(moves: list[int], side: Side) -> None:
    draft = TradeDraft(AAPL, side, Decimal("232.11"), Decimal(100))
    draft.next_handle()
    draft.next_handle()
    draft.next_handle()
    before = draft.exits()
    for ticks in moves:
        draft.move(ticks)
    assert draft.exits() == before
    assert draft.is_whole


@pytest.mark.parametrize(
    ("side", "price", "kind"),
    [
        (Side.BUY, "232.13", OrderType.LIMIT), (Side.BUY, "232.14", OrderType.STOP), (Side.BUY, "200.00", OrderType.LIMIT),
        (Side.SELL, "232.11", OrderType.LIMIT), (Side.SELL, "232.10", OrderType.STOP), (Side.SELL, "260.00", OrderType.LIMIT),
    ],
)  # fmt: skip
def test_a_line_beyond_the_market_is_a_stop(side: Side, price: str, kind: OrderType) -> None:
    assert TradeDraft(AAPL, side, Decimal(price), Decimal(1)).order_type(QUOTE) is kind


def test_no_size_and_crossed_exits_are_no_order() -> None:
    draft = TradeDraft(AAPL, Side.BUY, Decimal("232.11"), Decimal(100))
    draft.press("#")
    assert draft.body("main", QUOTE, is_staged=True) is None
    for key in "250":
        draft.press(key)
    body = draft.body("main", QUOTE, is_staged=True)
    assert body is not None
    assert body.terms.quantity == 250
    draft.press("Tab")
    draft.move(100_000)
    assert draft.body("main", QUOTE, is_staged=True) is None
    draft.press("x")
    assert draft.body("main", QUOTE, is_staged=True) is not None
