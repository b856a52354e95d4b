"""Requests about stored history, for either client's `send`. Apart from the others, which most commands load alone."""

from __future__ import annotations

from urllib.parse import quote as escape

from stockpulse_engine.client.call import Call, get
from stockpulse_engine.marketdata.actions import CorporateAction
from stockpulse_engine.marketdata.asking import StoredBars, StoredCoverage, StoredTicks
from stockpulse_engine.marketdata.universes import UniverseOnDay, UniverseRow


def stored_bars(instrument: str, spec: str = "1d", **rest: object) -> Call[StoredBars]:
    """Stored bars; `start` and `end` (moments), `limit`, `adjust`, `source`, `as_of`, `as_recorded`."""
    return get("/v1/history/bars", StoredBars, id=instrument, spec=spec, **_window(rest))


def stored_ticks(instrument: str, kind: str = "trades", **rest: object) -> Call[StoredTicks]:
    """Stored prints or quotes; `start`, `end`, `limit`, `source`, `as_of`, `as_recorded`."""
    return get("/v1/history/ticks", StoredTicks, id=instrument, kind=kind, **_window(rest))


def stored_actions(instrument: str = "", as_of: str = "", as_recorded: str = "") -> Call[list[CorporateAction]]:
    """Stored corporate actions."""
    return get("/v1/history/actions", list[CorporateAction], id=instrument, as_of=as_of, as_recorded=as_recorded)


def stored_coverage(instrument: str = "", spec: str = "", **rest: object) -> Call[StoredCoverage]:
    """What is stored and missing; `limit`, `as_of`, `as_recorded`."""
    return get("/v1/history/coverage", StoredCoverage, id=instrument, spec=spec, **rest)


def universes() -> Call[list[UniverseRow]]:
    """Named sets of instruments."""
    return get("/v1/universes", list[UniverseRow])


def universe(name: str, as_of: str = "", *, todays_members: bool = False) -> Call[UniverseOnDay]:
    """Who belonged to one on a day."""
    asked = "true" if todays_members else ""
    return get(f"/v1/universes/{escape(name, safe='')}", UniverseOnDay, as_of=as_of, todays_members=asked)


def _window(rest: dict[str, object]) -> dict[str, object]:
    """`from` is a word of Python's own."""
    return {{"start": "from", "end": "to"}.get(name, name): value for name, value in rest.items()}
