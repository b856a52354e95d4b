"""When an order passed each milestone, to the nanosecond, in a bounded memory: what `sp why` shows as hops."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from stockpulse_engine.domain.orders import OrderEventKind

_K = OrderEventKind
PARSED, GATE, FSYNC, SENT, ACK, FILL = "parsed", "gate", "fsync", "sent", "ack", "fill"
ORDERED: Final = (PARSED, GATE, FSYNC, SENT, ACK, FILL)
"""The way of an order: request parsed, gate passed, intent on disk, last byte sent, venue's first word, first fill."""
FIRST_WORDS: Final = frozenset({_K.ACCEPT, _K.REJECT, _K.TRIGGER, _K.FILL, _K.CANCEL, _K.EXPIRE})
"""What a venue may say of an order at first."""
MAX_ORDERS: Final = 10_000


class Milestones:
    """Monotonic times by order; the oldest orders are forgotten first."""

    def __init__(self, limit: int = MAX_ORDERS) -> None:
        self._times: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._limit = limit

    def note(self, client_order_id: str, name: str, at_ns: int) -> None:
        """Remember the first time of a milestone."""
        times = self._times.get(client_order_id)
        if times is None:
            times = self._times[client_order_id] = {}
            if len(self._times) > self._limit:
                self._times.popitem(last=False)
        times.setdefault(name, at_ns)

    def forget(self, client_order_id: str) -> None:
        """Begin again: the way of a staged order starts when it is sent, not when it was staged."""
        self._times.pop(client_order_id, None)

    def arrive(self, client_order_id: str, names: Sequence[str], at_ns: int) -> dict[str, int]:
        """Words of the venue arrived: the hops up to them that were not known before; {} after a restart."""
        times = self._times.get(client_order_id)
        if times is None or all(name in times for name in names):
            return {}
        is_first = ACK not in times
        for name in names:
            times.setdefault(name, at_ns)
        hops = hops_between(times)
        return hops if is_first else {name: hops[name] for name in names if name != ACK and name in hops}

    def hops(self, client_order_id: str) -> dict[str, int]:
        """Milestone → nanoseconds since the milestone before it that is known; empty after a restart."""
        return hops_between(self._times.get(client_order_id, {}))


def hops_between(times: dict[str, int]) -> dict[str, int]:
    """Differences along the way. A word of the venue that overtakes our own bookkeeping counts as 0."""
    hops: dict[str, int] = {}
    before: int | None = None
    for name in ORDERED:
        if name not in times:
            continue
        if before is not None:
            hops[name] = max(0, times[name] - before)
        before = max(times[name], before or times[name])
    return hops
