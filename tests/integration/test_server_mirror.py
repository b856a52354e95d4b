"""History on a real PostgreSQL: each version once, whatever dies in between, and equal row for row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import ConflictError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
from stockpulse_engine.marketdata.history import AsOf
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.cursors import owner_of
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.mirror import HistoryMirror
from stockpulse_engine.storage.server.move import to_embedded
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.verify import Compared, compared
from stockpulse_engine.storage.server.versions import EmbeddedVersions, ServerVersions
from tests.fakes.postgres_server import PostgresServer

M1, D1, W1 = BarSpec(1, "m"), BarSpec(1, "d"), BarSpec(1, "w")
MINUTE = 60_000_000_000
OPEN = 1_699_972_200_000_000_000
NAMES = [f"S{number:02d}.XNAS" for number in range(5)]


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    found = postgres.settings()
    migrate(found)
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(OPEN + 10**15)


def bars(first: int, count: int, *, shift: int = 0, names: list[str] = NAMES) -> pl.DataFrame:
    """Minutes `first` … of each instrument; `shift` makes other values."""
    rows = [
        {
            "instrument_id": name,
            "ts_event": OPEN + number * MINUTE + 7,
            "known_at": OPEN + (number + 1) * MINUTE + 7,
            **{f"{column}_e8": (number + 1) * 10**8 + shift for column in ("open", "high", "low", "close", "volume")},
        }
        for name in names
        for number in range(first, first + count)
    ]
    return pl.DataFrame(rows)


def ticks() -> pl.DataFrame:
    """Quotes with sides that are not there, two in one moment."""
    return pl.DataFrame(
        {
            "instrument_id": ["A.XNAS", "A.XNAS", "A.XNAS", "B.XNAS"],
            "ts_event": [OPEN + 1, OPEN + 1, OPEN + 999, OPEN],
            "known_at": [OPEN + 1, OPEN + 1, OPEN + 999, OPEN],
            "bid_e8": [1, None, 3, None],
            "bid_size_e8": [1, None, 3, None],
            "ask_e8": [None, 2, 4, None],
            "ask_size_e8": [None, 2, 4, None],
            "exchange": ["N", "Q", "", "N"],
            "conditions": ["@", "@ F", "", "@"],
            "flags": [0, 1, 2, 0],
        },
        schema_overrides={"bid_e8": pl.Int64, "ask_e8": pl.Int64},
    )


def mirror(store: EmbeddedHistory, settings: StorageSettings) -> int:
    """Copy until everything is there; returns the rows."""
    with connect(settings) as connection:
        copier = HistoryMirror(store, connection, migrate(settings).features, owner_of(store.layout.root))
        total = 0
        while True:
            progress = copier.step()
            if progress.is_done:
                return total
            total += progress.rows


def differences(store: EmbeddedHistory, settings: StorageSettings) -> list[Compared]:
    """What the two do not agree on."""
    embedded = EmbeddedVersions(store)
    with connect(settings) as connection:
        found = list(compared(embedded, ServerVersions(connection)))
    embedded.close()
    assert found
    return [one for one in found if not one.is_equal]


def count(settings: StorageSettings, table: str) -> int:
    with connect(settings) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a table of ours
    assert row is not None
    return int(row[0])


def fill(store: EmbeddedHistory, clock: ManualClock) -> None:
    """Something of everything: bars of three lengths, corrections, a retraction, quotes, prints, actions."""
    writer = store.writer
    writer.write_bars(bars(0, 50), spec=M1, source="yahoo")
    writer.write_bars(bars(0, 8, shift=1), spec=W1, source="lean")
    clock.advance(10**9)
    writer.write_bars(bars(10, 5, shift=3), spec=M1, source="yahoo")
    clock.advance(10**9)
    published = bars(11, 1, shift=9).with_columns(published_at=OPEN + 100 * MINUTE)
    writer.write_bars(published, spec=M1, source="yahoo")
    writer.write_bars(bars(20, 2).with_columns(is_retracted=True), spec=M1, source="yahoo")
    writer.write_quotes(ticks(), source="live:test")
    trades = ticks().select("instrument_id", "ts_event", "known_at", "exchange", "conditions", "flags")
    writer.write_trades(trades.with_columns(price_e8=10**8, size_e8=2 * 10**8), source="live:test")
    split: dict[str, Any] = {
        "kind": ActionKind.SPLIT,
        "ts_event": OPEN + 30 * MINUTE,
        "known_at": OPEN,
        "source": "yahoo",
    }
    writer.write_actions([CorporateAction(instrument_id=NAMES[0], numerator=7, **split)])
    clock.advance(10**9)
    writer.write_actions([CorporateAction(instrument_id=NAMES[0], numerator=2, note="later", **split)])


def test_every_version_arrives_once_and_is_equal(home: Path, settings: StorageSettings, clock: ManualClock) -> None:
    with open_history(home / "history", clock) as store:
        fill(store, clock)
        stored = sum(one.rows for one in store.reader.series())
        assert mirror(store, settings) == stored
        assert mirror(store, settings) == 0
        assert differences(store, settings) == []
        assert count(settings, "bars_minute") == 5 * 50
        assert count(settings, "bars_minute_superseded") == 5 * (5 + 1 + 2)
        with connect(settings) as connection:
            row = connection.execute(
                "SELECT close FROM bars_numeric WHERE instrument_id = %s AND spec = '1m' ORDER BY ts LIMIT 1",
                (NAMES[0],),
            ).fetchone()
            assert row is not None
            assert str(row[0]) == "1.00000000"
            assert connection.execute("SELECT count(*) FROM quotes_numeric WHERE bid IS NULL").fetchone() == (2,)


def test_merged_segments_repeat_rows_and_add_nothing(home: Path, settings: StorageSettings, clock: ManualClock) -> None:
    with open_history(home / "history", clock) as store:
        for number in range(9):
            store.writer.write_bars(bars(number * 3, 5, shift=number), spec=M1, source="yahoo")
            clock.advance(10**9)
            if number == 5:
                mirror(store, settings)
        assert store.upkeep.merge_small() == 9
        assert mirror(store, settings) > 0
        assert differences(store, settings) == []


def test_a_changed_and_a_lost_row_are_found_and_named(
    home: Path, settings: StorageSettings, clock: ManualClock
) -> None:
    with open_history(home / "history", clock) as store:
        fill(store, clock)
        mirror(store, settings)
        with connect(settings) as connection:
            connection.execute(
                "UPDATE bars_minute SET close_e8 = close_e8 + 1 WHERE ts_ns = 7 AND close_e8 = 3100000000"
            )
            connection.execute("DELETE FROM trades WHERE seq = 1")
        found = differences(store, settings)
    assert {(one.table, one.instrument_id) for one in found} == {
        *(("bars", name) for name in NAMES),
        ("trades", "A.XNAS"),
    }
    changed = next(one for one in found if one.table == "bars")
    assert [one.problem for one in changed.differences] == ["close_e8 3100000000 is 3100000001 there"]
    lost = next(one for one in found if one.table == "trades")
    assert (lost.embedded_rows, lost.server_rows) == (3, 2)
    assert [one.problem for one in lost.differences] == ["not on the server"]


def test_moved_back_into_an_empty_home_it_is_the_same(
    home: Path, settings: StorageSettings, clock: ManualClock
) -> None:
    with open_history(home / "history", clock) as store:
        fill(store, clock)
        mirror(store, settings)
    with open_history(home / "other", clock) as other:
        with connect(settings) as connection:
            to_embedded(ServerVersions(connection), other, lambda _, __: None)
        assert differences(other, settings) == []
        with connect(settings) as connection:
            assert to_embedded(ServerVersions(connection), other, lambda _, __: None) == 0


def test_another_homes_database_is_refused(home: Path, settings: StorageSettings, clock: ManualClock) -> None:
    for name in ("one", "two"):
        with open_history(home / name, clock) as store:
            store.writer.write_bars(bars(0, 1), spec=M1, source="yahoo")
            if name == "one":
                mirror(store, settings)
            else:
                with pytest.raises(ConflictError, match="another home"):
                    mirror(store, settings)


def test_a_failed_step_leaves_nothing(home: Path, settings: StorageSettings, clock: ManualClock) -> None:
    with open_history(home / "history", clock) as store:
        fill(store, clock)
        with connect(settings) as connection:
            connection.execute("ALTER TABLE bars_minute ADD CHECK (close_e8 < 4000000000)")
        with pytest.raises(psycopg.errors.CheckViolation):
            mirror(store, settings)
        assert [count(settings, table) for table in ("bars_minute", "instruments", "mirror_cursor")] == [0, 0, 0]


# --- reads ------------------------------------------------------------------------------------------------


def test_the_server_reads_what_the_embedded_store_reads(
    home: Path, settings: StorageSettings, clock: ManualClock
) -> None:
    with open_history(home / "history", clock) as store:
        fill(store, clock)
        mirror(store, settings)
        server = ServerReader(settings, clock)
        moments = [None, OPEN + 12 * MINUTE, OPEN + 60 * MINUTE, OPEN + 100 * MINUTE, OPEN + 10**15, OPEN + 2 * 10**15]
        walls = [None, *sorted({int(value) for value in store.reader.bars(NAMES[0], M1).recorded_at})]
        for known in moments:
            for wall in walls:
                as_of = AsOf(known, wall)
                ours, theirs = (
                    one.last_bars([*NAMES, "NO.XNAS"], M1, 13, as_of=as_of) for one in (store.reader, server)
                )
                for name, expected in ours.items():
                    assert_same(theirs[name], expected)
                window: dict[str, Any] = {
                    "start_ns": OPEN + 5 * MINUTE + 7,
                    "end_ns": OPEN + 13 * MINUTE + 7,
                    "as_of": as_of,
                }
                assert_same(server.bars(NAMES[1], M1, **window), store.reader.bars(NAMES[1], M1, **window))
        for adjustment in Adjustment:
            assert_same(
                server.bars(NAMES[0], M1, adjustment=adjustment), store.reader.bars(NAMES[0], M1, adjustment=adjustment)
            )
        assert server.actions(NAMES[0]) == store.reader.actions(NAMES[0])
        assert server.actions(as_of=AsOf(OPEN + 1)) == store.reader.actions(as_of=AsOf(OPEN + 1))
        assert len(server.bars(NAMES[0], M1, end_ns=OPEN + 13 * MINUTE + 8, limit=3)) == 3
        server.close()


def test_the_last_bars_are_found_behind_a_long_silence(
    home: Path, settings: StorageSettings, clock: ManualClock
) -> None:
    with open_history(home / "history", clock) as store:
        for start in (0, 2_000_000, 5_000_000):
            store.writer.write_bars(bars(start, 3, names=NAMES[:1]), spec=M1, source="yahoo")
        mirror(store, settings)
        server = ServerReader(settings, clock)
        for limit in range(1, 11):
            assert_same(
                server.last_bars(NAMES, M1, limit)[NAMES[0]], store.reader.last_bars(NAMES, M1, limit)[NAMES[0]]
            )
        server.close()


def assert_same(found: object, expected: object) -> None:
    """Every column, and where it is from."""
    for name in ("ts_event", "known_at", "recorded_at", "open", "high", "low", "close", "volume"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name
    assert getattr(found, "source") == getattr(expected, "source")  # noqa: B009 - both are any columns
