"""Phases of a replayed day: the calendar's, held back until the listing exchange's own auctions have printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import SECOND_NS, InstrumentStatus, MarketPhase
from stockpulse_engine.marketdata.calendar import Session
from stockpulse_engine.venue.replay.reference import ROUND_THE_CLOCK
from stockpulse_engine.venue.replay.rows import Ints

LATEST_AUCTION_NS = 300 * SECOND_NS
"""An auction print later than this after the open or close is not waited for."""


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A status to be told. `after_trades`: it comes behind a print of the same moment."""

    status: InstrumentStatus
    after_trades: bool


def day_phases(
    instruments: Iterable[Instrument], session: Session | None, auctions: dict[str, Ints], source: str, first_ns: int
) -> list[PhaseChange]:
    """All changes of a day in order of time; `auctions` has the times of auction prints by instrument."""
    changes: list[PhaseChange] = []
    for instrument in instruments:
        name = instrument.instrument_id
        if instrument.asset_class in ROUND_THE_CLOCK:
            changes.append(PhaseChange(InstrumentStatus(name, MarketPhase.OPEN, False, first_ns, "", source), False))
        elif session is not None:
            for at, phase in session.changes():
                printed = _auction_near(at, phase, auctions.get(name, np.empty(0, np.int64)))
                status = InstrumentStatus(name, phase, False, printed or at, "", source)
                changes.append(PhaseChange(status, printed is not None))
    return sorted(changes, key=lambda change: change.status.ts_event)


def _auction_near(at: int, phase: MarketPhase, printed: Sequence[int] | Ints) -> int | None:
    """The auction print that ends the phase before `phase`, if it came soon after its time."""
    if phase not in (MarketPhase.OPEN, MarketPhase.POST):
        return None
    return next((int(ts) for ts in printed if at <= ts <= at + LATEST_AUCTION_NS), None)
