"""The capability matrix in words: what goes on at the broker while we are down, and what ends with the engine."""

from __future__ import annotations

from stockpulse_engine.domain.brokers import BrokerCapabilities, CapabilityRow, Dedup
from stockpulse_engine.domain.orders import OrderType, TimeInForce

AT_BROKER, IN_ENGINE, NOWHERE = "broker", "engine", "nowhere"
_DIES = "held by the engine: it does nothing while the engine is down"
_DEDUP = {
    Dedup.FOR_EVER: (AT_BROKER, "a repeated order id is refused for as long as the account lives"),
    Dedup.WINDOW: (IN_ENGINE, "a repeated order id is refused for a while only; the engine asks before it sends again"),
    Dedup.NONE: (IN_ENGINE, "a repeated order id makes a second order; the engine asks before it sends again"),
}
_LACKING = {
    **dict.fromkeys(
        ("holds_brackets", "holds_oco", "holds_oto"), (NOWHERE, "refused: send the exits as orders of their own")
    ),
    "holds_trailing": (IN_ENGINE, _DIES),
}
_HELD = (
    ("bracket", "holds_brackets", "take and stop rest there and protect while the engine is down"),
    ("one cancels the other", "holds_oco", "the broker cancels the other one"),
    ("one triggers the other", "holds_oto", "the broker sends the second one"),
    ("trailing stop", "holds_trailing", "the broker moves the trigger"),
)


def capability_rows(able: BrokerCapabilities) -> tuple[CapabilityRow, ...]:
    """Every line of the matrix, in the order people ask for them."""
    return (*_groups(able), *_orders(able), *_safety(able))


def _row(feature: str, where: str, words: str) -> CapabilityRow:
    return CapabilityRow(feature=feature, where=where, words=words)


def _groups(able: BrokerCapabilities) -> list[CapabilityRow]:
    held = [
        _row(feature, AT_BROKER, words) if getattr(able, flag) else _row(feature, *_LACKING[flag])
        for feature, flag, words in _HELD
    ]
    return [*held, _row("conditional order", IN_ENGINE, _DIES + "; it survives a restart")]


def _orders(able: BrokerCapabilities) -> list[CapabilityRow]:
    types = ", ".join(kind.value for kind in OrderType if kind in able.order_types)
    times = ", ".join(one.value for one in TimeInForce if one in able.times_in_force)
    replace = (AT_BROKER, "terms of a working order are changed there")
    offered = (
        ("extended hours", able.takes_extended_hours),
        ("fractions of a share", able.takes_fractions),
        ("short selling", able.takes_shorts),
    )
    return [
        _row("order types", AT_BROKER, types),
        _row("times in force", AT_BROKER, times),
        _row("change of an order", *(replace if able.supports_replace else (NOWHERE, "cancel it and send a new one"))),
        *(
            _row(what, AT_BROKER if is_there else NOWHERE, "taken" if is_there else "refused")
            for what, is_there in offered
        ),
    ]


def _safety(able: BrokerCapabilities) -> list[CapabilityRow]:
    cancel = (AT_BROKER, "one request") if able.cancels_all else (IN_ENGINE, "one request for each order")
    watchdog = (
        (AT_BROKER, "the watchdog cancels through a session of its own when the engine hangs or dies")
        if able.has_cancel_session
        else (NOWHERE, "the watchdog can not cancel there: what rests stays when the engine hangs or dies")
    )
    missed = "numbered: a gap proves a loss" if able.numbers_reports else "asked for again by time after each loss"
    return [
        _row("same order twice", *_DEDUP[able.dedup]),
        _row("cancel everything", *cancel),
        _row("cancel by the watchdog", *watchdog),
        _row("missed executions", AT_BROKER, missed),
    ]
