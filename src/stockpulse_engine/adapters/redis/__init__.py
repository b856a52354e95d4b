"""A copy of quotes, order events, fills and alerts in a Redis of yours; it is written to and never read back."""
