"""Bodies of REST requests and answers that are not domain values or views."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import Order


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem document; never carries paths, SQL, stack or secrets (R08)."""

    type: str
    """`about:blank#CODE`; CODE is the error's code."""
    title: str
    status: int
    detail: str
    fix: str = ""
    code: str = ""
    denial: str = ""


class SubmitAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The orders a submission made (entry first), after the intent was fsynced."""

    orders: tuple[Order, ...]
    is_replay: bool = False
    """The same request was answered before; nothing new was sent."""


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order to look at without sending it."""

    command: SubmitOrder


class ModifyBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New quantity or prices; None leaves a field."""

    request_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    limit_offset: Decimal | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The engine took the request and is doing it."""

    is_accepted: bool = True


class RequestId(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a mutation that needs nothing but its idempotency key (R07)."""

    request_id: str


class DeclareDead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An UNKNOWN order does not work at its broker; `word` is the typed DEAD."""

    request_id: str
    reason: str
    word: str = ""


class CancelMany(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cancel by pattern: `*` for all, `AAPL*` by symbol."""

    request_id: str
    pattern: str = "*"
    account_id: str = ""


class CancelManyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the orders a cancel was asked for."""

    client_order_ids: tuple[str, ...]


class HaltRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`action`: halt, reduce, flatten, resume. `word` is the typed word that flatten and resume need."""

    request_id: str
    action: str
    reason: str = ""
    word: str = ""
    account_id: str = ""


class ArmRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Arm (minutes > 0) or disarm (0) this head for an account."""

    request_id: str
    account_id: str
    minutes: int = 30


class UnlockBrokers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Open credentials for this run; without names those of practice money. `with_live` allows live ones."""

    request_id: str
    names: tuple[str, ...] = ()
    passphrase: str = ""
    with_live: bool = False

    def __repr__(self) -> str:
        """Never the passphrase."""
        return f"UnlockBrokers({self.request_id!r}, {self.names!r})"


class LockBrokers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Give brokers up and forget their credentials; all without names."""

    request_id: str
    names: tuple[str, ...] = ()


class ArmLive(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Arm a live account: the last letters of its number as typed, the most that may be sent, and how long."""

    request_id: str
    account_id: str
    suffix: str
    cap: Decimal
    minutes: int = 60
    strategy: str = "manual"


class DisarmLive(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Disarm a live account, all with ""."""

    request_id: str
    account_id: str = ""


class OpenAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Open a paper account."""

    request_id: str
    account_id: str
    account_type: str = "MARGIN"
    initial_cash: Decimal = Decimal(100_000)
    currency: str = "USD"
    lot_method: str = "FIFO"
    """FIFO, LIFO or HIFO: which lots close first; fixed for the life of the account."""


class AdoptAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Open an account that exists at the connection `broker` already, with what it holds there."""

    request_id: str
    account_id: str
    broker: str
    account_type: str = "MARGIN"
    currency: str = "USD"


class ReconcileNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Compare an account with its broker now, all with ""."""

    request_id: str
    account_id: str = ""


class ExplainSuspense(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which side of a difference is right, and why.

    Attributes:
        how: accept (the broker's figure is posted) or ignore (ours stands); `word` is the typed ACCEPT or IGNORE.
        price: what accepted shares are booked at; the market's when the difference was found if left out.
    """

    request_id: str
    suspense_id: str
    how: str
    reason: str
    word: str = ""
    price: Decimal | None = None


class MarketControlRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`action`: speed, pause, resume, step (nanoseconds in `step_ns`), seek (to the market time `to_ns`)."""

    request_id: str
    action: str
    speed: float = 1.0
    step_ns: int = 0
    to_ns: int = 0


class BackupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a backup was written and what it holds."""

    file: str
    bytes: int
    journal_seq: int
    journal_digest: str
