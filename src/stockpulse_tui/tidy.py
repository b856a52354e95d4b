"""A head stands for weeks: what it has no use for any more is let go of in moments too short to be seen.

Drawing makes and drops many small texts; the C library keeps the holes, about ten MiB an hour in a fast market. And
the collector is calm (see `start.calm_collector`): what lived for a while and went in a circle would wait for a day.
"""

from __future__ import annotations

import gc

from stockpulse_engine.base.heap import give_back

TRIM_S = 60
"""A third of a millisecond each time."""
COLLECT_S = 600
"""A whole collection is a frame or so of work."""


class Tidy:
    """Counts seconds, and lets go when it is time."""

    def __init__(self) -> None:
        self._seconds = 0

    def on_second(self) -> None:
        """A second passed."""
        self._seconds += 1
        if not self._seconds % COLLECT_S:
            gc.collect()
        if not self._seconds % TRIM_S:
            give_back()
