"""Backfill over a real store: the gaps the calendar knows, filled from files and from Yahoo's answers."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap.backfill import backfill_of, find_gaps
from stockpulse_engine.bootstrap.importing import ImportOptions, import_desk
from stockpulse_engine.jobs.backfill import SeriesGaps
from stockpulse_engine.jobs.runner import JobContext
from stockpulse_engine.jobs.schedule import Due
from tests.fakes.yahoo_server import YahooServer

DAYS = ("2026-11-09", "2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13")
AFTER = 1_794_606_000_000_000_000
"""In the evening of the 13th."""


@pytest.fixture
def paths(home: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO", "false")
    return resolve_paths(home)


def csv_of(*days: str, symbol: str = "AAPL") -> str:
    rows = [f"{symbol},{day},10,11,9,10,100" for day in days]
    return "symbol,date,open,high,low,close,volume\n" + "\n".join(rows) + "\n"


def take(paths: Paths, file: Path, text: str, source: str) -> None:
    file.write_text(text)
    with import_desk(paths) as desk:
        desk.run(desk.plan(file, ImportOptions(source=source, venue="XNAS")))


def run(paths: Paths, now_ns: int = AFTER) -> tuple[str, list[str]]:
    lines: list[str] = []
    outcome = backfill_of(paths, ManualClock(now_ns)).run(JobContext(Due("k", 0), lines.append, lambda *_: None))
    return outcome.detail, lines


def gaps(paths: Paths, now_ns: int = AFTER) -> list[SeriesGaps]:
    return list(find_gaps(paths, ManualClock(now_ns), lambda: None))


def test_a_file_in_the_inbox_fills_the_gap_it_was_put_there_for_and_is_read_once(paths: Paths, tmp_path: Path) -> None:
    take(paths, tmp_path / "told.csv", csv_of(DAYS[0], DAYS[2], DAYS[4]), "vendor")
    assert [(one.name, one.missing) for one in gaps(paths)] == [("AAPL.XNAS 1d from vendor", 2)]
    detail, lines = run(paths)
    assert detail == "0 rows; 0 of 2 missing bars filled, 2 stay in 1 series"
    assert "no source is configured" in lines[-1]
    inbox = paths.data / "inbox"
    inbox.mkdir()
    (inbox / "vendor.csv").write_text(csv_of(*DAYS))
    (inbox / "letter.csv").write_text("dear,friend\nhow,are you\n")
    detail, lines = run(paths)
    assert detail.startswith("2 rows")
    assert gaps(paths) == []
    assert any("letter.csv: refused as a whole" in line for line in lines)
    assert run(paths) == ("0 rows; 0 of 0 missing bars filled", []), "nothing is read again that did not change"
    (inbox / "letter.csv").unlink()
    (inbox / "vendor.csv").write_text(csv_of(*DAYS, symbol="MSFT"))
    assert run(paths)[0].startswith("5 rows")


async def test_what_yahoo_told_is_asked_of_yahoo_up_to_the_last_close(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(paths, tmp_path / "told.csv", csv_of(DAYS[0], DAYS[2]), "yahoo")
    take(paths, tmp_path / "other.csv", csv_of(DAYS[0], DAYS[2]), "vendor")
    assert sorted((one.source, one.missing) for one in gaps(paths)) == [("vendor", 1), ("yahoo", 3)]
    monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO", "true")
    async with YahooServer(answers={"AAPL": (200, chart_of(*DAYS[:4]))}) as server:
        monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO_URL", server.url)
        detail, lines = await asyncio.to_thread(run, paths)
        assert detail == "2 rows; 2 of 4 missing bars filled, 2 stay in 2 series"
        stays = [line for line in lines if line.startswith("stays")]
        assert any("from vendor: 1 bars" in line and "yahoo: tells nothing of vendor" in line for line in stays)
        assert any("from yahoo: 1 bars in 1 gaps from 2026-11-13" in line for line in stays)
        assert len(server.asked) == 1


def chart_of(*days: str) -> bytes:
    """What Yahoo's chart says of Apple for some days: bars begin at the open, 14:30 UTC."""
    times = [int(datetime.fromisoformat(f"{day}T14:30:00").replace(tzinfo=UTC).timestamp()) for day in days]
    meta = {
        "symbol": "AAPL", "currency": "USD", "exchangeName": "NMS", "instrumentType": "EQUITY", "longName": "Apple",
        "priceHint": 2, "regularMarketPrice": 10.0, "regularMarketTime": times[-1], "regularMarketVolume": 1,
        "exchangeTimezoneName": "America/New_York", "gmtoffset": -18_000,
    }  # fmt: skip
    row = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0, "volume": 100}
    quote = {name: [value] * len(days) for name, value in row.items()}
    result = {"meta": meta, "timestamp": times, "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()
