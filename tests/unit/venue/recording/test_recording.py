"""A recorded session plays again to the last byte; what kills its recorder costs no more than what was not told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError, InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import BarSpec, MarketEvent
from stockpulse_engine.domain.orders import OrderEvent, Side
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.market.market import SimulatedMarket
from stockpulse_engine.venue.market.source import SimulatedSource
from stockpulse_engine.venue.recording.source import RecordedSource
from stockpulse_engine.venue.recording.tape import EVENTS, FILE, VERSION, Head, list_recordings, read_frames, survey
from stockpulse_engine.venue.recording.writer import Limits, SessionRecorder
from stockpulse_engine.venue.source import MarketSource
from stockpulse_engine.venue.store import Identity
from tests.fakes.inline_broker import ReplayDesk
from tests.fakes.inline_venue import InlineVenue
from tests.fakes.memory_journal import MemoryJournal
from tests.unit.venue.test_seek import venue

SECOND = 1_000_000_000
AAPL = "AAPL.XNAS"
NAME = "morning"
Recorded = tuple[Path, list[MarketEvent], tuple[MarketEvent, ...]]


def encoded(events: Sequence[MarketEvent]) -> bytes:
    """Events as they go over the wire."""
    return msgspec.msgpack.encode(tuple(events))


def simulated(path: Path) -> InlineVenue:
    """The simulated market shortly after an open."""
    session = load_calendar().session("2026-03-02")
    assert session is not None
    source = SimulatedSource(SimulatedMarket(7, load_calendar()))
    return InlineVenue(path, source, session.open + 60 * SECOND, Identity("sim", 7))


def record(made: InlineVenue, shelf: Path, name: str = NAME, **limits: int) -> RecordingView:
    """Begin to record; forgets what was told before."""
    asked = p.Record("start", name, str(shelf), limits.get("max_mb", 100), limits.get("free_mb", 0))
    answer = made.ask(asked)
    assert isinstance(answer, p.Recording), answer
    assert answer.recording is not None
    made.events.clear()
    return answer.recording


def replayed(path: Path, source: MarketSource) -> InlineVenue:
    """A venue at the beginning of a recording."""
    return InlineVenue(path, source, source.first_ns, Identity("replay:morning", 1))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A few hundred scripted events, recorded."""
    home = tmp_path_factory.mktemp("small")
    made = venue(home / "v.db", [(300, number * 7 % 40 - 20, number % 3 == 0) for number in range(300)])
    record(made, home / "shelf")
    for _ in range(50):
        made.pass_seconds(2)
    made.ask(p.Record("stop"))
    return home / "shelf", made.events, ()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Half a minute of the simulated market, recorded: shelf, events, the snapshot before them."""
    home = tmp_path_factory.mktemp("recorded")
    made = simulated(home / "v.db")
    made.pass_seconds(3)
    begun = record(made, home / "shelf")
    snapshot = made.exchange.snapshot()
    assert begun.state == "recording"
    for _ in range(15):
        made.pass_seconds(2)
    answer = made.ask(p.Record("stop"))
    assert isinstance(answer, p.Recording)
    assert answer.recording is not None
    assert (answer.recording.state, answer.recording.events) == ("whole", len(made.events))
    return home / "shelf", made.events, snapshot


def test_what_is_played_again_is_equal_to_the_last_byte(session: Recorded, tmp_path: Path) -> None:
    shelf, events, snapshot = session
    for seconds in (0.7, 13.0):
        source = RecordedSource(shelf / NAME)
        assert encoded(source.seed_events(source.first_ns)) == encoded(_as_seeded(snapshot))
        again = replayed(tmp_path / f"{seconds}.db", source)
        while not again.time.is_over:
            again.pass_seconds(seconds)
        assert encoded(again.events) == encoded(events)


def _as_seeded(snapshot: Sequence[MarketEvent]) -> list[MarketEvent]:
    """Headlines come last."""
    return sorted(snapshot, key=lambda event: not hasattr(event, "instrument_id"))


def test_it_can_be_opened_in_its_middle(
    session: Recorded,
) -> None:
    shelf, events, _ = session
    source = RecordedSource(shelf / NAME)
    middle = source.first_ns + 12 * SECOND
    source.seed_events(middle)
    assert source.last_ns is not None
    rest = source.advance(source.last_ns)
    assert encoded(rest) == encoded(events[len(events) - len(rest) :])
    assert all(event.ts_event > middle for event in rest)
    bars = source.bars(AAPL, BarSpec(1, "m"), 10)
    assert bars, "the minutes that were printed"
    assert source.tally().gaps == ()


async def journal_of(shelf: Path, store: Path) -> bytes:
    """A script of orders under the recording, through the whole order service: its journal, chain and all."""
    desk = ReplayDesk(replayed(store, RecordedSource(shelf / NAME)))
    await desk.start()
    for step in range(12):
        if step % 3 == 0:
            side, price = (Side.BUY, "900") if step % 2 == 0 else (Side.SELL, "1")
            await desk.submit(f"o{step}", side=side, quantity=Decimal(10 + step), limit_price=Decimal(price))
            await desk.submit(f"r{step}", quantity=Decimal(5), limit_price=Decimal("1.00"))
        if step == 7:
            await desk.cancel("r3", "Q1")
        await desk.pass_seconds(2)
    await desk.stop()
    assert isinstance(desk.journal, MemoryJournal)
    kinds = {entry.event.kind.value for entry in desk.journal.disk if isinstance(entry.event, OrderEvent)}
    assert {"SUBMIT", "ACCEPT", "FILL", "CANCEL"} <= kinds
    return msgspec.msgpack.encode(desk.journal.disk)


async def test_the_same_script_under_the_same_recording_writes_the_same_journal(
    session: Recorded, tmp_path: Path
) -> None:
    shelf, _, _ = session
    journals = [await journal_of(shelf, tmp_path / f"{name}.db") for name in ("one", "two")]
    assert journals[0] == journals[1], "byte for byte, digests included"


@settings(max_examples=30, deadline=None)
@given(cut=st.floats(0, 1))
def test_wherever_the_file_ends_its_whole_turns_are_played(
    small: Recorded, cut: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shelf, events, _ = small
    whole = (shelf / NAME / FILE).read_bytes()
    torn = tmp_path_factory.mktemp("torn") / "torn"
    torn.mkdir()
    (torn / FILE).write_bytes(whole[: int(len(whole) * cut)])
    try:
        found = survey(torn)
    except IntegrityError:
        assert cut < 0.1, "only the beginning can not be done without"
        return
    source = RecordedSource(torn)
    source.seed_events(source.first_ns)
    played = source.advance(found.last_ns)
    assert encoded(played) == encoded(events[: len(played)])
    assert len(played) == found.events
    assert (found.view().state == "cut") == (found.end is None)


def test_a_flipped_bit_ends_the_recording_before_it(small: Recorded, tmp_path: Path) -> None:
    shelf, events, _ = small
    data = bytearray((shelf / NAME / FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(data)
    source = RecordedSource(tmp_path / "bad")
    source.seed_events(source.first_ns)
    assert source.last_ns is not None
    played = source.advance(source.last_ns)
    assert 0 < len(played) < len(events)
    assert encoded(played) == encoded(events[: len(played)])
    assert "ends early" in source.tally().gaps[0]


def test_every_turn_is_with_the_kernel_before_the_next(tmp_path: Path) -> None:
    """A killed process leaves what it wrote: nothing waits in its memory."""
    made = venue(tmp_path / "v.db", [(500, 3, True)] * 20)
    record(made, tmp_path / "shelf")
    for _ in range(10):
        made.pass_seconds(1)
        with (tmp_path / "shelf" / NAME / FILE).open("rb") as file:
            held = sum(frame.events for frame in read_frames(file) if frame.kind == EVENTS)
        assert held == len(made.events)
    (found,) = list_recordings(tmp_path / "shelf")
    assert (found.state, found.events) == ("cut", len(made.events)), "its recorder never ended it"


def test_a_full_recording_ends_with_a_reason(small: Recorded, tmp_path: Path) -> None:
    _, events, _ = small
    recorder = SessionRecorder(tmp_path, _head(NAME), ManualClock(), Limits(max_mb=1, free_mb=0))
    recorder.begin(())
    turns = 0
    while recorder.is_open:
        turns += 1
        recorder.write(turns, events)
    recorder.write(turns + 1, events)
    (found,) = list_recordings(tmp_path)
    assert found.state == "full"
    assert "history.recording_mb" in found.detail
    assert found.bytes < 1024 * 1024 + 200
    assert found.events == (turns - 1) * len(events), "whole turns, and nothing after the end"


def test_no_room_no_name_and_no_second_one_are_refused(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", [(500, 3, True)] * 5)
    shelf = tmp_path / "shelf"
    refused = made.ask(p.Record("start", NAME, str(shelf), 100, 1 << 40))
    assert isinstance(refused, p.Failure)
    assert "history.recording_free_mb" in refused.reason
    for name in ("", "..", "a/b", "x" * 25):
        assert isinstance(made.ask(p.Record("start", name, str(shelf), 100, 0)), p.Failure), name
    assert isinstance(made.ask(p.Record("stop")), p.Failure)
    record(made, shelf)
    second = made.ask(p.Record("start", "other", str(shelf), 100, 0))
    assert isinstance(second, p.Failure)
    assert "being recorded already" in second.reason
    made.ask(p.Record("stop"))
    again = made.ask(p.Record("start", NAME, str(shelf), 100, 0))
    assert isinstance(again, p.Failure)
    assert "Choose another name" in again.reason


def test_a_broken_disk_ends_the_recording_and_not_the_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = venue(tmp_path / "v.db", [(500, 3, True)] * 20)
    record(made, tmp_path / "shelf")
    real = os.write

    def refuse(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    made.pass_seconds(2)
    monkeypatch.setattr(os, "write", real)
    made.pass_seconds(2)
    assert made.exchange.recorder is not None
    view = made.exchange.recorder.view()
    assert (view.state, "No space left" in view.detail) == ("full", True)
    assert len(made.events) > view.events


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no recording called nothing"):
        RecordedSource(tmp_path / "nothing")
    (tmp_path / "shelf" / "odd").mkdir(parents=True)
    (tmp_path / "shelf" / "odd" / FILE).write_bytes(b"odd")
    (found,) = list_recordings(tmp_path / "shelf")
    assert found.state == "unreadable"
    with pytest.raises(InvalidValueError):
        SessionRecorder(tmp_path, _head(""), ManualClock(), Limits())


def _head(name: str) -> Head:
    return Head(version=VERSION, name=name, world="sim", seed=1, started_at=1, market_ns=1, instruments=())
