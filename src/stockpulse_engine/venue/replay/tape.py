"""What a replay plays from: rows of one kind from a file or from the store, read a stretch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from stockpulse_engine.venue.replay.kinds import Kind

if TYPE_CHECKING:
    import polars as pl


class Tape(Protocol):
    """Rows of one kind. A frame has the columns of its kind, `ts` in UTC nanoseconds and `symbol`."""

    @property
    def name(self) -> str:
        """How it is called in a sentence."""
        ...

    @property
    def kind(self) -> Kind:
        """What its rows are."""
        ...

    @property
    def step_ns(self) -> int:
        """Length of its bars; 0 for ticks."""
        ...

    def between(self, first_ns: int, end_ns: int, symbols: Sequence[str]) -> pl.DataFrame:
        """Rows of some symbols with `first_ns` ≤ ts < `end_ns`, in order of time."""
        ...

    def marked(self, marks: Sequence[str], first_ns: int, end_ns: int) -> dict[str, list[int]]:
        """Times of the trades whose conditions are one of `marks`, by symbol."""
        ...
