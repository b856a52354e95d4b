"""What the user may set about the server."""

from __future__ import annotations

from typing import Annotated

import msgspec

_Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `storage`. Without `url` there is no server, and nothing that speaks to one is loaded."""

    url: Annotated[str, msgspec.Meta(pattern="^(postgres(ql)?://.+)?$", description="a postgresql:// address")] = ""
    keep_quotes_days: _Days = 0
    """Days for which the server keeps quotes; 0 keeps them for ever."""
    keep_trades_days: _Days = 0
    """The same for prints."""
    keep_seconds_days: _Days = 0
    """The same for bars below a minute."""
    compress_after_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 7
    """Age at which TimescaleDB turns rows into columns."""
    pool: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """Connections for reads at most."""
    connect_timeout_s: Annotated[int, msgspec.Meta(ge=1, le=300)] = 5
    read_timeout_s: Annotated[int, msgspec.Meta(ge=1, le=300)] = 3
    """Seconds that one read may take before it is answered from what is here."""
