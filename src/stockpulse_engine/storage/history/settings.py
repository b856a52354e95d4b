"""What the user may set about stored history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MAX_PRIORITY = 40


class HistorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `history`."""

    enabled: bool = True
    """Whether the engine opens the store: charts of what this world does not trade, and recording."""
    priority: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=MAX_PRIORITY, description="a list of source names, best first")
    ] = ()
    """Which source answers when several hold what is asked for."""
    record: Literal["never", "live", "always"] = "live"
    """Which worlds' quotes, prints and minute bars are kept."""
    inbox: str = ""
    """Folder whose files the job `backfill` imports; "" is `inbox` in the data directory, where there is one."""
    recording_mb: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 4096
    """How large one recorded session (`sp record`) may become."""
    recording_free_mb: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1024
    """A recording ends before less than this is left free on the disk."""
    keep_quotes_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 30
    """Days for which quotes are kept; 0 keeps them for ever."""
    keep_trades_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 365
    """The same for prints."""
