"""Hand-made answers in the endpoint's shape."""

from __future__ import annotations

import json

SESSION_START = 1_700_058_600
"""2023-11-15 09:30 in New York, in seconds."""
SESSION_END = SESSION_START + 23_400


def body(
    times: list[int] | None,
    rows: list[tuple[float | None, float | None, float | None, float | None, int | None]] | None = None,
    **meta: object,
) -> bytes:
    """One answer: times in seconds, rows of open, high, low, close, volume, and fields of `meta` to replace."""
    fields: dict[str, object] = {
        "currency": "USD",
        "symbol": "AAPL",
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "longName": "Apple Inc.",
        "priceHint": 2,
        "regularMarketPrice": 188.123456,
        "regularMarketTime": SESSION_START + 3600,
        "regularMarketVolume": 12_000_000,
        "currentTradingPeriod": {"regular": {"start": SESSION_START, "end": SESSION_END}},
    }
    fields.update(meta)
    names = ("open", "high", "low", "close", "volume")
    quote = {name: [row[i] for row in rows or []] for i, name in enumerate(names)} if rows else {}
    result: dict[str, object] = {"meta": fields, "indicators": {"quote": [quote]}}
    if times is not None:
        result["timestamp"] = times
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()
