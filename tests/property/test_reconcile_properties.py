"""Reconciliation, whatever a venue holds: idempotent, independent of order, done in one pass, silent on exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.events import SuspenseRaised
from stockpulse_engine.domain.reports import VenueOrder
from stockpulse_engine.domain.views import ReconcileView
from stockpulse_engine.portfolio import invariants
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, MSFT, OrderDesk

NAMES = (AAPL, MSFT)
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Story:
    """What happened at a venue while nobody listened.

    Attributes:
        fills: instrument, quantity, and whether the question for executions brings it back.
        shares: more (or fewer) shares of each instrument than any execution explains.
        foreign: quantities of orders that somebody else made there.
    """

    fills: tuple[tuple[str, int, bool], ...]
    shares: tuple[int, int]
    cash: int
    foreign: tuple[int, ...]


stories = st.builds(
    Story,
    fills=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 30), st.booleans()), max_size=4).map(tuple),
    shares=st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
    cash=st.integers(-3, 3),
    foreign=st.lists(st.integers(1, 9), max_size=2).map(tuple),
)


def played(story: Story, then: Callable[[OrderDesk], Awaitable[None]], *, shuffle: int = 0) -> None:
    """Live through the story, present the venue's answers in another order, and go on."""

    async def run() -> None:
        desk = await OrderDesk(has_ledger=True).start()
        try:
            await _happen(desk, story)
            _shuffle(desk, shuffle)
            await then(desk)
        finally:
            await desk.crash()

    asyncio.run(run())


async def _happen(desk: OrderDesk, story: Story) -> None:
    for number, (name, quantity, _) in enumerate(story.fills):
        await desk.submit(f"C{number}", instrument_id=name, quantity=Decimal(quantity + 1))
    await desk.time.settle()
    desk.broker.holds_reports = True
    venue = desk.venue
    for number, (_, quantity, is_told) in enumerate(story.fills):
        venue.fill(f"C{number}", quantity, 100)
        if not is_told:
            venue.fills.pop()
            venue.orders.pop(f"C{number}")
    held = venue.positions.setdefault("PAPER", {})
    for name, more in zip(NAMES, story.shares, strict=True):
        held[name] = held.get(name, Decimal(0)) + more
    venue.cash["PAPER"] += story.cash
    for number, quantity in enumerate(story.foreign):
        terms = desk.command("W", quantity=Decimal(quantity)).terms
        venue.orders[f"W{number}"] = VenueOrder(
            client_order_id=f"W{number}", venue_order_id=f"V{number}", terms=terms, status="ACCEPTED", ts_event=1
        )


def _shuffle(desk: OrderDesk, seed: int) -> None:
    """The same facts, told in another order."""
    if seed:
        rng, venue = Random(seed), desk.venue
        rng.shuffle(venue.fills)
        orders = list(venue.orders.items())
        rng.shuffle(orders)
        venue.orders = dict(orders)
        for account_id, held in venue.positions.items():
            shares = list(held.items())
            rng.shuffle(shares)
            venue.positions[account_id] = dict(shares)


async def compared(desk: OrderDesk) -> ReconcileView:
    running = desk.service._desk.crew.spawn(desk.service.comparing.run("PAPER"), name="compare")
    while not running.done():
        await desk.time.advance(0.25)
    return running.result()[0]


def outcome(desk: OrderDesk) -> object:
    """Everything that a comparison may have changed, but for times."""
    book = desk.ledger.book("PAPER")
    suspended = sorted((one.suspense_id, one.ours, one.theirs) for one in desk.service.comparing.suspense("PAPER"))
    orders = sorted((key, one.status.value, one.filled_quantity) for key, one in desk.service.book.orders.items())
    return desk.positions("PAPER"), book.cash, suspended, orders


def require_explained(desk: OrderDesk) -> None:
    """L14 at the mark: ours and what is in suspense is the venue's."""
    venue = desk.venue
    held = {key: quantity for key, quantity in venue.positions["PAPER"].items() if quantity}
    invariants.check_broker(desk.ledger.book("PAPER"), held, venue.cash["PAPER"])
    invariants.check_all(desk.ledger)


@pytest.mark.covers("L14")
@QUIET
@given(story=stories)
def test_one_pass_explains_everything_and_a_second_writes_nothing(story: Story) -> None:
    async def then(desk: OrderDesk) -> None:
        first = await compared(desk)
        require_explained(desk)
        head, before = desk.journal.head, outcome(desk)
        second = await compared(desk)
        assert (desk.journal.head, outcome(desk), second.is_open) == (head, before, first.is_open)

    played(story, then)


@pytest.mark.covers("L14")
@QUIET
@given(story=stories, seed=st.integers(1, 1000))
def test_the_order_of_answers_changes_nothing(story: Story, seed: int) -> None:
    found: list[object] = []

    async def then(desk: OrderDesk) -> None:
        await compared(desk)
        found.append(outcome(desk))

    played(story, then)
    played(story, then, shuffle=seed)
    assert found[0] == found[1]


@pytest.mark.covers("F07", "F13")
@QUIET
@given(story=stories, at=st.integers(1, 12))
def test_what_is_cut_off_by_an_exception_suspends_nothing_and_the_next_pass_ends_the_same(
    story: Story, at: int
) -> None:
    found: list[object] = []

    async def cut_off(desk: OrderDesk) -> None:
        desk.broker.fails_at = at
        assert isinstance(desk.journal, MemoryJournal)
        if (await compared(desk)).failure:
            assert not [one for one in desk.journal.disk if isinstance(one.event, SuspenseRaised)]
        desk.broker.fails_at = 0
        await compared(desk)
        require_explained(desk)
        found.append(outcome(desk))

    async def whole(desk: OrderDesk) -> None:
        await compared(desk)
        found.append(outcome(desk))

    played(story, cut_off)
    played(story, whole)
    assert found[0] == found[1]
