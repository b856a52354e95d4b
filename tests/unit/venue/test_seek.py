"""A seek plays the market through: every order fills as it would have at any speed, to the last byte."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, Quote, Trade
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.orders import NewOrder
from stockpulse_engine.venue.store import Identity
from tests.fakes.inline_venue import InlineVenue
from tests.fakes.scripted_source import ScriptedSource
from tests.unit.venue.floor import ACME, NOON, account, instrument, new_order

SECOND = 1_000_000_000
END = NOON + 120 * SECOND
CENTS = st.integers(-40, 40)
Walk = list[tuple[int, int, bool]]


def events_of(walk: Walk) -> list[MarketEvent]:
    """Quotes and prints around 100, each so many milliseconds after the one before."""
    at = NOON
    events: list[MarketEvent] = [
        InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=False, ts_event=at),
        Quote(ACME, Decimal("99.99"), Decimal("100.01"), Decimal(100), Decimal(100), at),
    ]
    for gap_ms, cents, is_print in walk:
        at += gap_ms * 1_000_000
        mid = Decimal(10_000 + cents) / 100
        if is_print:
            events.append(Trade(ACME, mid, Decimal(50 + abs(cents)), at, "S" if cents % 2 else "B"))
        else:
            events.append(Quote(ACME, mid, mid + Decimal("0.02"), Decimal(70), Decimal(60), at))
    return events


def orders() -> tuple[NewOrder, ...]:
    """Some that rest on both sides, a stop, and one beyond the market."""
    return (
        new_order("buy", side="BUY", quantity="120", limit="99.90"),
        new_order("sell", side="SELL", quantity="150", limit="100.20"),
        new_order("far", side="BUY", quantity="10", limit="90"),
        new_order("stop", side="SELL", quantity="80", stop="99.80"),
    )


def venue(path: Path, walk: Walk) -> InlineVenue:
    """A venue at noon with every order in it."""
    source = ScriptedSource([instrument()], events_of(walk), last_ns=END)
    made = InlineVenue(path, source, NOON, Identity("replay:x", 1))
    made.ask(p.OpenAccount(account()))
    for order in orders():
        made.send(order)
    return made


def encoded(reports: list[ExecutionReport]) -> bytes:
    """Reports as the journal would see them."""
    return msgspec.json.encode(reports)


@settings(max_examples=8, deadline=None)
@given(
    walk=st.lists(st.tuples(st.integers(0, 4_000), CENTS, st.booleans()), min_size=5, max_size=60),
    cuts=st.lists(st.integers(1, 9_000), min_size=1, max_size=30),
)
def test_a_seek_fills_what_playing_at_any_speed_fills(
    walk: Walk, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("venue")
    played, leapt = (venue(home / f"{name}.db", walk) for name in ("played", "leapt"))
    leapt.ask(p.Control("seek", to_ns=END))
    leapt.pass_seconds(0)
    for cut in cuts:
        played.pass_seconds(cut / 1_000)
    played.ask(p.Control("speed", speed=1000.0))
    played.pass_seconds(1)
    assert (played.exchange.market_ns, leapt.exchange.market_ns) == (END, END)
    assert encoded(leapt.reports) == encoded(played.reports)
    assert msgspec.json.encode(leapt.events) == msgspec.json.encode(played.events)
