"""What the adapter remembers of orders: which of Alpaca's are one of ours, and what was already told. Bounded.

One order of ours can be many at Alpaca: a change makes a new one, and the exits of a bracket get ids that we can not
choose. Nothing here must survive a restart; it is learnt again from what Alpaca shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, Generic, TypeVar

import msgspec

from stockpulse_engine.adapters.alpaca.parse import AlpacaOrder
from stockpulse_engine.adapters.alpaca.symbols import is_link, ours_of
from stockpulse_engine.adapters.alpaca.words import GROUPS, OVER, REPLACED
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms

V = TypeVar("V")
MOST: Final = 20_000
SUFFIXES: Final = {OrderRole.TAKE: "-T", OrderRole.STOP: "-S"}
"""How the order service names the exits of a bracket: `{entry}-T`, `{entry}-S`."""


class Bounded(Generic[V]):
    """A mapping that forgets its oldest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, V] = OrderedDict()

    def get(self, key: str) -> V | None:
        """What is remembered."""
        return self._held.get(key)

    def put(self, key: str, value: V) -> None:
        """Remember; of the oldest one is forgotten when there are too many."""
        self._held[key] = value
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    def values(self) -> list[V]:
        """Everything, oldest first."""
        return list(self._held.values())


class Entry(msgspec.Struct):
    """One order of ours as Alpaca holds it."""

    ours: str
    order_id: str = ""
    """Alpaca's id of what works now, or worked last."""
    terms: OrderTerms | None = None
    """As we sent or changed them; None for what was not sent by this process."""
    wanted: OrderTerms | None = None
    """Terms of a change that is not answered."""
    is_open: bool = False


class Executions:
    """Executions as one source names them: the stream, or the list of activities.

    Both name the same execution alike, as far as the documentation says. Should they ever not, the quantity that the
    order had executed after it is the same in both and tells that they are one. An id that its own source has told
    is never taken for another's twin, so that a mistake here is undone by the next list.
    """

    def __init__(self, most: int) -> None:
        self._ids: Bounded[bool] = Bounded(most)
        self._by_sum: Bounded[str] = Bounded(most)
        self.other: Executions | None = None

    def note(self, execution_ids: Iterable[str]) -> None:
        """This source has told of these."""
        for one in execution_ids:
            self._ids.put(one, True)

    def name(self, order_id: str, execution_id: str, cumulative: Decimal | None, size: Decimal) -> str:
        """The id under which an execution of this source is told."""
        self.note((execution_id,))
        if cumulative is None or self.other is None:
            return execution_id
        key = f"{order_id} {cumulative.normalize()} {size.normalize()}"
        self._by_sum.put(key, execution_id)
        if self.other.has(execution_id):
            return execution_id
        twin = self.other.at(key)
        return twin if twin is not None and not self.has(twin) else execution_id

    def has(self, execution_id: str) -> bool:
        """Whether this source has told of it."""
        return bool(self._ids.get(execution_id))

    def at(self, key: str) -> str | None:
        """The execution after which an order had executed so much."""
        return self._by_sum.get(key)


class Known:
    """The memory. The oldest are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._entries: Bounded[Entry] = Bounded(most)
        self._owners: Bounded[str] = Bounded(most)
        self._children: Bounded[str] = Bounded(most)
        self._spent: Bounded[AlpacaOrder] = Bounded(most)
        self._most = most
        self._told: Bounded[bool] = Bounded(most * 2)
        self.streamed = Executions(most)
        self.listed = Executions(most)
        self.streamed.other, self.listed.other = self.listed, self.streamed

    def expect(self, orders: Sequence[Order]) -> None:
        """These are about to be sent: their names and terms are known before Alpaca's first word (F08)."""
        for order in orders:
            self._entry(order.client_order_id).terms = order.terms
            if order.parent_id:
                self._children.put(f"{order.parent_id} {order.role.value}", order.client_order_id)

    def get(self, ours: str) -> Entry | None:
        """One of ours."""
        return self._entries.get(ours)

    def owner(self, order_id: str) -> Entry | None:
        """Whose order this is."""
        ours = self._owners.get(order_id)
        return None if ours is None else self._entries.get(ours)

    def find(self, order: AlpacaOrder) -> Entry | None:
        """Whose order this is; None for one of a group, which may be a leg whose entry must be asked for."""
        entry = self._by_ids(order)
        if entry is None and (is_link(order.client_order_id) or order.order_class not in GROUPS):
            entry = self._entry(ours_of(order.client_order_id))
        if entry is None:
            entry = self._entries.get(ours_of(order.client_order_id))
        if entry is not None:
            self._join(entry, order)
        return entry

    def learn(self, order: AlpacaOrder) -> Entry:
        """Take over what a snapshot shows, its legs included."""
        entry = self._by_ids(order) or self._entry(ours_of(order.client_order_id))
        self._join(entry, order)
        for leg in order.legs:
            self._join(self._by_ids(leg) or self._leg(entry, leg), leg)
        return entry

    def spent(self, order_id: str) -> AlpacaOrder | None:
        """An order that was replaced, proven dead: what it executed stays as it is."""
        return self._spent.get(order_id)

    def open_entries(self) -> list[Entry]:
        """What works at Alpaca, to our knowledge."""
        return [entry for entry in self._entries.values() if entry.is_open and entry.order_id]

    def begin(self) -> None:
        """A new listener has heard nothing yet."""
        self._told = Bounded(self._most * 2)

    def is_told(self, key: str) -> bool:
        """Whether it was told."""
        return bool(self._told.get(key))

    def tell(self, key: str) -> bool:
        """Whether this was not told before; from now on it is."""
        if self._told.get(key):
            return False
        self._told.put(key, True)
        return True

    def _by_ids(self, order: AlpacaOrder) -> Entry | None:
        return self.owner(order.order_id) or (self.owner(order.replaces) if order.replaces else None)

    def _leg(self, entry: Entry, leg: AlpacaOrder) -> Entry:
        if is_link(leg.client_order_id):
            return self._entry(ours_of(leg.client_order_id))
        role = OrderRole.TAKE if leg.order_type == "limit" else OrderRole.STOP
        return self._entry(self._children.get(f"{entry.ours} {role.value}") or f"{entry.ours}{SUFFIXES[role]}")

    def _join(self, entry: Entry, order: AlpacaOrder) -> None:
        self._owners.put(order.order_id, entry.ours)
        if order.status == REPLACED:
            self._spent.put(order.order_id, order)
            if order.replaced_by:
                self._owners.put(order.replaced_by, entry.ours)
                if entry.order_id in ("", order.order_id):
                    entry.order_id, entry.is_open = order.replaced_by, True
            return
        if order.replaces and order.status == "rejected":  # the change was refused: what it should replace lives on
            if entry.order_id in ("", order.order_id):
                entry.order_id = order.replaces
            return
        if entry.order_id in ("", order.replaces):
            entry.order_id = order.order_id
        if entry.order_id == order.order_id:
            entry.is_open = order.status not in OVER

    def _entry(self, ours: str) -> Entry:
        entry = self._entries.get(ours)
        if entry is None:
            entry = Entry(ours)
            self._entries.put(ours, entry)
        return entry
