"""The ledger a second time, in fractions and in another way: for S13. First in, first out; no rounding anywhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class Book:
    """One account in one currency. Lots are (quantity, price paid a share), signed, oldest first."""

    cash: Fraction
    realized: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    lots: dict[str, deque[tuple[Fraction, Fraction]]] = field(default_factory=dict)

    def fill(self, instrument_id: str, signed: Fraction, price: Fraction, fee: Fraction) -> None:
        """One execution."""
        self.cash -= signed * price + fee
        self.fees += fee
        lots = self.lots.setdefault(instrument_id, deque())
        while signed and lots and (lots[0][0] > 0) != (signed > 0):
            held, paid = lots[0]
            closed = min(abs(held), abs(signed)) * (1 if held > 0 else -1)
            self.realized += closed * (price - paid)
            signed += closed
            if held == closed:
                lots.popleft()
            else:
                lots[0] = held - closed, paid
        if signed:
            lots.append((signed, price))

    def quantity(self, instrument_id: str) -> Fraction:
        """Signed holding."""
        return sum((quantity for quantity, _ in self.lots.get(instrument_id, ())), Fraction(0))

    def cost(self, instrument_id: str) -> Fraction:
        """What the holding cost."""
        return sum((quantity * paid for quantity, paid in self.lots.get(instrument_id, ())), Fraction(0))
