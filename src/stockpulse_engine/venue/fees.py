"""What a fill costs: commission per share and the regulators' fees on sells, to the cent.

Fees are computed on the order's running total and charged as the difference to what was charged before. So the
minimum is paid once per order, and one fill of 100 costs exactly what 100 fills of 1 cost.

The default schedule is shaped after the tiered tariffs of 2024: 0.0035 USD a share, at least 0.35 USD and at most
1 % of the notional; sells pay 27.80 USD per million (SEC section 31) and 0.000166 USD a share, at most 8.30 USD
(FINRA TAF). Both regulatory fees are rounded up to the cent, the commission half up.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO

CENT = Decimal("0.01")


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Rates in the account's currency. `free` is the schedule of zeros."""

    per_share: Decimal = Decimal("0.0035")
    minimum: Decimal = Decimal("0.35")
    maximum_rate: Decimal = Decimal("0.01")
    """Commission is capped at this part of the notional, below the minimum too."""
    sell_rate: Decimal = Decimal("0.0000278")
    sell_per_share: Decimal = Decimal("0.000166")
    sell_per_share_cap: Decimal = Decimal("8.30")


FREE = FeeSchedule(
    per_share=ZERO, minimum=ZERO, maximum_rate=ZERO, sell_rate=ZERO, sell_per_share=ZERO, sell_per_share_cap=ZERO
)


def total_fee(schedule: FeeSchedule, sign: int, quantity: Decimal, notional: Decimal) -> Decimal:
    """Fee of one order that has executed `quantity` for `notional` in all; never falls as they grow.

    Args:
        schedule: the rates.
        sign: +1 bought, -1 sold.
        quantity: executed so far, positive.
        notional: sum of price × quantity so far, positive.
    """
    commission = min(max(schedule.per_share * quantity, schedule.minimum), schedule.maximum_rate * notional)
    fee = commission.quantize(CENT, rounding=ROUND_HALF_UP)
    if sign < 0:
        fee += (schedule.sell_rate * notional).quantize(CENT, rounding=ROUND_CEILING)
        per_share = min(schedule.sell_per_share * quantity, schedule.sell_per_share_cap)
        fee += per_share.quantize(CENT, rounding=ROUND_CEILING)
    return fee
