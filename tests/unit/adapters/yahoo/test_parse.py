"""The endpoint's habits, one by one: floats, nulls, pence, no trades, a live last row, errors in several dresses."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.yahoo.parse import parse_chart
from stockpulse_engine.adapters.yahoo.symbols import asset_class_of, instrument_id_of, require_symbol
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, StockPulseError, UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, require_instrument_id
from stockpulse_engine.domain.market import SECOND_NS, BarSpec, check_quote, parse_bar_spec
from tests.unit.adapters.yahoo.answers import SESSION_END, SESSION_START, body

D = Decimal
FIVE = BarSpec(5, "m")
DAY = BarSpec(1, "d")
T = SESSION_START


def test_prices_are_decimals_rounded_to_the_hint() -> None:
    answer = parse_chart(200, body([T], [(75.0875015258789, 75.15, 73.79750061035156, 75.1, 1000)]), "AAPL", FIVE)
    (bar,) = answer.bars
    assert (bar.open, bar.high, bar.low, bar.close) == (D("75.09"), D("75.15"), D("73.80"), D("75.10"))
    assert answer.instrument.instrument_id == bar.instrument_id == "AAPL.XNAS"
    assert (bar.ts_event, bar.known_at) == (T * SECOND_NS, (T + 300) * SECOND_NS)


def test_quote_has_a_last_price_but_no_sides() -> None:
    quote = parse_chart(200, body([T], [(1, 1, 1, 1, 1)]), "AAPL", DAY).quote
    assert quote is not None
    check_quote(quote)
    assert (quote.last, quote.bid_size, quote.ask_size) == (D("188.12"), D(0), D(0))
    assert quote.ts_event == (T + 3600) * SECOND_NS


def test_null_rows_are_left_out_and_counted() -> None:
    rows: list[tuple[float | None, float | None, float | None, float | None, int | None]] = [
        (1, 2, 1, 2, 5),
        (None, None, None, None, None),
        (2, 3, None, 3, 5),
        (3, 4, 3, 4, None),
    ]
    answer = parse_chart(200, body([T, T + 300, T + 600, T + 900], rows), "AAPL", FIVE)
    assert [bar.close for bar in answer.bars] == [D(2), D(4)]
    assert answer.bars[1].volume == 0
    assert answer.skipped == 2


def test_day_without_a_trade_is_empty_not_an_error() -> None:
    assert parse_chart(200, body(None), "AAPL", FIVE).bars == ()


def test_pence_become_pounds() -> None:
    answer = parse_chart(
        200,
        body([T], [(1279.5, 1286.57, 1258, 1259.5, 9)], currency="GBp", symbol="OCDO.L", exchangeName="LSE"),
        "OCDO.L",
        DAY,
    )
    assert answer.instrument.instrument_id == "OCDO.XLON"
    assert (answer.instrument.currency, answer.instrument.tick_size) == ("GBP", D("0.0001"))
    assert answer.bars[0].close == D("12.595")


def test_live_last_row_belongs_to_the_bar_it_falls_into() -> None:
    rows: list[tuple[float | None, float | None, float | None, float | None, int | None]] = [
        (10, 11, 9, 10, 100),
        (10, 12, 10, 11, 40),
        (12.5, 12.5, 12.5, 12.5, 0),
    ]
    now = T + 437
    merged = parse_chart(200, body([T, T + 300, now], rows, regularMarketTime=now), "AAPL", FIVE).bars
    assert [bar.ts_event for bar in merged] == [T * SECOND_NS, (T + 300) * SECOND_NS]
    assert (merged[1].high, merged[1].close, merged[1].volume) == (D("12.5"), D("12.5"), D(40))
    assert merged[1].is_open
    assert merged[1].known_at == now * SECOND_NS
    fresh = parse_chart(200, body([T, now], rows[:2], regularMarketTime=now), "AAPL", FIVE).bars
    assert [bar.ts_event for bar in fresh] == [T * SECOND_NS, (T + 300) * SECOND_NS]


def test_day_under_way_starts_with_its_session_and_is_open() -> None:
    yesterday, now = T - 86_400, T + 3600
    bars = parse_chart(200, body([yesterday, now], [(1, 2, 1, 2, 5), (2, 3, 2, 3, 5)]), "AAPL", DAY).bars
    assert [bar.is_open for bar in bars] == [False, True]
    assert bars[1].ts_event == T * SECOND_NS
    assert bars[0].known_at == (yesterday + SESSION_END - SESSION_START) * SECOND_NS


def test_contradicting_and_backward_rows_are_left_out() -> None:
    rows: list[tuple[float | None, float | None, float | None, float | None, int | None]] = [
        (5, 4, 6, 5, 1),
        (5, 6, 4, 5, 1),
        (5, 6, 4, 5, 1),
    ]
    answer = parse_chart(200, body([T, T + 600, T + 300], rows), "AAPL", FIVE)
    assert len(answer.bars) == 1
    assert answer.skipped == 2


@pytest.mark.parametrize(
    ("status", "answer", "error", "words"),
    [
        (404, b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}', NotFoundError, "No data found"),
        (422, b'{"chart":{"result":null,"error":{"code":"x","description":"1m data not available"}}}', InvalidValueError, "1m data"),
        (400, b"Bad Request", InvalidValueError, "refused"),
        (429, b"Too Many Requests\r\n", UnavailableError, "too many"),
        (302, b"", UnavailableError, "consent"),
        (503, b"<html>", UnavailableError, "503"),
        (200, b"Too Many Requests", UnavailableError, "read"),
        (200, b'{"chart":{"result":[]}}', UnavailableError, "read"),
        (200, b'{"chart":{"result":null,"error":{"code":"oops"}}}', UnavailableError, "oops"),
        (200, b'{"chart":' + b"[" * 100_000, UnavailableError, "read"),
        (200, b'{"a":1}', UnavailableError, "read"),
    ],
)  # fmt: skip
def test_errors_become_ours(status: int, answer: bytes, error: type[StockPulseError], words: str) -> None:
    with pytest.raises(error) as caught:
        parse_chart(status, answer, "XYZ", DAY)
    assert words in caught.value.message
    assert caught.value.fix


def test_words_from_outside_can_not_drive_the_terminal() -> None:
    named = parse_chart(200, body([T], [(1, 1, 1, 1, 1)], longName="Evil\x1b[2J\u202e Corp"), "AAPL", DAY)
    assert named.instrument.name == "Evil Corp"
    with pytest.raises(NotFoundError) as caught:
        parse_chart(
            404, b'{"chart":{"result":null,"error":{"code":"x","description":"\\u001b]0;hi\\u0007gone"}}}', "A", DAY
        )
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e999999", "-1", "0"])
def test_numbers_that_can_not_be_prices_are_refused(price: str) -> None:
    text = body([T], [(7.5, 7.5, 7.5, 7.5, 1)]).replace(b"7.5", price.encode())
    try:
        assert parse_chart(200, text, "AAPL", DAY).bars == ()
    except UnavailableError as error:
        assert "read" in error.message


@pytest.mark.covers("F35")
@given(st.binary(max_size=200), st.sampled_from([200, 400, 404, 429, 500]))
def test_any_bytes_give_an_answer_or_one_of_our_errors(answer: bytes, status: int) -> None:
    try:
        parse_chart(status, b"{" + answer, "AAPL", DAY)
    except StockPulseError as error:
        assert error.fix


def test_symbols_become_instrument_ids() -> None:
    pairs = {("AAPL", "NMS"): "AAPL.XNAS", ("WSU.DE", "GER"): "WSU.XETR", ("BRK-B", "NYQ"): "BRK-B.XNYS",
             ("^GSPC", "SNP"): "GSPC.XXXX", ("EURUSD=X", "CCY"): "EURUSD.XXXX", ("ES=F", "CME"): "ES.XXXX"}  # fmt: skip
    for (symbol, exchange), wanted in pairs.items():
        assert require_instrument_id(instrument_id_of(symbol, exchange)) == wanted
    assert asset_class_of("CURRENCY") is AssetClass.FX
    assert require_symbol(" aapl ") == "AAPL"
    for bad in ("", "A/../B", "A?x=1", "A" * 40, "Ä"):
        with pytest.raises(InvalidValueError):
            require_symbol(bad)


@pytest.mark.real_data
def test_every_recording_parses(shared: Path) -> None:
    files = sorted((shared / "contracts/yahoo/http/chart").glob("*.json"))
    assert len(files) >= 16
    for file in files:
        response = json.loads(file.read_text())["response"]
        chart = response["bodyJson"]["chart"]["result"][0]
        spec = parse_bar_spec(chart["meta"]["dataGranularity"])
        answer = parse_chart(response["status"], json.dumps(response["bodyJson"]).encode(), file.stem, spec)
        assert len(answer.bars) + answer.skipped == len(chart.get("timestamp", [])), file.name
        assert answer.quote is not None
        check_quote(answer.quote)
        for bar in answer.bars:
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.close % answer.instrument.tick_size == 0
