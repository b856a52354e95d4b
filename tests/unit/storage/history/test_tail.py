"""The live tail: what is recorded is read at once, survives a torn end, and becomes segments exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import TICK_AUCTION, TICK_BUYER
from stockpulse_engine.marketdata.history import LATEST, AsOf, TradeColumns
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.storage.history import recorder as recorder_module
from stockpulse_engine.storage.history.recorder import SYNC_NS, Event, HistoryRecorder, Recording
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.history.tail import read_frames
from stockpulse_engine.storage.history.taillogs import TailLogs
from tests.unit.storage.history.build import AAPL, IBM, M1, MINUTE, bar_frame, closes

CALENDAR = load_calendar("XNYS")
OPEN = CALENDAR.session("2023-11-14").open  # type: ignore[union-attr] # a session of the calendar
CLOSED = OPEN + 600 * MINUTE
SOURCE = "live:test"


def trade(at: int, price: str, name: str = AAPL, **more: Any) -> Trade:
    return Trade(name, Decimal(price), Decimal(100), at, source="x", **more)


def quote(at: int, bid: str, ask: str) -> Quote:
    return Quote(AAPL, Decimal(bid), Decimal(ask), Decimal(3), Decimal(0), at)


def clock_at(at: int) -> ClockState:
    return ClockState(market_ns=at, wall_ns=0, speed=1.0, session_date="2023-11-14")


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        yield opened


def trades_of(store: EmbeddedHistory) -> TradeColumns:
    return store.reader.trades(AAPL, start_ns=OPEN, end_ns=CLOSED)


def recording(store: EmbeddedHistory, clock: ManualClock) -> Recording:
    return Recording(TailLogs(store.layout), clock, CALENDAR, SOURCE)


MINUTES: list[Event] = [
    clock_at(OPEN),
    trade(OPEN, "100"),
    trade(OPEN + 1, "103"),
    trade(OPEN + 2, "99.5"),
    trade(OPEN + 3, "101"),
    trade(OPEN + MINUTE, "102.25"),
    clock_at(OPEN + 2 * MINUTE),
    trade(OPEN + 2 * MINUTE, "7"),
]
"""Two whole minutes and the beginning of a third."""


def test_minute_bars_are_closed_by_market_time_and_seen_by_readers(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write(MINUTES)
    found = store.reader.bars(AAPL, M1)
    assert (closes(found), found.source) == ([101, 102.25], SOURCE)
    assert (found.open[0], found.high[0], found.low[0], found.volume[0]) == (
        100_0000_0000,
        103_0000_0000,
        99_5000_0000,
        400_0000_0000,
    )
    assert found.known_at.tolist() == [OPEN + MINUTE, OPEN + 2 * MINUTE]
    assert closes(store.reader.last_bars([AAPL], M1, 1)[AAPL]) == [102.25]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=OPEN + MINUTE))) == [101]
    writing.close()


def test_bars_are_hot_the_moment_they_close(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write(MINUTES)
    assert store.reader.last_bars([AAPL], M1, 9)[AAPL].tier == "hot"
    writing.write([clock_at(OPEN + 3 * MINUTE)])
    with open_history(store.layout.root, clock) as other:
        found = other.reader.last_bars([AAPL], M1, 9)[AAPL]
    assert (closes(found), found.tier) == ([101, 102.25, 7], "hot")
    writing.close()


def test_what_is_recorded_is_synced_once_a_second(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)

    def waiting() -> int:
        return sum(log._unsynced for log in writing._writing._logs._logs.values())

    writing.write(MINUTES)
    clock.advance(SYNC_NS - 1)
    writing.sync()
    assert waiting() > 0
    clock.advance(1)
    writing.sync()
    assert waiting() == 0
    writing.close()


def test_a_minute_whose_beginning_was_missed_is_no_bar(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write(
        [clock_at(OPEN + 1), trade(OPEN + 2, "100"), trade(OPEN + MINUTE, "101"), clock_at(OPEN + 2 * MINUTE)]
    )
    assert closes(store.reader.bars(AAPL, M1)) == [101]
    assert len(trades_of(store)) == 2
    writing.close()


def test_a_market_that_jumps_back_begins_anew(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write([*MINUTES, clock_at(OPEN), *MINUTES])
    assert closes(store.reader.bars(AAPL, M1)) == [101, 102.25]
    writing.close()
    store.compact()
    assert closes(store.reader.bars(AAPL, M1)) == [101, 102.25]
    assert len(trades_of(store)) == 6


def test_ticks_keep_their_order_within_a_moment_and_their_marks(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write([trade(OPEN, "1", aggressor="B"), trade(OPEN, "2", is_auction=True), quote(OPEN, "1.01", "1.02")])
    writing.write([trade(OPEN, "3")])
    for _ in range(2):
        found = trades_of(store)
        assert found.price.tolist() == [100000000, 200000000, 300000000]
        assert (found.seq.tolist(), found.flags.tolist()) == ([0, 1, 2], [TICK_BUYER, TICK_AUCTION, 0])
        quotes = store.reader.quotes(AAPL, start_ns=OPEN, end_ns=CLOSED)
        assert (quotes.bid.tolist(), quotes.ask_size.tolist()) == ([101000000], [0])
        writing.close()
        store.compact()


def test_compaction_moves_everything_once(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write([*MINUTES, trade(OPEN + 2 * MINUTE, "50", IBM), quote(OPEN, "9", "10")])
    first = store.compact()
    assert (first.rows, first.refused, first.logs) == (10, 0, 0)
    assert store.compact().rows == 0
    writing.write([clock_at(OPEN + 3 * MINUTE)])
    assert closes(store.reader.bars(AAPL, M1)) == [101, 102.25, 7]
    assert len(trades_of(store)) == 6
    writing.close()
    assert store.compact() == (2, 0, 3)
    assert closes(store.reader.bars(AAPL, M1)) == [101, 102.25, 7]
    assert closes(store.reader.bars(IBM, M1)) == [50]
    assert {segment.import_id for segment in store.reader.segments()} == {"live"}
    assert all(row.corrections == 0 for row in store.reader.series())


def test_hot_bars_stay_hot_through_compaction(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write(MINUTES)
    assert store.reader.last_bars([AAPL], M1, 9)[AAPL].tier == "hot"
    clock.advance(MINUTE)
    store.compact()
    assert (store.layout.hot_file("1m", AAPL, SOURCE)).exists()
    found = store.reader.last_bars([AAPL], M1, 9)[AAPL]
    assert (closes(found), found.tier) == ([101, 102.25], "hot")
    assert (found.recorded_at < clock.now_ns()).all()
    writing.close()


def test_a_compaction_killed_before_its_mark_adds_nothing_twice(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    writing.write(MINUTES)
    writing.close()
    store.compact()
    with store.writer.ledger.transaction() as db:  # as if the segments were there and the mark was not
        for path in store.layout.tail.glob("*.log"):
            db.execute("INSERT INTO tails(name, consumed, is_closed) VALUES (?, 0, 1)", (path.name,))
    assert closes(store.reader.bars(AAPL, M1)) == [101, 102.25]
    before = store.reader.segments()
    store.compact()
    assert store.reader.segments() == before
    assert len(trades_of(store)) == 6


@pytest.mark.parametrize("torn", [b"", b"\x01", b"\x10\x00\x00\x00torn", b"\xff" * 40])
def test_a_torn_end_is_cut_and_everything_before_it_stays(
    store: EmbeddedHistory, clock: ManualClock, torn: bytes
) -> None:
    writing = recording(store, clock)
    writing.write(MINUTES)
    (log,) = store.layout.tail.glob("trades-*.log")
    whole = log.read_bytes()
    with log.open("ab") as file:
        file.write(torn)
    assert len(trades_of(store)) == 6
    for each in writing._writing._logs._logs.values():  # killed: nothing is closed in order
        each.close()
    again = recording(store, clock)
    assert log.read_bytes() == whole
    again.write([trade(OPEN + 5 * MINUTE, "9")])
    assert len(trades_of(store)) == 7
    again.close()
    store.compact()
    assert len(trades_of(store)) == 7


def test_a_flipped_bit_in_a_log_ends_it_there(store: EmbeddedHistory, clock: ManualClock) -> None:
    writing = recording(store, clock)
    for number in range(3):
        writing.write([trade(OPEN + number, "5")])
    (log,) = store.layout.tail.glob("trades-*.log")
    frames = list(read_frames(log))
    data = bytearray(log.read_bytes())
    data[frames[1].start + 30] ^= 1
    log.write_bytes(data)
    assert len(trades_of(store)) == 1
    writing.close()


def test_after_a_crash_the_hot_files_of_the_tail_are_built_again(store: EmbeddedHistory, clock: ManualClock) -> None:
    """Killed after the log and before the hot file: the log's bar is not missing in between two others."""
    writing = recording(store, clock)
    writing.write(MINUTES[:5])
    store.reader.last_bars([AAPL], M1, 9)
    writing.write([clock_at(OPEN + MINUTE)])
    hot = store.layout.hot_file("1m", AAPL, SOURCE)
    assert closes(store.reader.last_bars([AAPL], M1, 9)[AAPL]) == [101]
    behind = hot.read_bytes()
    writing.write([trade(OPEN + MINUTE, "102"), clock_at(OPEN + 2 * MINUTE)])
    hot.write_bytes(behind)
    for each in writing._writing._logs._logs.values():
        each.close()
    with open_history(store.layout.root, clock) as other:
        assert closes(other.reader.last_bars([AAPL], M1, 9)[AAPL]) == [101, 102]
    again = recording(store, clock)
    again.write([clock_at(OPEN + 2 * MINUTE), trade(OPEN + 2 * MINUTE, "103"), clock_at(OPEN + 3 * MINUTE)])
    with open_history(store.layout.root, clock) as other:
        assert closes(other.reader.last_bars([AAPL], M1, 9)[AAPL]) == [101, 102, 103]
    again.close()


def test_a_number_that_can_not_be_stored_is_counted_and_the_rest_goes_on(
    store: EmbeddedHistory, clock: ManualClock
) -> None:
    writing = recording(store, clock)
    writing.write([trade(OPEN, "1"), trade(OPEN + 1, "1e30"), trade(OPEN + 2, "0.123456785")])
    writing.close()
    done = store.compact()
    assert (done.rows, done.refused) == (2, 1)
    assert trades_of(store).price.tolist() == [100000000, 12345678]


def test_what_is_recorded_lies_over_what_was_imported(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(bar_frame([90, 91], start=OPEN - 2 * MINUTE), spec=M1, source=SOURCE)
    writing = recording(store, clock)
    writing.write(MINUTES)
    assert closes(store.reader.bars(AAPL, M1)) == [90, 91, 101, 102.25]
    assert closes(store.reader.bars(AAPL, M1, limit=3, as_of=LATEST)) == [91, 101, 102.25]
    writing.close()


def test_the_recorder_takes_from_the_bus_and_says_what_it_dropped(
    store: EmbeddedHistory, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_QUEUED", 5)
    bus = Bus(lambda _value, error: pytest.fail(str(error)))
    recorder = HistoryRecorder(bus, store.layout, clock, CALENDAR, SOURCE, pytest.fail)
    bus.publish(trade(OPEN, "1"))  # nobody listens yet
    recorder.listen()
    for number in range(8):
        bus.publish(trade(OPEN + number, "2"))
    recorder.start()
    recorder.stop()
    assert recorder.state() == (5, 3, 0, "")
    assert len(trades_of(store)) == 5


def test_a_busy_market_encodes_its_own_events_and_none_changes_its_place(
    store: EmbeddedHistory, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full chunks by the market's turn, the rest by the thread: in the log they are what one by one would be."""
    monkeypatch.setattr(recorder_module, "CHUNK", 7)
    bus = Bus(lambda _value, error: pytest.fail(str(error)))
    recorder = HistoryRecorder(bus, store.layout, clock, CALENDAR, SOURCE, pytest.fail)
    recorder.start()
    bus.publish(clock_at(OPEN))
    for number in range(200):
        bus.publish(trade(OPEN + number // 3 * MINUTE // 20, str(number + 1)))
    recorder.stop()
    held = trades_of(store)
    assert [price // 10**8 for price in held.price.tolist()] == list(range(1, 201))
    assert held.seq.tolist() == [number % 3 for number in range(200)]
    bars = 200 // 3 // 20
    assert recorder.state() == (200 + bars, 0, 0, "")


def test_a_disk_that_fails_ends_the_recording_and_nothing_else(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.layout.root.mkdir(parents=True)
    store.layout.tail.write_text("not a directory")
    told: list[str] = []
    bus = Bus(lambda _value, error: pytest.fail(str(error)))
    recorder = HistoryRecorder(bus, store.layout, clock, CALENDAR, SOURCE, told.append)
    recorder.start()
    bus.publish(trade(OPEN, "1"))
    recorder.stop()
    bus.publish(trade(OPEN, "1"))
    assert len(told) == 1
    assert recorder.state().failure == told[0]
