"""What the gate checks, as a table for people: each control with its checks, the limits it reads, and its denials.

The page of denial codes is made from it, and a test holds it to the gate: no check, limit or code is missing.
"""

from __future__ import annotations

import msgspec

from stockpulse_engine.risk.codes import DenialCode

_C = DenialCode


class Control(msgspec.Struct, frozen=True):
    """One control of the gate.

    Attributes:
        number: its place in the list of pre-trade controls; 0 for what this house adds.
        title: what it guards.
        checks: names of its rows in a verdict; limits: keys of limits.toml it reads; codes: how it denies.
    """

    number: int
    title: str
    checks: tuple[str, ...]
    limits: tuple[str, ...]
    codes: tuple[DenialCode, ...]


CONTROLS: tuple[Control, ...] = (
    Control(
        1,
        "Price collar against a fresh reference",
        ("collar",),
        ("collar_fraction", "collar_fraction_illiquid", "illiquid_volume"),
        (_C.PRICE_COLLAR,),
    ),
    Control(2, "Money of one order", ("notional",), ("max_order_notional", "confirm_notional"), (_C.MAX_NOTIONAL,)),
    Control(
        3,
        "Units of one order, and part of the average daily volume",
        ("quantity", "volume"),
        ("max_order_quantity", "max_adv_fraction"),
        (_C.MAX_QUANTITY, _C.MAX_ADV),
    ),
    Control(4, "Gross and net exposure", ("gross", "net"), ("max_gross", "max_net"), (_C.MAX_GROSS, _C.MAX_NET)),
    Control(5, "Concentration in one instrument", ("weight",), ("max_position_weight",), (_C.MAX_WEIGHT,)),
    Control(
        6,
        "Loss of the day and fall from the peak",
        ("daily loss", "drawdown"),
        ("daily_loss_fraction", "max_drawdown_fraction", "loss_cancels"),
        (_C.DAILY_LOSS, _C.DRAWDOWN),
    ),
    Control(
        7,
        "Orders a second and a day, per account and strategy",
        ("rate", "strategy rate"),
        (
            "max_orders_per_second",
            "max_orders_per_day",
            "max_strategy_orders_per_second",
            "max_strategy_orders_per_day",
        ),
        (_C.RATE_SECOND, _C.RATE_DAY, _C.RATE_STRATEGY),
    ),
    Control(8, "Orders working at once", ("open orders",), ("max_open_orders",), (_C.OPEN_ORDERS,)),
    Control(9, "The same order again", ("duplicate",), ("duplicate_window_ms",), (_C.DUPLICATE,)),
    Control(10, "A trade with yourself", ("self-cross",), (), (_C.SELF_TRADE,)),
    Control(
        11,
        "Restricted and halted instruments",
        ("instrument", "session"),
        ("restricted",),
        (_C.RESTRICTED, _C.INSTRUMENT_HALTED),
    ),
    Control(
        12,
        "Session and half day",
        ("session", "kind"),
        (),
        (_C.MARKET_CLOSED, _C.SESSION_UNKNOWN, _C.EXTENDED_NEEDS_LIMIT),
    ),
    Control(13, "Buying power with everything reserved", ("buying power",), (), (_C.BUYING_POWER,)),
    Control(14, "Short sales and their locate", ("short",), (), (_C.NO_SHORT, _C.NO_LOCATE)),
    Control(
        15,
        "Increments, and least money of an order",
        ("increments", "smallest"),
        ("min_order_notional",),
        (_C.OFF_LOT, _C.OFF_TICK, _C.MIN_NOTIONAL),
    ),
    Control(
        16,
        "Age of the quote, its spread, and the last print beside it",
        ("quote", "last price"),
        (
            "max_quote_age_ms",
            "max_quote_age_extended_ms",
            "max_quote_age_auto_ms",
            "max_spread_fraction",
            "max_last_gap_fraction",
        ),
        (_C.QUOTE_MISSING, _C.QUOTE_STALE, _C.QUOTE_ONE_SIDED, _C.SPREAD_TOO_WIDE, _C.QUOTE_DISAGREES),
    ),
    Control(
        17,
        "Numbers that are finite and of the right sign",
        ("numbers", "prices"),
        (),
        (_C.INVALID_NUMBER, _C.INCOMPLETE_TERMS),
    ),
    Control(18, "Reduce-only", ("reduce-only",), (), (_C.REDUCE_ONLY,)),
    Control(
        19,
        "Strategy armed, live account armed",
        ("armed",),
        ("armed",),
        (_C.STRATEGY_NOT_ARMED, _C.NOT_ARMED, _C.ARMED_AMOUNT),
    ),
    Control(
        20,
        "Circuit behind repeated refusals",
        ("rejections",),
        ("rejections_to_pause", "probe_interval_ms"),
        (_C.REPEATED_REJECTION,),
    ),
    Control(0, "Trading state", ("trading state",), (), (_C.TRADING_HALTED, _C.REDUCING_ONLY)),
    Control(0, "Our orders match the venue's", ("reconciled",), (), (_C.STREAM_RECONCILING, _C.SUSPENSE)),
    Control(
        0,
        "What it is, and whose money",
        ("instrument", "kind"),
        (),
        (_C.ACCOUNT_UNKNOWN, _C.INSTRUMENT_UNKNOWN, _C.NOT_TRADABLE, _C.CURRENCY_MISMATCH, _C.UNSUPPORTED),
    ),
    Control(0, "Stops and brackets on their side", ("stop side", "bracket"), (), (_C.STOP_SIDE, _C.PROTECTION_SIDE)),
    Control(0, "Nothing leaves unchecked", (), (), (_C.CANNOT_CHECK,)),
)
