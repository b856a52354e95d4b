"""What may be set about the Yahoo chart source."""

from __future__ import annotations

import msgspec

DEFAULT_URL = "https://query1.finance.yahoo.com"


class YahooSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to ask, and how politely."""

    base_url: str = DEFAULT_URL
    timeout_s: float = 10.0
    max_bytes: int = 4_000_000
    """Largest answer read."""
    cache_s: float = 15.0
    """An answer is used again for so long; the endpoint has no contract, so we ask seldom."""
    pause_s: float = 60.0
    """How long nothing is asked after an answer 429."""
