"""Alpaca's JSON becomes exact values or is refused by name; nothing in it can do anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.alpaca import parse
from stockpulse_engine.adapters.alpaca.parse import ParseError, decode, number, stamp, time_ns
from stockpulse_engine.adapters.alpaca.words import EVENTS, QUIET_EVENTS, STATUSES, facts_of, status_of
from stockpulse_engine.domain.orders import OrderEventKind
from tests.unit.adapters.alpaca.samples import order, order_row

PARSERS: tuple[Callable[[Any], object], ...] = (
    parse.parse_order, parse.parse_orders, parse.parse_update, parse.parse_fills, parse.parse_account,
    parse.parse_positions, parse.parse_asset, parse.parse_clock, parse.parse_bulk, parse.last_token,
)  # fmt: skip
KNOWN: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("rest/rs_order/deserialize_serialize_reference_order.json", parse.parse_order),
    ("rest/trading/order_routes/test_get_order_by_id.json", parse.parse_order),
    ("rest/trading/order_routes/test_limit_order.json", parse.parse_order),
    ("rest/trading/order_routes/test_get_orders.json", parse.parse_orders),
    ("rest/trading/order_routes/test_cancel_orders.json", parse.parse_bulk),
    ("rest/trading/account_routes/test_get_account.json", parse.parse_account),
    ("rest/rs_account/deserialize_serialize_reference_account.json", parse.parse_account),
    ("rest/rs_asset/parse_reference_asset.json", parse.parse_asset),
    ("rest/trading/asset_routes/test_get_asset.json", parse.parse_asset),
    ("rest/broker/misc_routes/test_get_clock.json", parse.parse_clock),
    ("rest/rs_clock/deserialize_serialize_reference_clock.json", parse.parse_clock),
    ("rest/broker/trading_routes/test_get_all_positions_for_account.json", parse.parse_positions),
    ("docs_examples/broker-api_trading_orders/Response.json", parse.parse_order),
    ("docs_examples/broker-api_trading_orders/Sample_Order_Object.json", parse.parse_order),
)
jsonish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from(["NaN", "1e400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.real_data
def test_every_recording_is_read_or_refused_with_its_reason(shared: Path) -> None:
    folder = shared / "contracts" / "alpaca"
    read = 0
    for path in sorted(folder.rglob("*.json")):
        if path.parent.name == "openapi" or path.name == "index.json":
            continue
        try:
            document = decode(path.read_bytes())
        except ParseError:
            continue
        for parser in PARSERS:
            try:
                parser(document)
                read += 1
            except ParseError as refused:
                assert refused.args[0], path
    assert read > 50
    for name, parser in KNOWN:
        parser(decode((folder / name).read_bytes()))


@pytest.mark.real_data
def test_recorded_frames_and_executions_are_told_in_full(shared: Path) -> None:
    folder = shared / "contracts" / "alpaca"
    frame = decode((folder / "docs_examples/trading-api_streaming/Example.json").read_bytes())
    update = parse.parse_update(frame["data"])
    assert (update.event, update.execution_id) == ("fill", "2f63ea93-423d-4169-b3f6-3fdafc10c418")
    assert (update.quantity, update.price) == (Decimal("1790.86"), Decimal("105.8988475"))
    assert update.at % 10**9 == 24_916_716, "all nine digits"
    assert parse.parse_update(decode((folder / "stream/rs_updates/decode_order_update.json").read_bytes())["data"])
    name = "test_get_activities_for_account_max_items_and_single_request_date.json"
    rows = decode((folder / "rest/broker/account_activities_routes" / name).read_bytes())
    fills = parse.parse_fills(rows)
    assert [one.cumulative for one in fills][:2] == [Decimal("1.792161878"), Decimal("2.792161878")]
    assert fills[0].execution_id == "047e252a-a8a3-4e35-84e2-29814cbf5057"
    assert parse.last_token(rows) == rows[-1]["id"]
    for path in (folder / "errors").iterdir():
        assert parse.parse_error(path.read_bytes()) is not None


@pytest.mark.covers("F35", "L11")
@pytest.mark.parametrize(
    "value",
    ["NaN", "nan", "Infinity", "-inf", "1e308", "1_000", "١٢", "0x10", "1,5", "--1", " 1", True, 1.5, [], {}, 10**15],
)
def test_what_is_no_plain_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(ParseError, match="qty"):
        number({"qty": value}, "qty")


@pytest.mark.covers("F35")
def test_numbers_are_exact_whether_text_or_not() -> None:
    row = decode(b'{"a": "0.1", "b": 0.1, "c": 300, "d": "", "e": null, "f": -0.0}')
    assert [number(row, name) for name in "abcde"] == [Decimal("0.1"), Decimal("0.1"), Decimal(300), None, None]
    for text in (b'{"a": NaN}', b'{"a": Infinity}', b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ParseError):
            decode(text)


@given(st.integers(0, 4_102_444_800_000_000_000))
def test_a_moment_keeps_its_nine_digits(ns: int) -> None:
    assert time_ns(stamp(ns)) == ns


def test_moments_with_an_offset_are_the_same_moments() -> None:
    assert time_ns("2022-05-16T16:32:24.14373588-04:00") == time_ns("2022-05-16T20:32:24.143735880Z")
    for text in ("", "now", "2022-05-16", "2022-13-16T16:32:24Z", "2022-05-16T25:32:24Z", "2022-05-16T16:32:24"):
        with pytest.raises(ParseError):
            time_ns(text)


@pytest.mark.covers("O15", "F35")
@given(st.dictionaries(st.sampled_from([*order_row(), "surprise"]), jsonish, max_size=5), st.data())
def test_no_field_of_an_order_can_stop_the_reader(changes: dict[str, Any], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(sorted(order_row())), max_size=3))
    row = {name: value for name, value in order_row(**changes).items() if name not in gone}
    leg = order_row(legs=[row])
    for shape in (row, leg, {"event": "new", "order": row, "timestamp": "x"}, {"event": changes, "order": leg}):
        for parser in PARSERS:
            try:
                found = parser(shape if parser not in (parse.parse_orders, parse.parse_fills) else [shape])
            except ParseError:
                continue
            if isinstance(found, parse.AlpacaOrder):
                numbers = (found.quantity, found.filled_quantity, found.limit_price, found.stop_price)
                assert all(one is None or one.is_finite() for one in numbers)
                assert facts_of(found) is not None
                assert status_of(found)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps(text).encode()))
def test_no_bytes_can_stop_the_reader(raw: bytes) -> None:
    try:
        document = decode(raw)
    except ParseError:
        return
    for parser in PARSERS:
        with pytest.raises(ParseError):
            parser(document)


@pytest.mark.covers("O15")
def test_each_documented_status_and_event_has_a_meaning() -> None:
    statuses = (
        "new partially_filled filled done_for_day canceled expired pending_cancel pending_replace accepted pending_new "
        "accepted_for_bidding stopped rejected suspended calculated held"
    )
    assert set(statuses.split()) == set(STATUSES)
    assert not set(EVENTS) & QUIET_EVENTS
    strange = order(status="never_seen")
    assert status_of(strange) == "UNKNOWN", "neither alive nor dead"
    assert facts_of(strange)[-1][:1] == (OrderEventKind.SUSPEND,)
    assert facts_of(strange)[-1].code == "", "without a code it is asked about"
