"""The judgement: what we believe against what the simulated broker knows. Pure; each finding can be made to happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Execution, NewsKind
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.wire.drill import ASKING, DIFFERS, EQUAL, DrillRow

MAX_ROWS = 60
_DEAD = frozenset({o.CANCELED, o.EXPIRED, o.REJECTED, o.REPLACED})
_S = OrderStatus
_MATCHES: Mapping[str, frozenset[OrderStatus]] = {
    o.HELD: frozenset({_S.ACCEPTED, _S.PENDING_CANCEL}),
    o.ACCEPTED: frozenset({_S.ACCEPTED, _S.TRIGGERED}),
    o.TRIGGERED: frozenset({_S.TRIGGERED}),
    o.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED}),
    o.FILLED: frozenset({_S.FILLED}),
    o.CANCELED: frozenset({_S.CANCELED}),
    o.EXPIRED: frozenset({_S.EXPIRED}),
    o.REJECTED: frozenset({_S.REJECTED, _S.CANCELED}),
}
"""Status at the broker → what ours may be. A refusal whose answer was lost may end as canceled: it never worked."""
_NEVER_THERE = frozenset({_S.DENIED, _S.REJECTED, _S.CANCELED, _S.EXPIRED, _S.INITIALIZED})


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine says at one moment."""

    orders: Sequence[Order]
    fills: Sequence[Fill]
    cash: Decimal
    positions: Mapping[str, Decimal]
    differences: tuple[str, ...] = ()
    unknown: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: problems that time may cure, and those that nothing can."""

    open_points: tuple[str, ...]
    """Not (yet) as it should be."""
    breaches: tuple[str, ...]
    """What must never be: sent twice, lost, booked twice."""
    duplicates: int
    lost_fills: int
    rows: tuple[DrillRow, ...]

    @property
    def is_true(self) -> bool:
        """Whether everything is proven equal."""
        return not (self.open_points or self.breaches)


def no_verdict(why: str, duplicates: int) -> Verdict:
    """The engine could not be asked: nothing is proven, and what was counted before still counts."""
    return Verdict(open_points=(why,), breaches=(), duplicates=duplicates, lost_fills=0, rows=())


def count_duplicates(venue: DrillVenue, attempted: Collection[str]) -> int:
    """Intents of which the venue got or made more than one, whenever that was."""
    return sum(venue.count_orders(key) > 1 or venue.count_requests(key) > 1 for key in attempted)


def judge(
    ours: Ours,
    venue: DrillVenue,
    account_id: str,
    *,
    attempted: Collection[str],
    acknowledged: Collection[str],
    shown: Collection[str] = (),
) -> Verdict:
    """Compare everything; rows are those of the account and of the orders in `shown`."""
    known = {order.client_order_id: order for order in ours.orders}
    there = {order.client_order_id: order for order in venue.orders(account_id)}
    double = [key for key in attempted if venue.count_orders(key) > 1]
    again = [key for key in attempted if venue.count_requests(key) > 1 and key not in double]
    breaches = [f"{key}: {venue.count_orders(key)} orders at the venue from one intent" for key in double]
    breaches += [f"{key} was sent {venue.count_requests(key)} times" for key in again]
    breaches += [f"{key} was acknowledged and is lost" for key in acknowledged if key not in known]
    breaches += [f"{key} is at the venue and in no journal" for key in there if key not in known]
    fills, lost = _compare_fills(ours, venue, account_id)
    rows = [*_orders(known, there, shown), *_holdings(ours, venue, account_id)]
    points = [f"{key} is UNKNOWN" for key, order in known.items() if order.is_unknown]
    points += [line for key, order in known.items() if (line := _status_differs(order, there.get(key)))]
    points += [f"{row.label}: {row.ours} here, {row.venue} there" for row in rows if row.verdict != EQUAL]
    points += [f"the engine says: {words}" for words in ours.differences]
    return Verdict(
        open_points=tuple(dict.fromkeys(points + lost)),
        breaches=tuple(breaches + fills),
        duplicates=count_duplicates(venue, attempted),
        lost_fills=len(lost),
        rows=tuple(rows[:MAX_ROWS]),
    )


def _compare_fills(ours: Ours, venue: DrillVenue, account_id: str) -> tuple[list[str], list[str]]:
    """Executions booked twice or out of nothing; executions we do not have."""
    booked = Counter(fill.fill_id for fill in ours.fills)
    standing: dict[str, Execution] = {one.execution_id: one for one in venue.executions(account_id)}
    undone = {key for key, _ in _undone(venue)}
    twice = [f"execution {key} is booked {count} times" for key, count in booked.items() if count > 1]
    made_up = [
        f"execution {key} is booked and never was" for key in booked if key not in standing and key not in undone
    ]
    return twice + made_up, [f"execution {key} is not booked" for key in standing if key not in booked]


def _undone(venue: DrillVenue) -> set[tuple[str, str]]:
    """Executions that were taken back or restated, with their orders."""
    found = set()
    for news in venue.news():
        if news.execution is None:
            continue
        key = news.execution.execution_id if news.kind is NewsKind.BUST else news.execution.corrects
        if key:
            found.add((key, news.execution.client_order_id))
    return found


def _status_differs(order: Order, there: DrillOrder | None) -> str:
    key = order.client_order_id
    if there is None:
        return "" if order.status in _NEVER_THERE else f"{key} is {order.status.value} here and not at the venue"
    if order.filled_quantity != there.filled:
        return f"{key}: {order.filled_quantity} executed here, {there.filled} there"
    is_over = there.status in _DEAD and order.status in _DEAD_HERE
    if order.status not in _MATCHES[there.status] and not is_over:
        return f"{key} is {order.status.value} here, {there.status} there"
    return ""


_DEAD_HERE = frozenset({_S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.FILLED})
"""What may stand here for an order that is over there: with the same executed quantity the word is a matter of taste,
as after an execution that was taken back from a filled order."""


def _orders(known: Mapping[str, Order], there: Mapping[str, DrillOrder], shown: Collection[str]) -> list[DrillRow]:
    rows = []
    for key in shown:
        order, venue = known.get(key), there.get(key)
        if order is None and venue is None:
            continue
        ours = "nothing" if order is None else f"{order.status.value} {order.filled_quantity:f}"
        theirs = "nothing" if venue is None else f"{venue.status} {venue.filled:f}"
        is_equal = order is None or not (order.is_unknown or _status_differs(order, venue))
        verdict = EQUAL if is_equal else ASKING if order is not None and order.is_unknown else DIFFERS
        rows.append(
            DrillRow(
                label=key, ours=ours + (" UNKNOWN" if order and order.is_unknown else ""), venue=theirs, verdict=verdict
            )
        )
    return rows


def _holdings(ours: Ours, venue: DrillVenue, account_id: str) -> list[DrillRow]:
    state = venue.account(account_id)
    theirs = {name: held.quantity for name, held in state.positions.items() if held.quantity}
    rows = [
        _row(name, ours.positions.get(name, ZERO), theirs.get(name, ZERO))
        for name in sorted({*theirs, *ours.positions})
    ]
    working_here = sum(order.status.is_working for order in ours.orders)
    working_there = len(venue.open_orders(account_id))
    return [
        *rows,
        _row("cash", ours.cash, state.cash),
        DrillRow(
            label="working orders",
            ours=str(working_here),
            venue=str(working_there),
            verdict=EQUAL if working_here == working_there else ASKING if ours.unknown else DIFFERS,
        ),
    ]


def _row(label: str, ours: Decimal, theirs: Decimal) -> DrillRow:
    return DrillRow(label=label, ours=f"{ours:,f}", venue=f"{theirs:,f}", verdict=EQUAL if ours == theirs else DIFFERS)
