"""The stream's centre, moved by hand: what each head is sent, when, and how often it is encoded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.api.hub import StreamHub
from stockpulse_engine.api.outbox import IDLE_CODE, RESYNC_CODE, STOP_CODE, Closing, Outbox
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bus.topics import AlertRaised
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import Bar, BarSpec, NewsItem, Trade
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.views import PositionView
from stockpulse_engine.wire.codec import decode_frame
from stockpulse_engine.wire.stream import DEFAULT_TOPICS, Frame
from tests.fakes.fake_engine import NOW, FakeEngine, account_view, depth, fill_of, position, quote, terms
from tests.unit.api.manual import ManualScheduler

ALL = frozenset({*DEFAULT_TOPICS, "depth:AAPL.XNAS", "trades:AAPL.XNAS", "bars:AAPL.XNAS:1m"})


class Scene:
    """A fake engine, a hub on hand-moved time, and heads whose frames are read one by one."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.clock = ManualClock()
        self.time = ManualScheduler()
        self.hub = StreamHub(self.engine, self.clock, scheduler=self.time)
        self.hub.start()

    def head(self, topics: frozenset[str] = frozenset(DEFAULT_TOPICS), rate_ms: int = 33, limit: int = 2000) -> Outbox:
        head = Outbox("h", topics, self.clock, max_lossless=limit)
        self.hub.attach(head, rate_ms)
        return head

    async def reader(self, head: Outbox) -> Reader:
        """Follow a head the way its socket does; its snapshot has been read."""
        reader = Reader(head)
        await reader.ready()
        return reader

    def beat(self, seconds: float = 0.034) -> None:
        self.time.advance(seconds)
        self.clock.advance(round(seconds * 1e9))


class Reader:
    """Takes frames whenever there is one, like a socket that always has room."""

    def __init__(self, head: Outbox) -> None:
        self.head = head
        self.raw: list[bytes] = []
        self.closing: Closing | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def frames(self) -> list[Frame]:
        return [decode_frame(data) for data in self.raw]

    async def _run(self) -> None:
        while self.closing is None:
            found = await self.head.next()
            if isinstance(found, Closing):
                self.closing = found
            else:
                self.raw.append(found)

    async def ready(self) -> Reader:
        """Let the loop turn until there is nothing left to take."""
        for _ in range(4):
            await asyncio.sleep(0)
        return self

    async def take(self) -> list[Frame]:
        """What came since the last call."""
        await self.ready()
        frames, self.raw = self.frames, []
        return frames


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def _news_of(frames: list[Frame]) -> list[str]:
    return [item.headline for frame in frames for item in frame.news]


async def test_the_first_frame_is_the_whole_state(scene: Scene) -> None:
    scene.engine.trading.put(Order(client_order_id="C1", terms=terms()))
    scene.engine.portfolio.set_positions(position())
    (frame,) = await (await scene.reader(scene.head(ALL))).take()
    assert (frame.kind, frame.seq) == ("snapshot", 1)
    assert {quote.instrument_id for quote in frame.quotes} == set(scene.engine.market.latest)
    assert [order.client_order_id for order in frame.orders] == ["C1"]
    assert [view.instrument_id for view in frame.positions] == ["AAPL.XNAS"]
    assert len(frame.accounts) == 2
    assert all((frame.depths, frame.statuses, frame.news, frame.references, frame.sparks, frame.halt, frame.clock))
    assert frame.arms == ()
    assert frame.health is not None
    assert frame.health.heads == 0


async def test_quotes_conflate_and_the_latest_wins(scene: Scene) -> None:
    reader = await scene.reader(scene.head())
    await reader.take()
    for cents in range(50):
        scene.engine.market.set_quote(quote(bid=f"101.{cents:02d}"))
    scene.beat()
    (frame,) = await reader.take()
    assert [str(one.bid) for one in frame.quotes] == ["101.49"]


async def test_a_quiet_market_sends_nothing(scene: Scene) -> None:
    reader = await scene.reader(scene.head(frozenset({"quotes"})))
    await reader.take()
    scene.beat(0.5)
    assert await reader.take() == []


async def test_the_first_change_after_a_pause_goes_out_at_once(scene: Scene) -> None:
    reader = await scene.reader(scene.head())
    scene.beat(0.5)
    await reader.take()
    scene.engine.market.set_quote(quote(bid="105.00"))
    scene.beat(0.0)
    (frame,) = await reader.take()
    assert str(frame.quotes[0].bid) == "105.00"


async def test_heads_with_the_same_topics_share_one_encoding(scene: Scene) -> None:
    readers = [await scene.reader(scene.head()) for _ in range(8)]
    for reader in readers:
        await reader.take()
    ticker = scene.hub.tickers[33]
    before = ticker.encoded
    scene.engine.market.set_quote(quote(bid="101.00"))
    scene.beat()
    for reader in readers:
        await reader.ready()
    assert ticker.encoded == before + 1
    assert len({reader.raw[0][-60:] for reader in readers}) == 1


async def test_each_rate_has_its_own_beat(scene: Scene) -> None:
    fast, slow = await scene.reader(scene.head(rate_ms=10)), await scene.reader(scene.head(rate_ms=1000))
    scene.beat(0.001)
    await fast.take()
    await slow.take()
    for step in range(10):
        scene.engine.market.set_quote(quote(bid=f"10{step}.00"))
        scene.beat(0.011)
        await fast.ready()
    assert len(await fast.take()) >= 9
    assert len(await slow.take()) <= 1


async def test_order_events_are_all_there_and_do_not_wait_for_the_beat(scene: Scene) -> None:
    reader = await scene.reader(scene.head(rate_ms=1000))
    scene.beat(0.1)
    await reader.take()
    order = Order(client_order_id="C1", terms=terms())
    for status in (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED):
        fill = fill_of(order) if status is OrderStatus.FILLED else None
        scene.engine.trading.put(replace(order, status=status), fill)
    scene.beat(0.006)
    (frame,) = await reader.take()
    assert [one.status for one in frame.orders] == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    assert [one.fill_id for one in frame.fills] == ["F1"]


@pytest.mark.covers("F27")
async def test_a_slow_reader_gets_the_latest_quotes_and_every_order(scene: Scene) -> None:
    head = scene.head()
    fast = await scene.reader(scene.head())
    await fast.take()
    for number in range(100):
        scene.engine.market.set_quote(quote(bid=f"{100 + number}.00"))
        scene.engine.trading.put(Order(client_order_id=f"C{number}", terms=terms()))
        scene.beat()
        await fast.ready()
    slow = await (await scene.reader(head)).take()
    assert [frame.kind for frame in slow] == ["snapshot"]
    assert [one.client_order_id for one in slow[0].orders] == [f"C{number}" for number in range(100)]
    assert {str(one.bid) for one in slow[0].quotes if one.instrument_id == "AAPL.XNAS"} == {"199.00"}
    assert len(await fast.take()) >= 100


async def test_a_reader_too_far_behind_is_told_to_resync_and_others_notice_nothing(scene: Scene) -> None:
    behind = scene.head(limit=10)
    fast = await scene.reader(scene.head())
    await fast.take()
    for number in range(11):
        scene.engine.trading.put(Order(client_order_id=f"C{number}", terms=terms()))
        scene.beat()
        await fast.ready()
    reader = await scene.reader(behind)
    assert reader.closing is not None
    assert (reader.closing.code, reader.closing.kind) == (RESYNC_CODE, "resync")
    assert decode_frame(behind.last_frame(reader.closing)).kind == "resync"
    assert sum(len(frame.orders) for frame in await fast.take()) == 11


async def test_what_a_head_does_not_follow_does_not_count_against_it(scene: Scene) -> None:
    behind = scene.head(frozenset({"quotes"}), limit=10)
    for number in range(50):
        scene.engine.trading.put(Order(client_order_id=f"C{number}", terms=terms()))
        scene.engine.market.add_news(NewsItem(f"n{number}", (), NOW))
        scene.beat()
    reader = await scene.reader(behind)
    assert reader.closing is None
    assert [frame.orders for frame in await reader.take()] == [()]


async def test_depth_trades_and_bars_go_only_to_those_who_asked(scene: Scene) -> None:
    all_of_it, quotes_only = await scene.reader(scene.head(ALL)), await scene.reader(scene.head(frozenset({"quotes"})))
    await all_of_it.take()
    await quotes_only.take()
    price = Decimal(100)
    scene.engine.market.set_depth(depth(bid="101.00"))
    scene.engine.market.set_depth(depth("MSFT.XNAS"))
    scene.engine.bus.publish(Trade("AAPL.XNAS", price, price, NOW))
    scene.engine.bus.publish(Trade("MSFT.XNAS", price, price, NOW))
    for unit in ("m", "h"):
        scene.engine.bus.publish(Bar("AAPL.XNAS", BarSpec(1, unit), NOW, price, price, price, price, price, NOW, True))
    scene.beat()
    (frame,) = await all_of_it.take()
    assert [one.instrument_id for one in frame.depths] == ["AAPL.XNAS"]
    assert [one.instrument_id for one in frame.trades] == ["AAPL.XNAS"]
    assert [str(one.spec) for one in frame.bars] == ["1m"]
    assert await quotes_only.take() == []


async def test_prints_between_two_frames_are_bounded(scene: Scene) -> None:
    reader = await scene.reader(scene.head(ALL))
    await reader.take()
    for number in range(1, 1001):
        scene.engine.bus.publish(Trade("AAPL.XNAS", Decimal(number), Decimal(1), NOW))
    scene.beat()
    (frame,) = await reader.take()
    assert len(frame.trades) == 200
    assert frame.trades[-1].price == Decimal(1000)


async def test_new_topics_bring_their_state_inside_the_next_delta(scene: Scene) -> None:
    head = scene.head(frozenset({"quotes"}))
    reader = await scene.reader(head)
    await reader.take()
    scene.hub.subscribe(head, frozenset({"quotes", "orders", "depth:MSFT.XNAS", "bars:SPY.ARCX:5m"}))
    frames = await reader.take()
    assert [frame.kind for frame in frames] == ["delta"] * len(frames)
    assert [one.instrument_id for frame in frames for one in frame.depths] == ["MSFT.XNAS"]
    assert {str(one.spec) for frame in frames for one in frame.bars} == {"5m"}
    assert [one for frame in frames for one in frame.instruments] == []
    assert scene.engine.market.bars_asked == ["SPY.ARCX 5m 2"]


async def test_holdings_follow_marks_and_a_closed_position_says_so(scene: Scene) -> None:
    scene.engine.portfolio.set_positions(position())
    reader = await scene.reader(scene.head())
    await reader.take()
    scene.engine.portfolio.views["main"] = account_view(scene.engine.portfolio.views["main"].account, "100500")
    scene.engine.market.set_quote(quote(bid="101.00"))
    scene.beat(0.3)
    equities = [str(view.equity) for frame in await reader.take() for view in frame.accounts]
    assert equities == ["100500"]
    scene.engine.portfolio.set_positions()
    scene.beat(0.3)
    closed = [view for frame in await reader.take() for view in frame.positions]
    assert [(view.instrument_id, view.quantity) for view in closed] == [("AAPL.XNAS", Decimal(0))]


async def test_holdings_are_computed_at_most_four_times_a_second(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.engine.portfolio.set_positions(position())
    reader = await scene.reader(scene.head())
    reads: list[str] = []
    inner = scene.engine.portfolio.positions

    def counted(account_id: str) -> Sequence[PositionView]:
        reads.append(account_id)
        return inner(account_id)

    monkeypatch.setattr(scene.engine.portfolio, "positions", counted)
    for step in range(100):
        scene.engine.market.set_quote(quote(bid=f"10{step % 10}.00"))
        scene.beat(0.01)
    assert len(reads) <= 2 * 5
    await reader.take()


async def test_alerts_reach_every_head_and_the_next_ones_to_come(scene: Scene) -> None:
    reader = await scene.reader(scene.head(frozenset({"quotes"})))
    await reader.take()
    scene.engine.bus.publish(AlertRaised(ts_event=NOW, level="danger", text="The venue is gone."))
    scene.beat(0.01)
    assert [one.text for frame in await reader.take() for one in frame.alerts] == ["The venue is gone."]
    late = await scene.reader(scene.head())
    assert [one.text for frame in await late.take() for one in frame.alerts] == ["The venue is gone."]


async def test_a_halt_is_told_at_once(scene: Scene) -> None:
    reader = await scene.reader(scene.head(rate_ms=1000))
    await reader.take()
    await scene.engine.trading.change_state("halt", reason="x", word="", account_id="", actor="me")
    scene.beat(0.006)
    (frame,) = await reader.take()
    assert frame.halt is not None
    assert frame.halt.state.value == "HALTED"


async def test_heartbeats_come_in_silence_and_whoever_never_answers_is_let_go(scene: Scene) -> None:
    head = scene.head(frozenset({"orders"}))
    reader = await scene.reader(head)
    await reader.take()
    kinds = []
    for _ in range(63):
        scene.beat(1.0)
        kinds += [frame.kind for frame in await reader.take() if not (frame.clock or frame.references)]
    assert kinds.count("heartbeat") >= 5
    assert reader.closing is not None
    assert reader.closing.code == IDLE_CODE


async def test_a_head_that_answers_stays(scene: Scene) -> None:
    head = scene.head()
    reader = await scene.reader(head)
    for _ in range(200):
        scene.beat(1.0)
        head.heard_at = scene.clock.monotonic_ns()
        await reader.ready()
    assert reader.closing is None


async def test_when_the_engine_becomes_ready_heads_get_what_was_not_there(scene: Scene) -> None:
    scene.engine.system.ready_at = 0
    reader = await scene.reader(scene.head())
    scene.beat(1.1)
    await reader.take()
    scene.engine.trading.book["C1"] = Order(client_order_id="C1", terms=terms())
    scene.engine.system.ready_at = NOW
    scene.beat(1.1)
    assert [one.client_order_id for frame in await reader.take() for one in frame.orders] == ["C1"]


async def test_stopping_ends_every_session_with_a_word(scene: Scene) -> None:
    reader = await scene.reader(scene.head())
    scene.hub.stop()
    await reader.ready()
    assert reader.closing is not None
    assert reader.closing.code == STOP_CODE
    scene.engine.market.set_quote(quote(bid="1.00"))
    assert scene.engine.errors == []


async def test_numbers_have_no_gaps_whatever_happens(scene: Scene) -> None:
    """Random changes, random slowness, random topics: each head's frames count up by one from 1."""
    choose = random.Random(7)
    heads = [scene.head(ALL, rate_ms=choose.choice((10, 33, 100))) for _ in range(4)]
    readers = [Reader(head) for head in heads[:2]]
    late = heads[2:]
    for step in range(300):
        if choose.random() < 0.7:
            scene.engine.market.set_quote(quote(choose.choice(("AAPL.XNAS", "SPY.ARCX")), f"{100 + step}.00"))
        if choose.random() < 0.2:
            scene.engine.trading.put(Order(client_order_id=f"C{step}", terms=terms()))
        if choose.random() < 0.05:
            scene.hub.subscribe(choose.choice(heads), choose.choice((ALL, frozenset(DEFAULT_TOPICS))))
        if choose.random() < 0.1 and late:
            readers.append(Reader(late.pop()))
        scene.beat(choose.choice((0.001, 0.02, 0.05)))
        await asyncio.sleep(0)
    for reader in readers:
        await reader.ready()
        assert [frame.seq for frame in reader.frames] == list(range(1, len(reader.raw) + 1))


async def test_snapshot_and_deltas_equal_the_servers_state(scene: Scene) -> None:
    choose = random.Random(11)
    early, late = await scene.reader(scene.head(ALL)), None
    for step in range(200):
        name = choose.choice(("AAPL.XNAS", "MSFT.XNAS", "SPY.ARCX"))
        scene.engine.market.set_quote(quote(name, f"{100 + choose.randrange(900)}.00", NOW + step))
        status = choose.choice(list(OrderStatus))
        order = Order(client_order_id=f"C{choose.randrange(9)}", terms=terms(), status=status)
        scene.engine.trading.put(order, fill_of(order, step) if choose.random() < 0.3 else None)
        if step == 100:
            late = Reader(scene.head(ALL))
        if choose.random() < 0.5:
            scene.beat(0.04)
            await asyncio.sleep(0)
    scene.beat(1.0)
    assert late is not None
    for reader in (early, late):
        await reader.ready()
        assert _state(reader.frames) == (
            scene.engine.market.latest,
            scene.engine.trading.book,
            {fill.fill_id for fill in scene.engine.trading.all_fills},
        )
        fills = [fill.fill_id for frame in reader.frames for fill in frame.fills]
        assert len(fills) == len(set(fills))


def _state(frames: list[Frame]) -> tuple[object, object, object]:
    quotes = {one.instrument_id: one for frame in frames for one in frame.quotes}
    orders = {one.client_order_id: one for frame in frames for one in frame.orders}
    return quotes, orders, {one.fill_id for frame in frames for one in frame.fills}


async def test_a_failing_part_does_not_break_a_snapshot(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StockPulseError("not there")

    for port, name in (
        ("market", "quotes"),
        ("trading", "fills"),
        ("portfolio", "account_ids"),
        ("market", "references"),
    ):
        monkeypatch.setattr(getattr(scene.engine, port), name, gone)
    (frame,) = await (await scene.reader(scene.head(ALL))).take()
    assert frame.kind == "snapshot"
    assert frame.quotes == ()
    assert frame.instruments
