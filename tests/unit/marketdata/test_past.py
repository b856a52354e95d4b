"""What was known at a moment: of the world's own market where it reaches, else of the store, and never of both."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import SCALE
from stockpulse_engine.marketdata.known import NOTHING, KnownHistory
from stockpulse_engine.marketdata.past import PastMarket
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.marketdata.spokentime import read_moment
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.fakes.fake_provider import FakeProvider, an_instrument
from tests.unit.storage.history.build import AAPL, D1, IBM, M1, MINUTE, bar_frame, trade_frame

XNYS = load_calendar("XNYS")
M5 = BarSpec(5, "m")
NOW = 1_795_188_727_412_000_000
D = Decimal


def at(text: str) -> int:
    return read_moment(text, NOW, XNYS).at_ns


OPEN = at("2013-10-07 open")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", ManualClock(NOW)) as opened:
        yield opened


def past_of(store: EmbeddedHistory | None, own: FakeProvider | None = None) -> PastMarket:
    known = KnownHistory(lambda: store.reader) if store is not None else None
    return PastMarket(own, known, XNYS, lambda: own.instruments if own is not None else ())


def provider(minutes: list[Bar], five: list[Bar], daily: list[Bar] | None = None) -> FakeProvider:
    made = FakeProvider(ClockState(market_ns=NOW, wall_ns=NOW, speed=1, session_date="2026-11-20"), [an_instrument()])
    made.bars = {(AAPL, "1m"): minutes, (AAPL, "5m"): five, (AAPL, "1d"): daily or []}
    return made


def bar(spec: BarSpec, start: int, prices: str, *, volume: int = 100, is_open: bool = False) -> Bar:
    opening, high, low, close = map(D, prices.split())
    return Bar(AAPL, spec, start, opening, high, low, close, D(volume), start + spec.duration_ns, is_open, "venue")


async def test_a_row_is_the_newest_that_was_known_with_the_day_so_far(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([100, 102, 99, 150], start=OPEN), spec=M1, source="lean")
    day_before = at("2013-10-04 open")
    frame = bar_frame([98], start=day_before).with_columns(known_at=at("2013-10-04 close"))
    store.writer.write_bars(frame, spec=D1, source="yahoo")
    known = await past_of(store).quote(AAPL, OPEN + 3 * MINUTE)
    assert known.quote is not None
    assert (known.quote.last, known.quote.bid_size, known.quote.ask_size) == (D(99), D(0), D(0))
    assert (known.made_of, known.source, known.known_at) == ("1m bars", "lean", OPEN + 3 * MINUTE)
    assert (known.previous_close, known.low, known.high, known.quote.volume) == (D(98), D(98), D(103), D(300))
    assert "bid and ask were not known" in known.note


async def test_where_nothing_is_held_no_value_is_made_up(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([100], start=OPEN), spec=M1, source="lean")
    past = past_of(store)
    before, never = await past.quotes([AAPL, IBM], OPEN + MINUTE - 1)
    assert (before.quote, before.note) == (None, NOTHING)
    assert (never.quote, never.note) == (None, NOTHING)
    with pytest.raises(NotFoundError, match="nothing is held"):
        await past.explain("last", IBM, OPEN)
    assert await past.bars(IBM, M1, limit=9, at_ns=OPEN) == []


async def test_the_open_bar_stands_as_it_stood(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame(range(100, 110), start=OPEN), spec=M1, source="lean")
    five = bar_frame([104, 109], start=OPEN, step=5 * MINUTE)
    store.writer.write_bars(five, spec=M5, source="lean")
    moment = OPEN + 7 * MINUTE + MINUTE // 2
    closed, opened = await past_of(store).bars(AAPL, M5, limit=9, at_ns=moment)
    assert (closed.ts_event, closed.close, closed.is_open) == (OPEN, D(104), False)
    assert (opened.ts_event, opened.open, opened.high, opened.close) == (OPEN + 5 * MINUTE, D(105), D(107), D(106))
    assert (opened.is_open, opened.known_at, opened.volume) == (True, OPEN + 7 * MINUTE, D(200))
    (day,) = await past_of(store).bars(AAPL, D1, limit=9, at_ns=moment)
    assert (day.is_open, day.close, day.known_at) == (True, D(106), OPEN + 7 * MINUTE)
    assert [
        one.close for one in await past_of(store).bars(AAPL, M5, limit=9, at_ns=moment, end_ns=opened.ts_event)
    ] == [104]


async def test_prints_make_the_open_bar_where_they_reach_further(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([100], start=OPEN), spec=M1, source="lean")
    store.writer.write_trades(trade_frame([(OPEN + MINUTE + n, 100 + n) for n in (1, 5, 3)]), source="lean")
    minute = (await past_of(store).bars(AAPL, M1, limit=9, at_ns=OPEN + MINUTE + 4))[-1]
    assert (minute.open, minute.high, minute.close, minute.known_at) == (D(101), D(103), D(103), OPEN + MINUTE + 3)
    known = await past_of(store).quote(AAPL, OPEN + MINUTE + 4)
    assert known.quote is not None
    assert (known.quote.last, known.made_of) == (D(103), "prints+1m bars")


async def test_a_side_is_as_it_was_told_last_and_the_older_of_two_that_cross_is_gone(store: EmbeddedHistory) -> None:
    rows = [(1, "bid", 100), (2, "ask", 101), (3, "bid", 99), (4, "ask", 98)]
    store.writer.write_quotes(pl.DataFrame([_told(OPEN + at, side, price) for at, side, price in rows]), source="lean")
    past = past_of(store)
    found = [(await past.quote(AAPL, OPEN + at)).quote for at in (1, 3, 4)]
    assert [(one.bid, one.bid_size > 0, one.ask, one.ask_size > 0) for one in found if one is not None] == [
        (D(100), True, D(100), False),
        (D(99), True, D(101), True),
        (D(98), False, D(98), True),
    ]


def _told(at_ns: int, side: str, price: int) -> dict[str, object]:
    row: dict[str, object] = {"instrument_id": AAPL, "ts_event": at_ns, "known_at": at_ns}
    for name in ("bid", "ask"):
        row |= {
            f"{name}_e8": price * SCALE if name == side else None,
            f"{name}_size_e8": SCALE if name == side else None,
        }
    return row


async def test_a_split_counts_from_when_it_was_in_effect(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([700], start=OPEN), spec=M1, source="lean")
    later = at("2014-06-09 open")
    split = CorporateAction(
        instrument_id=AAPL,
        kind=ActionKind.SPLIT,
        ts_event=later,
        known_at=later,
        numerator=7,
        denominator=1,
        source="lean",
    )
    store.writer.write_actions([split])
    past = past_of(store)
    assert [one.close for one in await past.bars(AAPL, M1, limit=9, at_ns=OPEN + MINUTE)] == [D(700)]
    assert [one.close for one in await past.bars(AAPL, M1, limit=9, at_ns=later)] == [D(100)]


async def test_a_study_knows_no_more_than_its_bars(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame(range(100, 130), start=OPEN), spec=M1, source="lean")
    view = await past_of(store).study(AAPL, M1, "sma 5", limit=9, at_ns=OPEN + 10 * MINUTE)
    assert view.times[-1] == OPEN + 9 * MINUTE
    assert view.outputs[0].values[-1] == pytest.approx(107.0)


async def test_the_worlds_own_market_is_shown_alone_and_what_came_later_is_cut(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([5, 6], start=OPEN), spec=M1, source="lean")
    minutes = [bar(M1, OPEN + n * MINUTE, f"{100 + n} {101 + n} {99 + n} {100 + n}") for n in range(6)]
    whole = bar(M5, OPEN, "100 999 1 500", is_open=True)  # the venue tells it as it stands now
    past = past_of(store, provider(minutes, [whole]))
    moment = OPEN + 3 * MINUTE + 1
    (opened,) = await past.bars(AAPL, M5, limit=9, at_ns=moment)
    assert (opened.is_open, opened.high, opened.low, opened.close) == (True, D(103), D(99), D(102))
    known = await past.quote(AAPL, moment)
    assert known.quote is not None
    assert (known.quote.last, known.source, known.high) == (D(102), "venue", D(103))
    told = await past.explain("last", AAPL, moment)
    assert (told.value, told.source, told.age_ns) == ("102", "venue, 1m bars", 1)
    assert (await past.explain("bid", AAPL, moment)).value == "·"


async def test_where_the_world_does_not_reach_the_store_answers(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([5, 6], start=OPEN), spec=M1, source="lean")
    past = past_of(store, provider([bar(M1, at("2026-11-19 open"), "1 1 1 1")], []))
    known = await past.quote(AAPL, OPEN + MINUTE)
    assert (known.source, known.known_at) == ("lean", OPEN + MINUTE)
    listed = await past.instruments(OPEN + MINUTE)
    assert [one.instrument_id for one in listed] == [AAPL]
    assert (await past_of(None).quote(AAPL, OPEN)).quote is None
