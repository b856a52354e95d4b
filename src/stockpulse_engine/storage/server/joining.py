"""Which stretches of a window are not here and may be on the server, and rows of both put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import numpy as np

from stockpulse_engine.domain.market import SECOND_NS, BarSpec
from stockpulse_engine.marketdata.actions import CorporateAction
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, BarColumns, Ints, QuoteColumns, TradeColumns
from stockpulse_engine.marketdata.history import LATEST, SeriesInfo
from stockpulse_engine.storage.history.rows import RETRACTED, newest_versions
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.reach import TIER

SILENCE_NS: Final = (5 * 86_400 + 7_200) * SECOND_NS
"""Longer than any usual pause of a market: where bars are silent for so long, the server is asked."""
MAX_SILENCES: Final = 8
"""Silences of one read that are asked about, the newest."""
_TICK_COLUMNS: Final = ("ts_event", "known_at", "recorded_at", "seq", "exchange", "conditions", "flags")
_QUOTE_COLUMNS: Final = (*_TICK_COLUMNS, "bid", "bid_size", "ask", "ask_size")
_TRADE_COLUMNS: Final = (*_TICK_COLUMNS, "price", "size")
TicksT = TypeVar("TicksT", QuoteColumns, TradeColumns)


class Stretch(NamedTuple):
    """start <= ts_event < end."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{_day(self.start)} … {_day(self.end - 1)}"


class Here(NamedTuple):
    """What one source holds here: first and last time of anything, and the times of what a read has found."""

    first: int
    last: int
    found: Ints


def here_of(held: SeriesInfo | None, found: Ints) -> Here | None:
    """None when nothing is here. The live tail is in what was found, not in what is held."""
    times = [int(time) for time in (found[:1], found[-1:]) for time in time]
    if held is not None:
        times += [held.first_ts, held.last_ts]
    return Here(min(times), max(times), found) if times else None


def missing(here: Here | None, there: SeriesInfo, start: int | None, end: int | None) -> list[Stretch]:
    """What the server may have inside a window and outside of what is here, the newest first."""
    low = there.first_ts if start is None else max(start, there.first_ts)
    high = there.last_ts + 1 if end is None else min(end, there.last_ts + 1)
    if here is None:
        return _real([Stretch(low, high)])
    return _real([Stretch(max(low, here.last + 1), high), Stretch(low, min(high, here.first))])


def silences(here: Here | None, there: SeriesInfo, spec: BarSpec, start: int | None, end: int | None) -> list[Stretch]:
    """Where bars that are here say nothing for so long that some may have been lost, the newest first."""
    if here is None:
        return []
    edges = [] if start is None else [max(start - 1, here.first)]
    edges_after = [] if end is None else [min(end, here.last)]
    times = np.concatenate([np.array(edges, np.int64), here.found, np.array(edges_after, np.int64)])
    wide = np.flatnonzero(np.diff(times) > max(SILENCE_NS, 2 * spec.duration_ns))[::-1][:MAX_SILENCES]
    found = [Stretch(int(times[place]) + 1, int(times[place + 1])) for place in wide.tolist()]
    return _real(Stretch(max(one.start, there.first_ts), min(one.end, there.last_ts + 1)) for one in found)


def joined_bars(parts: Sequence[BarColumns], limit: int | None, warnings: tuple[str, ...]) -> BarColumns:
    """Stretches that do not overlap as one, oldest first."""
    full = sorted((part for part in parts if len(part)), key=lambda part: int(part.ts_event[0]))
    if not full:
        return msgspec.structs.replace(parts[0], warnings=(*parts[0].warnings, *warnings))
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in full]) for name in BAR_COLUMNS}
    order = np.argsort(columns["ts_event"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    tier = "+".join(dict.fromkeys(one for part in full for one in part.tier.split("+") if one))
    said = tuple(dict.fromkeys([*(word for part in parts for word in part.warnings), *warnings]))
    whole = msgspec.structs.replace(full[0], tier=tier, warnings=said, **columns)
    return whole if limit is None else whole.tail(limit)


def joined_ticks(parts: Sequence[TicksT], limit: int | None) -> TicksT:
    """Rows of several reads, each key once."""
    full = [part for part in parts if len(part)]
    if len(full) < 2:  # noqa: PLR2004 - nothing to join
        return full[0] if full else parts[0]
    names = _QUOTE_COLUMNS if isinstance(full[0], QuoteColumns) else _TRADE_COLUMNS
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in full]) for name in names}
    columns[RETRACTED] = np.zeros(len(columns["ts_event"]), dtype=bool)
    rows = newest_versions(columns, ("ts_event", "seq"), LATEST)
    low = 0 if limit is None else max(0, len(rows["ts_event"]) - limit)
    return msgspec.structs.replace(full[0], **{name: rows[name][low:] for name in names})


def joined_actions(
    ours: Iterable[CorporateAction], theirs: Iterable[CorporateAction], priority: Sequence[str], source: str
) -> tuple[CorporateAction, ...]:
    """Actions of both, of each key the newest version, of each instrument the best source."""
    newest: dict[tuple[str, ...], CorporateAction] = {}
    for one in (*theirs, *ours):
        key = (one.instrument_id, one.kind.value, one.source, str(one.ts_event))
        held = newest.get(key)
        if held is None or (one.known_at, one.recorded_at) >= (held.known_at, held.recorded_at):
            newest[key] = one
    best: dict[str, str] = {}
    for one in by_priority(newest.values(), priority, source):
        best.setdefault(one.instrument_id, one.source)
    standing = [one for one in newest.values() if best[one.instrument_id] == one.source]
    return tuple(sorted(standing, key=lambda one: (one.ts_event, one.instrument_id, one.kind.value, one.source)))


def joined_series(ours: Sequence[SeriesInfo], theirs: Iterable[SeriesInfo]) -> tuple[SeriesInfo, ...]:
    """What either holds; rows are counted here alone, and are 0 for what lies on the server only."""
    found = {_key(one): one for one in ours}
    for one in theirs:
        held = found.get(_key(one))
        found[_key(one)] = one if held is None else _joined(held, one)
    return tuple(found[key] for key in sorted(found))


def reaches_further(there: SeriesInfo, here: SeriesInfo | None) -> bool:
    """Whether the server may have what is not here; its times are told in microseconds."""
    if here is None or not here.rows:  # a series of which everything was dropped is remembered
        return True
    return there.first_ts // 1000 < here.first_ts // 1000 or there.last_ts // 1000 > here.last_ts // 1000


def _joined(here: SeriesInfo, there: SeriesInfo) -> SeriesInfo:
    return msgspec.structs.replace(
        here,
        first_ts=min(here.first_ts, there.first_ts),
        last_ts=max(here.last_ts, there.last_ts),
        tier=f"{here.tier}+{TIER}",
    )


def _key(one: SeriesInfo) -> tuple[str, ...]:
    return one.instrument_id, one.table, one.spec, one.source


def _real(stretches: Iterable[Stretch]) -> list[Stretch]:
    return [one for one in stretches if one.start < one.end]


def _day(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND_NS, UTC).date().isoformat()
