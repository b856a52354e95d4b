"""The venue's store: what was committed comes back exactly, and only in its own world."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from stockpulse_engine.domain.errors import ConflictError, UnavailableError
from stockpulse_engine.venue.desk import Turn
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.store import Identity, VenueStore
from tests.unit.venue.floor import Floor

SIM = Identity("sim", 7)


@pytest.fixture
def path(home: Path) -> Path:
    return home / "venue.db"


@pytest.fixture
def store(path: Path) -> Iterator[VenueStore]:
    opened = VenueStore(path, SIM, "E")
    yield opened
    opened.close()


class StoredFloor(Floor):
    """A floor whose turns are committed."""

    def __init__(self, store: VenueStore) -> None:
        self.store = store
        super().__init__(fees=FeeSchedule())

    def _settle(self) -> None:
        turn = self.desk.take_turn()
        self.store.commit(turn, self.desk.counters, self.now, "2024-03-04")
        self.reports += [each.report for each in turn.reports]
        self.done.update(turn.orders)


def test_everything_comes_back_as_it_was(store: VenueStore, path: Path) -> None:
    floor = StoredFloor(store)
    floor.buy("filled", 100)
    floor.buy("resting", 50, limit="99.10", tif="GTC")
    floor.bracket("e", 400, "101.00", "99.00", limit="100.02")
    state = floor.desk.accounts["A1"]

    again = VenueStore(path, SIM, "other")
    assert again.epoch == "E"
    assert again.market_ns == floor.now
    assert again.counters == floor.desk.counters
    (account,) = again.load_accounts()
    assert (account.account, account.cash, account.positions) == (state.account, state.cash, state.positions)
    loaded = {order.client_order_id: order for order in again.load_orders()}
    assert set(loaded) == {"resting", "e", "e-t", "e-s"}
    assert loaded["e"].filled == 200
    assert loaded["e-s"].open_quantity == 200
    assert loaded["resting"].terms == floor.order("resting").terms
    filled = again.find_order("A1", "filled")
    assert filled is not None
    assert filled.status == "FILLED"
    assert again.find_order("A2", "filled") is None
    assert [each.report for each in again.load_reports("A1", 0, 100)] == floor.reports
    assert [fill for _, fill in again.load_fills("A1", 0, 100)] == floor.all_fills()
    assert again.last_seq("A1") == floor.reports[-1].report_seq
    again.close()


def test_a_bracket_with_one_open_leg_comes_back_whole(store: VenueStore) -> None:
    floor = StoredFloor(store)
    floor.bracket("e", 100, "101.00", "99.00")
    floor.cancel("e-t")
    assert {order.client_order_id for order in store.load_orders()} == {"e", "e-t", "e-s"}


def test_reports_and_fills_are_read_by_page_and_account(store: VenueStore) -> None:
    floor = StoredFloor(store)
    for number in range(4):
        floor.buy(f"b{number}", 10)
    assert [each.report.report_seq for each in store.load_reports("", 2, 3)] == [3, 4, 5]
    assert store.load_reports("A2", 0, 10) == []
    seqs = [seq for seq, _ in store.load_fills("A1", 4, 2)]
    assert seqs == [6, 8]


def test_the_witness_counts_orders_and_requests(store: VenueStore) -> None:
    floor = StoredFloor(store)
    for _ in range(3):
        floor.buy("b", 10)
    assert store.count_orders("b") == (1, 3)


def test_money_is_kept_as_exact_text(store: VenueStore, path: Path) -> None:
    floor = StoredFloor(store)
    floor.buy("b", 100)
    rows = apsw.Connection(str(path)).execute("SELECT cash FROM accounts").fetchall()
    assert rows == [(str(Decimal(100_000) - 10_002 - Decimal("0.35")),)]


@pytest.mark.parametrize("other", [Identity("live", 7), Identity("sim", 8)])
def test_another_world_or_seed_is_refused_by_name(store: VenueStore, path: Path, other: Identity) -> None:
    assert store.market_ns == 0
    with pytest.raises(ConflictError, match="belongs to world sim with seed 7"):
        VenueStore(path, other, "E")


def test_a_refused_write_leaves_the_store_as_it_was_and_is_said(store: VenueStore, path: Path) -> None:
    floor = StoredFloor(store)
    floor.buy("b", 100)
    apsw.Connection(str(path)).execute(
        "CREATE TRIGGER full BEFORE INSERT ON reports BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(UnavailableError, match="refused a write"):
        floor.buy("c", 100)
    assert store.find_order("A1", "c") is None
    assert store.count_orders("c") == (0, 0)
    apsw.Connection(str(path)).execute("DROP TRIGGER full")
    store.commit(Turn(), floor.desk.counters, 1, "2024-03-04")
    assert store.market_ns == 1


def test_what_is_no_store_is_refused(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(UnavailableError):
        VenueStore(path, SIM, "E")
