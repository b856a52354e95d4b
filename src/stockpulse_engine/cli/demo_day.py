"""A day worth telling: a headline that moves a stock and a halt soon after it, looked up in the simulated market."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, NewsItem
from stockpulse_engine.marketdata.calendar import Session, load_calendar
from stockpulse_engine.venue.market.market import WARM_UP, SimulatedMarket

ZONE = ZoneInfo("America/New_York")
SEED, AT = 91, "2026-04-30 09:29:40"
"""A morning with a good headline after sixteen minutes and a halt of another stock half an hour after the open."""

MINUTE_NS = 60 * SECOND_NS
BEFORE_NS = 20 * SECOND_NS
"""How long before the opening auction a story begins."""
_FIRST_NS, _LAST_NS = 5 * MINUTE_NS, 90 * MINUTE_NS
"""The headline comes so long after the open, and so long before the close."""
_GAP_NS = (MINUTE_NS, 60 * MINUTE_NS)
"""Between the headline and the halt."""
_LONG_WAIT_NS = 40 * MINUTE_NS
_LEAD_NS = 5 * MINUTE_NS
MAX_SESSIONS = 750


class StoryDay(msgspec.Struct, frozen=True, kw_only=True):
    """What the market will do, looked up beforehand; times are UTC nanoseconds. `at` is the start in exchange time."""

    seed: int
    at: str
    date: str
    open_ns: int
    news_id: str
    news_ns: int
    halt_id: str
    halt_ns: int
    resume_ns: int


def find_day(seed: int = SEED, at: str = "") -> StoryDay:
    """The first such day of the market of `seed` from `at` (exchange time) on.

    Raises:
        InvalidValueError: `at` is no moment of the simulated market.
        NotFoundError: three years hold no such day.
    """
    calendar = load_calendar()
    start_ns = _moment(at) if at else calendar.current_or_next(_moment(AT)).pre_open
    if start_ns < calendar.by_ordinal(WARM_UP).pre_open:
        raise InvalidValueError(f"The simulated market has no {at[:20]}.", fix="Take a later day.")
    market = SimulatedMarket(seed, calendar)
    first = calendar.current_or_next(start_ns).ordinal
    for ordinal in range(first, min(first + MAX_SESSIONS, len(calendar))):
        found = _look_at(market, calendar.by_ordinal(ordinal), start_ns)
        if found is not None:
            return found
    raise NotFoundError(f"Seed {seed} has no day with a headline and a halt.", fix="Try another --seed.")


def _look_at(market: SimulatedMarket, session: Session, start_ns: int) -> StoryDay | None:
    """The story of one session, None when too little happens in it."""
    earliest = max(session.open + _FIRST_NS, start_ns + MINUTE_NS)
    good = [one for one in market.news(session.ordinal) if _moves_one(one)]
    good = [one for one in good if earliest <= one.ts_event <= session.close - _LAST_NS]
    if not good:
        return None
    halts = market.halts(session.ordinal)
    for news in good:
        for halt_ns, resume_ns, halt_id in halts:
            if halt_id != news.instrument_ids[0] and _GAP_NS[0] <= halt_ns - news.ts_event <= _GAP_NS[1]:
                return StoryDay(
                    seed=market.seed,
                    at=_text(_start(session, start_ns, news.ts_event)),
                    date=session.date,
                    open_ns=session.open,
                    news_id=news.instrument_ids[0],
                    news_ns=news.ts_event,
                    halt_id=halt_id,
                    halt_ns=halt_ns,
                    resume_ns=resume_ns,
                )
    return None


def _moves_one(news: NewsItem) -> bool:
    return news.tone > 0 and len(news.instrument_ids) == 1


def _start(session: Session, asked_ns: int, news_ns: int) -> int:
    """When to begin: as asked, at the opening auction, or shortly before a late headline."""
    if asked_ns >= session.open - BEFORE_NS:
        return asked_ns
    return session.open - BEFORE_NS if news_ns - session.open <= _LONG_WAIT_NS else news_ns - _LEAD_NS


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValueError(f"--at {text[:24]!r} is not a moment.", fix=f"Write it like '{AT}'.") from None
    return int(moment.replace(tzinfo=ZONE).timestamp()) * SECOND_NS


def _text(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND_NS, tz=ZONE).strftime("%Y-%m-%d %H:%M:%S")
