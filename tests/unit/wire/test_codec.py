"""What comes from outside is either a good value or an InvalidValueError: nothing else, nothing in between."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.wire import codec
from stockpulse_engine.wire.rest import MarketControlRequest, OpenAccount, PreviewRequest, RequestId
from stockpulse_engine.wire.stream import ClientMessage, Frame, Hello, Pong, Subscribe

ORDER: dict[str, Any] = {
    "client_order_id": "C1",
    "terms": {
        "account_id": "main",
        "instrument_id": "AAPL.XNAS",
        "side": "BUY",
        "quantity": "100",
        "order_type": "LIMIT",
        "limit_price": "231.40",
    },
}
KINDS = (SubmitOrder, PreviewRequest, OpenAccount, MarketControlRequest, RequestId, ClientMessage)


def _order(**terms: object) -> bytes:
    return json.dumps({**ORDER, "terms": {**ORDER["terms"], **terms}}).encode()


def _refused(data: bytes, kind: Any = SubmitOrder) -> str:
    with pytest.raises(InvalidValueError) as caught:
        codec.decode(data, kind)
    return str(caught.value)


def test_a_good_order_is_decoded_exactly() -> None:
    command: SubmitOrder = codec.decode(json.dumps(ORDER).encode(), SubmitOrder)
    assert command.terms.limit_price == Decimal("231.40")
    assert (command.terms.side, command.terms.order_type) == (Side.BUY, OrderType.LIMIT)


def test_a_plain_json_number_is_a_decimal_too() -> None:
    command: SubmitOrder = codec.decode(_order().replace(b'"231.40"', b"231.40"), SubmitOrder)
    assert str(command.terms.limit_price) == "231.40"


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-inf", "sNaN", "1_000", "1e5", "1E5", "١٢٣", "１００", " 1", "1 ", "", "0x10", "1" * 31],
)
def test_a_decimal_is_plain_ascii_digits_or_refused(text: str) -> None:
    assert "quantity" in _refused(_order(quantity=text))


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1e2", b"9" * 41])
def test_a_number_that_is_not_finite_or_not_plain_is_refused(text: bytes) -> None:
    _refused(_order().replace(b'"231.40"', text))


@pytest.mark.parametrize("text", [b"NaN", b"1e999", b"Infinity"])
def test_even_a_float_field_takes_no_infinity(text: bytes) -> None:
    _refused(b'{"request_id":"r","action":"speed","speed":' + text + b"}", MarketControlRequest)


def test_the_other_order_of_duplicate_keys_never_wins() -> None:
    assert "twice" in _refused(b'{"request_id":"a","request_id":"b"}', RequestId)
    assert "twice" in _refused(b'{"request_id":"a","request\\u005fid":"b"}', RequestId)
    assert "twice" in _refused(_order().replace(b'"side": "BUY"', b'"side": "BUY", "side": "SELL"'))


def test_a_misspelt_field_is_named_with_its_nearest() -> None:
    said = _refused(_order(limit_prise="1"))
    assert "limit_prise" in said
    assert "limit_price" in said


def test_nesting_has_a_floor() -> None:
    assert "deeper" in _refused(b"[" * 33 + b"]" * 33, RequestId)
    assert "deeper" in _refused(b"[" * 60_000, RequestId)
    brackets = json.dumps({"request_id": "[{" * 500}).encode()
    assert codec.decode(brackets, RequestId) == RequestId(request_id="[{" * 500)


def test_the_scan_for_nesting_is_linear_in_hostile_quotes() -> None:
    _refused(b"[" * 33 + b'"\\' * 30_000, RequestId)


def test_too_many_bytes_are_not_even_looked_at() -> None:
    assert "65536" in _refused(b" " * 70_000, RequestId)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"\x00",
        b"null",
        b"{",
        b'{"request_id":1}',
        b'{"request_id":"\\ud800"}',
        b"{}x",
        "\ufeff{}".encode(),
    ],
)
def test_what_is_not_the_type_is_refused(data: bytes) -> None:
    _refused(data, RequestId)


@pytest.mark.covers("R06")
@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_no_bytes_crash_the_decoder(data: bytes, kind: Any) -> None:
    try:
        codec.decode(data, kind)
    except InvalidValueError as error:
        assert error.message


_JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["terms", "quantity", "side", "type", "request_id", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_JSONISH, st.sampled_from(KINDS))
def test_no_json_crashes_the_decoder(tree: Any, kind: Any) -> None:
    try:
        codec.decode(json.dumps(tree).encode(), kind)
    except InvalidValueError as error:
        assert error.message


@pytest.mark.covers("F35", "L11")
@given(st.text(max_size=12))
def test_whatever_passes_as_a_quantity_is_finite_and_means_what_it_says(text: str) -> None:
    try:
        command: SubmitOrder = codec.decode(_order(quantity=text), SubmitOrder)
    except InvalidValueError:
        return
    assert text.isascii()
    assert command.terms.quantity == Decimal(text)
    assert command.terms.quantity.is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**9))
def test_an_order_survives_the_wire(price: Decimal) -> None:
    terms = OrderTerms(
        account_id="a",
        instrument_id="A.XNAS",
        side=Side.SELL,
        quantity=Decimal(1),
        order_type=OrderType.LIMIT,
        limit_price=price,
    )
    command = SubmitOrder(client_order_id="C", terms=terms)
    assert codec.decode(codec.encode(command), SubmitOrder) == command


def test_messages_and_frames_survive_the_wire() -> None:
    for message in (Hello(head_id="h", kind="tui"), Subscribe(topics=("quotes",)), Pong(seq=3)):
        assert codec.decode_message(codec.encode(message)) == message
    frame = Frame(seq=1, sent_at=2, kind="snapshot")
    assert codec.decode_frame(codec.encode_packed(frame)) == frame
    with pytest.raises(InvalidValueError):
        codec.decode_frame(b"\xc1")
    with pytest.raises(InvalidValueError):
        codec.decode_answer(b"[]", RequestId)
