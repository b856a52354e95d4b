"""Requests about recorded sessions."""

from __future__ import annotations

import msgspec


class StartRecording(msgspec.Struct, frozen=True, kw_only=True):
    """Begin to record under a name."""

    request_id: str
    name: str
