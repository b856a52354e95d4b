"""The halt latch: a file that anyone may set, and that the last function before the venue reads."""

from __future__ import annotations

from stockpulse_engine.base.flagfile import FlagFile


class FileLatch(FlagFile):
    """Implements `trading.ports.HaltLatch` by a durable flag: missing means trading may go on."""
