"""What goes to one client: replies at once, market batches conflated when it is slow, reports never lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stockpulse_engine.domain.market import MarketEvent, NewsItem, Trade
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue.desk import AccountReport
from stockpulse_engine.venue.protocol import PAGE, MarketBatch, ReportBatch

MAX_NEWS_KEPT = 200

ReadReports = Callable[[str, int, int], Sequence[AccountReport]]
"""Stored reports of an account ("" all) after a seq, at most so many."""


class MarketOutbox:
    """Market batches for one subscriber. While the line is full only the newest value of each thing is kept."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, type], MarketEvent] = {}
        self._news: list[NewsItem] = []
        self._clock: ClockState | None = None

    def keep(self, events: Sequence[MarketEvent], clock: ClockState | None) -> None:
        """The line is full: remember the newest quote, depth and status of each instrument. Prints are lost."""
        self._clock = clock or self._clock
        for event in events:
            if isinstance(event, NewsItem):
                self._news = [*self._news, event][-MAX_NEWS_KEPT:]
            elif not isinstance(event, Trade):
                self._newest[event.instrument_id, type(event)] = event

    def take(self, events: Sequence[MarketEvent], market_ns: int, clock: ClockState | None) -> MarketBatch | None:
        """The line is free: what was kept, then what is new. None when there is nothing."""
        kept: list[MarketEvent] = [*self._newest.values(), *self._news]
        clock = clock or self._clock
        self._newest, self._news, self._clock = {}, [], None
        if not kept and not events and clock is None:
            return None
        return MarketBatch((*kept, *events), market_ns, clock, is_conflated=bool(kept))


class ReportOutbox:
    """Reports for one subscriber: from the store while it is behind, from the turn once it has caught up."""

    def __init__(self, account_id: str, after_seq: int, read: ReadReports) -> None:
        self._account_id = account_id
        self._cursor = after_seq
        self._read = read
        self._is_live = False

    @property
    def is_behind(self) -> bool:
        """Whether stored reports are still to be sent."""
        return not self._is_live

    def fall_behind(self) -> None:
        """The line is full: go on from the store later, so that nothing waits in memory."""
        self._is_live = False

    def take(self, made: Sequence[AccountReport]) -> ReportBatch | None:
        """The next batch; None when there is nothing. `made` are the reports just committed."""
        if self._is_live:
            chosen = [each for each in made if not self._account_id or each.account_id == self._account_id]
        else:
            chosen = list(self._read(self._account_id, self._cursor, PAGE))
            self._is_live = len(chosen) < PAGE
        if not chosen:
            return None
        self._cursor = chosen[-1].report.report_seq
        return ReportBatch(tuple(each.report for each in chosen))
