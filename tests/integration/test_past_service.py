"""A moment put together by the engine: the journal read in a process of its own, kept, made anew, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap import past as past_module
from stockpulse_engine.bootstrap.past import PastService, PastSources
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.market import Bar, BarSpec, NewsItem
from stockpulse_engine.domain.past import PastView
from stockpulse_engine.domain.views import ClockView, OrderLife, WhyStep
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.known import KnownHistory
from stockpulse_engine.marketdata.past import PastMarket
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.journal import SqliteJournal
from tests.fakes.fake_provider import an_instrument
from tests.fakes.portfolio_build import AAPL, D, fill, filled, opened, order, terms
from tests.unit.bootstrap.test_pastbooks import submitted
from tests.unit.storage.history.build import M1, bar_frame

XNYS = load_calendar("XNYS")
OPEN = 1_381_152_600_000_000_000
MINUTE = 60_000_000_000
NOW = OPEN + 400 * MINUTE
STORY: list[Event] = [
    opened(),
    submitted("o-1", "10", OPEN),
    filled(fill("f1", "10", "100", order_id="o-1", at=OPEN + MINUTE)),
    submitted("o-2", "5", OPEN + 5 * MINUTE),
]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return resolve_paths(tmp_path)


@pytest.fixture
def store(paths: Paths) -> Iterator[EmbeddedHistory]:
    with ExitStack() as stack:
        yield stack.enter_context(open_history(paths.history, ManualClock(NOW)))


async def write_journal(paths: Paths, events: list[Event]) -> None:
    journal = SqliteJournal(paths.journal("sim"), paths.journal_head("sim"), ManualClock(), is_inline=True)
    await journal.append(events)
    journal.close()


def clock_view() -> ClockView:
    return ClockView(
        world="sim", market_ns=NOW, wall_ns=NOW, speed=1.0, is_paused=False, session_date="2013-10-07", phase="POST",
        time_zone="America/New_York", next_change_ns=NOW + MINUTE, next_phase="CLOSED",
    )  # fmt: skip


async def life(key: str) -> OrderLife:
    steps = tuple(
        WhyStep(seq=seq, recorded_at=1, ts_event=1, gap_ns=0, mark="", step=step, sentence=step)
        for seq, step in ((2, "SUBMIT"), (3, "FILL"))
    )
    made = order(key, terms())
    return OrderLife(order=made, fills=(), steps=steps, hops={"ack": 1}, is_verified=True)


def service(paths: Paths, store: EmbeddedHistory | None, own: Any = None) -> PastService:
    known = KnownHistory(lambda: store.reader) if store is not None else None
    market = PastMarket(own, known, XNYS, lambda: [an_instrument()])
    news = (NewsItem("late", (), OPEN + 9 * MINUTE), NewsItem("early", (), OPEN))
    return PastService(paths, "sim", PastSources(market, XNYS, lambda: NOW, lambda: news, clock_view, life))


async def ready(past: PastService, at_ns: int) -> PastView:
    while not (view := await past.view(at_ns)).is_ready:
        assert view.step
    return view


async def test_a_moment_is_market_books_and_news_of_then(paths: Paths, store: EmbeddedHistory) -> None:
    await write_journal(paths, STORY)
    store.writer.write_bars(bar_frame([100, 105, 110], start=OPEN), spec=M1, source="lean")
    past, at_ns = service(paths, store), OPEN + 2 * MINUTE
    view = await ready(past, at_ns)
    assert view.books is not None
    assert (view.books.entries, [one.client_order_id for one in view.books.orders]) == (3, ["o-1"])
    (held,) = view.books.positions
    assert (held.quantity, held.mark, held.mark_source) == (D(10), D(105), "last")
    assert [one.known_at for one in view.quotes] == [at_ns]
    assert [one.headline for one in view.news] == ["early"]
    assert view.clock is not None
    assert (view.clock.market_ns, view.clock.is_paused, view.clock.phase) == (at_ns, True, "OPEN")
    assert view.books.session_start == XNYS.current_or_previous(at_ns).pre_open
    told = await past.life("o-1", at_ns)
    assert (len(told.steps), told.hops) == (2, {"ack": 1})
    before = await past.life("o-1", OPEN)
    assert ([one.step for one in before.steps], before.hops, before.fills) == (["SUBMIT"], {}, ())
    with pytest.raises(NotFoundError, match="no order 'o-2' then"):
        await past.life("o-2", at_ns)
    await past.stop()


async def test_it_is_kept_until_history_changes_under_it(
    paths: Paths, store: EmbeddedHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_module, "MAX_KEPT", 1)
    await write_journal(paths, STORY)
    past, at_ns = service(paths, store), OPEN + 2 * MINUTE
    first = await ready(past, at_ns)
    assert first.quotes[0].quote is None
    assert (await past.view(at_ns)) is first
    store.writer.write_bars(bar_frame([100, 105], start=OPEN), spec=M1, source="lean")
    second = await ready(past, at_ns)
    assert second.quotes[0].known_at == at_ns
    await ready(past, OPEN)
    assert list(past._kept) == [OPEN]
    await past.stop()


async def test_what_stands_in_the_way_is_said(paths: Paths) -> None:
    past = service(paths, None)
    with pytest.raises(InvalidValueError, match="lies ahead"):
        await past.view(NOW + 1)
    with pytest.raises(UnavailableError, match="cannot be read"):
        await ready(past, OPEN)
    await past.stop()


class Stuck:
    """A market that never answers."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.was_canceled = False

    async def fetch_bars(self, instrument_id: str, spec: BarSpec, **_: Any) -> Sequence[Bar]:
        """Wait for ever."""
        self.is_asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_canceled = True
            raise
        return ()


async def test_a_moment_that_nobody_asks_for_any_more_is_given_up(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_module, "FORGOTTEN_S", 0.0)
    monkeypatch.setattr(past_module, "LOOK_S", 0.01)
    monkeypatch.setattr(past_module, "PATIENCE_S", 0.01)
    stuck = Stuck()
    past = service(paths, None, stuck)
    view = await past.view(OPEN)
    assert not view.is_ready
    await stuck.is_asked.wait()
    while past._kept or past._tasks:
        await asyncio.sleep(0.01)
    assert stuck.was_canceled
    await past.stop()


async def test_the_end_of_the_engine_ends_it(paths: Paths) -> None:
    stuck = Stuck()
    past = service(paths, None, stuck)
    waiting = asyncio.ensure_future(past.books(OPEN))
    await stuck.is_asked.wait()
    await past.stop()
    assert stuck.was_canceled
    waiting.cancel()


def test_the_fixture_speaks_of_the_instrument_it_means() -> None:
    assert an_instrument().instrument_id == AAPL
