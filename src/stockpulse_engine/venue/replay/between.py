"""Corporate actions between the days of a replay: when each is applied, and what it does to the bars before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.venue.source import DueAction

SPLITS = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
_ORDER = (
    *(ActionKind.DIVIDEND, ActionKind.STOCK_DIVIDEND, ActionKind.SPLIT),
    *(ActionKind.RENAME, ActionKind.DELISTING),
)
"""Within a day: a dividend is paid on the share count of the day before."""


class SplitAt(NamedTuple):
    """A split, and from when on bars are printed in new shares."""

    ns: int
    numerator: int
    denominator: int


def due_actions(
    actions: Sequence[CorporateAction], spans: Sequence[tuple[int, int]], calendar: Calendar
) -> list[DueAction]:
    """Actions whose ex-date lies after the first day played, each a second before the first day on or after it."""
    due: list[DueAction] = []
    applied = (action for action in actions if action.kind in _ORDER)
    for action in sorted(applied, key=lambda each: (each.ts_event, each.instrument_id, _ORDER.index(each.kind))):
        begin = next((first for first, last in spans if last > action.ts_event), None)
        if begin is not None and begin > spans[0][0]:
            before = due[-1].at_ns + 1 if due and due[-1].at_ns >= begin - SECOND_NS else begin - SECOND_NS
            due.append(DueAction(before, action_id(action, calendar), action))
    return due


def action_id(action: CorporateAction, calendar: Calendar) -> str:
    """The same for every account and every run: what, of whom, when."""
    return f"{action.instrument_id}:{action.kind.value}:{_date(action.ts_event, calendar)}"


def splits_by(actions: Sequence[CorporateAction], instrument_id: str, now_ns: int, calendar: Calendar) -> list[SplitAt]:
    """Splits of an instrument that have come into effect, extended hours of their day included."""
    found: list[SplitAt] = []
    for action in actions:
        if action.instrument_id == instrument_id and action.kind in SPLITS:
            session = calendar.session(_date(action.ts_event, calendar))
            at = session.pre_open if session is not None else action.ts_event
            if at <= now_ns:
                found.append(SplitAt(at, action.numerator, action.denominator))
    return found


def unapplied_words(actions: Sequence[CorporateAction], first_ns: int, last_ns: int, calendar: Calendar) -> list[str]:
    """Actions between the days that a holding does not follow."""
    return [
        f"{_date(action.ts_event, calendar)}: {action.kind.value} of {action.instrument_id} {words}"
        for action in actions
        if first_ns < action.ts_event <= last_ns and (words := _not_applied(action))
    ]


def _not_applied(action: CorporateAction) -> str:
    """Why a holding does not follow an action, "" where it does."""
    if action.kind is ActionKind.RENAME:
        return f"is applied to holdings where {action.other_id or 'the other id'} is played too"
    return "" if action.kind in _ORDER else "is not applied to holdings"


def _date(ns: int, calendar: Calendar) -> str:
    session = calendar.current_or_next(ns)
    return (
        session.date
        if session.pre_open <= ns
        else dt.datetime.fromtimestamp(ns // SECOND_NS, dt.UTC).date().isoformat()
    )
