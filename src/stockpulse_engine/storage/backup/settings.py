"""What the user may set about backups."""

from __future__ import annotations

import msgspec


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `backup`."""

    directory: str = ""
    """Where backups are written that name no file; "" is `backups` in the data directory."""
    history: bool = True
    """Whether the market history is part of them."""
