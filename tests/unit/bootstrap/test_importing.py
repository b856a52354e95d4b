"""Yahoo as a source of imports, against what it really answered, and the order of files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.bootstrap.importing import ImportDesk, ImportOptions
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import from_e8
from stockpulse_engine.settings import Settings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.fakes.yahoo_server import YahooServer
from tests.unit.storage.importing.desk import HEAD, minute

D1 = BarSpec(1, "d")
RECORDING = "contracts/yahoo/http/chart/chart-AAPL-2020-08-31-to-2020-11-07.json"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedHistory]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with open_history(tmp_path / "history", WallClock()) as opened:
        yield opened


def set_to(url: str, *, yahoo: bool = True) -> Settings:
    market = msgspec.structs.replace(Settings().market, yahoo_url=url, yahoo=yahoo)
    return msgspec.structs.replace(Settings(), market=market)


@pytest.mark.real_data
async def test_what_yahoo_charts_is_stored_as_printed(store: EmbeddedHistory, shared: Path) -> None:
    """The recording begins on the day of Apple's split of 4 for 1 and has its dividend of November."""
    recorded = json.loads((shared / RECORDING).read_text())["response"]["bodyJson"]

    def take(url: str) -> list[tuple[int, int, int]]:
        desk = ImportDesk(store, set_to(url), WallClock())
        counts = []
        for _ in range(2):
            with desk.yahoo("aapl", ImportOptions()) as planned:
                report = desk.run(planned)
                counts.append((report.added, report.unchanged, report.refused))
        return counts

    async with YahooServer(answers={"AAPL": (200, json.dumps(recorded).encode())}) as server:
        assert await asyncio.to_thread(take, server.url) == [(49, 0, 0), (0, 49, 0)]
    bars = store.reader.bars("AAPL.XNAS", D1, source="yahoo").to_bars()
    assert (bars[0].close, bars[0].volume) == (Decimal("129.04"), Decimal(225702700))
    split, dividend = store.reader.actions("AAPL.XNAS")
    assert (split.numerator, split.denominator, split.ts_event) == (4, 1, bars[0].ts_event)
    assert from_e8(dividend.amount_e8) == Decimal("0.205")


def test_yahoo_can_be_switched_off_and_has_no_weeks(store: EmbeddedHistory) -> None:
    with pytest.raises(InvalidValueError, match="switched off"), _asked(store, ImportOptions(), yahoo=False):
        pass
    with pytest.raises(InvalidValueError, match="made from days"), _asked(store, ImportOptions(spec="1w")):
        pass


def test_listings_and_actions_come_before_prices(store: EmbeddedHistory, tmp_path: Path) -> None:
    heads = {
        "a.csv": "symbol,date,open,high,low,close\nFB,2014-06-05,1,1,1,1",
        "b.csv": "symbol,ex_date,split\nFB,2014-06-05,2",
        "c.csv": "file_symbol,until,ticker\nFB,2012-05-18,FB\nFB,2050-12-31,FB",
    }
    for name, text in heads.items():
        tmp_path.joinpath(name).write_text(text + "\n")
    desk = ImportDesk(store, Settings(), WallClock())
    planned = [desk.plan(file, ImportOptions()) for file in desk.files([tmp_path])]
    assert [Path(one.plan.path).name for one in sorted(planned, key=lambda one: one.order)] == [
        "c.csv",
        "b.csv",
        "a.csv",
    ]


def _asked(store: EmbeddedHistory, options: ImportOptions, *, yahoo: bool = True):  # type: ignore[no-untyped-def]  # a context
    return ImportDesk(store, set_to("http://127.0.0.1:1", yahoo=yahoo), WallClock()).yahoo("AAPL", options)


def test_the_first_chart_after_an_import_is_read_from_the_hot_tier(store: EmbeddedHistory, tmp_path: Path) -> None:
    names = ("AAPL", "IBM")
    file = tmp_path / "vendor_bars.csv"
    file.write_text("\n".join([HEAD, *(minute(number, symbol=name) for name in names for number in range(5))]) + "\n")
    desk = ImportDesk(store, Settings(), WallClock())
    report = desk.run(desk.plan(file, ImportOptions()))
    assert report.added == 10
    assert len(list((store.layout.hot / "1m").glob("*.col"))) == len(names)
    with open_history(store.layout.root, WallClock()) as other:
        assert other.reader.last_bars(["IBM.XNYS"], BarSpec(1, "m"), 3)["IBM.XNYS"].tier == "hot"
