"""Brokers: how a connection is configured, and what the one behind it can do itself."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.orders import OrderType, TimeInForce

PAPER_BROKER = "paper"
"""Name of the connection to our own venue: it is always there and needs no configuration."""


class Dedup(Enum):
    """What a broker does with a second order of the same client order id."""

    FOR_EVER = "FOR_EVER"
    """It is refused for as long as the account lives."""
    WINDOW = "WINDOW"
    """It is refused for a while."""
    NONE = "NONE"
    """It becomes a second order (or, at Interactive Brokers, changes the first): ask before sending anything again."""


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connection as `brokers.toml` holds it. Secrets are never part of it.

    Attributes:
        name: what `Account.broker` says, and the file's section: letters, digits and `-`.
        adapter: which adapter speaks to it: `alpaca`, `ibkr`.
        kind: whose money is behind it. A practice account at a broker is PAPER.
        account: the broker's own number of the account, "" where the credentials say which.
        url, stream_url: addresses of an HTTP broker; "" for the adapter's own.
        host, port, client_id: where a local gateway listens and as whom we speak to it.
        currency: of the account.
        requests_per_minute: what the broker allows; 0 for the adapter's own figure.
    """

    name: str
    adapter: str
    kind: AccountKind
    account: str = ""
    url: str = ""
    stream_url: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    client_id: int = 1
    currency: str = "USD"
    requests_per_minute: int = 0


class BrokerCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a broker can do itself; the order service acts on these flags, `sp broker` prints them.

    Attributes:
        name: of the connection.
        deduplicates: the broker refuses a second order with the same client order id for ever (`Dedup.FOR_EVER`).
        dedup: what it does with a repeated id, for people.
        holds_brackets, holds_oco, holds_oto, holds_trailing: these live at the broker and go on while we are down.
        supports_replace: terms of a working order can be changed there.
        cancels_all: one request cancels everything that works.
        has_cancel_session: a second, independent connection may cancel while the first is in use or hangs.
        order_types, times_in_force: what it takes.
        numbers_reports: its reports carry consecutive numbers, so that a gap proves a loss. Where they do not,
            `report_seq` is the broker's time of the fact in UTC nanoseconds (or 0) and gaps mean nothing.
        overlap: how far before the cursor fills are asked for again, in units of `report_seq`.
        takes_extended_hours, takes_fractions, takes_shorts: what its accounts may do.
    """

    name: str
    deduplicates: bool
    holds_brackets: bool
    supports_replace: bool
    dedup: Dedup = Dedup.FOR_EVER
    holds_oco: bool = False
    holds_oto: bool = False
    holds_trailing: bool = False
    cancels_all: bool = True
    has_cancel_session: bool = False
    order_types: frozenset[OrderType] = frozenset(
        {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}
    )
    times_in_force: frozenset[TimeInForce] = frozenset(
        {TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE}
    )
    numbers_reports: bool = True
    overlap: int = 1000
    takes_extended_hours: bool = True
    takes_fractions: bool = False
    takes_shorts: bool = True


class VenueHolding(msgspec.Struct, frozen=True, kw_only=True):
    """One position as the broker holds it: signed quantity and the average price it says it was opened at."""

    instrument_id: str
    quantity: Decimal
    average_price: Decimal | None = None


class CapabilityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the capability matrix: `where` is `broker`, `engine` (it ends with the engine) or `nowhere`."""

    feature: str
    where: str
    words: str


class BrokerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One connection as it stands now.

    Attributes:
        mode: PAPER or LIVE: whose money orders there move.
        state: `locked`, `joined` (unlocked, its link may be up or down) or `not in this world`.
        place: where its credentials lie, in words.
        accounts: ours that are held there.
        ends_at: wall time at which the session there ends by itself; 0 for never.
    """

    name: str
    adapter: str
    mode: AccountKind
    state: str
    place: str
    is_connected: bool = False
    account: str = ""
    accounts: tuple[str, ...] = ()
    problem: str = ""
    ends_at: int = 0


class BrokerCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One step of `sp broker test`."""

    step: str
    is_ok: bool
    words: str


class LiveView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a live account stands.

    Attributes:
        is_armed: orders may leave, as far as a person has to say so.
        letters: how many of the account number's last letters are typed to arm it.
        holder: the head that may send, `cli` for the command line; strategy: whose orders.
        cap, sent: what may be sent in all, and what was since it was armed, UNKNOWN orders included.
        missing: every other condition that does not hold now, in words.
    """

    account_id: str
    broker: str
    is_armed: bool
    letters: int
    holder: str = ""
    strategy: str = ""
    cap: Decimal = Decimal(0)
    sent: Decimal = Decimal(0)
    until_ns: int = 0
    missing: tuple[str, ...] = ()
