"""Names of what a head may subscribe to."""

from __future__ import annotations

from stockpulse_engine.domain.errors import InvalidValueError

PLAIN_TOPICS = frozenset({"quotes", "orders", "accounts", "health", "news"})
"""`quotes` is every instrument; the others are whole streams."""
PER_INSTRUMENT = frozenset({"quote", "depth", "trades", "bars", "study"})
"""Written `depth:AAPL.XNAS`; bars carry the spec too, studies their text: `bars:AAPL.XNAS:5m`, `study:ID:5m:sma 20`."""
_PARTS = {"bars": 2, "study": 3}
MAX_TOPICS = 600
"""Most topics one head may hold."""


def check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Return `topics` if each is well formed and there are at most `MAX_TOPICS`.

    Raises:
        InvalidValueError: naming the first wrong one.
    """
    if len(topics) > MAX_TOPICS:
        raise InvalidValueError(
            f"{len(topics)} topics are more than {MAX_TOPICS}.", fix="Subscribe to `quotes` instead."
        )
    for topic in topics:
        kind, _, rest = topic.partition(":")
        wanted = _PARTS.get(kind, 1)
        if topic in PLAIN_TOPICS or (kind in PER_INSTRUMENT and rest and rest.count(":") == wanted - 1):
            continue
        raise InvalidValueError(f"{topic[:40]!r} is not a topic.", fix="Use quotes, orders, depth:ID, bars:ID:5m …")
    return topics
