"""Facts the journal records: everything needed to rebuild the state of trading, in order of `seq`."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEvent


class AccountOpened(msgspec.Struct, frozen=True, kw_only=True, tag="account_opened"):
    """An account was created with its deposit."""

    account: Account
    ts_event: int
    recorded_at: int
    actor: str = ""


class CashMoved(msgspec.Struct, frozen=True, kw_only=True, tag="cash_moved"):
    """A deposit (positive), withdrawal (negative) or correction; `movement_id` makes it post once."""

    movement_id: str
    account_id: str
    amount: Decimal
    currency: str
    reason: str
    ts_event: int
    recorded_at: int
    actor: str = ""


class TradingStateChanged(msgspec.Struct, frozen=True, kw_only=True, tag="trading_state"):
    """ACTIVE, REDUCING or HALTED was set; `reason` in words. `flattens`: accounts that a flatten begins to close."""

    state: TradingState
    reason: str
    ts_event: int
    recorded_at: int
    actor: str = ""
    flattens: tuple[str, ...] = ()


class EngineStarted(msgspec.Struct, frozen=True, kw_only=True, tag="engine_started"):
    """The daemon opened the journal; `was_clean` tells whether the last stop was ordered."""

    version: str
    world: str
    was_clean: bool
    ts_event: int
    recorded_at: int


class EngineStopped(msgspec.Struct, frozen=True, kw_only=True, tag="engine_stopped"):
    """The daemon stopped in order."""

    ts_event: int
    recorded_at: int


class HomeRestored(msgspec.Struct, frozen=True, kw_only=True, tag="home_restored"):
    """The journal came back from a backup made at the wall time `made_at`: that nobody stopped it then is no kill."""

    made_at: int
    ts_event: int
    recorded_at: int


class Reconciled(msgspec.Struct, frozen=True, kw_only=True, tag="reconciled"):
    """Our state was compared with the venue's; `differences` empty means clean."""

    account_id: str
    orders: int
    fills_added: int
    differences: tuple[str, ...]
    ts_event: int
    recorded_at: int


class SessionMarked(msgspec.Struct, frozen=True, kw_only=True, tag="session_marked"):
    """Equity at the start of a trading session: the base of day P&L. `marks`: instrument id → price."""

    account_id: str
    session_date: str
    equity: Decimal
    marks: dict[str, Decimal]
    ts_event: int
    recorded_at: int


class ActionApplied(msgspec.Struct, frozen=True, kw_only=True, tag="action_applied"):
    """A corporate action changed what an account holds; `statement.action_id` makes it post once."""

    statement: ActionStatement
    ts_event: int
    recorded_at: int
    report_seq: int = 0


class LimitChanged(msgspec.Struct, frozen=True, kw_only=True, tag="limit_changed"):
    """A limit of the gate was changed at run time; the newest fact of a scope and key is the one in force.

    Attributes:
        change_id: names the change, so that a raise can be withdrawn before it acts.
        scope: "" for all, else account, strategy or instrument; `name` says which.
        old, new: as written in limits.toml; "" stands for what the files say.
        acts_at: wall time from which it is in force: at once for a tighter limit, later for a looser one.
        is_withdrawn: the change `change_id`, which waited, is taken back.
    """

    change_id: str
    key: str
    old: str
    new: str
    ts_event: int
    recorded_at: int
    scope: str = ""
    name: str = ""
    acts_at: int = 0
    is_withdrawn: bool = False
    reason: str = ""
    actor: str = ""


class LossLimitActed(msgspec.Struct, frozen=True, kw_only=True, tag="loss_limit"):
    """A loss limit of an account was reached (REDUCING), or what it had stopped was freed by a person (ACTIVE).

    Attributes:
        kind: "daily loss" or "drawdown".
        amount: the loss, or the fall from the peak, at that moment; limit: what was allowed.
    """

    account_id: str
    kind: str
    state: TradingState
    session_date: str
    amount: Decimal
    limit: Decimal
    ts_event: int
    recorded_at: int
    reason: str = ""
    actor: str = ""


class FillParked(msgspec.Struct, frozen=True, kw_only=True, tag="fill_parked"):
    """An execution whose order the broker named in its own words alone, while ours waits for its first answer.

    It is kept here until that answer tells which order it is; without one it belongs to nobody we know of.
    """

    account_id: str
    fill: Fill
    ts_event: int
    recorded_at: int
    report_seq: int = 0


class HoldingsAdopted(msgspec.Struct, frozen=True, kw_only=True, tag="holdings_adopted"):
    """What an account at a broker already held when it was opened here, each with the price it was acquired at.

    `known_fills`: executions that are part of these holdings, so that none of them is ever booked again.
    """

    account_id: str
    holdings: tuple[VenueHolding, ...]
    ts_event: int
    recorded_at: int
    known_fills: tuple[str, ...] = ()
    report_seq: int = 0
    """Where the broker's reports stood: those up to here are part of what was adopted."""
    actor: str = ""


class SuspenseRaised(msgspec.Struct, frozen=True, kw_only=True, tag="suspense_raised"):
    """Our figure and the broker's differ and nothing explains it. `suspense_id` follows from what it states."""

    suspense_id: str
    account_id: str
    instrument_id: str
    """"" for cash."""
    ours: Decimal
    theirs: Decimal
    ts_event: int
    recorded_at: int
    is_blocking: bool = True
    """Whether orders are held back until it is explained: of the instrument, or of the account for cash."""
    report_seq: int = 0
    """Where the broker's reports stood at the comparison."""
    last_fills: tuple[str, ...] = ()
    """Our newest executions then: what had been counted."""
    price: Decimal | None = None
    """The market's price then: at which an acceptance is posted unless a person names another."""

    @property
    def amount(self) -> Decimal:
        """What the broker has more than we."""
        return self.theirs - self.ours


class SuspenseEnd(Enum):
    """How a difference came to its end."""

    ACCEPT = "ACCEPT"
    """A person says that the broker is right: it is posted, from the suspense account."""
    IGNORE = "IGNORE"
    """A person says that we are right: it stays, known and no longer in the way."""
    CLEARED = "CLEARED"
    """It was gone at a later comparison, or became another."""


class SuspenseExplained(msgspec.Struct, frozen=True, kw_only=True, tag="suspense_explained"):
    """A difference was explained; it carries all that the ledger posts. `price`: what accepted shares cost."""

    suspense_id: str
    account_id: str
    instrument_id: str
    amount: Decimal
    how: SuspenseEnd
    reason: str
    ts_event: int
    recorded_at: int
    price: Decimal | None = None
    actor: str = ""


class LiveArmed(msgspec.Struct, frozen=True, kw_only=True, tag="live_armed"):
    """Orders for real money may leave from now on.

    Attributes:
        strategy: whose: `manual` for a person's own.
        holder: the head that sends, `cli` for the command line.
        cap: worst-case amount that may be sent in all.
        until: wall time at which it ends.
    """

    account_id: str
    strategy: str
    holder: str
    cap: Decimal
    until: int
    ts_event: int
    recorded_at: int
    actor: str = ""


class LiveDisarmed(msgspec.Struct, frozen=True, kw_only=True, tag="live_disarmed"):
    """They may not any more. `sent`: what was sent while they might."""

    account_id: str
    strategy: str
    reason: str
    sent: Decimal
    ts_event: int
    recorded_at: int
    actor: str = ""


Event = (
    OrderEvent
    | AccountOpened
    | CashMoved
    | TradingStateChanged
    | EngineStarted
    | EngineStopped
    | HomeRestored
    | Reconciled
    | SessionMarked
    | ActionApplied
    | FillParked
    | HoldingsAdopted
    | SuspenseRaised
    | SuspenseExplained
    | LimitChanged
    | LossLimitActed
    | LiveArmed
    | LiveDisarmed
)
