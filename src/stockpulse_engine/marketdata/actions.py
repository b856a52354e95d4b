"""Corporate actions: what changes the meaning of a price without anybody trading.

Bars are stored as they were printed. A read may ask for them adjusted; the factors are made at that moment from the
actions that were known at the read's own point in time, so that a back-test of 2013 does not know a split of 2014.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

FORMERLY: Final = "formerly "
"""Begins the note of a rename, and the symbol follows."""


class ActionKind(Enum):
    """What happened. Only the first four change an adjusted price."""

    SPLIT = "SPLIT"
    """`numerator` new shares for `denominator` old ones: 7 for 1, or 1 for 10 (a reverse split)."""
    STOCK_DIVIDEND = "STOCK_DIVIDEND"
    """`numerator` shares afterwards for `denominator` before (105 for 100): a split by arithmetic."""
    DIVIDEND = "DIVIDEND"
    """`amount_e8` of `currency` per share, on the share count of the day before the ex-date (unadjusted)."""
    SPINOFF = "SPINOFF"
    """Value of `amount_e8` per share left the company; adjusted like a dividend."""
    RENAME = "RENAME"
    """From the ex-date on it trades as `other_id`; the note says as what before. All of its past is one instrument."""
    DELISTING = "DELISTING"
    """The ex-date is the first day on which it does not trade."""


class Adjustment(Enum):
    """What a read does to prices and volumes of bars before an action."""

    RAW = "raw"
    """As printed."""
    SPLIT = "split"
    """Splits and stock dividends."""
    TOTAL = "total"
    """Splits, and dividends and spin-offs as reinvested: price × (1 - amount / last close before the ex-date)."""


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one action. Its key is (instrument_id, kind, ts_event, source).

    Attributes:
        ts_event: the regular open (UTC ns) of the ex-date's session; midnight UTC for what trades round the clock.
        numerator: of SPLIT and STOCK_DIVIDEND; 1 otherwise.
        denominator: of SPLIT and STOCK_DIVIDEND; 1 otherwise.
        amount_e8: of DIVIDEND and SPINOFF, in 1e-8 of `currency`; 0 otherwise.
        reference_e8: raw close of the last session before the ex-date when the source says it; 0 when not, and then the
            read takes the close that is held.
        known_at: when it could be known (declaration); the ex-date's open when the source does not say.
        recorded_at: wall time of the commit, 0 in what is handed to a writer.
    """

    instrument_id: str
    kind: ActionKind
    ts_event: int
    known_at: int
    source: str
    numerator: int = 1
    denominator: int = 1
    amount_e8: int = 0
    currency: str = ""
    reference_e8: int = 0
    other_id: str = ""
    note: str = ""
    recorded_at: int = 0
    is_retracted: bool = False
    """In what is handed to a writer: this action never happened. Reads do not return such versions."""
