"""The field names that `--json` promises. A script out there reads them: a name that goes or changes breaks it."""

from __future__ import annotations

from typing import Any

QUOTE = "instrument_id bid ask bid_size ask_size ts_event source last volume"
BAR = "instrument_id spec ts_event open high low close volume known_at is_open source hours"
LEVEL = "price size"
CLOCK = "world market_ns wall_ns speed is_paused session_date phase time_zone next_change_ns next_phase is_half_day is_stepping"
TERMS = (
    "account_id instrument_id side quantity order_type limit_price stop_price time_in_force session is_reduce_only "
    "lots strategy trail_amount trail_fraction limit_offset expires_at expires_on"
)
ORDER = (
    "client_order_id terms status is_unknown has_late_fill has_overfill role parent_id venue_order_id "
    "filled_quantity filled_notional filled_before average_price fees pending_terms resume_status reason code fix arrival_bid "
    "arrival_ask source created_at updated_at unknown_since "
    "condition is_held"
)
FILL = (
    "fill_id client_order_id account_id instrument_id sign quantity price fee currency liquidity ts_event "
    "venue_order_id corrects"
)
POSITION = (
    "account_id instrument_id quantity average_cost mark mark_ts mark_source value unrealized realized day_pnl fees "
    "weight stop_price at_stop opened_at day_base"
)
LOT = "lot_id account_id instrument_id quantity cost price opened_at fill_id"
OWNER = "account_id kind account_type currency initial_cash broker lot_method opened_at"
ACCOUNT = (
    "account cash reserved equity market_value gross_exposure net_exposure buying_power realized unrealized day_pnl "
    "fees equity_open maintenance_margin margin_call loss_left unknown_orders working_orders stale_marks "
    "reconciled_at differences paid_in loss_limit dividends withheld reconciled_wall unknown_notional suspense"
)
HALT = "state reason since actor is_latched flattening"
DAY_ORDER = "order fills arrival_mid spread_cost slippage fees hops best_excursion worst_excursion"
DAY = (
    "account_id session_date equity_open equity_now realized fees spread_cost slippage orders refusals "
    "kills_survived curve"
)
HEALTH = (
    "status version protocol world pid started_at ready_at step parts heads journal_seq journal_digest halt clock "
    "kills_survived feed"
)
FEED = "batches events crossed refused source"

FIELDS: dict[str, dict[str, str]] = {
    "quote AAPL": {"": QUOTE},
    "chart AAPL -n 3": {"": BAR},
    "depth AAPL": {"": "instrument_id bids asks ts_event source", "bids": LEVEL, "asks": LEVEL},
    "market": {"": CLOCK},
    "orders": {"": ORDER, "terms": TERMS},
    "order FIELDS-B": {"": "order fills", "order": ORDER, "fills": FILL},
    "why FIELDS-B": {
        "": "order fills steps hops is_verified money actor limits",
        "order": ORDER,
        "steps": "seq recorded_at ts_event gap_ns mark step sentence",
        "hops": "gate fsync sent ack fill",
    },
    "positions": {"": POSITION},
    "lots": {"": "lot unrealized days_held", "lot": LOT},
    "account": {"": ACCOUNT, "account": OWNER},
    "portfolio": {"": "account positions curve", "account": ACCOUNT, "positions": POSITION},
    "day": {"": DAY, "orders": DAY_ORDER},
    "log -n 3": {"": "seq recorded_at kind subject sentence digest"},
    "log verify": {"": "is_ok entries head_seq broken_at problem"},
    "config show engine": {"": "key value source default doc"},
    "config path": {"": "file exists"},
    "doctor": {"": "name verdict found fix"},
    "engine status": {"": HEALTH, "halt": HALT, "clock": CLOCK, "feed": FEED, "parts": "name state detail age_ns"},
    "backup": {"": "file bytes journal_seq journal_digest"},
}
"""Command → the fields of its document and of what lies in it, one level down; a list stands for its rows."""


def fields_of(document: Any, part: str = "") -> str:
    """The field names of a document, of its first row, or of its part of that name."""
    found = document[0] if isinstance(document, list) else document
    if part:
        found = found[part]
        found = found[0] if isinstance(found, list) else found
    return " ".join(found)
