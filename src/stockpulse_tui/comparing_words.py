"""How a difference to the broker is said. Pure."""

from __future__ import annotations

from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.views import SuspenseView
from stockpulse_engine.render.format import format_money, format_quantity


def open_differences(held: tuple[SuspenseView, ...]) -> list[SuspenseView]:
    """Those that wait for a person."""
    return [one for one in held if not one.is_known]


def difference_words(one: SuspenseView) -> str:
    """Both numbers, as they are shown everywhere."""
    if not one.instrument_id:
        return f"cash: {format_money(one.ours)} here, {format_money(one.theirs)} at the broker"
    ours, theirs = format_quantity(one.ours, signed=True), format_quantity(one.theirs, signed=True)
    return f"{symbol_of(one.instrument_id)}: {ours} here, {theirs} at the broker"
