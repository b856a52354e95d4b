"""Lots and their matching: which acquisitions a fill closes, and what is left.

Costs are kept exact (quantity × price, never divided), so that realized P&L does not depend on how an
execution was cut into fills (L7); rounding happens only when amounts are posted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from heapq import heappop, heappush

import msgspec

from stockpulse_engine.domain.accounts import LotMethod
from stockpulse_engine.domain.corporate import scaled, share_of
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.positions import Lot

FINE = Decimal("1e-12")
"""To which a part of a split lot's cost is rounded."""


class OpenLot(msgspec.Struct, gc=False):
    """A lot while it lives. `quantity` is signed; between splits it only ever moves towards zero.

    After a split its cost is no longer quantity × price, because that price may have no end: `basis` is what the
    `basis_quantity` that came out of the split cost, and what is left of them costs its part of it.
    """

    lot_id: str
    fill_id: str
    quantity: Decimal
    price: Decimal
    opened_at: int
    basis: Decimal | None = None
    basis_quantity: Decimal = ZERO

    @property
    def cost(self) -> Decimal:
        """Signed cost of what is left."""
        return self.cost_of(self.quantity)

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Signed cost of so much of it; after a split a function of the quantity alone, however it came about."""
        if self.basis is None:
            return quantity * self.price
        return share_of(self.basis, quantity, self.basis_quantity, FINE)


class ClosedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one fill takes out of one lot. `quantity` has the lot's sign; `realized` is before fees."""

    lot_id: str
    quantity: Decimal
    lot_price: Decimal
    close_price: Decimal
    opened_at: int
    realized: Decimal


class LotBook:
    """Open lots of one instrument in one account, oldest first; `method` says which a closing fill takes first."""

    __slots__ = ("_heap", "_lots", "_made", "cost", "method", "opened_at", "quantity", "realized")

    def __init__(self, method: LotMethod = LotMethod.FIFO) -> None:
        self.method = method
        self._lots: OrderedDict[str, OpenLot] = OrderedDict()
        self._heap: list[tuple[Decimal, int, str]] = []
        """HIFO: what a lot gains when it closes, its age, its id; of lots that are gone some may still be here."""
        self._made = 0
        self.quantity = ZERO
        self.cost = ZERO
        """Exact signed cost basis of the open lots."""
        self.realized = ZERO
        """Exact realized P&L before fees, since the beginning."""
        self.opened_at = 0

    def __iter__(self) -> Iterator[OpenLot]:
        return iter(self._lots.values())

    def __len__(self) -> int:
        return len(self._lots)

    def book(self, fill: Fill, lot_id: str, named: Sequence[str] = ()) -> None:
        """Fold one fill in: close opposite lots (named ones first, then by method), open a lot with what is left."""
        left = fill.quantity if fill.sign > 0 else -fill.quantity
        if self.quantity and (self.quantity > 0) != (left > 0):
            left = self._close(left, fill.price, named)
        if left:
            self._open(OpenLot(lot_id, fill.fill_id, left, fill.price, fill.ts_event))

    def scale(self, numerator: int, denominator: int) -> None:
        """A split: every lot has other shares and costs what it did, to the last digit."""
        old = new = ZERO
        for lot in tuple(self._lots.values()):
            cost, old = lot.cost, old + lot.quantity
            # Rounded over the running total: the lots add up to what the position as a whole becomes.
            quantity = scaled(old, numerator, denominator) - new
            new += quantity
            if not quantity:
                self.realized -= cost
                self.cost -= cost
                del self._lots[lot.lot_id]
                continue
            lot.quantity = lot.basis_quantity = quantity
            lot.basis, lot.price = cost, share_of(cost, Decimal(1), quantity, FINE)
        self.quantity = new
        self._rank_all()

    def pay_out(self, fraction: Decimal, price: Decimal) -> None:
        """Close a signed fraction at a price."""
        self._close(-fraction, price, ())

    def preview(self, signed: Decimal, price: Decimal, named: Sequence[str] = ()) -> tuple[ClosedPart, ...]:
        """Which lots a trade of `signed` quantity at `price` would close; changes nothing."""
        if not self.quantity or (self.quantity > 0) == (signed > 0):
            return ()
        parts: list[ClosedPart] = []
        left = abs(signed)
        for lot in self._in_closing_order(named):
            if not left:
                break
            part = min(left, abs(lot.quantity))
            left -= part
            parts.append(_closed(lot, part if lot.quantity > 0 else -part, price))
        return tuple(parts)

    def views(self, account_id: str, instrument_id: str) -> list[Lot]:
        """The open lots as domain values, first to close first."""
        return [
            Lot(
                lot_id=lot.lot_id,
                account_id=account_id,
                instrument_id=instrument_id,
                quantity=lot.quantity,
                cost=lot.cost,
                price=lot.price,
                opened_at=lot.opened_at,
                fill_id=lot.fill_id,
            )
            for lot in self._in_closing_order(())
        ]

    def dump(self) -> LotBookState:
        """The whole state as a value."""
        lots = tuple(msgspec.structs.replace(lot) for lot in self._lots.values())
        return LotBookState(self.quantity, self.cost, self.realized, self.opened_at, lots)

    @classmethod
    def load(cls, state: LotBookState, method: LotMethod = LotMethod.FIFO) -> LotBook:
        """The inverse of `dump`."""
        book = cls(method)
        book._lots = OrderedDict((lot.lot_id, msgspec.structs.replace(lot)) for lot in state.lots)
        book.quantity, book.cost = state.quantity, state.cost
        book.realized, book.opened_at = state.realized, state.opened_at
        book._rank_all()
        return book

    def _open(self, lot: OpenLot) -> None:
        if not self.quantity:
            self.opened_at = lot.opened_at
        self._lots[lot.lot_id] = lot
        self._rank(lot)
        self.quantity += lot.quantity
        self.cost += lot.cost

    def _close(self, left: Decimal, price: Decimal, named: Sequence[str]) -> Decimal:
        """Close up to `left` (signed like the fill); returns what remains after the position is flat."""
        for lot_id in named:
            lot = self._lots.get(lot_id)
            if lot is not None and left:
                left = self._reduce(lot, left, price)
        while left and self._lots:
            left = self._reduce(self._next(), left, price)
        return left

    def _next(self) -> OpenLot:
        """The lot that the method closes first."""
        if self.method is LotMethod.LIFO:
            return self._lots[next(reversed(self._lots))]
        if self.method is LotMethod.FIFO:
            return next(iter(self._lots.values()))
        while self._heap[0][2] not in self._lots:
            heappop(self._heap)
        return self._lots[self._heap[0][2]]

    def _rank(self, lot: OpenLot) -> None:
        if self.method is LotMethod.HIFO:
            self._made += 1
            heappush(self._heap, (_gain_rank(lot), self._made, lot.lot_id))

    def _rank_all(self) -> None:
        """Prices were restated: rounded to their new shares, two may have changed places."""
        self._heap.clear()
        for lot in self._lots.values():
            self._rank(lot)

    def _reduce(self, lot: OpenLot, left: Decimal, price: Decimal) -> Decimal:
        """Take `left` (signed opposite to the lot) out of one lot; returns what is still to close."""
        part = -left if abs(left) < abs(lot.quantity) else lot.quantity
        cost = lot.cost - lot.cost_of(lot.quantity - part)
        self.quantity -= part
        self.cost -= cost
        self.realized += part * price - cost
        if part == lot.quantity:
            del self._lots[lot.lot_id]
        else:
            lot.quantity -= part
        if not self.quantity:
            self.opened_at = 0
        return left + part

    def _in_closing_order(self, named: Sequence[str]) -> Iterable[OpenLot]:
        chosen = [self._lots[lot_id] for lot_id in dict.fromkeys(named) if lot_id in self._lots]
        yield from chosen
        taken = {lot.lot_id for lot in chosen}
        others = [lot for lot in self._lots.values() if lot.lot_id not in taken]
        if self.method is LotMethod.LIFO:
            others.reverse()
        elif self.method is LotMethod.HIFO:
            others.sort(key=_gain_rank)
        yield from others


class LotBookState(msgspec.Struct, frozen=True, array_like=True):
    """A LotBook as a value, for snapshots."""

    quantity: Decimal
    cost: Decimal
    realized: Decimal
    opened_at: int
    lots: tuple[OpenLot, ...]


def _gain_rank(lot: OpenLot) -> Decimal:
    """The less a lot gains when it closes, the smaller: a dear one that is held, a cheap one that was sold short."""
    return -lot.price if lot.quantity > 0 else lot.price


def _closed(lot: OpenLot, part: Decimal, price: Decimal) -> ClosedPart:
    return ClosedPart(
        lot_id=lot.lot_id,
        quantity=part,
        lot_price=lot.price,
        close_price=price,
        opened_at=lot.opened_at,
        realized=part * price - (lot.cost - lot.cost_of(lot.quantity - part)),
    )
