"""What was known at a moment: the values that a head which looks back is shown. Derived, never stored."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import NewsItem, Quote
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import AccountView, ClockView, EquityPoint, LotView, PositionView


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A point in market time, and how people say it, with its zone."""

    at_ns: int
    words: str


class KnownQuote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was known of one instrument's price at a moment. Nothing in it could be known only later.

    Attributes:
        quote: as a row shows it; a side that nothing told has the size 0. None where nothing is held.
        made_of: what it was read from: `quotes`, `prints`, `1m bars`, joined by `+`.
        source: who that is from: `lean`, `venue`.
        known_at: when the newest part of it became known.
        note: why a value is missing, in words; "" when none is.
        previous_close: close of the session before.
        low: lowest of the session so far.
        high: highest of the session so far.
        spark: closes of the session so far at even steps, for drawing only.
    """

    instrument_id: str
    quote: Quote | None = None
    made_of: str = ""
    source: str = ""
    known_at: int = 0
    note: str = ""
    previous_close: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    spark: tuple[float, ...] = ()


class PastBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Orders, money and holdings as the journal's entries up to a moment give them, valued at what was known then.

    Attributes:
        entries: journal entries folded; the last one has this sequence number.
        orders: newest first, every open one among them.
        left_out: finished orders older than those, which are not here.
        fills: newest first.
        curves: account id → its equity so far.
        session_start: where the session of that moment began: what "today" was.
    """

    at_ns: int
    entries: int
    accounts: tuple[AccountView, ...]
    positions: tuple[PositionView, ...]
    lots: tuple[LotView, ...]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    left_out: int = 0
    curves: dict[str, tuple[EquityPoint, ...]] = {}
    session_start: int = 0


class PastView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a head needs to show a moment, or how far the way there is.

    Attributes:
        is_ready: whether everything else is there; ask again while it is not.
        done: 0 … 1 of the step under way.
        step: what is being done, in words.
        notes: what a reader must know about all of it.
    """

    moment: Moment
    is_ready: bool
    done: float = 0.0
    step: str = ""
    clock: ClockView | None = None
    instruments: tuple[Instrument, ...] = ()
    quotes: tuple[KnownQuote, ...] = ()
    news: tuple[NewsItem, ...] = ()
    """Newest first."""
    books: PastBooks | None = None
    notes: tuple[str, ...] = ()
