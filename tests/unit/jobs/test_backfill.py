"""Backfill: a series is filled from its own source, nothing is asked in vain day after day, and what stays is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.jobs.backfill import Backfill, SeriesGaps
from stockpulse_engine.jobs.runner import CanceledError, JobContext
from stockpulse_engine.jobs.schedule import Due
from stockpulse_engine.marketdata.history import Gap

DAY = 86_400_000_000_000
GAP = Gap(1_384_439_400_000_000_000, 1_384_439_400_000_000_000, 1)


class Store:
    """Series that miss one bar each, until they are filled."""

    def __init__(self, *names: str) -> None:
        self.missing = dict.fromkeys(names, GAP)

    def find(self, check: object) -> list[SeriesGaps]:
        return [SeriesGaps(name, "1d", "yahoo", (gap,)) for name, gap in self.missing.items()]


class Source:
    """Has what it is given, and raises what it is told to."""

    name = "vendor"

    def __init__(self, store: Store, has: set[str], failure: Exception | None = None) -> None:
        self.store, self.has, self.failure = store, has, failure
        self.asked: list[str] = []

    def refusal(self, series: SeriesGaps) -> str:
        return "tells nothing of indices" if series.instrument_id.startswith("^") else ""

    def fill(self, series: SeriesGaps, context: JobContext) -> int:
        context.check()
        self.asked.append(series.instrument_id)
        if self.failure:
            raise self.failure
        if series.instrument_id not in self.has:
            return 0
        del self.store.missing[series.instrument_id]
        return 1


class Told:
    """A run's log and its context."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seen: list[tuple[int, int, str]] = []
        self.context = JobContext(Due("k", 0), self.lines.append, lambda *args: self.seen.append(args))

    def what_stays(self) -> list[str]:
        return [line for line in self.lines if line.startswith("stays")]


def job(store: Store, tmp_path: Path, clock: ManualClock, *sources: Source) -> Backfill:
    return Backfill(store.find, lambda _: 0, sources, memory=tmp_path / "memory.json", clock=clock)


def test_what_can_be_filled_is_and_what_stays_is_said_with_its_reason(tmp_path: Path, clock: ManualClock) -> None:
    store = Store("AAPL", "MSFT", "^GSPC")
    source, told = Source(store, {"AAPL"}), Told()
    outcome = job(store, tmp_path, clock, source).run(told.context)
    assert (outcome.wrote, outcome.detail) == (1, "1 rows; 1 of 3 missing bars filled, 2 stay in 2 series")
    assert [line.rsplit(": ", 2)[-2:] for line in told.what_stays()] == [
        ["vendor", "had no more"],
        ["vendor", "tells nothing of indices"],
    ]
    assert told.seen[0] == (0, 3, "AAPL 1d from yahoo")
    assert told.seen[-1][:2] == (3, 3)


def test_the_same_is_not_asked_every_day(tmp_path: Path, clock: ManualClock) -> None:
    store = Store("MSFT")
    source = Source(store, set())
    for _ in range(8):
        job(store, tmp_path, clock, source).run(Told().context)
        clock.advance(DAY)
    assert len(source.asked) == 2
    store.missing["MSFT"] = Gap(GAP.start_ns, GAP.last_ns + DAY, 2)
    job(store, tmp_path, clock, source).run(Told().context)
    assert len(source.asked) == 3, "another gap is another question"
    source.failure = NotFoundError("No such symbol.")
    store.missing["MSFT"] = Gap(GAP.start_ns, GAP.last_ns + 2 * DAY, 3)
    for step in (3, 4):
        store.missing["MSFT"] = Gap(GAP.start_ns, GAP.last_ns + step * DAY, step)
        job(store, tmp_path, clock, source).run(Told().context)
    assert len(source.asked) == 4, "whom it does not know it need not be asked for each day's bar"


def test_who_can_not_be_reached_is_asked_once_and_the_run_fails_to_be_tried_again(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = Store("AAPL", "MSFT")
    dead, told = Source(store, set(), UnavailableError("vendor is away.")), Told()
    alive = Source(store, {"MSFT"})
    alive.name = "other"
    with pytest.raises(UnavailableError, match=r"vendor is away. 1 rows; 1 of 2"):
        job(store, tmp_path, clock, dead, alive).run(told.context)
    assert dead.asked == ["AAPL"]
    dead.failure = None
    dead.has = {"AAPL"}
    assert job(store, tmp_path, clock, dead, alive).run(Told().context).wrote == 1


def test_it_stops_between_two_series(tmp_path: Path, clock: ManualClock) -> None:
    store = Store("AAPL", "MSFT")
    told = Told()
    source = Source(store, {"AAPL", "MSFT"})
    stopping = JobContext(Due("k", 0), told.lines.append, lambda done, *_: stopping.cancel() if done == 1 else None)
    with pytest.raises(CanceledError):
        job(store, tmp_path, clock, source).run(stopping)
    assert source.asked == ["AAPL"]
    assert job(store, tmp_path, clock, source).run(Told().context).wrote == 1


def test_without_a_source_it_says_where_to_put_files(tmp_path: Path, clock: ManualClock) -> None:
    told = Told()
    job(Store("AAPL"), tmp_path, clock).run(told.context)
    assert "inbox" in told.what_stays()[0]
