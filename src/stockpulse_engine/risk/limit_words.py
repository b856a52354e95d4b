"""How each limit is called, what it is measured in, and what happens when it is reached."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from stockpulse_engine.risk.rows import amount, percent

MONEY, PART, COUNT, TIME, LIST, FLAG = "money", "part", "count", "time", "list", "flag"


class LimitWords(msgspec.Struct, frozen=True):
    """Words of one limit."""

    title: str
    unit: str
    effect: str


_DENIES, _OPENING, _ASKS = "denies", "denies opening", "asks twice"
LIMIT_WORDS: Final = {
    "collar_fraction": LimitWords("price collar", PART, _DENIES),
    "collar_fraction_illiquid": LimitWords("price collar, illiquid", PART, _DENIES),
    "illiquid_volume": LimitWords("illiquid below", COUNT, "widens the collar"),
    "min_order_notional": LimitWords("smallest order", MONEY, _OPENING),
    "max_order_notional": LimitWords("order notional", MONEY, _DENIES),
    "max_order_quantity": LimitWords("order quantity", COUNT, _DENIES),
    "max_adv_fraction": LimitWords("part of daily volume", PART, _DENIES),
    "max_position_weight": LimitWords("weight", PART, _OPENING),
    "max_gross": LimitWords("gross exposure", PART, _OPENING),
    "max_net": LimitWords("net exposure", PART, _OPENING),
    "daily_loss_fraction": LimitWords("day loss", MONEY, "reduces only"),
    "max_drawdown_fraction": LimitWords("drawdown", MONEY, "reduces only"),
    "loss_cancels": LimitWords("loss cancels orders", FLAG, "cancels opening"),
    "max_orders_per_second": LimitWords("orders / s", COUNT, _DENIES),
    "max_orders_per_day": LimitWords("orders / day", COUNT, _DENIES),
    "max_strategy_orders_per_second": LimitWords("strategy orders / s", COUNT, _DENIES),
    "max_strategy_orders_per_day": LimitWords("strategy orders / day", COUNT, _DENIES),
    "max_open_orders": LimitWords("open orders", COUNT, _DENIES),
    "duplicate_window_ms": LimitWords("same order again within", TIME, _ASKS),
    "max_quote_age_ms": LimitWords("quote age", TIME, _DENIES),
    "max_quote_age_extended_ms": LimitWords("quote age, extended", TIME, _DENIES),
    "max_quote_age_auto_ms": LimitWords("quote age, strategies", TIME, _DENIES),
    "max_spread_fraction": LimitWords("spread of market orders", PART, _DENIES),
    "max_last_gap_fraction": LimitWords("quote against last print", PART, _DENIES),
    "rejections_to_pause": LimitWords("refusals in a row", COUNT, "pauses"),
    "probe_interval_ms": LimitWords("probe while paused", TIME, "paces"),
    "confirm_notional": LimitWords("order to read twice", MONEY, _ASKS),
    "armed": LimitWords("armed strategies", LIST, "denies others"),
    "restricted": LimitWords("restricted", LIST, _DENIES),
}


def value_words(key: str, value: Any) -> str:
    """A limit's value for people: 5 %, 100,000, 2 s, GME.XNYS."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    unit = LIMIT_WORDS[key].unit
    if unit == PART or key.endswith("_fraction"):
        return percent(Decimal(value))
    if unit == TIME:
        return f"{amount(Decimal(value) / 1000)} s"
    return amount(Decimal(value))


def value_text(value: Any) -> str:
    """A limit's value as it is written in limits.toml."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{name}"' for name in value) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
