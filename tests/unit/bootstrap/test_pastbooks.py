"""The books as they stood: a prefix of the journal, folded like a start folds it, valued at what was known then."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap.pastbooks import BooksAsked, books_at, cut_of, newest_orders
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import EngineStarted, Event
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.storage.journal import SqliteJournal
from tests.fakes.portfolio_build import AAPL, D, busted, fill, filled, opened, order, terms


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return resolve_paths(tmp_path)


def submitted(order_id: str, quantity: str, at: int) -> OrderEvent:
    made = OrderTerms(
        account_id="main", instrument_id=AAPL, side=Side.BUY, quantity=D(quantity), order_type=OrderType.MARKET
    )
    asked = Order(client_order_id=order_id, terms=made, created_at=at)
    return OrderEvent(client_order_id=order_id, kind=OrderEventKind.SUBMIT, ts_event=at, recorded_at=at, order=asked)


def started(at: int) -> EngineStarted:
    return EngineStarted(version="1", world="sim", was_clean=True, ts_event=at, recorded_at=at)


STORY: list[Event] = [
    opened(),
    started(3),
    submitted("o-1", "10", 100),
    filled(fill("f1", "4", "100", fee="1", order_id="o-1", at=200)),
    filled(fill("f2", "6", "101", fee="1", order_id="o-1", at=300)),
    started(500),
    busted(fill("f2", "6", "101", fee="1", order_id="o-1", at=350)),  # the venue told it after the next start only
    submitted("o-2", "5", 600),
    filled(fill("f3", "5", "90", order_id="o-2", at=700)),
]


async def written(paths: Paths, events: list[Event]) -> str:
    journal = SqliteJournal(paths.journal("sim"), paths.journal_head("sim"), ManualClock(), is_inline=True)
    await journal.append(events)
    journal.close()
    return str(paths.journal("sim"))


@pytest.mark.parametrize(
    ("at", "entries", "held"),
    [
        (0, 0, None),
        (2, 1, "0"),
        (150, 3, "0"),
        (250, 4, "4"),
        (400, 5, "10"),
        (499, 5, "10"),
        (500, 7, "4"),
        (800, 9, "9"),
    ],
)
async def test_what_was_held_is_the_fold_of_what_was_known(
    paths: Paths, at: int, entries: int, held: str | None
) -> None:
    books = books_at(BooksAsked(journal=await written(paths, STORY), at_ns=at))
    assert books.entries == entries
    if held is None:
        assert (books.accounts, books.positions, books.orders) == ((), (), ())
        return
    ledger = Ledger()
    for event in STORY[:entries]:
        ledger.apply(event)
    (account,) = books.accounts
    assert account.cash == ledger.book("main").cash
    assert sum((one.quantity for one in books.positions), D(0)) == D(held)
    assert [one.lot for one in books.lots] == list(ledger.lots("main"))
    assert all(one.ts_event <= at for one in books.fills)
    assert all(point.ts_event <= at for curve in books.curves.values() for point in curve)


async def test_it_is_valued_at_what_was_known_and_says_from_where(paths: Paths) -> None:
    zero, journal = D(0), await written(paths, STORY)
    quote = Quote(AAPL, D(105), D(105), zero, zero, 240, "lean", D(105))
    (held,) = books_at(BooksAsked(journal=journal, at_ns=250, quotes={AAPL: quote})).positions
    assert (held.mark, held.mark_source, held.mark_ts, held.unrealized) == (D(105), "last", 240, D(20))
    (unknown,) = books_at(BooksAsked(journal=journal, at_ns=250)).positions
    assert (unknown.mark, unknown.mark_source) == (D(100), "fill")


async def test_reading_changes_no_byte_and_a_long_journal_tells_how_far_it_is(paths: Paths) -> None:
    journal = await written(paths, [*STORY, *(submitted(f"p-{n}", "1", 900 + n) for n in range(2_100))])
    before = {file: file.read_bytes() for file in Path(journal).parent.iterdir()}
    told: list[tuple[int, int]] = []
    books_at(BooksAsked(journal=journal, at_ns=10_000), lambda read, entries: told.append((read, entries)))
    assert {name.name: name.read_bytes() for name in before} == {name.name: held for name, held in before.items()}
    assert told
    assert all(read <= entries for read, entries in told)
    assert all(one <= two for (one, _), (two, _) in pairwise(told))


def test_without_a_journal_it_is_said(paths: Paths) -> None:
    with pytest.raises(UnavailableError):
        books_at(BooksAsked(journal=str(paths.journal("sim")), at_ns=1))


STAMPS = st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=30)


@given(STAMPS, st.integers(-1, 51))
def test_what_is_known_is_a_prefix_and_nothing_in_it_is_from_later(stamps: list[tuple[int, bool]], at: int) -> None:
    """Within one run of market time; where a run began again earlier, what it came after had happened all the same."""
    entries = [(seq, ts, is_start) for seq, (ts, is_start) in enumerate(stamps, start=1)]
    cut = cut_of(entries, at)
    if not any(is_start for _, is_start in stamps):
        assert all(ts <= at for _, ts, _ in entries[:cut])
        assert cut == len(entries) or entries[cut][1] > at
    assert cut_of(entries, 100) == len(entries)


def test_a_recording_played_again_counts_from_its_last_start() -> None:
    entries = [(1, 0, True), (2, 10, False), (3, 50, False), (4, 5, True), (5, 12, False), (6, 40, False)]
    assert [cut_of(entries, at) for at in (4, 11, 12, 60)] == [1, 4, 5, 6]


def test_every_open_order_is_among_the_newest() -> None:
    old_open = order("o-0", terms())
    done = [order(f"o-{n}", terms(), status=OrderStatus.CANCELED) for n in range(1, 9)]
    found = newest_orders([old_open, *done], limit=3)
    assert [one.client_order_id for one in found] == ["o-8", "o-7", "o-6", "o-0"]
