"""What a replay plays: its plan, its past, and what of the days asked for is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.marketdata.actions import CorporateAction
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.venue.replay.history import ReplayHistory
from stockpulse_engine.venue.replay.past import FilePast, Past
from stockpulse_engine.venue.replay.plan import Plan, make_plan
from stockpulse_engine.venue.replay.reference import instrument_for, instrument_with


@dataclass(frozen=True, slots=True)
class Script:
    """Everything a replay needs to know before its first event.

    Attributes:
        instruments: by the key their rows are found by.
        played: what each instrument is played from, in sentences.
        gaps: what is missing and why, in sentences.
        actions: corporate actions of what is played, by time.
    """

    plan: Plan
    past: Past
    instruments: Mapping[str, Instrument]
    played: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    actions: tuple[CorporateAction, ...] = ()

    def with_volumes(self, calendar: Calendar) -> Script:
        """Instruments with the mean volume of the days before."""
        history = ReplayHistory(self.past, calendar, self.plan.dates[0])
        sized = {
            key: instrument_with(instrument, history.average_volume(key))
            for key, instrument in self.instruments.items()
        }
        return replace(self, instruments=sized)


def script_of_files(paths: Sequence[Path], calendar: Calendar) -> Script:
    """The script of recordings in files.

    Raises:
        InvalidValueError: a file is not understood, or nothing in the files can be played.
        NotFoundError: a path leads nowhere.
    """
    plan, history = make_plan(paths, calendar.zone_name)
    past = FilePast(history, calendar, plan.dates[0])
    script = Script(plan, past, {symbol: instrument_for(symbol) for symbol in plan.symbols})
    return script.with_volumes(calendar)
