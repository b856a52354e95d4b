"""What the engine tells about risk: limits and how full they are, exposure, and what waits; heads only show it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.views import HaltView


class LimitRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One limit in force.

    Attributes:
        key: as in limits.toml; title: in a few words.
        scope, name: the section the value is from: "" for everybody's, else account, strategy or instrument.
        value: as written in limits.toml; limit, used: the same for people; "" where nothing is used up over time.
        fraction: used over limit; None where nothing is used up.
        subject: what uses it, an instrument or a strategy.
        effect: what happens when it is reached; source: where the value is from.
    """

    key: str
    title: str
    value: str
    limit: str
    used: str = ""
    fraction: Decimal | None = None
    scope: str = ""
    name: str = ""
    subject: str = ""
    effect: str = ""
    source: str = ""


class WaitingRaise(msgspec.Struct, frozen=True, kw_only=True):
    """A looser limit that is not in force yet; `acts_at` and `recorded_at` are wall time."""

    change_id: str
    key: str
    title: str
    old: str
    new: str
    acts_at: int
    recorded_at: int
    scope: str = ""
    name: str = ""
    actor: str = ""
    reason: str = ""


class ExposureRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one instrument weighs. `worst`: |position| with every opening order on its side filled, over equity."""

    instrument_id: str
    quantity: Decimal
    value: Decimal
    weight: Decimal | None
    worst: Decimal | None
    bar: Decimal
    """Its value over the largest of the account, signed: how long its bar is."""


class PausedRow(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument paused after refusals alike; `probe_at` is the wall time at which one order may try."""

    instrument_id: str
    count: int
    reason: str
    probe_at: int


class LossStop(msgspec.Struct, frozen=True, kw_only=True):
    """A loss limit that acted: the account may only reduce. `since` is wall time."""

    kind: str
    amount: Decimal
    limit: Decimal
    since: int
    until: str
    """What ends it, in words."""


class KillProof(msgspec.Struct, frozen=True, kw_only=True):
    """When trading was last stopped for certain: the proof that it can be. Wall times, 0 for never."""

    halted_at: int = 0
    reason: str = ""
    actor: str = ""
    resumed_at: int = 0
    count: int = 0


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the risk of one account at one moment.

    Attributes:
        state: what may leave of this account, its own loss limits included.
        open_worst: own money bound by open orders at worst; open_notional: what they may open.
        unknown_worst: of that, what orders without a definite answer may open; unknown_orders: how many.
        limits: fullest first.
    """

    account_id: str
    currency: str
    as_of: int
    wall_ns: int
    state: TradingState
    halt: HaltView
    limits: tuple[LimitRow, ...]
    waiting: tuple[WaitingRaise, ...]
    exposures: tuple[ExposureRow, ...]
    paused: tuple[PausedRow, ...]
    stops: tuple[LossStop, ...]
    kill: KillProof
    equity: Decimal
    equity_open: Decimal
    peak: Decimal
    fall: Decimal
    day_pnl: Decimal
    day_fraction: Decimal | None
    loss_left: Decimal
    gross: Decimal
    gross_weight: Decimal | None
    net: Decimal
    net_weight: Decimal | None
    open_worst: Decimal
    open_notional: Decimal
    open_orders: int
    unknown_worst: Decimal
    unknown_orders: int
    problems: tuple[str, ...] = ()


class LimitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change: in force at once, or from the wall time `acts_at` on."""

    change_id: str
    key: str
    old: str
    new: str
    acts_at: int
    waits: bool
    scope: str = ""
    name: str = ""
