"""A process that works on a history directory until it is killed. What it says on its output it must not lose.

    python -m tests.integration.history_victim write|record|compact|hot DIRECTORY

Everything it writes follows from a running number, so that whoever looks afterwards knows what must be there.
"""

from __future__ import annotations

import itertools
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import BarSpec, Trade
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.storage.history.recorder import Recording
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.history.taillogs import TailLogs

CALENDAR = load_calendar("XNYS")
OPEN = CALENDAR.session("2023-11-14").open  # type: ignore[union-attr] # a session of the calendar
MINUTE = 60_000_000_000
SPEC = BarSpec(1, "m")
NAMES = ("AAPL.XNAS", "IBM.XNYS", "MSFT.XNAS")
PER_BATCH = 20
LIVE = "live:test"


def price_of(number: int) -> int:
    """The price (e8) of bar or print `number`; no two neighbours are alike."""
    return (number * 7919 % 100_000 + 1) * 1_000_000


def bars(first: int, count: int = PER_BATCH) -> pl.DataFrame:
    """Bars `first` … of every instrument."""
    numbers = range(first, first + count)
    return pl.DataFrame(
        [
            {
                "instrument_id": name,
                "ts_event": OPEN + number * MINUTE,
                "known_at": OPEN + (number + 1) * MINUTE,
                **{f"{column}_e8": price_of(number) for column in ("open", "high", "low", "close", "volume")},
            }
            for name in NAMES
            for number in numbers
        ]
    )


def trades(first: int, count: int = PER_BATCH) -> list[Trade]:
    """Prints `first` …, one a second."""
    return [
        Trade(NAMES[0], Decimal(price_of(number)).scaleb(-8), Decimal(1), OPEN + number * MINUTE // 60)
        for number in range(first, first + count)
    ]


def say(number: int) -> None:
    """Everything before `number` is durable."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def write(store: EmbeddedHistory, first: int) -> None:
    """Commit batch after batch; hot files are touched by each."""
    for number in itertools.count(first, PER_BATCH):
        store.writer.write_bars(bars(number), spec=SPEC, source="yahoo")
        say(number + PER_BATCH)
        if number % (5 * PER_BATCH) == 0:
            store.reader.last_bars(NAMES, SPEC, 10)


def record(store: EmbeddedHistory, first: int) -> None:
    """Record prints and the bars they close."""
    recording = Recording(TailLogs(store.layout), WallClock(), CALENDAR, LIVE)
    recording.write([ClockState(market_ns=OPEN + first * MINUTE // 60, wall_ns=0, speed=1, session_date="2023-11-14")])
    for number in itertools.count(first, PER_BATCH):
        recording.write(trades(number))
        say(number + PER_BATCH)
        if number % (5 * PER_BATCH) == 0:
            store.reader.last_bars(NAMES, SPEC, 10)


def compact(store: EmbeddedHistory, first: int) -> None:
    """Record a little, compact, again."""
    recording = Recording(TailLogs(store.layout), WallClock(), CALENDAR, LIVE)
    for number in itertools.count(first, PER_BATCH):
        recording.write(trades(number))
        say(number + PER_BATCH)
        store.compact()
        if number % (10 * PER_BATCH) == 0:
            store.upkeep.merge_small()


def hot(store: EmbeddedHistory, first: int) -> None:
    """Build hot files, extend them, remove them, build them again."""
    for number in itertools.count(first, 1):
        store.writer.write_bars(bars(number, 1), spec=SPEC, source="yahoo")
        say(number + 1)
        store.reader.last_bars(NAMES, SPEC, 10)
        if number % 7 == 0:
            store.layout.hot_file("1m", NAMES[number % 3], "yahoo").unlink(missing_ok=True)


def main() -> None:
    """Work until killed."""
    work = {"write": write, "record": record, "compact": compact, "hot": hot}[sys.argv[1]]
    with open_history(Path(sys.argv[2]), WallClock()) as store:
        work(store, int(sys.argv[3]))


if __name__ == "__main__":
    main()
