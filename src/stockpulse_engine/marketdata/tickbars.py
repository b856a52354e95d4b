"""Bars out of prints, session by session: which prints make prices, which make volume, and where auctions belong.

Every print in every bar is what a tape adds up to, and it is what we record. Vendors of bars look at the sale
conditions: `Prints.REGULAR` does what the vendor of the days we hold did, see docs/reference/bars-from-ticks.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.asking import Asked, BarsAsked, held, tick_columns
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.marketdata.columns import E8_MAX, BarColumns, Ints, TradeColumns
from stockpulse_engine.marketdata.history import TRADES, HistoryReader
from stockpulse_engine.marketdata.resample import Buckets, buckets, sessions_between
from stockpulse_engine.marketdata.venues import calendar_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
else:
    Flags = Any

BUILT: Final = "built from ticks"
"""Tier of bars that nobody stored."""
REGULAR, OPENING, CLOSING, LATE = 0x1, 0x40, 0x80, 0x4800
OFFICIAL = 0x0100_0000 | 0x0400_0000
"""Sale conditions as the ticks' vendor writes them, in hexadecimal: a plain trade, an opening and a closing auction,
sold out of sequence, and an exchange's report of its official open or close: no trade."""
CLOSING_NS: Final = 10 * 60 * 10**9
"""A closing auction prints within so long after the close."""


MAX_TICKS: Final = 50_000_000
"""Of one session."""
_COLUMNS: Final = ("ts_event", "known_at", "recorded_at", "open", "high", "low", "close", "volume")


class Prints(Enum):
    """Which prints make a bar."""

    ALL = "all"
    """Each one makes price and volume of the bar it was printed in."""
    REGULAR = "regular"
    """In regular hours plain trades and auctions make prices; auctions belong to the session they open and close."""


def built_bars(reader: HistoryReader, asked: BarsAsked, prints: Prints) -> BarColumns:
    """The bars that are asked for out of stored prints, the last session first until there are enough.

    Raises:
        NotFoundError: no prints are held.
        InvalidValueError: bars like this are not made of prints.
    """
    name = held(reader, asked.instrument, TRADES)
    ticks = Asked(instrument=name, limit=MAX_TICKS, source=asked.source, as_of=asked.as_of)
    series = [one for one in reader.series(name, table=TRADES) if asked.source in ("", one.source)]
    first = max(min((one.first_ts for one in series), default=0), _or(asked.start_ns, -E8_MAX))
    last = min(max((one.last_ts for one in series), default=0), _or(asked.end_ns, E8_MAX) - 1)
    calendar = calendar_of(name)
    found: list[BarColumns] = []
    for start, end in _stretches(calendar, first, last):
        trades = tick_columns(reader, msgspec.structs.replace(ticks, start_ns=start, end_ns=end), TRADES)
        assert isinstance(trades, TradeColumns)
        found.append(_within(bars_of_trades(trades, asked.spec, calendar, prints), asked))
        if sum(len(one) for one in found) >= asked.limit:
            break
    found = found or [_bars(_no_trades(name), asked.spec, {})]
    return _joined(found[::-1]).tail(asked.limit)


def bars_of_trades(
    trades: TradeColumns, spec: BarSpec, calendar: Calendar | None, prints: Prints = Prints.ALL
) -> BarColumns:
    """Bars of one instrument from its prints; days of regular hours, shorter bars of all hours.

    A bar is known when it ended, or when the last of its prints was known, if that was later.

    Raises:
        InvalidValueError: bars like this are not made of prints, or REGULAR was asked for and the conditions are not in
            the one spelling we read.
    """
    if not spec.is_intraday and str(spec) != "1d":
        raise InvalidValueError(f"Bars of {spec} are not made of ticks.", fix="Ask for 1s … 1h or 1d.")
    if not len(trades):
        return _bars(trades, spec, {})
    import numpy as np

    times, makes_price, counts = trades.ts_event, np.ones(len(trades), bool), np.ones(len(trades), bool)
    if prints is Prints.REGULAR:
        times, makes_price, counts = _regular(trades, calendar)
    order = np.flatnonzero(counts)
    order = order[np.argsort(times[order], kind="stable")]
    wanted = buckets(spec, calendar, int(times.min()), int(times.max()))
    return _bars(trades, spec, _merged(trades, times[order], order, makes_price[order], wanted))


def _regular(trades: TradeColumns, calendar: Calendar | None) -> tuple[Ints, Flags, Flags]:
    """When each print counts, whether it makes a price, and whether it counts at all."""
    import numpy as np

    flags = _flags(trades)
    times = trades.ts_event.copy()
    is_open = np.zeros(len(times), bool)
    for session in sessions_between(calendar, int(times[0]), int(times[-1])) if calendar is not None else ():
        low, high = times.searchsorted([session.open, session.close])
        is_open[low:high] = True
        _place_auctions(times, flags, session)
    is_plain = ((flags & (REGULAR | OPENING)) != 0) | ((flags & LATE) == LATE)
    return times, is_plain | ~is_open, (flags & OFFICIAL) == 0


def _place_auctions(times: Ints, flags: Ints, session: Session) -> None:
    """An auction that opens the first minute comes first in it, the one that closes the session comes last."""
    minute = BarSpec(1, "m").duration_ns
    opens = ((flags & OPENING) != 0) & (times >= session.open) & (times < session.open + minute)
    closes = ((flags & CLOSING) != 0) & (times >= session.close) & (times < session.close + CLOSING_NS)
    times[opens], times[closes] = session.open, session.close - 1


def _flags(trades: TradeColumns) -> Ints:
    """Sale conditions as numbers; there are few different ones."""
    import numpy as np

    words, places = np.unique(trades.conditions.astype(str), return_inverse=True)
    try:
        return np.array([int(word, 16) for word in words.tolist()], dtype=np.int64)[places]
    except ValueError:
        raise InvalidValueError(
            f"The sale conditions of {trades.source} are not in a spelling we read.", fix="Use --prints all."
        ) from None


def _merged(trades: TradeColumns, times: Ints, order: Ints, makes_price: Flags, wanted: Buckets) -> dict[str, Ints]:
    """Columns of the bars; a bar in which nothing makes a price has that of all its prints."""
    import numpy as np

    places = wanted.begins.searchsorted(times, side="right") - 1
    is_in = (places >= 0) & (times < wanted.ends[places])
    order, places, makes_price = order[is_in], places[is_in], makes_price[is_in]
    if not len(order):
        return {}
    priced = np.bincount(places[makes_price], minlength=len(wanted.starts)) > 0
    makes_price = makes_price | ~priced[places]
    starts = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    shown, shown_places = order[makes_price], places[makes_price]
    firsts = np.flatnonzero(np.append(True, shown_places[1:] != shown_places[:-1]))
    lasts = np.append(firsts[1:], len(shown)) - 1
    price, at = trades.price[shown], places[starts]
    known = np.maximum.reduceat(trades.known_at[order], starts)
    return {
        "ts_event": wanted.starts[at],
        "known_at": np.maximum(known, wanted.ends[at]),
        "recorded_at": np.maximum.reduceat(trades.recorded_at[order], starts),
        "open": price[firsts],
        "high": np.maximum.reduceat(price, firsts),
        "low": np.minimum.reduceat(price, firsts),
        "close": price[lasts],
        "volume": np.add.reduceat(trades.size[order], starts),
    }


def _stretches(calendar: Calendar | None, first: int, last: int) -> Iterable[tuple[int, int]]:
    """Sessions from the last one back; without a calendar there is one that never ends."""
    if first > last:
        return ()
    if calendar is None:
        return ((first, last + 1),)
    sessions = list(sessions_between(calendar, first, last))
    return ((session.pre_open, session.post_close) for session in reversed(sessions))


def _within(bars: BarColumns, asked: BarsAsked) -> BarColumns:
    """Bars that start in the asked range and were known at the asked time."""
    import numpy as np

    start, end = _or(asked.start_ns, -E8_MAX), _or(asked.end_ns, E8_MAX)
    wanted = (bars.ts_event >= start) & (bars.ts_event < end)
    if asked.as_of.known_at is not None:
        wanted &= bars.known_at <= asked.as_of.known_at
    places = np.flatnonzero(wanted)
    return bars.slice(int(places[0]), int(places[-1]) + 1) if len(places) else bars.slice(0, 0)


def _joined(parts: Sequence[BarColumns]) -> BarColumns:
    import numpy as np

    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    source = next((part.source for part in parts if part.source), "")
    return msgspec.structs.replace(parts[0], source=source, **columns)


def _no_trades(name: str) -> TradeColumns:
    import numpy as np

    none, words = np.zeros(0, np.int64), np.zeros(0, object)
    numbers: dict[str, Any] = dict.fromkeys(
        ("ts_event", "known_at", "recorded_at", "seq", "price", "size", "flags"), none
    )
    return TradeColumns(instrument_id=name, source="", exchange=words, conditions=words, **numbers)


def _or(value: int | None, other: int) -> int:
    return other if value is None else value


def _bars(trades: TradeColumns, spec: BarSpec, columns: dict[str, Ints]) -> BarColumns:
    found: dict[str, Any] = {name: columns[name] if columns else trades.ts_event[:0] for name in _COLUMNS}
    return BarColumns(instrument_id=trades.instrument_id, spec=spec, source=trades.source, tier=BUILT, **found)
