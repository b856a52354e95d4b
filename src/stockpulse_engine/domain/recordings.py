"""Recorded sessions, as people and programs see them."""

from __future__ import annotations

import msgspec


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded session.

    Attributes:
        state: `recording`; `whole` when it was ended in order; `cut` when its recorder died (what is there is whole up
            to its last second); `full` when it ended at a limit, `detail` says which.
        started_at: wall time.
        first_ns: market time of its first moment …
        last_ns: … and of its last.
    """

    name: str
    state: str
    world: str
    started_at: int
    first_ns: int
    last_ns: int
    events: int
    bytes: int
    detail: str = ""


class RecordingsView(msgspec.Struct, frozen=True, kw_only=True):
    """Every recording of a home; `running` is the name of the one that is being made, "" for none."""

    running: str
    recordings: tuple[RecordingView, ...]
