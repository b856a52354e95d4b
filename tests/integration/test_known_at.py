"""No public read tells what could be known only later: of any story, as of any moment, through every way in.

The ways in are listed from the code itself: one that takes a moment and is not asked here fails the first tests. A
reader that leaks is asked as well, and must be caught.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import quote as escape

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from stockpulse_engine.api.app import describe
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.cli.app import SUBJECTS, make_app
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.past import KnownQuote, Moment, PastView
from stockpulse_engine.marketdata.asking import stored_actions, stored_bars, stored_coverage, stored_ticks
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.history import (
    BARS,
    LATEST,
    QUOTES,
    TRADES,
    Adjustment,
    AsOf,
    HistoryReader,
    Query,
)
from stockpulse_engine.marketdata.known import KnownHistory
from stockpulse_engine.marketdata.past import PastMarket
from stockpulse_engine.storage.history.reader import StoreReader
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.sql.session import SqlSession
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.fake_history import FakeHistory
from tests.fakes.fake_past import FakePast
from tests.fakes.leaks import D1, M1, M5, MINUTE, MOMENTS, NAMES, OPEN, STORIES, Story, Write, leaked, prices_in
from tests.fakes.live_api import serving

IS_NIGHT = os.environ.get("STOCKPULSE_NIGHT") == "1"
FUZZ = settings(max_examples=500 if IS_NIGHT else 6, deadline=None)
FEW = settings(max_examples=50 if IS_NIGHT else 2, deadline=None)
MEDIUM = "medprice"
"""A study that tells the price of each bar where its high is its low."""
CORRECTIONS = st.lists(
    st.builds(
        Write, st.just("1m"), st.just(NAMES[0]), st.just(1), st.none() | st.integers(1, 16), st.just(False), st.just(0)
    ),
    min_size=2,
    max_size=4,
)
LATE = [Write("1m", NAMES[0], 1, None, False, 0), Write("1m", NAMES[0], 1, 9, False, 1)]
"""A bar, and its correction nine minutes later."""


@contextmanager
def told(writes: list[Write]) -> Iterator[tuple[EmbeddedHistory, Story, Path]]:
    """A store with a story, and the home it lies in."""
    with TemporaryDirectory() as directory:
        home, clock = Path(directory), ManualClock(OPEN)
        with open_history(resolve_paths(home).history, clock) as store:
            story = Story(store, clock)
            story.tell(writes)
            yield store, story, home


def reads(reader: HistoryReader, at_ns: int) -> Iterator[tuple[str, object]]:
    """Every read of the port that takes a moment."""
    as_of = AsOf(known_at=at_ns)
    window: dict[str, Any] = {"start_ns": OPEN - MINUTE, "end_ns": OPEN + 600 * MINUTE, "as_of": as_of}
    for spec in (M1, M5, D1):
        for adjustment in (Adjustment.RAW, Adjustment.SPLIT):
            for name in NAMES:
                yield "bars", reader.bars(name, spec, as_of=as_of, adjustment=adjustment)
            yield "last_bars", reader.last_bars(NAMES, spec, 5, as_of=as_of, adjustment=adjustment)
        yield "frame", reader.frame(Query(table=BARS, spec=spec, as_of=as_of))
        yield "coverage", reader.coverage(NAMES[0], spec, as_of=as_of)
    for name in NAMES:
        yield "trades", reader.trades(name, **window)
        yield "quotes", reader.quotes(name, **window)
        yield "actions", reader.actions(name, as_of=as_of)
    for table in (TRADES, QUOTES):
        yield "frame", reader.frame(Query(table=table, as_of=as_of))


class LeakyReader(StoreReader):
    """The canary: what happened by then, in the version that is held now."""

    def bars(self, instrument_id: str, spec: Any, *, as_of: AsOf = LATEST, **rest: Any) -> Any:
        """The mistake everybody makes once: the moment cuts the rows, and not the versions."""
        end = None if as_of.known_at is None else as_of.known_at - spec.duration_ns + 1
        return super().bars(instrument_id, spec, **{**rest, "end_ns": end})


def test_every_read_of_the_port_that_takes_a_moment_is_asked() -> None:
    takes = {
        name
        for name, method in inspect.getmembers(HistoryReader, inspect.isfunction)
        if "as_of" in inspect.signature(method).parameters or name == "frame"
    }
    with told(LATE) as (store, _, _):
        assert {name for name, _ in reads(store.reader, OPEN)} == takes


@FUZZ
@given(STORIES, st.lists(MOMENTS, min_size=1, max_size=4))
def test_no_read_of_the_store_tells_what_was_known_later(writes: list[Write], moments: list[int]) -> None:
    with told(writes) as (store, story, _):
        for at_ns in moments:
            for name, answer in reads(store.reader, at_ns):
                assert not leaked(answer, story.born, at_ns), f"{name} as of {(at_ns - OPEN) / MINUTE:.2f} min"


def test_everything_is_told_once_it_is_known() -> None:
    """The eye sees: without it, a store that answers nothing would pass."""
    with told(LATE) as (store, story, _):
        early, late = story.born
        assert set(prices_in(list(reads(store.reader, OPEN + 5 * MINUTE)))) == {early}
        assert late in set(prices_in(list(reads(store.reader, OPEN + 20 * MINUTE))))


@pytest.mark.parametrize("way", ["store", "past"])
def test_a_reader_that_leaks_is_caught(way: str) -> None:
    def leaks(case: tuple[list[Write], int]) -> bool:
        with told(case[0]) as (_, story, home), _leaky(home) as reader:
            if way == "store":
                return any(leaked(answer, story.born, case[1]) for _, answer in reads(reader, case[1]))
            return any(leaked(answer, story.born, case[1]) for answer in asyncio.run(_past_reads(reader, case[1])))

    limits = settings(max_examples=300, deadline=None, database=None, phases=[Phase.generate])
    writes, at_ns = find(st.tuples(CORRECTIONS, MOMENTS), leaks, settings=limits)
    assert len(writes) >= 2
    assert at_ns >= OPEN


@contextmanager
def _leaky(home: Path) -> Iterator[LeakyReader]:
    from stockpulse_engine.storage.history.layout import Layout

    reader = LeakyReader(Layout(resolve_paths(home).history), ManualClock(OPEN))
    try:
        yield reader
    finally:
        reader.close()


# -- what a head that looks back asks


async def _past_reads(reader: HistoryReader, at_ns: int) -> list[object]:
    past = PastMarket(None, KnownHistory(lambda: reader), load_calendar("XNYS"), lambda: ())
    found: list[object] = [await past.quotes(NAMES, at_ns)]
    for name in NAMES:
        for spec in (M1, M5, D1):
            found.append(await past.bars(name, spec, limit=50, at_ns=at_ns))
            found.append(await past.bars(name, spec, limit=50, at_ns=at_ns, end_ns=OPEN + 3 * MINUTE))
        found.append(await past.study(name, M1, MEDIUM, limit=50, at_ns=at_ns))
        for cell in ("last", "chg%", "bid", "low"):
            try:
                found.append(await past.explain(cell, name, at_ns))
            except StockPulseError:
                continue
    return found


@FUZZ
@given(STORIES, MOMENTS)
def test_prices_bars_and_studies_of_a_moment_are_of_then(writes: list[Write], at_ns: int) -> None:
    with told(writes) as (store, story, _):
        for answer in asyncio.run(_past_reads(store.reader, at_ns)):
            assert not leaked(answer, story.born, at_ns)


# -- the API

ROUTES: dict[str, str] = {
    "/v1/quotes": "?ids=AAPL&at={at}",
    "/v1/bars": "?id=AAPL&spec=1m&at={at}",
    "/v1/study": f"?id=AAPL&spec=1m&study={MEDIUM}&at={{at}}",
    "/v1/explain": "?name=last&id=AAPL&at={at}",
    "/v1/past": "?at={at}",
    "/v1/past/quotes": "?ids=AAPL&at={at}",
    "/v1/history/bars": "?id=AAPL.XNAS&spec=1m&as_of={iso}",
    "/v1/history/ticks": "?id=AAPL.XNAS&as_of={iso}",
    "/v1/history/actions": "?as_of={iso}",
    "/v1/history/coverage": "?id=AAPL.XNAS&as_of={iso}",
}
NOT_PRICES = {
    "/v1/past/moment", "/v1/news", "/v1/orders", "/v1/orders/{client_order_id}", "/v1/orders/{client_order_id}/life",
    "/v1/fills", "/v1/positions", "/v1/lots", "/v1/portfolio", "/v1/account", "/v1/accounts",
}  # fmt: skip
"""What comes from the journal: tests/unit/bootstrap/test_pastbooks.py holds that to what was known."""

MEMBERS = {"/v1/universes/{name}"}
"""Who belonged to what, and when: no value of any of them."""


class StoredPast(FakePast):
    """The past of a store, behind the API."""

    def __init__(self, reader: HistoryReader) -> None:
        super().__init__(OPEN + 10_000 * MINUTE)
        self._market = PastMarket(None, KnownHistory(lambda: reader), load_calendar("XNYS"), lambda: ())

    async def view(self, at_ns: int) -> PastView:
        """With what was known of both."""
        quotes = await self.quotes(NAMES, at_ns)
        return PastView(moment=Moment(at_ns=at_ns, words=""), is_ready=True, quotes=quotes, books=self.books_held)

    async def quotes(self, names: Any, at_ns: int) -> tuple[KnownQuote, ...]:
        """From the store."""
        return await self._market.quotes(names, at_ns)

    async def bars(self, instrument_id: str, spec: Any, **rest: Any) -> Any:
        """From the store."""
        return await self._market.bars(instrument_id, spec, **rest)

    async def study(self, instrument_id: str, spec: Any, text: str, **rest: Any) -> Any:
        """From the store."""
        return await self._market.study(instrument_id, spec, text, **rest)

    async def explain(self, name: str, instrument_id: str, at_ns: int) -> Any:
        """From the store."""
        return await self._market.explain(name, instrument_id, at_ns)


class StoredQueries(FakeHistory):
    """Stored history itself, behind the API."""

    def __init__(self, reader: HistoryReader) -> None:
        super().__init__()
        self._reader = reader

    async def bars(self, asked: Any) -> Any:
        """As the engine asks it."""
        return stored_bars(self._reader, asked)

    async def ticks(self, asked: Any, table: str) -> Any:
        """The same."""
        return stored_ticks(self._reader, asked, table)

    async def actions(self, instrument: str, as_of: AsOf) -> Any:
        """The same."""
        return stored_actions(self._reader, instrument, as_of)

    async def coverage(self, instrument: str, spec: str, as_of: AsOf, most: int) -> Any:
        """The same."""
        return stored_coverage(self._reader, instrument, spec, as_of, most=most)


def _iso(at_ns: int) -> str:
    """The moment as routes of the store and commands take it; not later than meant."""
    import datetime as dt

    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_ns // 1_000)).isoformat()


def test_every_route_that_takes_a_moment_is_asked() -> None:
    takes = {
        path
        for path, operations in describe()["paths"].items()
        for one in operations.get("get", {}).get("parameters", ())
        if one["name"] in ("at", "as_of")
    }
    assert takes == (set(ROUTES) | NOT_PRICES) | (takes & MEMBERS)


@FEW
@given(STORIES, st.lists(MOMENTS, min_size=1, max_size=4))
def test_no_route_tells_what_was_known_later(writes: list[Write], moments: list[int]) -> None:
    with told(writes) as (store, story, home):
        engine = FakeEngine()
        engine.past = StoredPast(store.reader)
        engine.history = StoredQueries(store.reader)

        async def ask() -> None:
            async with serving(home, engine) as api:
                for at_ns in moments:
                    for route, query in ROUTES.items():
                        answer = await api.get(route + query.format(at=at_ns, iso=escape(_iso(at_ns))), "viewer")
                        assert answer.status in (200, 404), answer.body
                        assert not leaked(answer.body, story.born, at_ns), f"{route} {answer.body[:300]!r}"

        asyncio.run(ask())


# -- the command line, and SQL

COMMANDS: dict[str, tuple[str, ...]] = {
    "bars": ("bars", "AAPL.XNAS", "--spec", "1m"),
    "ticks": ("ticks", "AAPL.XNAS"),
    "actions": ("actions",),
    "coverage": ("coverage", "AAPL.XNAS"),
    "sql": ("sql", "SELECT * FROM bars"),
}


def test_every_command_that_takes_a_moment_is_asked() -> None:
    takes = set()
    for subject in SUBJECTS:
        for command in make_app(subject).registered_commands:
            names = inspect.signature(cast("Callable[..., object]", command.callback)).parameters.values()
            options = [one.annotation for one in names]
            if "AsOfMoment" in map(str, options):
                takes.add(command.name or cast("Any", command.callback).__name__)
    assert takes - {"universe"} == set(COMMANDS)


@FEW
@given(STORIES, MOMENTS)
def test_no_command_tells_what_was_known_later(writes: list[Write], at_ns: int) -> None:
    with told(writes) as (_, story, home), patch.dict(os.environ, {"STOCKPULSE_HOME": str(home)}):
        for name, words in COMMANDS.items():
            if name == "sql":  # a process each: its views are asked below
                continue
            for form in ((), ("--json",)):
                done = CliRunner().invoke(make_app(name), [*words, "--as-of", _iso(at_ns), *form])
                assert isinstance(done.exception, StockPulseError | SystemExit | type(None)), done.exception
                assert not leaked(done.output, story.born, at_ns), f"{words} {done.output[:300]}"


VIEWS = {
    "bars": ("open", "high", "low", "close"),
    "trades": ("price",),
    "quotes": ("bid", "ask"),
    "actions": ("amount",),
}


@FEW
@given(STORIES, MOMENTS)
def test_no_view_of_sql_tells_what_was_known_later(writes: list[Write], at_ns: int) -> None:
    with told(writes) as (store, story, home):
        session = SqlSession(store.reader, resolve_paths(home).history)
        as_of = AsOf(known_at=at_ns)
        held = {view.name for view in session.views(as_of)}
        assert held == {*VIEWS, *(f"{name}_versions" for name in VIEWS), "series"}
        asked = [(f"{name}{more}", column) for name in VIEWS for more in ("", "_versions") for column in VIEWS[name]]
        answer = session.run(" UNION ALL ".join(f"SELECT {column} FROM {view}" for view, column in asked), as_of=as_of)  # noqa: S608 - our own words
        assert not leaked(answer, story.born, at_ns)
