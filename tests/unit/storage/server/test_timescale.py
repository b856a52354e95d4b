"""What is said to TimescaleDB: each trap is a statement that is, or is not, made."""

from __future__ import annotations

import datetime as dt
import re
from typing import cast

import pytest

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.history import BARS, LATEST, QUOTES, TRADES, AsOf, Query
from stockpulse_engine.storage.server import barreads, bulkreads, timescale
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.reach import Reach
from stockpulse_engine.storage.server.schema import BAR_TABLES, metadata
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.tickreads import TickReads
from stockpulse_engine.storage.server.timescale import Features, Window, arrange, prune, refresh, windows_for

UNUSED = cast("Connection", None)
PLAIN = Features()
APACHE = Features("2.28.3", is_full=False, words="Apache")
FULL = Features("2.28.3", is_full=True, words="full")
SETTINGS = StorageSettings(keep_quotes_days=30, keep_trades_days=365)
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def said(features: Features, settings: StorageSettings = SETTINGS) -> str:
    return "\n".join(arrange(features, settings))


def test_ticks_and_predictions_have_chunks_of_a_day_and_bars_by_their_size() -> None:
    text = said(FULL)
    for name in ("quotes", "trades", "predictions", "bars_second"):
        assert f"create_hypertable('{name}', by_range('ts', INTERVAL '1 day'), if_not_exists => true" in text
    assert "create_hypertable('bars_minute', by_range('ts', INTERVAL '7 days')" in text
    assert all(f"create_hypertable('{name}'" in text for name in BAR_TABLES)


def test_a_hypertable_has_its_time_in_every_key() -> None:
    for name in timescale.CHUNKS:
        assert "ts" in metadata.tables[name].primary_key.columns, name


def test_policies_of_the_columnstore_are_called_and_not_selected() -> None:
    text = said(FULL)
    assert "CALL add_columnstore_policy('quotes', after => INTERVAL '7 days', if_not_exists => true)" in text
    assert not re.search(r"SELECT (add|remove)_columnstore_policy", text)
    assert "convert_to_columnstore" not in text


def test_every_columnstore_is_enabled_before_its_policy() -> None:
    lines = said(FULL).splitlines()
    for name in [*timescale.CHUNKS, *timescale.ROLLUPS]:
        enabled = next(n for n, line in enumerate(lines) if f" {name} SET (timescaledb.enable_columnstore" in line)
        added = next(n for n, line in enumerate(lines) if f"add_columnstore_policy('{name}'" in line)
        assert enabled < added, name


def test_aggregates_are_made_without_data_and_with_both_ends_of_their_window() -> None:
    made = [line for line in said(FULL).splitlines() if line.startswith("CREATE MATERIALIZED VIEW")]
    assert len(made) == len(timescale.ROLLUPS)
    assert all(line.endswith("WITH NO DATA") and "timescaledb.continuous" in line for line in made)
    policies = [line for line in said(FULL).splitlines() if "add_continuous_aggregate_policy" in line]
    assert len(policies) == len(made)
    assert all("start_offset => INTERVAL '" in line and "end_offset => INTERVAL '" in line for line in policies)


def test_nothing_is_ever_refreshed_without_bounds() -> None:
    for features in (PLAIN, APACHE, FULL):
        assert "refresh_continuous_aggregate" not in said(features)
    statement, bounds = refresh(Window("bars_1h", NOW - DAY, NOW))
    assert statement == "CALL refresh_continuous_aggregate('bars_1h', %s::timestamptz, %s::timestamptz)"
    assert None not in bounds
    with pytest.raises(ValueError, match="a beginning"):
        refresh(Window("bars_1h", NOW, NOW))
    with pytest.raises(ValueError, match="no aggregate"):
        refresh(Window("quotes", NOW - DAY, NOW))


def test_old_minutes_make_their_days_again_and_new_ones_are_the_policys() -> None:
    assert list(windows_for(NOW - DAY, NOW, NOW)) == []
    old = NOW - 400 * DAY
    assert list(windows_for(old, old, NOW)) == [
        Window(view, old.replace(hour=0), old.replace(hour=0) + DAY) for view in ("bars_1h", "bars_1d")
    ]


def test_what_aggregates_stand_on_is_never_dropped() -> None:
    everything = StorageSettings(keep_quotes_days=1, keep_trades_days=1, keep_seconds_days=1)
    dropped = set(re.findall(r"add_retention_policy\('(\w+)'", said(FULL, everything)))
    assert dropped == {"quotes", "trades", "bars_second"}
    assert dropped.isdisjoint(source for source, _ in timescale.ROLLUPS.values())


def test_retention_is_as_it_is_set_and_0_keeps() -> None:
    text = said(FULL)
    assert "add_retention_policy('quotes', drop_after => INTERVAL '30 days', if_not_exists => true)" in text
    assert "add_retention_policy('bars_second'" not in text
    assert "remove_retention_policy('bars_second', if_exists => true)" in text


def test_the_apache_build_is_asked_for_hypertables_alone() -> None:
    text = said(APACHE)
    assert "create_hypertable" in text
    for word in ("columnstore", "retention", "MATERIALIZED", "continuous"):
        assert word not in text
    assert text.count("CREATE OR REPLACE VIEW") == len(timescale.ROLLUPS)


def test_a_plain_server_hears_nothing_of_the_extension_and_prunes_by_itself() -> None:
    text = said(PLAIN)
    assert "hypertable" not in text
    assert "time_bucket" not in text
    pruned = [line for line in prune(PLAIN, SETTINGS) if line.startswith("DELETE FROM ") and "series" not in line]
    assert [line.split()[2] for line in pruned] == ["quotes", "quotes_superseded", "trades", "trades_superseded"]
    assert "chunks" not in "\n".join(prune(PLAIN, SETTINGS))


def test_where_a_policy_drops_chunks_older_versions_are_pruned_and_series_follow() -> None:
    lines = list(prune(FULL, SETTINGS))
    assert [line.split()[2] for line in lines if line.startswith("DELETE FROM ")] == [
        *("quotes_superseded", "series"),
        *("trades_superseded", "series"),
    ]
    assert sum("SET first_ts = least(" in line and "range_start" in line for line in lines) == 2
    assert list(prune(FULL, StorageSettings())) == []


def test_the_apache_build_drops_whole_chunks_itself() -> None:
    dropped = [line for line in prune(APACHE, SETTINGS) if "drop_chunks" in line]
    assert dropped == [
        "SELECT drop_chunks('quotes', older_than => INTERVAL '30 days')",
        "SELECT drop_chunks('trades', older_than => INTERVAL '365 days')",
    ]


def test_what_newer_versions_do_by_themselves_or_have_no_more_is_never_asked_for() -> None:
    text = "\n".join(said(features) for features in (PLAIN, APACHE, FULL))
    assert "tsdb.hypertable" not in text  # adds a policy of one day that nobody has asked for
    assert "finalized" not in text  # a column of continuous_aggregates that is gone
    assert "WITH DATA" not in text


@pytest.mark.parametrize("as_of", [LATEST, AsOf(known_at=7)])
def test_every_read_is_bounded_in_time_so_that_few_chunks_are_opened(as_of: AsOf) -> None:
    reach = Reach(5, 1_000_007, 3, as_of)
    window = Query(table=BARS, spec=BarSpec(1, "m"), start_ns=5, end_ns=7, as_of=as_of)
    statements = (
        barreads._statement(BarSpec(1, "m"), reach),
        *(TickReads(UNUSED, table, reach)._statement() for table in (QUOTES, TRADES)),
        bulkreads._copying(window, 1),
    )
    for statement in statements:
        reads = statement.count("FROM bars_minute") + statement.count("FROM quotes") + statement.count("FROM trades")
        assert reads == (1 if as_of == LATEST else 2)
        assert statement.count("ts >= %(low)s AND ts < %(high)s") == reads
        assert statement.count("(ts, ts_ns) >= ") == reads
