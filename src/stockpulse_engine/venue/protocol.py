"""The messages on the venue's Unix socket: four bytes of length (big endian), then one msgpack message.

A client sends `Request`s with ids of its own; each gets exactly one `Reply` with that id, after everything it caused
is on disk. `Pushed` messages come unasked once subscribed: market batches (conflated for a slow reader, who is
dropped in the end) and reports (lossless: who cannot take them is dropped and resumes from its last seq).
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent
from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue.orders import NewOrder

VENUE_PROTOCOL = 1
"""Raised on every change an older peer could misread; peers of another version are refused by name."""

HEADER = struct.Struct(">I")
MAX_REQUEST = 4 * 1024 * 1024
"""Longest message the venue takes."""
MAX_REPLY = 64 * 1024 * 1024
"""Longest message a client takes."""
MAX_BARS = 20_000
PAGE = 1000
"""Fills or reports per message."""


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """Base of everything that may be asked."""


class Hello(Ask, frozen=True, tag="hello"):
    """First message of a client; everything else before it is refused."""

    protocol: int
    client: str


class GetInstruments(Ask, frozen=True, tag="instruments"):
    """Everything traded here. Answer: Instruments."""


class GetBars(Ask, frozen=True, tag="bars"):
    """The last `limit` bars that start before `end_ns` (0: now). Answer: Bars."""

    instrument_id: str
    spec: BarSpec
    limit: int
    end_ns: int = 0


class GetClock(Ask, frozen=True, tag="clock"):
    """Answer: Clock."""


class Control(Ask, frozen=True, tag="control"):
    """`action`: speed (with `speed`), pause, resume, step (with `step_ns`), seek (with `to_ns`). Answer: Clock."""

    action: str
    speed: float = 0.0
    step_ns: int = 0
    to_ns: int = 0


class OpenAccount(Ask, frozen=True, tag="open_account"):
    """Open an account with its deposit; again with the same body: no effect. Answer: Done."""

    account: Account


class Submit(Ask, frozen=True, tag="submit"):
    """One order, or a bracket's entry followed by its legs. Answer: Submitted or Failure."""

    orders: tuple[NewOrder, ...]


class Replace(Ask, frozen=True, tag="replace"):
    """Ask for new terms; the proof is an UPDATE or UPDATE_REJECT report. Answer: Done."""

    account_id: str
    client_order_id: str
    request_id: str
    terms: OrderTerms


class Cancel(Ask, frozen=True, tag="cancel"):
    """Ask to cancel; the proof is a CANCEL or CANCEL_REJECT report. Answer: Done."""

    account_id: str
    client_order_id: str
    request_id: str


class CancelAll(Ask, frozen=True, tag="cancel_all"):
    """Ask to cancel every open order of an account. Answer: Done."""

    account_id: str


class GetOrder(Ask, frozen=True, tag="order"):
    """One order of any age. Answer: Orders with one or none."""

    account_id: str
    client_order_id: str


class GetOpenOrders(Ask, frozen=True, tag="open_orders"):
    """Every open order of an account, with the queue ahead of each. Answer: Orders."""

    account_id: str


class GetFills(Ask, frozen=True, tag="fills"):
    """Fills whose report_seq is after the cursor, a page at a time. Answer: Fills."""

    account_id: str
    after_seq: int


class GetAccount(Ask, frozen=True, tag="account"):
    """Cash and positions. Answer: AccountState or Failure."""

    account_id: str


class CountOrders(Ask, frozen=True, tag="count_orders"):
    """The witness: how many orders were ever made from an id, and how often it was sent. Answer: Counted."""

    client_order_id: str


class SubscribeMarket(Ask, frozen=True, tag="subscribe_market"):
    """A snapshot (as the first MarketBatch), then batches. Answer: Done."""


class SubscribeReports(Ask, frozen=True, tag="subscribe_reports"):
    """Reports with a seq after `after_seq`: missed ones, then live. "" is every account. Answer: Done."""

    account_id: str
    after_seq: int


class FeedEvents(Ask, frozen=True, tag="feed_events"):
    """Market data from outside (live worlds). Without events it is a sign of life. Answer: Done."""

    events: tuple[MarketEvent, ...]
    instruments: tuple[Instrument, ...] = ()


class Record(Ask, frozen=True, tag="record"):
    """`action`: start (with a name, the directory of recordings and limits in MB), stop, state. Answer: Recording."""

    action: str
    name: str = ""
    shelf: str = ""
    max_mb: int = 0
    free_mb: int = 0


class Shutdown(Ask, frozen=True, tag="shutdown"):
    """End in order. Answer: Done."""


Question = (
    Hello
    | GetInstruments
    | GetBars
    | GetClock
    | Control
    | OpenAccount
    | Submit
    | Replace
    | Cancel
    | CancelAll
    | GetOrder
    | GetOpenOrders
    | GetFills
    | GetAccount
    | CountOrders
    | SubscribeMarket
    | SubscribeReports
    | FeedEvents
    | Record
    | Shutdown
)


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One question with the client's id for it."""

    request_id: int
    question: Question


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Base of everything that may be answered."""


class Failure(Answer, frozen=True, tag="failure"):
    """A definite no: nothing happened. `code` is for programs, `reason` for people."""

    code: str
    reason: str


class Done(Answer, frozen=True, tag="done"):
    """Taken and stored. `count`: how many orders it touched, where that has a meaning."""

    count: int = 0


class Welcome(Answer, frozen=True, tag="welcome"):
    """Who this venue is."""

    protocol: int
    world: str
    pid: int
    seed: int
    clock: ClockState
    last_report_seq: int


class Instruments(Answer, frozen=True, tag="instruments"):
    """Everything traded here, in a fixed order."""

    instruments: tuple[Instrument, ...]


class Bars(Answer, frozen=True, tag="bars"):
    """Bars, oldest first."""

    bars: tuple[Bar, ...]


class Clock(Answer, frozen=True, tag="clock"):
    """Market time."""

    clock: ClockState


class Submitted(Answer, frozen=True, tag="submitted"):
    """The venue's ids, in the order of the request."""

    venue_order_ids: tuple[str, ...]


class Orders(Answer, frozen=True, tag="orders"):
    """Orders as the venue holds them."""

    orders: tuple[VenueOrder, ...]


class Fills(Answer, frozen=True, tag="fills"):
    """A page of fills with the cursor after it; `is_last` when nothing follows."""

    fills: tuple[Fill, ...]
    cursor: int
    is_last: bool


class AccountNow(Answer, frozen=True, tag="account"):
    """Cash and positions as the venue holds them."""

    account: VenueAccount


class Counted(Answer, frozen=True, tag="counted"):
    """`orders` ever made from the id, `requests` that carried it."""

    orders: int
    requests: int


class Recording(Answer, frozen=True, tag="recording"):
    """The recording that is made, or the one that ended last; None when there was none since the venue started."""

    recording: RecordingView | None


Answered = (
    Recording
    | Failure
    | Done
    | Welcome
    | Instruments
    | Bars
    | Clock
    | Submitted
    | Orders
    | Fills
    | AccountNow
    | Counted
)


class Reply(msgspec.Struct, frozen=True, array_like=True, tag="reply"):
    """The answer to one request."""

    request_id: int
    answer: Answered


class MarketBatch(msgspec.Struct, frozen=True, array_like=True, tag="market"):
    """What the market did in one turn, in order. `clock` comes along when speed, pause or session changed."""

    events: tuple[MarketEvent, ...]
    market_ns: int
    clock: ClockState | None = None
    is_snapshot: bool = False
    is_conflated: bool = False
    """The reader was slow: only the newest quote, depth and status of each instrument, prints are missing."""
    counts: SourceCounts | None = None
    """What a recording held so far; comes with the clock."""


class ReportBatch(msgspec.Struct, frozen=True, array_like=True, tag="reports"):
    """Reports in order of their seq."""

    reports: tuple[ExecutionReport, ...]


Message = Reply | MarketBatch | ReportBatch

_ENCODER = msgspec.msgpack.Encoder()
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_message = msgspec.msgpack.Decoder(Message).decode


def encode_frame(message: Any) -> bytes:
    """One message with its length in front."""
    body = _ENCODER.encode(message)
    return HEADER.pack(len(body)) + body


class FrameTooLongError(Exception):
    """The peer announced more than it may send."""


class FrameReader:
    """Cuts a byte stream into messages; holds at most one unfinished message of `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add what was read and return the messages that are complete.

        Raises:
            FrameTooLongError: the peer announced more than `limit` bytes.
        """
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer, start)
            if length > self._limit:
                raise FrameTooLongError(f"a message of {length} bytes is over {self._limit}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[start + HEADER.size : end]))
            start = end
        del self._buffer[:start]
        return frames
