"""Days of the store are played like files: what is held, what is missing, and what can not be played."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import BarSpec, Quote, Trade
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import SCALE
from stockpulse_engine.marketdata.history import SeriesInfo
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.daterange import DateRange, parse_range
from stockpulse_engine.venue.replay import ReplaySource
from stockpulse_engine.venue.replay.survey import Wanted, script_of_store
from stockpulse_engine.venue.store import Identity
from tests.fakes.inline_venue import InlineVenue
from tests.unit.storage.history.build import bar_frame, trade_frame
from tests.unit.venue.floor import account, new_order
from tests.unit.venue.replay.recordings import MINUTE, day, everything

AAPL, IBM = "AAPL.XNAS", "IBM.XNYS"
MON, TUE, WED = "2013-12-09", "2013-12-10", "2013-12-11"
M1, D1 = BarSpec(1, "m"), BarSpec(1, "d")


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedHistory:
    """An empty store."""
    return open_history(tmp_path / "history", ManualClock())


def minutes(store: EmbeddedHistory, name: str, date: str, count: int = 390, skip: Sequence[int] = ()) -> None:
    """Minute bars of a session from its open on, without some."""
    frame = bar_frame([100.0] * count, name=name, start=day(date).open)
    kept = [number not in skip for number in range(count)]
    store.writer.write_bars(frame.filter(pl.Series(kept)), spec=M1, source="vendor")


def prints(store: EmbeddedHistory, name: str, date: str, source: str = "tape") -> None:
    """A print each quarter of an hour."""
    ticks = [(day(date).open + number * 15 * MINUTE + 1, 100.0) for number in range(26)]
    store.writer.write_trades(trade_frame(ticks, name=name), source=source)


def days(store: EmbeddedHistory, name: str, *dates: str) -> None:
    """Daily bars."""
    for date in dates:
        session = day(date)
        frame = bar_frame([100.0], name=name, start=session.open, step=session.close - session.open)
        store.writer.write_bars(frame, spec=D1, source="daily")


def by_name(series: Sequence[SeriesInfo]) -> list[SeriesInfo]:
    """Sources in order of their names."""
    return sorted(series, key=lambda one: one.source)


def played(store: EmbeddedHistory, wanted: str, *symbols: str) -> ReplaySource:
    """The replay of some days."""
    script = script_of_store(
        store.reader,
        Wanted(parse_range(wanted), symbols),
        load_calendar(),
        lambda found: by_name(list(found)),
    )
    return ReplaySource(wanted, script)


def test_days_are_read_as_written() -> None:
    assert parse_range(MON) == DateRange(MON, MON)
    assert str(parse_range(f"{MON}..{WED}")) == f"{MON}..{WED}"
    assert list(parse_range(f"{MON}..{WED}").dates()) == [MON, TUE, WED]
    for text in ("2013-13-01", f"{WED}..{MON}", "monday", "2013-01-01..2015-01-01"):
        with pytest.raises(InvalidValueError, match=text[:10]):
            parse_range(text)


def test_the_finest_rows_are_played_and_bars_say_that_they_are_bars(store: EmbeddedHistory) -> None:
    prints(store, AAPL, MON)
    minutes(store, AAPL, MON)
    minutes(store, IBM, MON)
    source = played(store, MON)
    source.seed_events(source.first_ns)
    events = everything(source)
    assert {e.source for e in events if isinstance(e, Trade) and e.instrument_id == IBM} == {"bars"}
    assert sum(isinstance(e, Trade) and e.instrument_id == AAPL for e in events) == 26, "the ticks, not the bars"
    assert source.tally().played == (
        f"{AAPL}: prints (tape), {MON}",
        f"{IBM}: 1m bars (vendor), {MON}",
    )
    assert source.tally().gaps == ()


def test_what_is_missing_is_named_with_its_time_and_reason(store: EmbeddedHistory) -> None:
    minutes(store, AAPL, MON, skip=range(60, 90))
    minutes(store, IBM, MON)
    minutes(store, IBM, WED)
    days(store, "SPY.ARCX", MON, WED)
    gaps = played(store, f"{MON}..{WED}").tally().gaps
    assert gaps == (
        f"{MON} 10:30–11:00: {AAPL} has no 1m bars (vendor)",
        f"{TUE}: nothing is held of any instrument; the day is passed over like a night",
        f"{WED}: nothing is held of {AAPL}",
        "not played, because only long bars are held: SPY.ARCX (1d)",
    )


def test_what_keeps_other_sessions_is_named_and_not_played(store: EmbeddedHistory) -> None:
    minutes(store, IBM, MON)
    minutes(store, "SAP.XETR", MON)
    source = played(store, MON)
    assert [each.instrument_id for each in source.instruments] == [IBM]
    assert source.tally().gaps == ("not played, because they keep the sessions of other exchanges: SAP.XETR",)


def test_a_day_without_anything_is_passed_over(store: EmbeddedHistory) -> None:
    minutes(store, IBM, MON)
    minutes(store, IBM, WED)
    source = played(store, f"{MON}..{WED}")
    assert source.end_of_night(day(MON).open) is None
    assert source.end_of_night(day(TUE).open) == day(WED).pre_open
    assert source.end_of_night(day(WED).post_close) is None, "after the last day nothing comes"
    source.seed_events(source.first_ns)
    seen = {load_calendar().current_or_next(e.ts_event).date for e in everything(source) if isinstance(e, Quote)}
    assert seen == {MON, WED}


def test_daily_bars_are_refused_and_the_nearest_days_are_told(store: EmbeddedHistory) -> None:
    days(store, IBM, MON, TUE)
    minutes(store, IBM, WED)
    with pytest.raises(InvalidValueError, match=f"{TUE} is held as 1d bars only \\({IBM}\\)") as refused:
        played(store, TUE)
    assert f"Nearest days held: {WED}" in refused.value.fix


def test_an_absent_day_says_what_is_held(store: EmbeddedHistory) -> None:
    with pytest.raises(NotFoundError, match=f"Nothing is held of {MON}") as empty:
        played(store, MON)
    assert "sp import" in empty.value.fix
    minutes(store, IBM, MON)
    minutes(store, IBM, WED)
    with pytest.raises(NotFoundError, match=f"Nothing is held of {TUE}") as absent:
        played(store, TUE)
    assert f"Nearest days held: {MON} and {WED}" in absent.value.fix
    with pytest.raises(NotFoundError, match="no trading session"):
        played(store, "2013-12-14")


def test_symbols_choose_and_unknown_ones_are_refused(store: EmbeddedHistory) -> None:
    minutes(store, IBM, MON)
    minutes(store, AAPL, MON)
    assert [each.instrument_id for each in played(store, MON, "ibm").instruments] == [IBM]
    with pytest.raises(NotFoundError, match=r"Nothing is held of NOPE") as refused:
        played(store, MON, "AAPL", "NOPE")
    assert AAPL in refused.value.fix


def test_a_made_up_market_is_played_where_no_real_one_is(store: EmbeddedHistory) -> None:
    prints(store, AAPL, MON, source="sim:7")
    assert played(store, MON).tally().played == (f"{AAPL}: prints (sim:7), {MON}",)
    minutes(store, IBM, MON)
    assert [each.instrument_id for each in played(store, MON).instruments] == [IBM]


@pytest.mark.real_data
def test_the_witness_is_the_same_from_the_store_as_from_its_files(
    shared: Path, tmp_path: Path, store: EmbeddedHistory
) -> None:
    """An hour around the open of 7 October 2013: event by event what the files give."""
    files = [shared / "data" / "ticks" / f"ibm_20131007_{kind}.parquet" for kind in ("quote", "trade")] + [
        shared / "data" / "bars_minute" / "us_equity_trade.parquet"
    ]
    take_in(store, files)
    script = script_of_store(
        store.reader,
        Wanted(parse_range("2013-10-07"), ("IBM", "SPY")),
        load_calendar(),
        lambda found: by_name(list(found)),
    )
    stored, filed = ReplaySource("stored", script), ReplaySource("files", files)
    begin = day("2013-10-07").open - 5 * MINUTE

    def hour(source: ReplaySource) -> list[object]:
        seeded = source.seed_events(begin)
        events = [*seeded, *source.advance(begin + 65 * MINUTE)]
        return [event for event in events if getattr(event, "instrument_id", "") == IBM]

    assert hour(stored) == hour(filed)
    bars = [source.bars("SPY.ARCX", M1, 65) for source in (stored, filed)]
    assert len(bars[0]) == 65
    assert bars[0] == bars[1], "prints made of bars give these bars again"


def take_in(store: EmbeddedHistory, files: Sequence[Path]) -> None:
    """What `sp import` does with files as tidy as these."""
    ids = {"IBM": IBM, "SPY": "SPY.ARCX"}
    for file in files:
        rows = pl.read_parquet(file).filter(pl.col("symbol").is_in(list(ids)))
        head = {
            "instrument_id": pl.col("symbol").replace_strict(ids, return_dtype=pl.String),
            "ts_event": pl.col("ts").dt.epoch("ns"),
            "known_at": pl.col("ts").dt.epoch("ns"),
        }
        names = [name for name in rows.columns if rows[name].dtype.is_numeric()]
        numbers = {f"{name}_e8": (pl.col(name) * SCALE).round().cast(pl.Int64) for name in names}
        if "open" in names:
            store.writer.write_bars(rows.select(**head, **numbers), spec=M1, source="vendor")
            continue
        marks = {"exchange": pl.col("exchange"), "conditions": pl.col("conditions").cast(pl.String)}
        flags = {"flags": pl.col("suspicious").cast(pl.Int64)}
        frame = rows.select(**head, **numbers, **marks, **flags)
        write = store.writer.write_quotes if "bid" in names else store.writer.write_trades
        write(frame, source="tape")


def acted(kind: ActionKind, date: str, **more: Any) -> CorporateAction:
    """An action of IBM on an ex-date."""
    at = day(date).open
    return CorporateAction(instrument_id=IBM, kind=kind, ts_event=at, known_at=at, source="acts", **more)


def test_a_split_between_two_days_is_due_before_the_second_and_restates_what_was_shown(store: EmbeddedHistory) -> None:
    minutes(store, IBM, MON)
    frame = bar_frame([50.0] * 390, name=IBM, start=day(TUE).open)
    store.writer.write_bars(frame, spec=M1, source="vendor")
    store.writer.write_actions(
        [
            acted(ActionKind.SPLIT, TUE, numerator=2),
            acted(ActionKind.DIVIDEND, TUE, amount_e8=SCALE),
            acted(ActionKind.DIVIDEND, MON, amount_e8=SCALE),
            acted(ActionKind.SPINOFF, TUE, amount_e8=SCALE),
        ]
    )
    source = played(store, f"{MON}..{TUE}")
    assert source.tally().gaps == (f"{TUE}: SPINOFF of {IBM} is not applied to holdings",)
    first = source.next_action(0)
    assert first is not None
    second = source.next_action(first.at_ns)
    assert second is not None
    assert [due.action_id for due in (first, second)] == [f"{IBM}:DIVIDEND:{TUE}", f"{IBM}:SPLIT:{TUE}"]
    assert day(MON).post_close < first.at_ns < second.at_ns < day(TUE).pre_open
    assert source.next_action(second.at_ns) is None, "what was before the first day meets nobody"
    (quote,) = [each for each in source.seed_events(day(TUE).pre_open) if isinstance(each, Quote)]
    assert [quote.bid, quote.ask, quote.bid_size] == [Decimal("49.99"), Decimal("50.01"), 0]
    source.advance(day(TUE).open + 10 * MINUTE)
    bars = source.bars(IBM, M1, 12)
    assert {bar.close for bar in bars} == {Decimal(50)}, "yesterday's minutes are drawn in new shares"
    assert {bar.volume for bar in bars[:1]} == {Decimal(200)}
    assert [bar.close for bar in source.bars(IBM, D1, 2)] == [Decimal(50), Decimal(50)]


def test_a_night_between_two_days_ends_day_orders_and_keeps_the_others(store: EmbeddedHistory, tmp_path: Path) -> None:
    minutes(store, IBM, MON)
    store.writer.write_bars(bar_frame([90.0] * 390, name=IBM, start=day(WED).open), spec=M1, source="vendor")
    source = played(store, f"{MON}..{WED}")
    venue = InlineVenue(tmp_path / "v.db", source, day(MON).close - 10 * MINUTE, Identity("replay:days", 1))
    venue.ask(p.OpenAccount(account()))
    venue.send(new_order("day", "BUY", "10", limit="95", name=IBM))
    venue.send(new_order("gtc", "BUY", "10", limit="95", tif="GTC", name=IBM))
    venue.ask(p.Control("seek", to_ns=day(WED).open + 5 * MINUTE))
    venue.pass_seconds(0)
    assert venue.exchange.market_ns == day(WED).open + 5 * MINUTE
    assert venue.kinds("day")[-1] == "EXPIRE", "with its own session"
    (filled,) = venue.fills("gtc")
    assert filled.ts_event >= day(WED).open, "two nights and an empty day later"
    assert venue.exchange.desk.accounts["A1"].positions == {IBM: 10}
