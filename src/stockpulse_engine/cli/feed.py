"""What the feed took and held back, in words for `sp engine status` and `sp doctor`."""

from __future__ import annotations

from stockpulse_engine.domain.views import FeedCounts, SourceCounts


def feed_words(feed: FeedCounts) -> str:
    """How many events came and how many were held back."""
    return f"{feed.events:,} events; held back: {feed.crossed:,} crossed, {feed.refused:,} that can not be right"


def source_words(source: SourceCounts) -> str:
    """What was read of a recording and what of it was left out, with the reasons."""
    refused = f"{sum(source.refused.values()):,} rows refused"
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(source.refused.items()))
    read = f"{source.quotes:,} quotes and {source.trades:,} trades read"
    crossed = f"{source.crossed:,} crossed and {source.locked:,} locked moments"
    return f"{read}; not traded on: {crossed}, {refused}{f' ({reasons})' if reasons else ''}"
