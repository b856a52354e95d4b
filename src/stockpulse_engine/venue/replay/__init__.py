"""Replay of recorded markets: real ticks and bars from files, through the same port as any other market."""

from __future__ import annotations

from stockpulse_engine.venue.replay.source import ReplaySource

__all__ = ["ReplaySource"]
