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
    gap_s: float = 0.0
    """Least time between two questions."""
    max_wait_s: float = 60.0
    """A question that would wait longer for its turn is refused."""
    pause_s: float = 60.0
    """How long nothing is asked after an answer 429."""


LIVE_CACHE_S = 0.5
"""In a live world an answer is news only once."""
LIVE_GAP_S = 1.0
"""In a live world we ask all day long, so never more than once a second."""
