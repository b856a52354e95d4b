"""Corporate actions on their way into the catalog and back: they are few, so a read needs no file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.history import ACTIONS, SCHEMAS, AsOf
from stockpulse_engine.storage.history.commit import ActionDraft

if TYPE_CHECKING:
    import polars as pl

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CorporateAction).decode


def action_frame(actions: Sequence[CorporateAction]) -> pl.DataFrame:
    """Actions of one source as the frame of a segment."""
    import polars as pl

    names = [*SCHEMAS[ACTIONS], "is_retracted"]
    rows = [{**{name: getattr(action, name) for name in names}, "kind": action.kind.value} for action in actions]
    types = {name: getattr(pl, kind) for name, kind in SCHEMAS[ACTIONS].items()}
    return pl.DataFrame(rows, schema={**types, "is_retracted": pl.Boolean})


def action_drafts(frame: pl.DataFrame, source: str) -> tuple[ActionDraft, ...]:
    """The versions of a frame that is about to be committed."""
    names = [*SCHEMAS[ACTIONS], "recorded_at", "is_retracted"]
    found = []
    for row in frame.select(names).to_dicts():
        action = CorporateAction(**{**row, "kind": ActionKind(row["kind"])}, source=source)
        times = (action.ts_event, action.known_at, action.recorded_at)
        found.append(ActionDraft(action.instrument_id, *times, source, _encode(action)))
    return tuple(found)


def standing_actions(payloads: Iterable[bytes], as_of: AsOf, source: str = "") -> list[CorporateAction]:
    """The newest version of each action that was known and recorded by then, without what was withdrawn, by time."""
    newest: dict[tuple[str, str, int, str], CorporateAction] = {}
    for payload in payloads:
        action = _decode(payload)
        if not _is_visible(action, as_of) or source not in ("", action.source):
            continue
        key = (action.instrument_id, action.kind.value, action.ts_event, action.source)
        held = newest.get(key)
        if held is None or (held.known_at, held.recorded_at) <= (action.known_at, action.recorded_at):
            newest[key] = action
    standing = (action for action in newest.values() if not action.is_retracted)
    return sorted(
        standing, key=lambda action: (action.ts_event, action.instrument_id, action.kind.value, action.source)
    )


def _is_visible(action: CorporateAction, as_of: AsOf) -> bool:
    return (as_of.known_at is None or action.known_at <= as_of.known_at) and (
        as_of.recorded_at is None or action.recorded_at <= as_of.recorded_at
    )
