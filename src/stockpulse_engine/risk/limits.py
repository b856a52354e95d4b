"""The limits of the pre-trade gate. `config/limits.toml` holds the same defaults with the same words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from stockpulse_engine.domain.errors import ConfigError


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gate allows. Money in the account's currency, fractions of 1, times in milliseconds.

    Attributes:
        collar_fraction: how far beyond the market a limit or trigger may reach, and a market order may fill.
        collar_fraction_illiquid: the same for an instrument that trades less than `illiquid_volume` on an average day.
        illiquid_volume: average daily volume below which the wider collar applies.
        min_order_notional: least money of an order that opens.
        max_order_notional: money of one order at its worst price.
        max_order_quantity: units of one order.
        max_adv_fraction: part of the instrument's average daily volume one order may be.
        max_position_weight: |position| after every working order filled, over equity.
        max_gross: sum of |positions| and opening orders, over equity.
        max_net: |long less short| and opening orders, over equity.
        daily_loss_fraction: loss since the session opened, over equity then, at which only reducing is allowed.
        max_drawdown_fraction: fall of equity from its peak, over the peak, at which only reducing is allowed.
        loss_cancels: whether reaching one of these two cancels working orders that would open.
        max_orders_per_second: submissions of an account within one second of wall time.
        max_orders_per_day: submissions of an account in the trading session.
        max_strategy_orders_per_second: the same of one strategy in an account.
        max_strategy_orders_per_day: the same of one strategy in an account.
        max_open_orders: orders working at once in an account.
        duplicate_window_ms: the same order again within this wall time needs `allow_duplicate`.
        max_quote_age_ms: oldest quote (since the feed confirmed it) an order may be checked against in regular hours.
        max_quote_age_extended_ms: the same before and after hours.
        max_quote_age_auto_ms: the same for the orders of a strategy, at every hour.
        max_spread_fraction: (ask - bid) / mid above which a market order is refused.
        max_last_gap_fraction: |mid - last print| over mid above which a market order is refused.
        rejections_to_pause: identical requests refused alike by the broker, after which the instrument is paused.
        probe_interval_ms: how often one order may try again while it is paused.
        confirm_notional: money from which the preview asks to read twice.
        armed: strategies that may send orders; `manual`, a person's own, always may.
        restricted: instrument ids that may not be traded at all.
    """

    collar_fraction: Decimal = Decimal("0.05")
    collar_fraction_illiquid: Decimal = Decimal("0.10")
    illiquid_volume: Decimal = Decimal(100_000)
    min_order_notional: Decimal = Decimal(1)
    max_order_notional: Decimal = Decimal(100_000)
    max_order_quantity: Decimal = Decimal(10_000)
    max_adv_fraction: Decimal = Decimal("0.01")
    max_position_weight: Decimal = Decimal("0.25")
    max_gross: Decimal = Decimal("1.50")
    max_net: Decimal = Decimal("1.25")
    daily_loss_fraction: Decimal = Decimal("0.03")
    max_drawdown_fraction: Decimal = Decimal("0.15")
    loss_cancels: bool = True
    max_orders_per_second: int = 20
    max_orders_per_day: int = 5_000
    max_strategy_orders_per_second: int = 20
    max_strategy_orders_per_day: int = 5_000
    max_open_orders: int = 200
    duplicate_window_ms: int = 2_000
    max_quote_age_ms: int = 10_000
    max_quote_age_extended_ms: int = 60_000
    max_quote_age_auto_ms: int = 2_000
    max_spread_fraction: Decimal = Decimal("0.02")
    max_last_gap_fraction: Decimal = Decimal("0.10")
    rejections_to_pause: int = 3
    probe_interval_ms: int = 60_000
    confirm_notional: Decimal = Decimal(25_000)
    armed: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()


def limits_from(values: Mapping[str, Any], *, source: str = "limits.toml") -> Limits:
    """Limits with `values` over the defaults; fractions and money may be written as numbers or text.

    Raises:
        ConfigError: naming the file, the key, what was expected, and the nearest known key.
    """
    known = Limits.__struct_fields__
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
            raise ConfigError(f"{source}: {key} is not a limit.", fix=fix)
    texts = {key: str(value) if isinstance(value, float) else value for key, value in values.items()}
    try:
        limits = msgspec.convert(texts, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}.", fix="See config/limits.toml for what each limit takes.") from error
    _require_sane(limits, source)
    return limits


def _require_sane(limits: Limits, source: str) -> None:
    """Refuse limits that are not finite or not positive: a NaN would wave everything through."""
    for key in limits.__struct_fields__:
        value = getattr(limits, key)
        if isinstance(value, bool):
            continue
        if isinstance(value, Decimal | int) and not (Decimal(value).is_finite() and value > 0):
            raise ConfigError(f"{source}: {key} = {value} is not a positive number.", fix="Write one above zero.")
